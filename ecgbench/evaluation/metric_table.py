"""The one table of metrics: which figures exist for which kind of predictions, in the order of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ecgbench.metrics import clinical, text, weighted
from ecgbench.metrics.weighted import Values, Weights
from ecgbench.stats.bootstrap import Bootstrap, Interval, macro_interval, percentile_interval

CUTOFFS = (1, 5, 10)
DIRECTIONS = (("", "", "ecg_to_text"), ("report_to_ecg_", ", report to ECG", "text_to_ecg"))


@dataclass(frozen=True)
class Metric:
    """A figure of a record.

    Attributes:
        name: Key in ``Scores.figures``.
        title: Heading of its column.
        compute: From a pair of :mod:`ecgbench.evaluation.pairs` and weights ``[records, resamples]`` to
            values ``[classes, resamples]``; of texts and ranks ``[1, resamples]``.
        lower_is_better: Whether a small figure is a good one.
        leads: Whether rows may be ranked by this metric where no earlier one leads.
        interval: From the resamples to the figure and its interval.
        covers: Whether the interval holds the true value as often as it says. That of AUPRC does not
            (docs/statistics.md), and tables show none.
        thresholds: Whether the predictions need thresholds (True), must have none (False), or either.
    """

    name: str
    title: str
    compute: Callable[[Any, Weights], Values]
    lower_is_better: bool = False
    leads: bool = False
    interval: Callable[[Bootstrap], Interval] = macro_interval
    covers: bool = True
    thresholds: bool | None = None


def _by_class(function: Callable[..., Values]) -> Callable[[Any, Weights], Values]:
    return lambda pair, weights: function(pair.labels, pair.scores, weights)


def _mean_rouge(name: str) -> Callable[[Any, Weights], Values]:
    return lambda pair, weights: weighted.mean(pair.rouge[name], weights)


def _bleu(order: int) -> Callable[[Any, Weights], Values]:
    def bleu(pair: Any, weights: Weights) -> Values:
        return text.bleu(weighted.sums(pair.bleu_counts, weights))[order - 1 : order]

    return bleu


def _recall(direction: str, cutoff: int) -> Callable[[Any, Weights], Values]:
    return lambda pair, weights: weighted.mean(getattr(pair, direction) <= cutoff, weights)


def _median(direction: str) -> Callable[[Any, Weights], Values]:
    return lambda pair, weights: weighted.median(getattr(pair, direction), weights)


METRICS: dict[str, tuple[Metric, ...]] = {
    "scores": (
        Metric("auroc", "AUROC", _by_class(weighted.auroc), leads=True),
        Metric("auprc", "AUPRC", _by_class(weighted.average_precision), covers=False),
        Metric(
            "f1",
            "F1",
            lambda pair, w: weighted.f1_at(pair.labels, pair.scores, w, pair.thresholds),
            thresholds=True,
        ),
        Metric("f1_test_max", "F1 (test thresholds)", _by_class(weighted.f1_max), thresholds=False),
    ),
    "texts": (
        Metric(
            "clinical_f1",
            "Clinical F1",
            lambda pair, w: clinical.f1(weighted.sums(pair.statement_counts, w)),
            leads=True,
        ),
        Metric("rouge_l", "ROUGE-L", _mean_rouge("rougeL"), leads=True),
        Metric("rouge_1", "ROUGE-1", _mean_rouge("rouge1")),
        Metric("rouge_2", "ROUGE-2", _mean_rouge("rouge2")),
        Metric("meteor", "METEOR", lambda pair, w: weighted.mean(pair.meteor, w)),
        *(Metric(f"bleu_{order}", f"BLEU-{order}", _bleu(order)) for order in range(1, 5)),
        Metric(
            "empty",
            "Empty texts",
            lambda pair, w: weighted.mean(pair.empty, w),
            lower_is_better=True,
        ),
    ),
    "ranks": tuple(
        metric
        for prefix, suffix, direction in DIRECTIONS
        for metric in (
            *(
                Metric(
                    f"{prefix}recall_at_{cutoff}",
                    f"R@{cutoff}{suffix}",
                    _recall(direction, cutoff),
                    leads=not prefix and cutoff == 1,
                )
                for cutoff in CUTOFFS
            ),
            Metric(
                f"{prefix}median_rank",
                f"Median rank{suffix}",
                _median(direction),
                lower_is_better=True,
                interval=percentile_interval,
            ),
        )
    ),
}
_IN_ORDER = tuple(metric for metrics in METRICS.values() for metric in metrics)


def in_order(names: Iterable[str]) -> list[Metric]:
    """The metrics of some names, in the order of the table; a name that is not in the table is left out."""
    wanted = set(names)
    return [metric for metric in _IN_ORDER if metric.name in wanted]


def leading(metrics: Iterable[Metric]) -> Metric | None:
    """The metric that rows are ranked by."""
    listed = list(metrics)
    return next((metric for metric in listed if metric.leads), listed[0] if listed else None)
