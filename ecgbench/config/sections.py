"""The sections of a configuration that the harness defines, and the settings of every protocol."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from ecgbench.config.settings import Count, CountOrZero, Settings, Share

Scaling = Literal["none", "zscore-record", "zscore-lead", "minmax-record", "minmax-lead"]
LearningRate = Annotated[float, Field(gt=0, le=100)]
LowestRate = Annotated[float, Field(ge=0, le=100)]
Decay = Annotated[float, Field(ge=0, le=100)]
Norm = Annotated[float, Field(ge=0, le=1e6)]
Beta = Annotated[float, Field(ge=0, lt=1)]


def _check_rates(lr: float, min_lr: float) -> None:
    if min_lr > lr:
        raise ValueError(f"min_lr cannot be {min_lr:g}: it takes at most lr ({lr:g})")


class SignalSettings(Settings):
    """The input of a method (see :class:`ecgbench.data.signals.SignalSpec`)."""

    rate: Annotated[float, Field(ge=10, le=10_000)] = 100.0  # samples per second
    seconds: Annotated[float, Field(ge=0.5, le=3600)] = 10.0
    notch: Annotated[float, Field(gt=0, le=5000)] | None = (
        None  # Hz of the power line that is removed
    )
    bandpass: tuple[float, float] | None = (0.67, 40.0)  # Hz
    # Seconds of a running median that is subtracted.
    baseline: Annotated[float, Field(gt=0, le=10)] | None = None
    scaling: Scaling = "zscore-record"
    # Seconds that the encoder sees at once; null: the whole record.
    window: Annotated[float, Field(gt=0, le=3600)] | None = None
    windows: Annotated[int, Field(ge=1, le=1000)] | None = None  # null: as few as cover a record
    pool: Literal["mean", "max"] = "mean"  # over the windows of a record

    @model_validator(mode="after")
    def _band_fits(self) -> Self:
        if self.bandpass is not None:
            low, high = self.bandpass
            if not 0 < low < high < self.rate / 2:
                raise ValueError(
                    f"bandpass cannot be [{low:g}, {high:g}]: at a rate of {self.rate:g} Hz it takes "
                    f"null, or a lower and an upper edge between 0 and {self.rate / 2:g} Hz"
                )
        if self.notch is not None and self.notch >= self.rate / 2:
            raise ValueError(
                f"notch cannot be {self.notch:g}: at a rate of {self.rate:g} Hz it takes null, or a "
                f"frequency below {self.rate / 2:g} Hz"
            )
        return self

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        if self.window is None and self.windows is not None:
            raise ValueError(f"windows cannot be {self.windows}: it takes null without a window")
        if self.window is not None and not 1 / self.rate <= self.window <= self.seconds:
            raise ValueError(
                f"window cannot be {self.window:g}: it takes one sample at least and at most the "
                f"{self.seconds:g} seconds of a record"
            )
        return self

    def in_words(self) -> str:
        """The signal in a few words, e.g. ``500 Hz, 10 s, 0.67-40 Hz, zscore-record``."""
        parts = [f"{self.rate:g} Hz", f"{self.seconds:g} s"]
        if self.window is not None:
            parts.append(f"windows of {self.window:g} s")
        if self.notch is not None:
            parts.append(f"notch {self.notch:g} Hz")
        band = self.bandpass
        parts.append("no band-pass" if band is None else f"{band[0]:g}-{band[1]:g} Hz")
        if self.baseline is not None:
            parts.append(f"median of {self.baseline:g} s removed")
        parts.append("not scaled" if self.scaling == "none" else self.scaling)
        return ", ".join(parts)

    def unread(self) -> list[str]:
        """How windows are pooled, where there are none."""
        return [] if self.window is not None else ["pool"]


class PretrainSettings(Settings):
    """Pre-training: the same loop for every method."""

    neutral: ClassVar[tuple[str, ...]] = ("validate_every", "save_every")
    """Settings that change no weights. They are not part of a hash or of a row's name."""

    data: tuple[str, ...] = ()  # data sets; empty: the task's own
    before: tuple[str, ...] = ()  # data sets that the method is trained on first
    steps: CountOrZero = 1000  # 0: no pre-training
    batch_size: Annotated[int, Field(ge=1, le=10**6)] = 64  # of all devices together
    accumulate: Annotated[int, Field(ge=1, le=10**6)] = 1  # batches per step
    lr: LearningRate = 1e-3
    min_lr: LowestRate = 0.0
    warmup: Share = 0.1  # share of the steps
    weight_decay: Decay = 0.05
    betas: tuple[Beta, Beta] = (0.9, 0.95)
    clip: Norm = 1.0  # largest norm of the gradient; 0: no limit
    ema: Beta = (
        0.0  # decay of the moving average of the weights, which is the final model; 0: no average
    )
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of a record that an example keeps
    shuffle_reports: bool = False  # a control: shuffles reports among records
    validate_every: Count = 200  # steps
    save_every: Count = 500  # steps, to resume from

    @model_validator(mode="after")
    def _rates_fit(self) -> Self:
        _check_rates(self.lr, self.min_lr)
        return self

    def unread(self) -> list[str]:
        """The schedule, if there is no pre-training. A tokenizer may still be made from the data."""
        read = ("steps", "data", "before")
        return [] if self.steps else [name for name in type(self).model_fields if name not in read]


