"""The parts of a record: method, task, protocol, code, data, figures, costs, provenance."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from ecgbench.results.fields import (
    LEVELS,
    MOST_RESAMPLES,
    STRICT,
    Amount,
    Count,
    FileName,
    Group,
    Name,
    Names,
    Real,
    Sha256,
    Version,
    levels_in,
)

CLEAN = "clean"
"""The variant of a protocol that drops are counted from."""


class Part(BaseModel):
    """A frozen part of a record, without unknown fields."""

    model_config = STRICT


class MethodPart(Part):
    """The method that was compared.

    Attributes:
        name: Registered name.
        title: Name in tables.
        version: Version of the method.
        variant: The user's overrides that change the method, e.g. ``model.depth=4``; empty for none. A
            row of the leaderboard is a name, a variant and a pre-training corpus.
        family: ``baseline``, ``self-supervised`` or ``ecg-text``.
        config_hash: Hash of the sections that decide the method.
        parameters: Number of parameters of the ECG encoder, where it is known; else of the whole method.
    """

    name: Name
    title: Name
    version: Version
    variant: str = ""
    family: str
    config_hash: Sha256
    parameters: Count


class TaskPart(Part):
    """The question: a label set of a data set.

    Attributes:
        source: Data set and label set of the training records, if they differ from the tested ones.
        mapping: Then the training classes that are scored, each with the classes of ``label_set`` that
            make it.
    """

    name: Name
    version: Version
    fingerprint: Sha256
    dataset: Name
    dataset_version: str
    simulated: bool
    label_set: str
    source: tuple[str, str] | None = None
    mapping: Annotated[dict[str, Names], Field(max_length=1000)] = {}


class ProtocolPart(Part):
    """The protocol and its variant.

    Attributes:
        name: Name of the protocol.
        version: Version of the protocol.
        track: Tables never mix tracks.
        variant: Name of the variant.
        fingerprint: Hash of everything that decides how the protocol evaluates.
        predicts: Kind of its predictions.
        only: The group of test records that the variant is about, by column; empty for all.
        chance: For a control: its leading figure when nothing leaks; its tables rank no method.
    """

    name: Name
    version: Version
    track: Name
    variant: str
    fingerprint: Sha256
    chance: Real | None = None
    predicts: Literal["scores", "texts", "ranks"] = "scores"
    only: Group = {}

    @property
    def in_groups(self) -> bool:
        """Whether it is about a group of test records, or about the whole that groups are compared with."""
        return bool(self.only) or self.variant == CLEAN


class CodePart(Part):
    """Addresses of the code that made a record (:mod:`ecgbench.base.code`).

    Attributes:
        predictions: Address of all code between prepared data sets and predictions: the method, the
            protocol, training and encoding. In a record made before version 3: of the method alone.
        scores: Address of the code that scored the predictions; None in a record made before version 3.
    """

    predictions: Sha256
    scores: Sha256 | None


class CarriedPart(Part):
    """The record was carried over to other code, because a sample came out with the same predictions.

    Attributes:
        on: Date, ``YYYY-MM-DD``.
        from_commit: Commit of ecgbench whose code made or last confirmed the record.
        from_code: The address of that code's predictions.
        to_commit: The commit whose code the sample was run with.
        seed: Random seed of the sample.
        sample: Keys of the cells that were run again on behalf of this one.
    """

    on: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    from_commit: str | None = None
    from_code: Sha256
    to_commit: str | None = None
    seed: Count
    sample: tuple[str, ...] = Field(min_length=1, max_length=1000)


class DataPart(Part):
    """The records of a cell.

    Attributes:
        fingerprint: Hash of the data set: records, splits, labels, signals.
        source_fingerprint: Hash of the training data set, if it is another one.
        test_fingerprint: Hash of the test records' ids and labels in this task.
        n_train: Records that were trained on (of the drawn fraction).
        n_val: Records that choices were made on.
        n_test: Records that were scored.
        n_test_patients: Their patients.
    """

    fingerprint: Sha256
    source_fingerprint: Sha256 | None = None
    test_fingerprint: Sha256
    n_train: Count
    n_val: Count
    n_test: Count
    n_test_patients: Count


class PretrainingPart(Part):
    """What the method had seen before.

    Attributes:
        datasets: Catalogue names, and what its card declares; empty for none.
        declared: Those of ``datasets`` that weights from outside have seen, by its card or its settings:
            whole data sets and collections, test records included, or ``unknown``.
        fingerprint: Of the records that it was trained on; None for none.
        records: How many.
        reports: How many of them had a report that was used.
        steps: Optimiser steps.
        simulated: Whether any of it was simulated.
        sources: What the method read from outside: by key and file the SHA-256 of a file, by key the commit
            of a Hugging Face id (:mod:`ecgbench.training.outside`), ``random`` for initial weights in the
            place of published ones. None where it was not to be had.
        contaminated: Why a test record may have been seen; None where it was not.
    """

    datasets: Names = ()
    declared: Names = ()
    fingerprint: Sha256 | None = None
    records: Count = 0
    reports: Count = 0
    steps: Count = 0
    simulated: bool = False
    sources: Annotated[dict[str, str], Field(max_length=1000)] | None = {}
    contaminated: str | None = None

    @property
    def random(self) -> bool:
        """Whether initial weights stand in the place of published ones: a trial, never on a board."""
        return "random" in (self.sources or {}).values()


class Figure(Part):
    """A metric with its standard error and 95 % interval from the patient bootstrap.

    None where it is undefined.
    """

    value: Real | None
    low: Real | None = None
    high: Real | None = None
    se: Real | None = None


class ClassFigures(Part):
    """One class: its support in the test split and its figures (None: undefined).

    Attributes:
        name: Name of the class.
        positives: Records that carry it.
        negatives: Records that do not.
        patients: Effective number of patients on the rarer side; None for records of version 1.
        auroc: Area under the ROC curve.
        auprc: Average precision.
        f1: At the threshold that validation chose.
        threshold: That threshold.
    """

    name: Name
    positives: Count
    negatives: Count
    patients: Real | None = None
    auroc: Figure
    auprc: Figure
    f1: Figure
    threshold: Real | None = None


class Replicates(Part):
    """A figure's values on the resamples of the bootstrap, in two bytes each.

    With them two methods can be compared on the same resamples, and ranks get intervals, without
    labels or predictions. See ``replicates.py``.

    Attributes:
        low: Value of level 0.
        step: From a level to the next.
        levels: Base64 of little-endian uint16; level 65535 stands for an undefined value.
    """

    low: Real
    step: float = Field(gt=0, le=1e12)
    levels: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=LEVELS)]


class Scores(Part):
    """Everything that is computed from predictions and labels alone.

    Attributes:
        figures: By metric name: ``auroc``, ``auprc``, ``f1`` (macro over scored classes), and others by
            protocol.
        classes: One entry a class of the label set, in its order; empty for other kinds of task.
        scored_classes: Classes with a positive and a negative in the test split.
        resamples: Number of resamples of the bootstrap.
        undefined_draws: Resamples in which some scored class lost all its positives or negatives.
        metric_version: Raised when the definition of a metric for this kind of predictions changes.
        patients: Effective number of patients behind figures of records; None for figures of classes.
        design: Hash of the resamples: equal designs can be compared resample by resample.
        replicates: By metric name, the figure on each resample.
        shared: By scored class, AUROC on resamples that all splits of the data set share. Only for the
            groups of a split and the whole that their drops are counted from.
    """

    figures: Annotated[dict[str, Figure], Field(max_length=100)]
    classes: Annotated[tuple[ClassFigures, ...], Field(max_length=1000)] = ()
    scored_classes: Count = 0
    resamples: int = Field(ge=0, le=MOST_RESAMPLES)
    undefined_draws: Count = 0
    metric_version: Version = 1
    patients: Real | None = None
    design: Sha256 | None = None
    replicates: Annotated[dict[str, Replicates], Field(max_length=100)] = {}
    shared: Annotated[dict[str, Replicates], Field(max_length=1000)] = {}

    @model_validator(mode="after")
    def _replicates_fit(self) -> Self:
        own, shared = (
            {levels_in(r.levels) for r in p.values()} for p in (self.replicates, self.shared)
        )
        if own - {self.resamples} or len(shared) > 1 or None in shared:
            raise ValueError("there is not one replicate for each resample")
        return self


class PredictionsPart(Part):
    """The file of predictions, in the result's own folder."""

    file: FileName
    sha256: Sha256
    kind: Literal["scores", "texts", "ranks"]


