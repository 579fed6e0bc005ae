"""ECG-FM's wav2vec 2.0 encoder (McKeen et al. 2024) with its published weights."""

from __future__ import annotations

from ecgbench.methods.published.ecg_fm.settings import ECGFMSettings

from ecgbench.nn.towers import Tower
from ecgbench.nn.waves import WAVE_NAMES, WaveTower
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder


class ECGFM(PublishedEncoder):
    """The encoder; quantiser and projections of pre-training are not used."""

    preset = preset_in(__file__, "config.yaml")
    names = WAVE_NAMES

    def network(self, config: ECGFMSettings, samples: int) -> Tower:
        """A wav2vec 2.0 tower of twelve layers."""
        return WaveTower(leads=len(self.preset.leads), **config.network.model_dump())
