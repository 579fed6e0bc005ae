"""MERL's ResNet-18 (Liu et al., ICML 2024) with its published weights."""

from __future__ import annotations

from typing import ClassVar

from ecgbench.methods.published.merl_published.settings import MERLSettings

from ecgbench.nn.resnet import ResNet1d
from ecgbench.nn.towers import ResNetTower, Tower
from ecgbench.plugins.published import preset_in
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.weights import Names

STAGES = {
    rf"^layer{stage + 1}\.{block}\.": f"net.stages.{2 * stage + block}."
    for stage in range(4)
    for block in range(2)
}


class MERL(PublishedEncoder):
    """A stem, four stages of two basic blocks, no max pool; its feature is the mean over time."""

    preset = preset_in(__file__, "config.yaml")
    names: ClassVar[Names] = {
        r"^conv1\.": "net.stem.0.",
        r"^bn1\.": "net.stem.1.",
        **STAGES,
        r"\.conv1\.": ".body.0.",
        r"\.bn1\.": ".body.1.",
        r"\.conv2\.": ".body.3.",
        r"\.bn2\.": ".body.4.",
        r"\.downsample\.": ".shortcut.",
    }

    def network(self, config: MERLSettings, samples: int) -> Tower:
        """A ResNet1d-18."""
        return ResNetTower(ResNet1d(leads=len(self.preset.leads), widths=config.network.widths))
