"""The words of the simulated reports: what readers call each finding."""

from __future__ import annotations

from collections.abc import Mapping

#: Ways to name each statement. ABQRS and NORM are for the conclusion; see `reports`.
NAMES: Mapping[str, tuple[str, ...]] = {
    "NDT": (
        "non-diagnostic T wave changes",
        "minor T wave abnormalities",
        "T waves slightly abnormal, not diagnostic",
        "flattened T waves of uncertain meaning",
    ),
    "NST_": (
        "non-specific ST changes",
        "minor ST segment deviation, non-specific",
        "slight ST depression of doubtful significance",
        "unspecific ST abnormality",
    ),
    "DIG": (
        "digitalis effect",
        "scooped ST segments as under digoxin",
        "sagging ST depression, is the patient on digitalis",
        "ST-T changes in keeping with glycoside therapy",
    ),
    "LNGQT": (
        "prolonged QT interval",
        "long QT",
        "QTc lengthened",
        "delayed repolarisation with a long QT interval",
    ),
    "IMI": (
        "inferior myocardial infarction",
        "Q waves in II, III and aVF consistent with inferior infarction",
        "old inferior infarct",
        "inferior wall scar",
        "pathological Q in III and aVF, inferior infarction",
    ),
    "ASMI": (
        "anteroseptal myocardial infarction",
        "QS complexes in V1 to V3 consistent with anteroseptal infarction",
        "loss of R waves in the right precordial leads, anteroseptal infarct",
        "septal infarct",
        "anteroseptal scar",
    ),
    "AMI": (
        "anterior myocardial infarction",
        "Q waves in V2 to V4, anterior infarct",
        "anterior wall infarction",
        "poor R progression as after anterior infarction",
    ),
    "ALMI": (
        "anterolateral myocardial infarction",
        "Q waves in I, aVL and V4 to V6, anterolateral infarct",
        "infarction of the anterolateral wall",
        "anterolateral scar",
    ),
    "ILMI": (
        "inferolateral myocardial infarction",
        "Q waves in the inferior and left precordial leads, inferolateral infarct",
        "infarct of the inferior and lateral walls",
        "inferolateral scar",
    ),
    "LMI": (
        "lateral myocardial infarction",
        "Q waves in I and aVL, lateral infarct",
        "high lateral infarction",
        "lateral wall scar",
    ),
    "INJAS": (
        "subendocardial injury in the anteroseptal leads",
        "ST depression in V1 to V3, subendocardial injury",
        "anteroseptal injury pattern",
    ),
    "INJAL": (
        "subendocardial injury in the anterolateral leads",
        "marked ST depression in V3 to V6, subendocardial injury",
        "anterolateral injury pattern",
    ),
    "ISC_": (
        "ischaemic ST-T changes",
        "ST-T abnormality suggesting ischaemia",
        "myocardial ischaemia",
        "repolarisation changes of ischaemic type",
    ),
    "ISCAL": (
        "anterolateral ischaemia",
        "T inversion in I, aVL and V4 to V6 suggesting ischaemia",
        "ischaemic T waves in the anterolateral leads",
        "negative T waves V3 to V6, ischaemia",
    ),
    "ISCAS": (
        "anteroseptal ischaemia",
        "T inversion in V1 to V4 suggesting ischaemia",
        "ischaemic T waves in the anteroseptal leads",
    ),
    "ISCLA": (
        "lateral ischaemia",
        "T inversion in I and aVL suggesting ischaemia",
        "ischaemic T waves in the lateral leads",
    ),
    "ISCIN": (
        "inferior ischaemia",
        "T inversion in II, III and aVF suggesting ischaemia",
        "ischaemic T waves in the inferior leads",
    ),
    "ISCIL": (
        "inferolateral ischaemia",
        "T inversion in II, III, aVF, V5 and V6 suggesting ischaemia",
        "ischaemic T waves in the inferolateral leads",
    ),
    "LAFB": (
        "left anterior fascicular block",
        "left anterior hemiblock",
        "marked left axis deviation, left anterior fascicular block",
        "LAFB",
    ),
    "LPFB": (
        "left posterior fascicular block",
        "left posterior hemiblock",
        "right axis deviation in keeping with left posterior fascicular block",
    ),
    "IRBBB": (
        "incomplete right bundle branch block",
        "rSr' in V1, incomplete RBBB",
        "right ventricular conduction delay",
        "partial right bundle branch block",
    ),
    "CRBBB": (
        "right bundle branch block",
        "complete right bundle branch block",
        "RBBB",
        "wide QRS with rsR' in V1, right bundle branch block",
    ),
    "ILBBB": (
        "incomplete left bundle branch block",
        "incomplete LBBB",
        "left-sided conduction delay with loss of septal q waves",
    ),
    "CLBBB": (
        "left bundle branch block",
        "complete left bundle branch block",
        "LBBB",
        "wide notched QRS of left bundle branch block type",
    ),
    "IVCD": (
        "intraventricular conduction delay",
        "unspecific intraventricular block",
        "widened QRS, non-specific conduction disturbance",
    ),
    "WPW": (
        "pre-excitation with short PR and delta wave",
        "Wolff-Parkinson-White pattern",
        "WPW",
        "delta waves, ventricular pre-excitation",
    ),
    "1AVB": (
        "first degree AV block",
        "AV block I",
        "prolonged AV conduction (first degree block)",
        "PR prolonged, AV block of first degree",
    ),
    "LVH": (
        "left ventricular hypertrophy",
        "LVH",
        "voltages and repolarisation of left ventricular hypertrophy",
        "left ventricular enlargement",
        "tall R waves in the left leads, hypertrophy",
    ),
    "RVH": (
        "right ventricular hypertrophy",
        "RVH with right axis deviation",
        "tall R in V1, right ventricular hypertrophy",
        "right heart strain and hypertrophy",
    ),
    "LAO/LAE": (
        "left atrial enlargement",
        "broad notched P waves, left atrial overload",
        "P mitrale",
        "P-sinistrocardiale",
    ),
    "RAO/RAE": (
        "right atrial enlargement",
        "tall peaked P waves, right atrial overload",
        "P pulmonale",
    ),
    "PVC": (
        "ventricular premature beats",
        "ventricular extrasystoles",
        "PVCs",
        "isolated wide ectopic beats",
        "premature ventricular contraction(s)",
    ),
    "PAC": (
        "atrial premature beats",
        "supraventricular extrasystoles",
        "PACs",
        "premature atrial contraction(s)",
    ),
    "STD_": ("ST depression", "ST segments lowered", "depressed ST in the lateral leads"),
    "VCLVH": (
        "voltage criteria for LVH",
        "high voltages in the left precordial leads",
        "Sokolow index raised",
    ),
    "QWAVE": ("Q waves", "prominent Q waves", "significant Q waves present"),
    "LOWT": ("low T waves", "T waves of low amplitude", "flat T waves"),
    "NT_": ("unspecific T wave changes", "T wave changes", "altered T waves"),
    "INVT": ("inverted T waves", "negative T waves", "T wave inversion"),
    "LPR": ("prolonged PR interval", "PR at the upper limit or above", "long PQ"),
    "LVOLT": ("low voltage", "low QRS voltages", "peripheral low voltage"),
    "HVOLT": ("high QRS voltage", "tall QRS complexes", "large amplitudes"),
    "SR": ("sinus rhythm", "regular sinus rhythm", "normal sinus rhythm", "sinusrhythm"),
    "AFIB": (
        "atrial fibrillation",
        "AF with irregular ventricular response",
        "absolute arrhythmia in atrial fibrillation",
        "irregular rhythm without P waves, atrial fibrillation",
    ),
    "AFLT": (
        "atrial flutter",
        "flutter waves in the inferior leads",
        "atrial flutter with variable conduction",
        "sawtooth atrial activity, flutter",
    ),
    "STACH": ("sinus tachycardia", "fast sinus rhythm", "sinus rhythm, tachycardic"),
    "SBRAD": ("sinus bradycardia", "slow sinus rhythm", "sinus rhythm, bradycardic"),
    "SARRH": (
        "sinus arrhythmia",
        "respiratory variation of the sinus rate",
        "sinus rhythm with marked arrhythmia",
    ),
    "SVARR": (
        "supraventricular arrhythmia",
        "ectopic atrial rhythm",
        "irregular supraventricular rhythm with changing P waves",
    ),
    "SVTAC": (
        "supraventricular tachycardia",
        "regular narrow complex tachycardia",
        "SVT",
    ),
    "PACE": (
        "ventricular pacing",
        "pacemaker rhythm",
        "paced rhythm, normal capture",
        "artificial pacemaker, stimulated ventricular beats",
    ),
    "BIGU": ("bigeminy", "bigeminal pattern", "ventricular bigeminus"),
    "TRIGU": ("trigeminy", "trigeminal pattern", "every third beat ectopic"),
}

