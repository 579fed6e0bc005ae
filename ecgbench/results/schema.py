"""The record of one cell: method x task x protocol x seed x draw.

A versioned pydantic model; :func:`json_schema` publishes it. A new field has a default; for any other
change, raise the version and let ``migrations.py`` read the old one. Results are read without torch.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ecgbench.results.fields import (
    MOST_SEEDS,
    Choices,
    Names,
    Settings,
)
from ecgbench.results.limits import LONGEST_TEXT
from ecgbench.results.parts import (
    CarriedPart,
    CodePart,
    CostPart,
    DataPart,
    MethodPart,
    Part,
    PredictionsPart,
    PretrainingPart,
    ProtocolPart,
    ProvenancePart,
    ReproductionPart,
    Scores,
    TaskPart,
)

SCHEMA_VERSION = 3
Status = Literal["ok", "failed", "not-applicable"]


class _Cell(Part):
    """What identifies a cell: method x task x protocol x seed x draw, and the way it was pre-trained."""

    schema_version: Literal[3] = 3
    profile: str
    method: MethodPart
    task: TaskPart
    protocol: ProtocolPart
    code: CodePart
    seed: int = Field(ge=0, lt=MOST_SEEDS)
    draw: int = Field(ge=0, lt=MOST_SEEDS)
    pretraining: PretrainingPart = PretrainingPart()
    provenance: ProvenancePart
    config: Settings
    overrides: Names = ()

    @property
    def row(self) -> str:
        """Its leaderboard row: method, variant and pre-training corpus."""
        variant = f"[{self.method.variant}]" if self.method.variant else ""
        corpus = "+".join(self.pretraining.datasets) or "none"
        return f"{self.method.name}{variant}@{corpus}"

    @property
    def cell(self) -> str:
        """``TASK/PROTOCOL@VARIANT``."""
        return f"{self.task.name}/{self.protocol.name}@{self.protocol.variant}"

    @property
    def key(self) -> str:
        """The name that no other cell has."""
        return f"{self.row}/{self.cell}/seed{self.seed}-draw{self.draw}"


class Draft(_Cell):
    """A planned cell: everything that is known of a result before it runs.

    Attributes:
        data: The records; how many the protocol trains on and chooses on is still 0.
    """

    data: DataPart

    def asked_by(self, found: Result) -> bool:
        """Whether a result is of this cell, with these settings and data, by whatever code.

        Where the weights that a method reads from outside are gone, a result that was made from them
        stands.
        """
        return (
            found.data is not None
            and found.key == self.key
            and found.task == self.task
            and found.protocol == self.protocol
            and _same_but(("parameters", "title"), found.method, self.method)
            and _same_but(("n_train", "n_val", "n_test", "n_test_patients"), found.data, self.data)
            and self.pretraining.sources in (None, found.pretraining.sources)
        )

    def predicted_by(self, found: Result) -> bool:
        """Whether the predictions of a result, or its reason for none, are those of this cell.

        A result that failed is no answer.
        """
        same_code = found.code.predictions == self.code.predictions
        return found.status != "failed" and same_code and self.asked_by(found)

    def answered_by(self, found: Result) -> bool:
        """Whether a result makes it unnecessary to run the cell or to score it again."""
        if found.scores is not None and (
            found.code.scores != self.code.scores
            or found.scores.resamples != int(self.config["evaluate"]["resamples"])
        ):
            return False
        return self.predicted_by(found)

    def result(self, status: Status, reason: str | None = None, **parts: Any) -> Result:
        """The result of the cell.

        Args:
            status: How it ended.
            reason: Why it has no figures; cut to the length that a record may hold.
            parts: Fields of :class:`Result` that only a run knows.
        """
        said = {"status": status, "reason": reason and reason[:LONGEST_TEXT]}
        return Result.model_validate({**dict(self), **said, **parts})


class Result(_Cell):
    """One cell.

    Attributes:
        schema_version: Version of the schema of this record.
        profile: Name of the profile.
        code: What code made it.
        seed: Random seed of everything but the training subset.
        draw: Number of the training subset.
        status: ``ok``; ``failed`` (it broke; ``reason`` says how); ``not-applicable`` (the method
            cannot take part; ``reason`` says why).
        verification: ``self-reported`` until a maintainer reproduces it.
        reproduction: Who did, when and on what.
        choices: What validation chose, e.g. ``{"C": 0.1, "scaling": true}``.
        notes: What a reader of its figures has to know, in sentences.
        carried: Each time that it was carried over to other code, oldest first.
        config: The effective configuration.
        overrides: What the user set on the command line.
        test_evaluations: How often this cell's test split was scored on this machine, by the ledger.
    """

    status: Status
    reason: str | None = None
    verification: Literal["self-reported", "verified"] = "self-reported"
    reproduction: ReproductionPart | None = None
    data: DataPart | None = None
    scores: Scores | None = None
    predictions: PredictionsPart | None = None
    choices: Choices = Field(default_factory=dict)
    notes: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    costs: CostPart = CostPart()
    carried: Annotated[tuple[CarriedPart, ...], Field(max_length=1000)] = ()
    test_evaluations: int = Field(1, ge=0, le=10**6)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.status == "ok" and (self.scores is None or self.data is None):
            raise ValueError("a cell that is ok has scores and says what data they are of")
        if self.status != "ok" and (self.scores is not None or not self.reason):
            raise ValueError(f"a cell that is {self.status} has a reason and no scores")
        if (self.verification == "verified") != (self.reproduction is not None):
            raise ValueError("verified means reproduced: by whom, when and on what")
        return self


def _same_but(names: tuple[str, ...], one: Part, other: Part) -> bool:
    return one.model_dump(exclude=set(names)) == other.model_dump(exclude=set(names))


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of a result."""
    return Result.model_json_schema()
