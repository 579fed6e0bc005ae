"""MELP's ECG encoder (Wang et al., ICML 2025) with its published weights."""

from __future__ import annotations

from typing import ClassVar

from ecgbench.methods.published.melp.settings import MELPSettings

from ecgbench.nn.towers import Tower
from ecgbench.nn.waves import WAVE_NAMES, QueriedWaves
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names


class MELP(PublishedEncoder):
    """The ECG side up to the beat queries; captions and text are not used."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"^attn_pool_contrast\.query$": "query",
        r"^attn_pool_contrast\.ln_q\.": "query_norm.",
        r"^attn_pool_contrast\.ln_k\.": "key_norm.",
        r"^attn_pool_contrast\.attn\.": "attention.",
        r"^ln_contrast\.": "norm.",
        **WAVE_NAMES,
        r"^ecg_encoder\.": "",
    }

    def network(self, config: MELPSettings, samples: int) -> Tower:
        """A wav2vec 2.0 tower of eight layers with thirteen queries."""
        return QueriedWaves(leads=len(self.preset.leads), **config.network.model_dump())
