"""A published encoder as a method: its network, its weights, the leads in its order."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from ecgbench.base.errors import EcgbenchError
from ecgbench.data.leads import lead_positions
from ecgbench.method import Method, Setup
from ecgbench.nn.towers import Tower
from ecgbench.plugins.published import RANDOM, Published
from ecgbench.published.settings import PublishedSettings
from ecgbench.published.weights import Loaded, Names, fill, read_weights
from ecgbench.training.outside import find_weights


class PublishedEncoder(Method):
    r"""A network in which published weights are evaluated; nothing is trained.

    A preset is a subclass with its facts, its key map and its network::

        class ECGFounder(PublishedEncoder):
            preset = preset_in(__file__, "config.yaml")
            names = {r"^stage_list\.": "stages."}

            def network(self, config, samples):
                return Net1d(...)

    Attributes:
        preset: The facts in its ``config.yaml``.
        names: From published names to those of :meth:`network`, in the order of their application.
        loaded: What became of the file's tensors; None for random weights and for a checkpoint of ours.
    """

    config: PublishedSettings
    preset: ClassVar[Published]
    names: ClassVar[Names] = {}

    def __init__(self, config: PublishedSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        places = lead_positions(self.preset.leads, setup.leads)
        self.order: Tensor
        self.register_buffer("order", torch.tensor(places), persistent=False)
        self.encoder = self.network(config, setup.samples)
        self.loaded: Loaded | None = None
        if setup.assets is None and config.source != RANDOM:
            self.loaded = self._load(config)

    @abstractmethod
    def network(self, config: Any, samples: int) -> Tower:
        """The network with its initial weights.

        Args:
            config: The method's settings; the defaults of ``network`` are the published sizes.
            samples: Samples of one input.
        """

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The published feature: ``[B, L, T] -> [B, features]``."""
        return self.encoder.pool(self.encode_tokens(ecg))

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """Features by position: ``[B, L, T] -> [B, N, width]``."""
        tokens: Tensor = self.encoder(ecg.index_select(1, self.order))
        return tokens

    def _load(self, config: PublishedSettings) -> Loaded:
        name = type(self).__name__
        if config.source is None:
            raise EcgbenchError(
                f"{name} has no address to download from.",
                f"Download the weights from {self.preset.url} and give their path: model.source=PATH. "
                f"For a trial without weights: model.source={RANDOM}.",
            )
        path = find_weights(config.source, config.file, config.revision)
        tensors = read_weights(path, self.preset.inside)
        return fill(self.encoder, tensors, self.names, self.preset.drop, name)
