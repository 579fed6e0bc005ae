"""The statements that the simulator makes, named and grouped as in PTB-XL's scp_statements.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """One SCP-ECG statement.

    Attributes:
        code: PTB-XL's name of it.
        description: What it means.
        superclass: NORM, MI, STTC, CD or HYP for a diagnostic statement, else empty.
        subclass: PTB-XL's diagnostic subclass, else empty.
        form: Whether it is a statement of form.
        rhythm: Whether it is a statement of rhythm.
        category: The group of the SCP-ECG standard that it stands in.
    """

    code: str
    description: str
    superclass: str = ""
    subclass: str = ""
    form: bool = False
    rhythm: bool = False
    category: str = ""

    @property
    def diagnostic(self) -> bool:
        """Whether it is a diagnostic statement."""
        return bool(self.superclass)


_ST = "other ST-T descriptive statements"
_ROOT = "Basic roots for coding ST-T changes and abnormalities"
_ISC = "ischemic ST-T changes"
_INJ = "ischemic ST-T changes compatible with subendocardial injury"
_MI = "Myocardial Infarction"
_CD = "Intraventricular and intra-atrial Conduction disturbances"
_AV = "Sinus node dysfunction, atrial and AV-conduction defects"
_VH = "Ventricular Hypertrophy"
_QRS = "Other QRS morphology descriptive statements"
_IMP = "Statements related to impulse formation (abnormalities)"
_ECT = "Statements related to ectopic rhythm abnormalities"


def _both(code: str, text: str, subclass: str, category: str) -> Statement:
    return Statement(code, text, "STTC", subclass, form=True, category=category)


_ALL = (
    _both("NDT", "non-diagnostic T abnormalities", "STTC", _ST),
    _both("NST_", "non-specific ST changes", "NST_", _ROOT),
    _both("DIG", "digitalis-effect", "STTC", _ST),
    _both("LNGQT", "long QT-interval", "STTC", _ST),
    Statement("NORM", "normal ECG", "NORM", "NORM", category="Normal/abnormal"),
    Statement("IMI", "inferior myocardial infarction", "MI", "IMI", category=_MI),
    Statement("ASMI", "anteroseptal myocardial infarction", "MI", "AMI", category=_MI),
    Statement("AMI", "anterior myocardial infarction", "MI", "AMI", category=_MI),
    Statement("ALMI", "anterolateral myocardial infarction", "MI", "AMI", category=_MI),
    Statement("ILMI", "inferolateral myocardial infarction", "MI", "IMI", category=_MI),
    Statement("LMI", "lateral myocardial infarction", "MI", "LMI", category=_MI),
    Statement("INJAS", "subendocardial injury in anteroseptal leads", "MI", "AMI", category=_INJ),
    Statement("INJAL", "subendocardial injury in anterolateral leads", "MI", "AMI", category=_INJ),
    Statement("ISC_", "non-specific ischemic", "STTC", "ISC_", category=_ROOT),
    Statement("ISCAL", "ischemic in anterolateral leads", "STTC", "ISCA", category=_ISC),
    Statement("ISCAS", "ischemic in anteroseptal leads", "STTC", "ISCA", category=_ISC),
    Statement("ISCLA", "ischemic in lateral leads", "STTC", "ISCA", category=_ISC),
    Statement("ISCIN", "ischemic in inferior leads", "STTC", "ISCI", category=_ISC),
    Statement("ISCIL", "ischemic in inferolateral leads", "STTC", "ISCI", category=_ISC),
    Statement("LAFB", "left anterior fascicular block", "CD", "LAFB/LPFB", category=_CD),
    Statement("LPFB", "left posterior fascicular block", "CD", "LAFB/LPFB", category=_CD),
    Statement("IRBBB", "incomplete right bundle branch block", "CD", "IRBBB", category=_CD),
    Statement("CRBBB", "complete right bundle branch block", "CD", "CRBBB", category=_CD),
    Statement("ILBBB", "incomplete left bundle branch block", "CD", "ILBBB", category=_CD),
    Statement("CLBBB", "complete left bundle branch block", "CD", "CLBBB", category=_CD),
    Statement(
        "IVCD",
        "non-specific intraventricular conduction disturbance (block)",
        "CD",
        "IVCD",
        category=_CD,
    ),
    Statement("WPW", "Wolf-Parkinson-White syndrome", "CD", "WPW", category=_CD),
    Statement("1AVB", "first degree AV block", "CD", "_AVB", category=_AV),
    Statement("LVH", "left ventricular hypertrophy", "HYP", "LVH", category=_VH),
    Statement("RVH", "right ventricular hypertrophy", "HYP", "RVH", category=_VH),
    Statement(
        "LAO/LAE",
        "left atrial overload/enlargement",
        "HYP",
        "LAO/LAE",
        category="Atrial statements",
    ),
    Statement(
        "RAO/RAE",
        "right atrial overload/enlargement",
        "HYP",
        "RAO/RAE",
        category="Atrial statements",
    ),
    Statement("ABQRS", "abnormal QRS", form=True, category="Normal/abnormal"),
    Statement("PVC", "ventricular premature complex", form=True, category=_ECT),
    Statement("PAC", "atrial premature complex", form=True, category=_ECT),
    Statement("STD_", "non-specific ST depression", form=True, category=_ROOT),
    Statement(
        "VCLVH",
        "voltage criteria (QRS) for left ventricular hypertrophy",
        form=True,
        category=_VH,
    ),
    Statement("QWAVE", "Q waves present", form=True, category=_QRS),
    Statement("LOWT", "low amplitude T-waves", form=True, category=_ST),
    Statement("NT_", "non-specific T-wave changes", form=True, category=_ROOT),
    Statement("INVT", "inverted T-waves", form=True, category=_ST),
    Statement("LPR", "prolonged PR interval", form=True, category=_IMP),
    Statement(
        "LVOLT",
        "low QRS voltages in the frontal and horizontal leads",
        form=True,
        category=_QRS,
    ),
    Statement("HVOLT", "high QRS voltage", form=True, category=_QRS),
    Statement("SR", "sinus rhythm", rhythm=True, category=_IMP),
    Statement("AFIB", "atrial fibrillation", rhythm=True, category=_IMP),
    Statement("AFLT", "atrial flutter", rhythm=True, category=_IMP),
    Statement("STACH", "sinus tachycardia", rhythm=True, category=_IMP),
    Statement("SBRAD", "sinus bradycardia", rhythm=True, category=_IMP),
    Statement("SARRH", "sinus arrhythmia", rhythm=True, category=_IMP),
    Statement("SVARR", "supraventricular arrhythmia", rhythm=True, category=_IMP),
    Statement("SVTAC", "supraventricular tachycardia", rhythm=True, category=_IMP),
    Statement(
        "PACE",
        "normal functioning artificial pacemaker",
        rhythm=True,
        category="Pacemaker types and pacemaker function",
    ),
    Statement(
        "BIGU",
        "bigeminal pattern (unknown origin, SV or Ventricular)",
        rhythm=True,
        category=_ECT,
    ),
    Statement(
        "TRIGU",
        "trigeminal pattern (unknown origin, SV or Ventricular)",
        rhythm=True,
        category=_ECT,
    ),
)

#: Every statement by its code.
STATEMENTS: Mapping[str, Statement] = {statement.code: statement for statement in _ALL}

#: The columns of PTB-XL's scp_statements.csv; the first, of the codes, has no name.
COLUMNS = (
    "",
    "description",
    "diagnostic",
    "form",
    "rhythm",
    "diagnostic_class",
    "diagnostic_subclass",
    "Statement Category",
    "SCP-ECG Statement Description",
    "AHA code",
    "aECG REFID",
    "CDISC Code",
    "DICOM Code",
)


def rows() -> list[list[str]]:
    """The rows of scp_statements.csv, under `COLUMNS`; codes of other standards stay empty."""
    return [
        [
            s.code,
            s.description,
            "1.0" if s.diagnostic else "",
            "1.0" if s.form else "",
            "1.0" if s.rhythm else "",
            s.superclass,
            s.subclass,
            s.category,
            s.description,
            *[""] * 4,
        ]
        for s in STATEMENTS.values()
    ]
