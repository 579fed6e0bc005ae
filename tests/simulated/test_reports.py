"""The text is informative, but no list of labels."""

import ast
from collections import Counter

import numpy as np
import pytest

from ecgbench.simulated import phrases
from ecgbench.simulated.cohort import draw_visits, stream
from ecgbench.simulated.metadata import scp_codes
from ecgbench.simulated.reports import write_report
from ecgbench.simulated.statements import STATEMENTS
from ecgbench.simulated.synthesis import Measures

PLAIN = Measures(rate=70.0, pr=0.16, qrs=0.09, qtc=0.41, axis=40.0)


def reports_of(codes, count=300):
    return [write_report(codes, PLAIN, False, stream(5, i)) for i in range(count)]


def test_every_statement_can_be_put_into_words():
    silent = {"NORM", "ABQRS"}
    assert set(phrases.NAMES) == set(STATEMENTS) - silent
    assert all(len(set(words)) >= 3 for words in phrases.NAMES.values())


def test_one_set_of_labels_has_many_reports():
    counts = Counter(reports_of({"NORM": 100.0, "SR": 0.0}))
    assert len(counts) > 100
    assert max(counts.values()) < 0.1 * 300


def test_findings_are_mostly_told_but_not_always():
    words = [w.lower() for w in phrases.NAMES["CLBBB"]]
    texts = [t.lower() for t in reports_of({"CLBBB": 100.0, "SR": 0.0})]
    share = np.mean([any(w in t for w in words) for t in texts])
    assert 0.75 < share < 0.97


def test_doubtful_findings_are_hedged():
    def hedged(likelihood):
        marks = [h.replace("{}", "").strip(" ,") for h in phrases.HEDGES]
        texts = [t.lower() for t in reports_of({"IMI": likelihood, "SR": 0.0})]
        return np.mean([any(mark in t for mark in marks) for t in texts])

    assert hedged(35.0) > hedged(100.0) + 0.4


def test_what_is_negated_is_absent():
    for codes in ({"IMI": 100.0, "SR": 0.0}, {"LVH": 100.0, "CLBBB": 100.0}):
        present = {STATEMENTS[c].superclass for c in codes} - {""}
        for text in reports_of(codes):
            for superclass in present:
                assert not any(n.lower() in text.lower() for n in phrases.NEGATIONS[superclass])
    texts = " ".join(reports_of({"NORM": 100.0, "SR": 0.0})).lower()
    assert any(n.lower() in texts for n in phrases.NEGATIONS["STTC"])


def test_abnormal_records_are_never_called_normal():
    for text in reports_of({"ASMI": 100.0, "AFIB": 0.0}):
        said = text.lower().replace("abnormal", "")
        assert not any(n.lower() in said for n in phrases.NORMAL)


def test_numbers_in_the_text_are_those_of_the_record():
    texts = [t for t in reports_of({"SR": 0.0, "LVH": 100.0}) if "/min" in t or "bpm" in t]
    assert texts
    for text in texts:
        numbers = [int(w) for w in text.replace("/", " ").replace(".", " ").split() if w.isdigit()]
        assert any(64 <= n <= 76 for n in numbers), text


def test_equal_text_does_not_mean_equal_labels_nor_the_reverse():
    visits = draw_visits(seed=0, n_records=600)
    rows = []
    for visit in visits:
        codes = scp_codes(visit, stream(0, 4, visit.id))
        rows.append((write_report(codes, PLAIN, False, stream(1, visit.id)), frozenset(codes)))
    by_text: dict[str, set[frozenset[str]]] = {}
    for text, codes in rows:
        by_text.setdefault(text, set()).add(codes)
    assert len(by_text) > 0.7 * len(rows)
    assert any(len(labels) > 1 for labels in by_text.values())


@pytest.mark.parametrize("clean", [True, False])
def test_likelihoods_and_missed_findings(clean):
    visits = [v for v in draw_visits(seed=0, n_records=1500) if v.clean is clean]
    missed = 0
    for visit in visits:
        codes = scp_codes(visit, stream(0, 4, visit.id))
        missed += len(visit.findings) - len(codes)
        for code, value in codes.items():
            assert value in (0.0, 15.0, 35.0, 50.0, 80.0, 100.0)
            assert (value > 0) == STATEMENTS[code].diagnostic
        assert ast.literal_eval(str(codes)) == codes
    assert (missed == 0) is clean
