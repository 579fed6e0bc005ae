"""Settings of published encoders: where the weights are, and the sizes of their networks; torch-free."""

from __future__ import annotations

from ecgbench.config.settings import Settings
from ecgbench.nn.settings import Size, Transformer


class PublishedSettings(Settings):
    """Where the weights are. A preset adds ``network``, the published sizes."""

    source: str | None = None  # a path, a Hugging Face id, or random: initial weights, for trials
    revision: str | None = None  # of an id: a branch, a tag or a commit; null: its main branch
    file: str | None = None  # of a directory or an id; null where it holds only one


class PatchSizes(Transformer):
    """A ViT over patches of single leads."""

    patch: Size  # samples


class WaveSizes(Transformer):
    """A transformer behind a convolutional stem."""

    channels: Size  # of the stem