class CostPart(Part):
    """What the cell took; what it shares with others (pre-training, encoding) is given in full.

    Attributes:
        seconds: Wall-clock seconds by stage: ``pretrain``, ``encode``, ``evaluate``.
        device: In words, e.g. ``cpu (2 threads)`` or the GPU's name.
        peak_memory_mb: Largest resident memory of the process so far.
    """

    seconds: Annotated[dict[str, Amount], Field(max_length=100)] = {}
    device: str = "cpu"
    peak_memory_mb: Amount = 0.0


class ProvenancePart(Part):
    """What made it.

    Attributes:
        created: When, in UTC.
        ecgbench: Version.
        commit: Commit of the checkout; None for an installed package.
        dirty: Whether the checkout had changes that were not committed.
        python: Version.
        platform: System and processor.
        packages: Versions, by name.
        command: Arguments of ``ecgbench`` that run the cell again.
    """

    created: str
    ecgbench: str
    commit: str | None = None
    dirty: bool | None = None
    python: str
    platform: str
    packages: Annotated[dict[str, str], Field(max_length=1000)]
    command: Names = ()


class ReproductionPart(Part):
    """A maintainer ran the cell again, and the figures agreed.

    Attributes:
        by: Who.
        on: Date, ``YYYY-MM-DD``.
        device: What it ran on, in words.
        commit: Of ecgbench.
        figures: What came out, by metric name.
        spread: What a difference was judged against: the SD over seeds, by metric name.
    """

    by: Name
    on: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    device: Name
    commit: str | None = None
    figures: Annotated[dict[str, Real], Field(max_length=100)]
    spread: Annotated[dict[str, Real], Field(max_length=100)] = {}
