"""Distribution shift, track ``standard``: the linear probe on records unlike those it was trained on.

The probe of ``linear-probe`` at 100 % is fitted on the training records as they are, and the test records
are predicted under a change: corrupted, with leads lost, of one group of patients, or of another data
set. Nothing is fitted again, chosen again or thresholded again for a variant, so a drop is that of the
features. Variant ``clean`` is what drops are counted from.
"""

from __future__ import annotations

from ecgbench.tasks.protocols.linear_probe.linear_probe import LinearProbe, predict

from ecgbench.protocol import Bench, Outcome, Protocol

from .corruptions import transform_of


class ShiftedProbe(Protocol):
    """The probe of clean records, put to changed ones."""

    def run(self, bench: Bench) -> Outcome:
        """Fit on the training records, or take the fit of another variant; predict the changed test records.

        Which test records there are (a group's, another data set's) is the harness's choice, from the
        variant's ``only`` and the task's ``source``.
        """
        fitted = LinearProbe(self.spec).fit(bench)
        return predict(bench, fitted, transform_of(bench.settings))
