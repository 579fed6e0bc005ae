"""What the settings of weights in a file may be."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from ecgbench.data.leads import LEADS
from ecgbench.nn.settings import Resnet, Sizes, Vit, other_sizes

Architecture = Literal["exported", "torchscript", "vit", "channel-vit", "resnet18", "xresnet101"]


class CheckpointSettings(Sizes):
    """Where the weights are, and which network they are of."""

    source: str | None = None  # a file, a directory, or a Hugging Face id
    revision: str | None = None  # of an id: a branch, a tag or a commit; null for its main branch
    file: str | None = None  # of a directory or an id; null where it holds only one
    architecture: Architecture = "resnet18"
    leads: tuple[str, ...] | None = None  # in the order of the weights; null: the harness's
    prefix: str | None = None  # of the names of the wanted weights in the file; null: it is found
    # data sets of the catalogue, collections (cinc2021), private-NAME, or unknown; [] for untrained ones
    trained_on: tuple[str, ...] = ("unknown",)
    vit: Vit = Vit(patch=0.3, width=768, depth=12, heads=12, pool="mean")  # ViT-B, as ST-MEM's
    resnet: Resnet = Resnet(widths=(64, 128, 256, 512))

    @model_validator(mode="after")
    def _leads_are_known(self) -> Self:
        unknown = [name for name in self.leads or () if name not in LEADS]
        if unknown or len(set(self.leads or ())) != len(self.leads or ()) or self.leads == ():
            problem = f"there is no {', '.join(unknown)}" if unknown else "each stands there once"
            raise ValueError(
                f"leads cannot be [{', '.join(self.leads or ())}]: {problem}; it takes these in the order "
                f"of the weights: {', '.join(LEADS)}"
            )
        return self

    def unread(self) -> list[str]:
        """The sizes of the other encoders; a program brings its own."""
        if self.architecture in ("exported", "torchscript"):
            return ["vit", "resnet", "xresnet", "prefix"]
        return other_sizes(self.architecture)

    def fit_signal(self, rate: float, seconds: float) -> None:
        """Only what the encoder reads has to fit."""
        if "vit" in self.architecture:
            super().fit_signal(rate, seconds)
