"""Retrieval between ECGs and reports, track ``standard``, in both directions.

The test records with a report are ranked by the cosine. An ECG is the query for all reports, and a report is
the query for all ECGs. :mod:`ecgbench.metrics.retrieval` describes ties and reports with equal text.
"""

from __future__ import annotations

from ecgbench.metrics.retrieval import ranks
from ecgbench.protocol import Bench, Outcome, Protocol
from ecgbench.results.predictions import RankPredictions

from .alignment import shared_space


class Retrieval(Protocol):
    """Ranks by the cosine between ECGs and reports."""

    def run(self, bench: Bench) -> Outcome:
        """Rank the test reports for each test ECG, and the test ECGs for each test report."""
        wanted = bench.test_reports()
        space = shared_space(bench)
        found = ranks(space.ecg(wanted.records) @ space.text(wanted.texts).T, wanted.texts)
        return Outcome(
            predictions=RankPredictions(wanted.records.ids, found.ecg_to_text, found.text_to_ecg),
            n_train=space.n_train,
            n_val=space.n_val,
            choices=space.choices,
            notes=space.notes,
        )
