from __future__ import annotations

import ast
import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ecgbench.base.errors import MetricError
from ecgbench.metrics.clinical import counts, f1, lexicon, statements


def said(text: str) -> set[str]:
    return {lexicon().codes[k] for k in np.flatnonzero(statements([text])[0])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sinus rhythm. Normal ECG.", "SR NORM"),
        ("sinusrhythmus normales ekg", "SR NORM"),
        ("Abnormal ECG", ""),
        ("Atrial fibrillation with rapid ventricular response", "AFIB"),
        ("Vorhofflimmern/-flattern, Linksschenkelblock", "AFIB CLBBB"),
        ("Atrial flutter", "AFLT"),
        ("Incomplete right bundle branch block", "IRBBB"),
        ("unvollständiger Rechtsschenkelblock", "IRBBB"),
        ("RBBB and left anterior fascicular block", "CRBBB LAFB"),
        ("first degree AV block", "1AVB"),
        ("a-v block i", "1AVB"),
        ("AV-Block II, Wenckebach", "2AVB"),
        ("sinus bradycardia", "SBRAD"),
        ("Sinustachykardie", "STACH"),
        ("premature ventricular contraction(s)", "PVC"),
        ("supraventrikuläre Extrasystole(n)", "PAC"),
        ("ventrikulaere Extrasystolen", "PVC"),
        ("QRS(T) abnorm    inferiorer Infarkt     alter unbest.", "IMI"),
        ("anteroseptaler Myokardschaden nicht auszuschliessen", "ASMI"),
        ("inferolateral myocardial infarction", "ILMI"),
        ("old anterior infarct", "AMI"),
        ("Linkshypertrophie möglich", "LVH"),
        ("voltages are high in chest leads suggesting lvh", "LVH"),
        ("inferior myocardial ischaemia", "ISC"),
        ("st segments are depressed in v4", "STD_"),
        ("left axis deviation, pacemaker rhythm", "LAD PACE"),
        ("", ""),
    ],
)
def test_statements_are_found(text: str, expected: str) -> None:
    assert said(text) == set(expected.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No atrial fibrillation", ""),
        ("no evidence of ischemia or infarction. Left bundle branch block", "CLBBB"),
        ("without ST depression, but LVH", "LVH"),
        ("kein Hinweis auf Ischämie", ""),
        ("kein Linksschenkelblock; Vorhofflimmern", "AFIB"),
        ("inferior infarction ruled out", ""),
        ("Infarkt ausgeschlossen. Sinusrhythmus", "SR"),
        ("inferior infarction cannot be ruled out", "IMI"),
        ("ischemia can not be excluded", "ISC"),
        ("incomplete right bundle branch block, no left bundle branch block", "IRBBB"),
        ("at increased risk of developing complete heart block", ""),
        ("possible inferior infarct", "IMI"),
        ("not sinus rhythm. Sinus rhythm later", "SR"),
    ],
)
def test_what_is_denied_is_not_found_and_what_is_suspected_is(text: str, expected: str) -> None:
    assert said(text) == set(expected.split())


def test_f1_against_scikit_learn() -> None:
    references = ["sinus rhythm, LVH", "atrial fibrillation", "sinus rhythm", "AF? no. LBBB"]
    hypotheses = ["sinus rhythm", "atrial fibrillation, LVH", "", "LBBB"]
    wanted, found = statements(references), statements(hypotheses)
    micro = f1(counts(references, hypotheses).sum(axis=0)[:, None])
    assert micro[0, 0] == pytest.approx(f1_score(wanted, found, average="micro"))


def test_empty_reports_score_zero_and_no_statement_at_all_is_undefined() -> None:
    there = counts(["atrial fibrillation", "sinus rhythm"], ["", ""]).sum(axis=0)[:, None]
    assert f1(there).tolist() == [[0.0]]
    assert np.isnan(f1(counts(["nothing"], ["at all"]).sum(axis=0)[:, None])).all()


def test_no_text_is_refused() -> None:
    with pytest.raises(MetricError, match="no text"):
        counts([], [])