class FinetuneSettings(Settings):
    """Fine-tuning: the same schedule for every method; a method's config.yaml cannot change it."""

    epochs: Annotated[int, Field(ge=1, le=10**5)] = (
        6  # evaluations on validation, spread over the steps
    )
    min_steps: CountOrZero = 42  # in total: small training sets are repeated more often
    batch_size: Annotated[int, Field(ge=1, le=10**6)] = 32
    lr: LearningRate = 5e-4
    min_lr: LowestRate = 0.0
    weight_decay: Decay = 0.05
    warmup: Share = 0.1  # share of the steps
    clip: Norm = 1.0  # largest norm of the gradient; 0: no limit

    @model_validator(mode="after")
    def _rates_fit(self) -> Self:
        _check_rates(self.lr, self.min_lr)
        return self


class ComputeSettings(Settings):
    """Device and precision of a run; no setting is part of a configuration's hash.

    A precision below float32 is part of the addresses of checkpoints and features.
    """

    accelerator: Literal["auto", "cpu", "cuda", "gpu", "mps"] = "auto"
    devices: Annotated[int, Field(ge=1, le=1024)] = 1  # on this machine; they share a batch
    precision: Annotated[
        Literal["auto", "32", "bf16", "16", "32-true", "bf16-mixed", "16-mixed"],
        BeforeValidator(lambda given: str(given) if type(given) is int else given),
    ] = "auto"  # bf16 on a GPU that supports bf16, otherwise float32
    encode_batch: Annotated[int, Field(ge=1, le=10**6)] = 256
    workers: Annotated[int, Field(ge=0, le=1024)] = 0  # processes that load batches
    threads: Annotated[int, Field(ge=0, le=4096)] = 0  # threads of torch on a CPU; 0: all cores


class EvaluateSettings(Settings):
    """How figures are computed from predictions."""

    resamples: Annotated[int, Field(ge=1, le=10_000)] = 1000  # of the patient bootstrap


class Config(Settings):
    """All settings of a cell, except method, task, seed and draw.

    Attributes:
        model: The method's own settings, an instance of its settings class.
    """

    neutral: ClassVar[tuple[str, ...]] = ("compute", "evaluate")
    """Sections that are not part of a hash or of a row's name."""

    profile: str = "mini"
    signal: SignalSettings = SignalSettings()
    pretrain: PretrainSettings = PretrainSettings()
    finetune: FinetuneSettings = FinetuneSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    compute: ComputeSettings = ComputeSettings()
    model: Settings = Settings()

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        size, devices = self.pretrain.batch_size, self.compute.devices
        if self.pretrain.steps and size % devices:
            raise ValueError(
                f"pretrain.batch_size={size} does not divide by compute.devices={devices}: it is the "
                "batch of all devices together, and each takes an equal share"
            )
        try:
            seen = self.signal.window or self.signal.seconds
            self.model.fit_signal(self.signal.rate, seen)
        except ValueError as error:
            raise ValueError(f"model.{error}") from error
        return self


Number = int | float
Group = str | bool | Number | tuple[Number, Number]


class ProtocolSettings(Settings):
    """Settings of a variant that the harness reads; a protocol's own class adds more."""

    draws: Annotated[int, Field(ge=1, le=1000)] = 1  # subsets of the training records
    # Group of test records, by column: a value, or [from, below].
    only: dict[str, Group] = Field(default_factory=dict)
    tested: Literal["target", "source"] = (
        "target"  # data set of the test records, if the task has a source
    )

    @model_validator(mode="after")
    def _groups_hold_something(self) -> Self:
        for column, value in self.only.items():
            if isinstance(value, tuple) and not value[0] < value[1]:
                raise ValueError(f"only.{column} cannot be {list(value)}: it takes [from, below]")
        return self


class OpenProtocolSettings(ProtocolSettings):
    """The settings of a protocol without a settings class: other settings are kept unchanged."""

    model_config = ConfigDict(extra="allow")