#: What a reader in a hurry writes instead of a finding, by superclass.
VAGUE: Mapping[str, tuple[str, ...]] = {
    "MI": ("abnormal Q waves", "myocardial damage", "scar cannot be excluded"),
    "STTC": ("repolarisation abnormality", "ST-T changes", "disturbed repolarisation"),
    "CD": ("conduction disturbance", "abnormal conduction", "block"),
    "HYP": ("signs of chamber strain", "chamber enlargement", "hypertrophy"),
}

#: Hedges around a finding of doubtful likelihood.
HEDGES = (
    "possible {}",
    "probable {}",
    "suspected {}",
    "{} cannot be ruled out",
    "{}, uncertain",
    "suggestive of {}",
    "? {}",
    "consider {}",
)

#: Said of what is not there, by the superclass that must be absent.
NEGATIONS: Mapping[str, tuple[str, ...]] = {
    "MI": (
        "no evidence of previous infarction",
        "no pathological Q waves",
        "no sign of infarction",
    ),
    "STTC": ("no acute ischaemia", "no ST-T changes", "repolarisation normal", "no ischemia"),
    "CD": ("no bundle branch block", "conduction normal", "no AV block, QRS narrow"),
    "HYP": ("no hypertrophy", "voltages normal", "no sign of ventricular hypertrophy"),
}

NORMAL = (
    "normal ECG",
    "ECG within normal limits",
    "no abnormality detected",
    "unremarkable tracing",
    "normal tracing",
    "no significant pathology",
    "physiological ECG",
)

ABNORMAL = (
    "abnormal ECG",
    "pathological ECG",
    "abnormal QRS",
    "QRS(T) abnormal",
    "borderline to abnormal tracing",
    "clinical correlation advised",
    "please compare with earlier tracings",
)

GENERIC = (
    "trace only requested",
    "no report available",
    "unconfirmed report, see tracing",
    "poor quality, assessment limited",
    "reported elsewhere",
    "routine tracing, see clinic letter",
)

AXES: Mapping[str, tuple[str, ...]] = {
    "left": ("left axis deviation", "axis to the left", "left type"),
    "right": ("right axis deviation", "axis to the right", "right type"),
    "normal": ("normal axis", "axis normal", "indifferent type", "position normal"),
}

QUALITY = ("some artefact", "wandering baseline", "noisy recording", "baseline unsteady")
