from __future__ import annotations

import numpy as np
import pytest
from lacking import lacking
from leaderboard.made_up import RESAMPLES, predictions, split

from ecgbench.base.errors import ResultError
from ecgbench.evaluation.reports import Reports
from ecgbench.evaluation.scoring import score
from ecgbench.metrics import text
from ecgbench.metrics.clinical import clinical_f1
from ecgbench.metrics.retrieval import summary
from ecgbench.metrics.wordnet import reader
from ecgbench.results.predictions import RankPredictions, TextPredictions

IDS = np.array([f"r{i}" for i in range(40)])
PATIENTS = [f"p{i // 2}" for i in range(40)]
WRITTEN = tuple(
    "sinus rhythm normal ecg" if i % 2 else "atrial fibrillation left bundle branch block"
    for i in range(40)
)


@pytest.fixture(scope="module")
def _wordnet() -> None:
    try:
        reader()
    except Exception as error:
        lacking(f"no WordNet on this machine: {error}")


@pytest.mark.usefixtures("_wordnet")
def test_texts_equal_to_the_reports_are_perfect_and_empty_ones_score_nothing() -> None:
    reports = Reports(IDS, WRITTEN)
    same = score(TextPredictions(IDS, WRITTEN), reports, PATIENTS, resamples=RESAMPLES)
    for name in ("rouge_1", "rouge_l", "bleu_4", "clinical_f1"):
        assert same.figures[name].value == pytest.approx(1.0), name
    nothing = score(TextPredictions(IDS, ("",) * 40), reports, PATIENTS, resamples=RESAMPLES)
    assert nothing.figures["rouge_l"].value == 0.0
    assert nothing.figures["meteor"].value == 0.0
    assert nothing.figures["clinical_f1"].value == 0.0
    assert nothing.figures["empty"].value == 1.0


@pytest.mark.usefixtures("_wordnet")
def test_half_of_the_texts_give_half_of_the_figure_with_an_interval_around_it() -> None:
    said = tuple(text if i % 4 < 2 else "" for i, text in enumerate(WRITTEN))
    scores = score(TextPredictions(IDS, said), Reports(IDS, WRITTEN), PATIENTS, resamples=RESAMPLES)
    figure = scores.figures["rouge_l"]
    assert figure.value == pytest.approx(0.5)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 0.5 < figure.high
    assert scores.patients == pytest.approx(20)
    order = np.arange(40)[::-1]
    turned = TextPredictions(IDS[order], tuple(said[i] for i in order))
    assert score(turned, Reports(IDS, WRITTEN), PATIENTS, resamples=RESAMPLES) == scores


@pytest.mark.usefixtures("_wordnet")
def test_the_figures_are_those_of_the_metrics() -> None:
    """Scoring works on sums, for its resamples; the values are what the plain functions say."""
    said = tuple("" if i % 7 == 0 else WRITTEN[(i // 3) % 40] for i in range(40))
    reports = Reports(IDS, WRITTEN)
    texts = score(TextPredictions(IDS, said), reports, PATIENTS, resamples=RESAMPLES).figures
    wanted = {
        "rouge_l": text.rouge(WRITTEN, said)["rougeL"].mean(),
        "meteor": text.meteor(WRITTEN, said).mean(),
        "bleu_2": text.bleu(text.bleu_counts(WRITTEN, said).sum(axis=0))[1],
        "clinical_f1": clinical_f1(WRITTEN, said).micro,
    }
    found = {name: texts[name].value for name in wanted}
    assert found == pytest.approx(wanted)
    assert all(0 < value < 1 for value in wanted.values())
    forwards = np.random.default_rng(0).integers(1, 20, 40).astype(float)
    ranked = RankPredictions(IDS, forwards, np.ones(40))
    figures = score(ranked, reports, PATIENTS, resamples=RESAMPLES).figures
    plain = {name.replace("r@", "recall_at_"): value for name, value in summary(forwards).items()}
    assert {name: figures[name].value for name in plain} == pytest.approx(plain)


def test_ranks_become_recalls_and_medians_in_both_directions() -> None:
    ranks = RankPredictions(IDS, np.arange(1.0, 41.0), np.ones(40))
    scores = score(ranks, Reports(IDS, WRITTEN), PATIENTS, resamples=RESAMPLES)
    assert scores.figures["recall_at_1"].value == pytest.approx(1 / 40)
    assert scores.figures["recall_at_10"].value == pytest.approx(10 / 40)
    assert scores.figures["median_rank"].value == pytest.approx(20.5)
    assert scores.figures["report_to_ecg_recall_at_1"].value == 1.0
    assert scores.figures["report_to_ecg_median_rank"].value == 1.0


def test_each_kind_is_held_against_what_belongs_to_it() -> None:
    of = split()
    with pytest.raises(ResultError, match="against labels"):
        score(predictions(of, 1.0, 0), Reports(IDS, WRITTEN), PATIENTS, resamples=RESAMPLES)
    with pytest.raises(ResultError, match="against reports"):
        score(TextPredictions(IDS, WRITTEN), of, of.patients, resamples=RESAMPLES)
    texts = TextPredictions(IDS[1:], WRITTEN[1:])
    with pytest.raises(ResultError, match="1 missing"):
        score(texts, Reports(IDS, WRITTEN), PATIENTS, resamples=RESAMPLES)
