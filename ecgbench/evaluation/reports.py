"""Scores of what was written about an ECG, and of finding an ECG's report among all.

A figure is of records here, not of classes; its intervals resample patients just the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecgbench.metrics.words import words
from ecgbench.results.figures import METRIC_VERSION, figure_of, number_of
from ecgbench.results.predictions import RankPredictions, TextPredictions, rows_of
from ecgbench.results.replicates import pack
from ecgbench.results.schema import Figure, Scores

if TYPE_CHECKING:
    from ecgbench.stats.bootstrap import Bootstrap, Interval

CUTOFFS = (1, 5, 10)
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Reports:
    """What was written about the test records by hand.

    Attributes:
        record_ids: ``[n]``; records without a report are no part of the question.
        texts: ``[n]``, each with a word.
    """

    record_ids: NDArray[np.str_]
    texts: tuple[str, ...]


def score_texts(
    predictions: TextPredictions,
    reports: Reports,
    patients: Sequence[str],
    resamples: int,
    seed: int,
) -> Scores:
    """ROUGE, METEOR, BLEU and clinical F1 of generated reports, and the share of empty ones.

    Args:
        predictions: Texts for exactly the records of ``reports``, in whatever order.
        reports: What they are held against.
        patients: ``[n]`` of ``reports``.
        resamples: Of the patient bootstrap.
        seed: Of its random numbers.
    """
    from ecgbench.metrics import clinical, text
    from ecgbench.stats.records import bootstrap_means, bootstrap_sums

    rows = rows_of(predictions.record_ids, reports.record_ids)
    written, said = list(reports.texts), [predictions.texts[row] for row in rows]
    rouge = text.rouge(written, said)
    by_record = {
        "rouge_1": rouge["rouge1"],
        "rouge_2": rouge["rouge2"],
        "rouge_l": rouge["rougeL"],
        "meteor": text.meteor(written, said),
        "empty": np.array([float(not words(one)) for one in said]),
    }
    means = bootstrap_means(np.column_stack([*by_record.values()]), patients, resamples, seed)
    bleu = bootstrap_sums(text.bleu_counts(written, said), text.bleu, patients, resamples, seed)
    wanted, found = clinical.statements(written), clinical.statements(said)
    counts = np.column_stack([(wanted & found).sum(axis=1), wanted.sum(axis=1) + found.sum(axis=1)])
    named = {"clinical_f1": bootstrap_sums(counts, _f1, patients, resamples, seed)}
    named |= {name: means.only([k]) for k, name in enumerate(by_record)}
    named |= {f"bleu_{order}": bleu.only([order - 1]) for order in range(1, 5)}
    return _scores(named, resamples)


def score_ranks(
    predictions: RankPredictions,
    reports: Reports,
    patients: Sequence[str],
    resamples: int,
    seed: int,
) -> Scores:
    """Recall at 1, 5 and 10 and median rank, in both directions; as :func:`score_texts`."""
    from ecgbench.stats.records import bootstrap_means, bootstrap_medians

    rows = rows_of(predictions.record_ids, reports.record_ids)
    named: dict[str, Bootstrap] = {}
    for prefix, ranks in (
        ("", predictions.ecg_to_text[rows]),
        ("report_to_ecg_", predictions.text_to_ecg[rows]),
    ):
        hits = np.column_stack([ranks <= cutoff for cutoff in CUTOFFS])
        recalls = bootstrap_means(hits, patients, resamples, seed)
        named |= {
            f"{prefix}recall_at_{cutoff}": recalls.only([k]) for k, cutoff in enumerate(CUTOFFS)
        }
        medians = bootstrap_medians(ranks[:, None], patients, resamples, seed)
        named[f"{prefix}median_rank"] = medians
    return _scores(named, resamples)


def _f1(sums: Values) -> Values:
    hits, together = sums
    values: Values = np.full((1, *np.shape(hits)), np.nan)
    np.divide(2 * hits, together, out=values[0], where=together > 0)
    return values


def _scores(named: dict[str, Bootstrap], resamples: int) -> Scores:
    first = next(iter(named.values()))
    return Scores(
        figures={name: _figure(name, boot) for name, boot in named.items()},
        resamples=resamples,
        metric_version=METRIC_VERSION,
        design=first.key,
        patients=number_of(first.patients[0]),
        replicates={name: pack(boot.draws[0]) for name, boot in named.items()},
    )


def _figure(name: str, boot: Bootstrap) -> Figure:
    """A median's interval is of percentiles: no other holds on a scale of whole numbers."""
    from ecgbench.stats.bootstrap import macro_interval
    from ecgbench.stats.records import percentile_intervals

    if name.endswith("median_rank"):
        interval: Interval = percentile_intervals(boot)[0]._replace(se=float("nan"))
        return figure_of(interval)
    return figure_of(macro_interval(boot))