def test_codes_are_unique_and_the_file_has_a_version() -> None:
    assert len(set(lexicon().codes)) == len(lexicon().codes)
    assert lexicon().version >= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a comma ends a denial
        ("kein Anhalt für Ischämie, Linksschenkelblock", "CLBBB"),
        ("no ischaemia, left bundle branch block", "CLBBB"),
        ("Linksschenkelblock, Ischämie nicht nachweisbar", "CLBBB"),
        ("no P-waves, left ventricular hypertrophy", "LVH"),
        ("regular rhythm without infarction,LVH", "LVH"),
        # a list that "or" joins is denied as a whole, from either side
        ("no ST depression, LVH or ischaemia", ""),
        ("kein Infarkt, Linksschenkelblock oder Vorhofflimmern", ""),
        ("infarction, ischaemia or LVH ruled out", ""),
        ("no LVH (ST depression, T inversion)", ""),  # brackets spell out what is denied
        ("keine Hypertrophiezeichen bei 0,5 mV LVH", ""),  # a decimal comma ends nothing
        # neither ... nor
        ("neither ischaemia nor left ventricular hypertrophy", ""),
        ("neither ischaemia nor LVH, sinus rhythm", "SR"),
        ("there is no infarction, nor is there LVH", ""),
        ("weder Ischämie noch Linkshypertrophie, Sinusrhythmus", "SR"),
        ("noch normales EKG", "NORM"),  # noch: still
        # what is missing, and what is gone
        ("fehlender Nachweis einer Ischämie", ""),
        ("fehlende Infarktzeichen, Vorhofflimmern", "AFIB"),
        ("fehlende R-Progression bei anteroseptalem Infarkt", "ASMI"),
        ("lack of ischaemia", ""),
        ("Vorhofflimmern nicht mehr nachweisbar, Sinusrhythmus", "SR"),
        ("atrial fibrillation no longer present. Sinus rhythm", "SR"),
        ("no longer paced; left bundle branch block no longer seen", "PACE"),
        # parts of other words are no ischaemia
        ("pathologisches EKG", ""),
        ("unspezifisches abnormales T", "STT"),
        ("unspezifisches abnormales T QT-Verlängerung", "STT LNGQT"),
        ("ischemic heart disease", ""),
    ],
)
def test_denials_end_where_a_reader_ends_them(text: str, expected: str) -> None:
    assert said(text) == set(expected.split())


# Precision and recall by statement, as measured on 10,993 rows of PTB-XL's table; ISC: any ISC code.
AGREEMENT = {
    "PACE": (0.945, 0.945),
    "SVTAC": (0.500, 1.000),
    "BIGU": (0.631, 0.915),
    "AFIB": (0.990, 0.992),
    "AFLT": (0.612, 0.463),
    "STACH": (0.971, 0.997),
    "SBRAD": (0.938, 0.991),
    "SARRH": (0.850, 1.000),
    "SR": (0.990, 0.996),
    "PAC": (0.588, 0.989),
    "PVC": (0.873, 0.832),
    "IRBBB": (0.861, 0.632),
    "ILBBB": (0.258, 0.319),
    "CRBBB": (0.625, 0.837),
    "CLBBB": (0.747, 0.809),
    "LAFB": (0.861, 0.471),
    "LPFB": (0.818, 0.330),
    "IVCD": (0.352, 0.425),
    "1AVB": (0.507, 0.779),
    "LVH": (0.747, 0.632),
    "RVH": (0.392, 0.244),
    "LAO/LAE": (0.170, 0.583),
    "RAO/RAE": (0.863, 0.351),
    "LVOLT": (0.239, 0.967),
    "ASMI": (0.774, 0.496),
    "ALMI": (0.118, 0.139),
    "ILMI": (0.714, 0.075),
    "IMI": (0.729, 0.769),
    "AMI": (0.008, 0.011),
    "LMI": (0.261, 0.622),
    "ISC": (0.443, 0.494),
    "STE_": (0.103, 0.750),
    "STD_": (0.782, 0.983),
    "INVT": (0.540, 0.962),
    "LOWT": (0.399, 0.931),
    "LNGQT": (0.190, 0.559),
    "DIG": (0.844, 0.872),
    "QWAVE": (0.993, 0.830),
    "NORM": (0.804, 0.598),
}


@pytest.mark.slow
def test_real_reports_agree_with_their_scp_codes(shared_data: Path) -> None:
    """No statement of English and German reports may come to agree less with the codes of the readers.

    Readers recoded some statements of the machine, so that precision is low for PAC, for example.
    """
    with (shared_data / "labels" / "ptbxl_database_rows_10993.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["report"].strip()]
    found = statements([row["report"] for row in rows])
    coded = [set(ast.literal_eval(row["scp_codes"])) for row in rows]
    ischaemic = [any(code.startswith("ISC") for code in codes) for codes in coded]
    for code, (precision, recall) in AGREEMENT.items():
        y = np.array(ischaemic if code == "ISC" else [code in codes for codes in coded])
        f = found[:, lexicon().codes.index(code)]
        assert (y & f).sum() / f.sum() >= precision, code
        assert (y & f).sum() / y.sum() >= recall, code
