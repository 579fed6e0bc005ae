"""D-BETA's ECG encoder (Pham et al., ICML 2025) with its published weights."""

from __future__ import annotations

from typing import ClassVar

from ecgbench.methods.published.d_beta.settings import DBETASettings

from ecgbench.nn.towers import Tower
from ecgbench.nn.waves import WAVE_NAMES, FirstTokenWaves
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names


class DBETA(PublishedEncoder):
    """The ECG side; the language encoder and the cross-modal layers are not used."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"^class_embedding$": "first",
        r"^multi_modal_ecg_proj\.": "out.",
        r"^unimodal_ecg_pooler\.dense\.": "pooler.",
        **WAVE_NAMES,
        r"^ecg_encoder\.": "",
    }

    def network(self, config: DBETASettings, samples: int) -> Tower:
        """A wav2vec 2.0 tower of eight layers with a first token."""
        return FirstTokenWaves(leads=len(self.preset.leads), **config.network.model_dump())
