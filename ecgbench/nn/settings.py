"""Settings of the shared blocks: what a method's own settings class is put together from; torch-free."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ecgbench.config.settings import Settings

ROUNDING = 1e-9  # 0.1 + 0.2 is 0.3

Size = Annotated[int, Field(ge=1, le=65_536)]
Depth = Annotated[int, Field(ge=1, le=1000)]
Temperature = Annotated[float, Field(ge=0.001, le=100)]
Widths = tuple[Size, Size, Size, Size]
Tower = Literal["vit", "channel-vit", "resnet18", "xresnet101"]


class Transformer(Settings):
    """Sizes of a transformer, whose width is shared among its heads."""

    width: Size
    depth: Depth
    heads: Size

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads or self.width % 2:
            raise ValueError(
                f"width cannot be {self.width}: it takes an even multiple of heads ({self.heads})"
            )
        return self


class Vit(Transformer):
    """Sizes of :class:`ecgbench.nn.vit.EcgViT` and :class:`ecgbench.nn.vit.ChannelViT`."""

    patch: Annotated[float, Field(ge=0.02, le=5)] = 0.5  # seconds
    width: Size = 96
    depth: Depth = 3
    heads: Size = 4
    separators: bool = True
    pool: Literal["mean", "by-lead"] = "by-lead"

    def fit_signal(self, rate: float, seconds: float) -> None:
        """A patch holds a sample at least, and a record a patch."""
        if not 1 <= round(self.patch * rate) <= round(seconds * rate):
            raise ValueError(
                f"patch cannot be {self.patch:g}: it takes 1 sample at least and a whole record at "
                f"most, of {seconds:g} s at {rate:g} Hz"
            )


class Resnet(Settings):
    """Channels of the four stages of :class:`ecgbench.nn.resnet.ResNet1d`."""

    widths: Widths = (32, 64, 128, 256)


class XResnet(Settings):
    """Channels of the four stages of :class:`ecgbench.nn.resnet.XResNet1d`."""

    widths: Widths = (64, 64, 64, 64)


class Sizes(Settings):
    """Sizes of every ECG encoder that :func:`ecgbench.nn.towers.build_tower` makes."""

    vit: Vit = Vit()
    resnet: Resnet = Resnet()
    xresnet: XResnet = XResnet()


class AnyTower(Sizes):
    """An ECG encoder by name, and its sizes."""

    encoder: Tower = "vit"

    def unread(self) -> list[str]:
        """The sizes of the other encoders."""
        return [*super().unread(), *other_sizes(self.encoder)]

    def fit_signal(self, rate: float, seconds: float) -> None:
        """Only what the encoder reads has to fit."""
        if "vit" in self.encoder:
            super().fit_signal(rate, seconds)


def other_sizes(encoder: str) -> list[str]:
    """The sections of :class:`Sizes` that an encoder does not read."""
    read = {"vit": "vit", "channel-vit": "vit", "resnet18": "resnet", "xresnet101": "xresnet"}
    return [name for name in Sizes.model_fields if name != read[encoder]]


class Decoder(Transformer):
    """Sizes of :class:`ecgbench.nn.vit.MaskedDecoder`."""

    width: Size = 64
    depth: Depth = 2
    heads: Size = 4


class MaskedVit(Vit):
    """A ViT that is trained on masked records: they have to hold several patches."""

    patch: Annotated[float, Field(ge=0.02, le=1.5)] = 0.5


class Mask(Settings):
    """What is hidden: see :func:`ecgbench.nn.masking.random_mask`.

    With 12 leads of 18 patches or more, every mask that is allowed shows something, hides something,
    and shows no limb lead that others give away.
    """

    leads: Annotated[float, Field(ge=0, le=0.9)] = 0.0  # share of the leads that are hidden whole
    patches: Annotated[float, Field(ge=0, le=0.9)] = 0.75  # share of all tokens; 0: only the leads'

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if self.patches and self.patches < self.leads + 0.2 - ROUNDING:
            raise ValueError(
                f"patches cannot be {self.patches:g}: it takes 0, or leads + 0.2 "
                f"({self.leads + 0.2:g}) to 0.9"
            )
        if self.leads + self.patches < 0.1 - ROUNDING:
            raise ValueError(
                f"patches cannot be {self.patches:g}: leads + patches takes at least 0.1"
            )
        return self


class Text(Transformer):
    """A text encoder: see :func:`ecgbench.nn.towers.build_text`."""

    source: str | None = None  # a Hugging Face id or directory; null: a small one, from scratch
    max_tokens: Annotated[int, Field(ge=3, le=65_536)] = 96
    frozen_layers: Annotated[int, Field(ge=0, le=1000)] = 0
    vocabulary: Annotated[int, Field(ge=1, le=10**7)] = 2000  # this and the sizes: the small one's
    width: Size = 128
    depth: Depth = 2
    heads: Size = 4

    def unread(self) -> list[str]:
        """A published encoder has its own sizes."""
        return [] if self.source is None else ["vocabulary", "width", "depth", "heads"]
