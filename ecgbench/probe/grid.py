"""The candidates of the linear probe, which stand here and nowhere else."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ecgbench.config.settings import Settings

Scaling = Literal["feature", "global"]
Penalty = Annotated[float, Field(gt=0, le=1e9)]


class ProbeGrid(Settings):
    """Candidates that validation chooses from; the first of equally good ones is taken.

    Attributes:
        scalings: ``feature`` divides every feature by its own standard deviation over the training
            records; ``global`` divides all by one number, which keeps their proportions and makes
            C mean the same whatever unit a method's features have.
        Cs: Inverse penalties in scikit-learn's convention, from the strongest penalty on.
    """

    scalings: Annotated[tuple[Scaling, ...], Field(min_length=1)] = ("feature", "global")
    Cs: Annotated[tuple[Penalty, ...], Field(min_length=1)] = (
        1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0,
    )  # fmt: skip

    @model_validator(mode="after")
    def _candidates_differ(self) -> Self:
        for name, values in (("scalings", self.scalings), ("Cs", self.Cs)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} cannot hold a value twice")
        return self


GRID = ProbeGrid()
"""The grid of every protocol that fits the linear probe."""
