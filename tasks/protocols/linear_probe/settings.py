"""What the settings of the linear probe may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, computed_field

from ecgbench.config.sections import ProtocolSettings
from ecgbench.probe import grid as probe_grid

Fraction = Annotated[float, Field(gt=0, le=1)]


class ProbeSettings(ProtocolSettings):
    """What every protocol with the linear probe has in common.

    No file can set the grid, so that no protocol can differ from another in it; as a computed field it
    still enters the fingerprint of each.
    """

    @computed_field  # type: ignore[prop-decorator]
    @property
    def grid(self) -> probe_grid.ProbeGrid:
        """The candidates that validation chooses from."""
        return probe_grid.GRID


class LinearProbeSettings(ProbeSettings):
    """The probe on a share of the training records."""

    fraction: Fraction
