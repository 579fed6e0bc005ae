"""The metrics that tables know: their order, their names, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A figure of a record.

    Attributes:
        name: Key in ``Scores.figures``.
        title: Heading of its column.
        lower_is_better: Whether a small figure is a good one.
        leads: Whether rows may be ranked by it, where they have no earlier one.
    """

    name: str
    title: str
    lower_is_better: bool = False
    leads: bool = False


KNOWN = (
    Metric("auroc", "AUROC", leads=True),
    Metric("auprc", "AUPRC"),
    Metric("f1", "F1"),
    Metric("f1_test_max", "F1 (test thresholds)"),
    Metric("clinical_f1", "Clinical F1", leads=True),
    Metric("rouge_l", "ROUGE-L", leads=True),
    Metric("rouge_1", "ROUGE-1"),
    Metric("rouge_2", "ROUGE-2"),
    Metric("meteor", "METEOR"),
    Metric("bleu_1", "BLEU-1"),
    Metric("bleu_2", "BLEU-2"),
    Metric("bleu_3", "BLEU-3"),
    Metric("bleu_4", "BLEU-4"),
    Metric("empty", "Empty texts", lower_is_better=True),
    Metric("recall_at_1", "R@1", leads=True),
    Metric("recall_at_5", "R@5"),
    Metric("recall_at_10", "R@10"),
    Metric("median_rank", "Median rank", lower_is_better=True),
    Metric("report_to_ecg_recall_at_1", "R@1, report to ECG"),
    Metric("report_to_ecg_recall_at_5", "R@5, report to ECG"),
    Metric("report_to_ecg_recall_at_10", "R@10, report to ECG"),
    Metric("report_to_ecg_median_rank", "Median rank, report to ECG", lower_is_better=True),
)
_BY_NAME = {metric.name: metric for metric in KNOWN}


def in_order(names: Iterable[str]) -> list[Metric]:
    """The metrics of some names: the known in their order, then others by name."""
    there = set(names)
    known = [metric for metric in KNOWN if metric.name in there]
    return known + [Metric(name, name) for name in sorted(there - _BY_NAME.keys())]


def leading(metrics: Iterable[Metric]) -> Metric | None:
    """The metric that rows are ranked by."""
    listed = list(metrics)
    return next((metric for metric in listed if metric.leads), listed[0] if listed else None)
