"""The settings of the linear probe."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, computed_field

from ecgbench.config.sections import ProtocolSettings
from ecgbench.probe import grid as probe_grid

Fraction = Annotated[float, Field(gt=0, le=1)]


class ProbeSettings(ProtocolSettings):
    """The settings of every protocol with the linear probe.

    No file can set the grid, so all these protocols have the same grid. The grid is a computed field and
    therefore part of each fingerprint.
    """

    @computed_field  # type: ignore[prop-decorator]
    @property
    def grid(self) -> probe_grid.ProbeGrid:
        """The candidates for the choice on validation."""
        return probe_grid.GRID


class LinearProbeSettings(ProbeSettings):
    """The probe on a share of the training records."""

    fraction: Fraction
