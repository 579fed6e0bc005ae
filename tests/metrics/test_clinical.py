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


@pytest.mark.slow
def test_real_reports_agree_with_their_scp_codes(shared_data: Path) -> None:
    """English and German reports of PTB-XL, for statements that readers seldom revised."""
    with (shared_data / "labels" / "ptbxl_database_rows_10993.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["report"].strip()]
    found = statements([row["report"] for row in rows])
    coded = [ast.literal_eval(row["scp_codes"]) for row in rows]
    for code, precision, recall in (
        ("AFIB", 0.97, 0.97),
        ("SR", 0.97, 0.97),
        ("STACH", 0.95, 0.97),
        ("SBRAD", 0.92, 0.97),
        ("PAC", 0.55, 0.95),  # readers often recoded the machine's supraventricular beats
        ("PVC", 0.75, 0.80),
        ("PACE", 0.90, 0.90),
        ("IMI", 0.70, 0.75),
        ("CRBBB", 0.60, 0.80),
        ("STD_", 0.75, 0.95),
    ):
        y = np.array([code in codes for codes in coded])
        f = found[:, lexicon().codes.index(code)]
        assert (y & f).sum() / f.sum() >= precision, code
        assert (y & f).sum() / y.sum() >= recall, code
