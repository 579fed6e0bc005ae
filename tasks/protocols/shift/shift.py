"""Distribution shift, track ``standard``: the linear probe on test records that differ from training records.

The probe of ``linear-probe`` at 100 % is fitted on unchanged training records. The test records are
corrupted, lack leads, belong to one group of patients, or come from another data set. The probe, its settings
and its thresholds are the same for all variants, so a drop comes from the features. Drops are relative to
the variant ``clean``.
"""

from __future__ import annotations

from ecgbench.tasks.protocols.linear_probe.linear_probe import LinearProbe, predict

from ecgbench.protocol import Bench, Outcome, Protocol

from .corruptions import transform_of


class ShiftedProbe(Protocol):
    """A linear probe that is fitted on clean records and tested on changed records."""

    def run(self, bench: Bench) -> Outcome:
        """Fit on the training records, or reuse the fit of another variant; predict the changed test records.

        The harness selects the test records (a group, another data set) by the variant's ``only`` and the
        task's ``source``.
        """
        fitted = LinearProbe(self.spec).fit(bench)
        return predict(bench, fitted, transform_of(bench.settings))
