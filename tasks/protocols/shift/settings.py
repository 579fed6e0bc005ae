"""The settings of the shift protocols."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from ecgbench.tasks.protocols.linear_probe.settings import ProbeSettings
from pydantic import Field, computed_field, model_validator

from ecgbench.config.settings import PartialShare

NoiseKind = Literal["baseline-wander", "muscle-noise", "electrode-motion", "power-line"]
Lead = Literal["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


class ShiftSettings(ProbeSettings):
    """At most one corruption of the test records; without one they do not change."""

    noise: NoiseKind | None = None
    snr_db: Annotated[float, Field(ge=-60, le=60)] | None = (
        None  # power of the record over the noise
    )
    gain_error: PartialShare | None = None  # half of the leads too high by it, half too low
    lost: PartialShare | None = None  # share of the record that is lost, at its end
    leads: Annotated[tuple[Lead, ...], Field(min_length=1)] | None = None  # recorded leads

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fraction(self) -> float:
        """The probe is that of ``linear-probe`` on all training records."""
        return 1.0

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if (self.noise is None) != (self.snr_db is None):
            raise ValueError("snr_db is given with noise, and only with noise")
        changes = ("noise", "gain_error", "lost", "leads")
        given = [name for name in changes if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{given[0]} cannot be set together with {', '.join(given[1:])}")
        return self


class MemorisationSettings(ShiftSettings):
    """A second recording of the test records, or the unchanged records."""

    later: Annotated[float, Field(gt=0, lt=1)] | None = None  # most seconds lost at the beginning
    gain_off: PartialShare | None = None  # largest relative error of the gain
    white_noise: PartialShare | None = None  # SD, relative to the amplitude of the record

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({amount is None for amount in (self.later, self.gain_off, self.white_noise)}) > 1:
            raise ValueError("later, gain_off and white_noise are given together")
        return self
