from __future__ import annotations

import numpy as np
import pytest
from leaderboard.made_up import RESAMPLES, predictions, split
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from ecgbench.base.errors import MetricError, ResultError
from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.scoring import score
from ecgbench.results.predictions import ScorePredictions, TextPredictions
from ecgbench.results.replicates import unpack


def test_figures_are_those_of_scikit_learn() -> None:
    of = split(200, 5)
    guessed = predictions(of, 1.0, 3)
    scores = score(guessed, of, resamples=RESAMPLES)
    reached = guessed.scores >= guessed.thresholds
    for name, reference in (
        ("auroc", roc_auc_score(of.values, guessed.scores, average="macro")),
        ("auprc", average_precision_score(of.values, guessed.scores, average="macro")),
        ("f1", f1_score(of.values, reached, average="macro")),
    ):
        assert scores.figures[name].value == pytest.approx(reference, abs=1e-9)
    for k, entry in enumerate(scores.classes):
        reference = roc_auc_score(of.values[:, k], guessed.scores[:, k])
        assert entry.auroc.value == pytest.approx(reference, abs=1e-9)
        assert entry.positives == of.values[:, k].sum()
        assert entry.positives + entry.negatives == 200
        low, high = entry.auroc.low, entry.auroc.high
        assert low is not None
        assert high is not None
        assert low < reference < high


def test_records_are_joined_by_id_not_by_place() -> None:
    of = split()
    guessed = predictions(of, 1.0, 0)
    order = np.random.default_rng(0).permutation(len(of.record_ids))
    shuffled = ScorePredictions(
        guessed.record_ids[order],
        guessed.classes,
        guessed.levels[order],
        guessed.offset,
        guessed.step,
        guessed.thresholds,
    )
    straight = score(guessed, of, resamples=RESAMPLES)
    assert score(shuffled, of, resamples=RESAMPLES) == straight


def test_the_fingerprint_changes_with_records_labels_and_classes() -> None:
    of = split()
    moved = Truth(of.classes, of.record_ids[::-1], of.values, of.patients)
    renamed = Truth(("X", *of.classes[1:]), of.record_ids, of.values, of.patients)
    flipped = Truth(of.classes, of.record_ids, 1 - of.values, of.patients)
    assert len({which.fingerprint for which in (of, moved, renamed, flipped)}) == 4


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (["r00000", "r00001"], "118 missing"),
        ([*(f"r{i:05d}" for i in range(119)), "x9"], "1 missing .'r00119'., 1 that do not"),
        ([*(f"r{i:05d}" for i in range(119)), "r00003"], "more than once: 'r00003'"),
    ],
)
def test_other_records_are_refused_by_name(records: list[str], message: str) -> None:
    of = split()
    rng = np.random.default_rng(0)
    guessed = ScorePredictions.of(np.array(records), of.classes, rng.normal(size=(len(records), 4)))
    with pytest.raises(ResultError, match=message):
        score(guessed, of, resamples=RESAMPLES)


def test_other_classes_are_refused() -> None:
    of = split()
    guessed = predictions(of, 1.0, 0)
    renamed = Truth(("C0", "C1", "C2", "X"), of.record_ids, of.values, of.patients)
    with pytest.raises(ResultError, match="'X'"):
        score(guessed, renamed, resamples=RESAMPLES)
    turned = Truth(of.classes[::-1], of.record_ids, of.values, of.patients)
    with pytest.raises(ResultError, match="another order"):
        score(guessed, turned, resamples=RESAMPLES)


def test_texts_need_reports() -> None:
    of = split()
    with pytest.raises(MetricError, match="no written reports"):
        score(TextPredictions(of.record_ids, ("",) * 120), of, resamples=RESAMPLES)


def test_an_absent_class_is_counted_and_in_no_mean() -> None:
    of = split()
    values = of.values.copy()
    values[:, 1] = 0
    absent = Truth(of.classes, of.record_ids, values, of.patients)
    scores = score(predictions(of, 1.0, 0), absent, resamples=RESAMPLES)
    assert scores.scored_classes == 3
    assert scores.classes[1].auroc.value is None
    kept = [entry.auroc.value for entry in scores.classes if entry.auroc.value is not None]
    assert scores.figures["auroc"].value == pytest.approx(np.mean(kept), abs=1e-9)


def test_a_class_without_a_threshold_has_no_f1_and_keeps_its_auroc() -> None:
    of = split()
    guessed = predictions(of, 1.0, 0)
    assert guessed.thresholds is not None
    guessed.thresholds[2] = np.nan
    entry = score(guessed, of, resamples=RESAMPLES).classes[2]
    assert entry.f1.value is None
    assert entry.threshold is None
    assert entry.auroc.value is not None


def test_without_thresholds_f1_says_that_it_is_the_test_maximum() -> None:
    of = split()
    guessed = predictions(of, 1.0, 0)
    bare = ScorePredictions(
        guessed.record_ids, guessed.classes, guessed.levels, guessed.offset, guessed.step
    )
    figures = score(bare, of, resamples=RESAMPLES).figures
    assert "f1" not in figures
    fitted = score(guessed, of, resamples=RESAMPLES).figures["f1"].value
    maximum = figures["f1_test_max"].value
    assert fitted is not None
    assert maximum is not None
    assert maximum >= fitted


def test_methods_are_scored_on_the_same_resamples() -> None:
    of = split()
    one = score(predictions(of, 1.0, 0), of, resamples=RESAMPLES)
    other = score(predictions(of, 1.0, 1), of, resamples=RESAMPLES)
    assert one.design == other.design
    draws = [unpack(scores.replicates["auroc"]) for scores in (one, other)]
    assert len(draws[0]) == RESAMPLES
    value = one.figures["auroc"].value
    assert value is not None
    assert abs(draws[0].mean() - value) < 0.02
    # the same predictions on the same resamples differ nowhere
    again = score(predictions(of, 1.0, 0), of, resamples=RESAMPLES)
    assert again == one
