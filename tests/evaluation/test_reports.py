from __future__ import annotations

import numpy as np
import pytest
from lacking import lacking
from leaderboard.made_up import RESAMPLES, predictions, split
from sklearn.metrics import f1_score

from ecgbench.base.errors import MetricError, ResultError
from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.metric_table import METRICS, in_order, leading
from ecgbench.evaluation.scoring import score
from ecgbench.metrics import clinical, text
from ecgbench.metrics.wordnet import reader
from ecgbench.results.predictions import RankPredictions, TextPredictions

IDS = np.array([f"r{i}" for i in range(40)])
PATIENTS = [f"p{i // 2}" for i in range(40)]
WRITTEN = tuple(
    "sinus rhythm normal ecg" if i % 2 else "atrial fibrillation left bundle branch block"
    for i in range(40)
)
TRUTH = Truth((), IDS, np.zeros((40, 0), np.uint8), np.array(PATIENTS), WRITTEN)


@pytest.fixture(scope="module")
def _wordnet() -> None:
    try:
        reader()
    except Exception as error:
        lacking(f"no WordNet on this machine: {error}")


@pytest.mark.usefixtures("_wordnet")
def test_texts_equal_to_the_reports_are_perfect_and_empty_ones_score_nothing() -> None:
    same = score(TextPredictions(IDS, WRITTEN), TRUTH, resamples=RESAMPLES)
    for name in ("rouge_1", "rouge_l", "bleu_4", "clinical_f1"):
        assert same.figures[name].value == pytest.approx(1.0), name
    nothing = score(TextPredictions(IDS, ("",) * 40), TRUTH, resamples=RESAMPLES)
    assert nothing.figures["rouge_l"].value == 0.0
    assert nothing.figures["meteor"].value == 0.0
    assert nothing.figures["clinical_f1"].value == 0.0
    assert nothing.figures["empty"].value == 1.0


@pytest.mark.usefixtures("_wordnet")
def test_the_version_of_the_metrics_is_one_for_each_kind_of_predictions() -> None:
    """The denials of clinical F1 changed with version 2 of the metrics of texts."""
    texts = score(TextPredictions(IDS, WRITTEN), TRUTH, resamples=RESAMPLES)
    ranks = score(RankPredictions(IDS, np.ones(40), np.ones(40)), TRUTH, resamples=RESAMPLES)
    of = split()
    scores = score(predictions(of, 1.0, 3), of, resamples=RESAMPLES)
    assert [part.metric_version for part in (texts, ranks, scores)] == [2, 1, 1]


@pytest.mark.usefixtures("_wordnet")
def test_half_of_the_texts_give_half_of_the_figure_with_an_interval_around_it() -> None:
    said = tuple(text if i % 4 < 2 else "" for i, text in enumerate(WRITTEN))
    scores = score(TextPredictions(IDS, said), TRUTH, resamples=RESAMPLES)
    figure = scores.figures["rouge_l"]
    assert figure.value == pytest.approx(0.5)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 0.5 < figure.high
    assert scores.patients == pytest.approx(20)
    order = np.arange(40)[::-1]
    turned = TextPredictions(IDS[order], tuple(said[i] for i in order))
    assert score(turned, TRUTH, resamples=RESAMPLES) == scores


@pytest.mark.usefixtures("_wordnet")
def test_the_figures_are_those_of_the_metrics() -> None:
    """Scoring works on sums, for its resamples; the values are what the plain functions say."""
    said = tuple("" if i % 7 == 0 else WRITTEN[(i // 3) % 40] for i in range(40))
    texts = score(TextPredictions(IDS, said), TRUTH, resamples=RESAMPLES).figures
    wanted = {
        "rouge_l": text.rouge(WRITTEN, said)["rougeL"].mean(),
        "meteor": text.meteor(WRITTEN, said).mean(),
        "bleu_2": text.bleu(text.bleu_counts(WRITTEN, said).sum(axis=0))[1],
        "clinical_f1": f1_score(
            clinical.statements(WRITTEN), clinical.statements(said), average="micro"
        ),
    }
    found = {name: texts[name].value for name in wanted}
    assert found == pytest.approx(wanted)
    assert all(0 < value < 1 for value in wanted.values())
    forwards = np.random.default_rng(0).integers(1, 20, 40).astype(float)
    ranked = RankPredictions(IDS, forwards, np.ones(40))
    figures = score(ranked, TRUTH, resamples=RESAMPLES).figures
    plain = {f"recall_at_{k}": (forwards <= k).mean() for k in (1, 5, 10)}
    plain["median_rank"] = np.median(forwards)
    assert {name: figures[name].value for name in plain} == pytest.approx(plain)


def test_ranks_become_recalls_and_medians_in_both_directions() -> None:
    ranks = RankPredictions(IDS, np.arange(1.0, 41.0), np.ones(40))
    scores = score(ranks, TRUTH, resamples=RESAMPLES)
    assert scores.figures["recall_at_1"].value == pytest.approx(1 / 40)
    assert scores.figures["recall_at_10"].value == pytest.approx(10 / 40)
    assert scores.figures["median_rank"].value == pytest.approx(20.5)
    assert scores.figures["report_to_ecg_recall_at_1"].value == 1.0
    assert scores.figures["report_to_ecg_median_rank"].value == 1.0


def test_predictions_of_other_records_or_without_reports_are_refused() -> None:
    of = split()
    with pytest.raises(ResultError, match="120 that do not belong"):
        score(predictions(of, 1.0, 0), TRUTH, resamples=RESAMPLES)
    with pytest.raises(MetricError, match="no written reports"):
        score(TextPredictions(of.record_ids, ("",) * 120), of, resamples=RESAMPLES)
    texts = TextPredictions(IDS[1:], WRITTEN[1:])
    with pytest.raises(ResultError, match="1 missing"):
        score(texts, TRUTH, resamples=RESAMPLES)
    for bad in (np.nan, np.inf):
        ranks = RankPredictions(IDS, np.full(40, bad), np.ones(40))
        with pytest.raises(ResultError, match="NaN or infinite"):
            score(ranks, TRUTH, resamples=RESAMPLES)


def test_the_table_of_metrics_is_what_scores_hold() -> None:
    ranks = RankPredictions(IDS, np.arange(1.0, 41.0), np.ones(40))
    named = {metric.name for metric in METRICS["ranks"]}
    assert set(score(ranks, TRUTH, resamples=RESAMPLES).figures) == named
    assert leading(METRICS["ranks"]).name == "recall_at_1"  # type: ignore[union-attr]
    assert [metric.name for metric in in_order(["unknown", "meteor", "auroc"])] == [
        "auroc",
        "meteor",
    ]
