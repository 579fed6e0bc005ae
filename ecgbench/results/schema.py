"""The record of one cell: method x task x protocol x seed x draw.

A versioned pydantic model; :func:`json_schema` publishes it. Nothing here imports torch: whoever reads
results needs none.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SCHEMA_VERSION = 1

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MethodPart(_Part):
    """What was compared.

    Attributes:
        name: Registered name.
        title: As tables print it.
        version: Of the method.
        variant: The user's overrides that change the method, e.g. ``model.depth=4``; empty for none. A
            row of the leaderboard is a name, a variant and a pre-training corpus.
        family: ``baseline``, ``self-supervised`` or ``ecg-text``.
        config_hash: Of the sections that decide the method.
        code_hash: Of its code.
        parameters: Of the part that encodes ECGs, where one can tell; else of all.
    """

    name: Name
    title: Name
    version: int
    variant: str = ""
    family: str
    config_hash: Sha256
    code_hash: Sha256
    parameters: int = Field(ge=0)


class TaskPart(_Part):
    """The question: a label set of a data set."""

    name: Name
    version: int
    fingerprint: Sha256
    dataset: Name
    dataset_version: str
    simulated: bool
    label_set: str


class ProtocolPart(_Part):
    """How it was put."""

    name: Name
    version: int
    track: Name
    variant: str
    fingerprint: Sha256


class DataPart(_Part):
    """The records behind it.

    Attributes:
        fingerprint: Of the data set: records, splits, labels, signals.
        test_fingerprint: Of the test records' ids and labels in this task.
        n_train: Records that were trained on (of the drawn fraction).
        n_val: Records that choices were made on.
        n_test: Records that were scored.
        n_test_patients: Their patients.
    """

    fingerprint: Sha256
    test_fingerprint: Sha256
    n_train: int = Field(ge=0)
    n_val: int = Field(ge=0)
    n_test: int = Field(ge=0)
    n_test_patients: int = Field(ge=0)


class PretrainingPart(_Part):
    """What the method had seen before.

    Attributes:
        datasets: Catalogue names, and what its card declares; empty for none.
        fingerprint: Of the records that it was trained on; None for none.
        records: How many.
        reports: How many of them had a report that was used.
        steps: Optimiser steps.
        simulated: Whether any of it was simulated.
        contaminated: Why a test record may have been seen; None where it was not.
    """

    datasets: tuple[str, ...] = ()
    fingerprint: Sha256 | None = None
    records: int = 0
    reports: int = 0
    steps: int = 0
    simulated: bool = False
    contaminated: str | None = None


class Figure(_Part):
    """A metric with its 95 % interval from the patient bootstrap; None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


class ClassFigures(_Part):
    """One class: its support in the test split and its figures (None: undefined)."""

    name: Name
    positives: int = Field(ge=0)
    negatives: int = Field(ge=0)
    auroc: Figure
    auprc: Figure
    f1: Figure
    threshold: float | None = None


class Scores(_Part):
    """Everything that is computed from predictions and labels alone.

    Attributes:
        figures: By metric name: ``auroc``, ``auprc``, ``f1`` (macro over scored classes), and others by
            protocol.
        classes: One entry a class of the label set, in its order; empty for other kinds of task.
        scored_classes: Classes with a positive and a negative in the test split.
        resamples: Of the bootstrap.
        undefined_draws: Resamples in which some scored class lost all its positives or negatives.
        metric_version: Raised when a definition changes.
    """

    figures: dict[str, Figure]
    classes: tuple[ClassFigures, ...] = ()
    scored_classes: int = 0
    resamples: int
    undefined_draws: int = 0
    metric_version: int = 1


class PredictionsPart(_Part):
    """The file of predictions, relative to the result's own folder."""

    file: Name
    sha256: Sha256
    kind: Literal["scores", "texts", "ranks"]


class CostPart(_Part):
    """What the cell took; what it shares with others (pre-training, encoding) is given in full.

    Attributes:
        seconds: Wall-clock seconds by stage: ``pretrain``, ``encode``, ``evaluate``.
        device: In words, e.g. ``cpu (2 threads)`` or the GPU's name.
        peak_memory_mb: Largest resident memory of the process so far.
    """

    seconds: dict[str, float] = {}
    device: str = "cpu"
    peak_memory_mb: float = 0.0


class ProvenancePart(_Part):
    """What made it."""

    created: str
    ecgbench: str
    commit: str | None = None
    dirty: bool | None = None
    python: str
    platform: str
    packages: dict[str, str]
    command: tuple[str, ...] = ()


class Result(_Part):
    """One cell.

    Attributes:
        schema_version: Of this record.
        profile: Name of the profile.
        seed: Of pre-training and everything random that is not a draw.
        draw: Which subset of the training records.
        status: ``ok``; ``failed`` (it broke; ``reason`` says how); ``not-applicable`` (the method
            cannot take part; ``reason`` says why).
        verification: ``self-reported`` until a maintainer reproduces it.
        choices: What validation chose, e.g. ``{"C": 0.1, "scaling": true}``.
        config: The effective configuration.
        overrides: What the user set on the command line.
        test_evaluations: How often this cell's test split was scored on this machine, by the ledger.
    """

    schema_version: Literal[1] = 1
    profile: str
    method: MethodPart
    task: TaskPart
    protocol: ProtocolPart
    seed: int = Field(ge=0)
    draw: int = Field(ge=0)
    status: Literal["ok", "failed", "not-applicable"]
    reason: str | None = None
    verification: Literal["self-reported", "verified"] = "self-reported"
    data: DataPart | None = None
    pretraining: PretrainingPart = PretrainingPart()
    scores: Scores | None = None
    predictions: PredictionsPart | None = None
    choices: dict[str, Any] = {}
    costs: CostPart = CostPart()
    provenance: ProvenancePart
    config: dict[str, Any]
    overrides: tuple[str, ...] = ()
    test_evaluations: int = 1

    @property
    def row(self) -> str:
        """The leaderboard row it belongs to: method, variant and what it was pre-trained on."""
        variant = f"[{self.method.variant}]" if self.method.variant else ""
        corpus = "+".join(self.pretraining.datasets) or "none"
        return f"{self.method.name}{variant}@{corpus}"

    @property
    def cell(self) -> str:
        """``TASK/PROTOCOL@VARIANT``."""
        return f"{self.task.name}/{self.protocol.name}@{self.protocol.variant}"

    @property
    def key(self) -> str:
        """What tells it from every other result."""
        return f"{self.row}/{self.cell}/seed{self.seed}-draw{self.draw}"


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of a result."""
    return Result.model_json_schema()
