"""What a published encoder says of its weights: section ``published`` of its ``config.yaml``.

::

    published:
      url: https://huggingface.co/OWNER/NAME  # where a reader finds the weights
      licence: CC-BY-NC-4.0  # of the weights
      commercial: false  # whether that licence allows commercial use
      leads: [I, II, V1]  # which the network reads, in this order
      feature: mean over 30 tokens, 768 numbers
      drop: {"decoder.*": decoder of pre-training}  # published tensors that are not used, and why
      sources: {signal: "OWNER/NAME: util/transforms.py"}  # where each group of facts was read

Imports nothing heavy: `ecgbench list` reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

FACTS = ("weights", "licence", "network", "signal", "leads", "feature", "training")
"""Groups of facts that a preset has to name the source of."""

RANDOM = "random"
"""Value of ``model.source`` for a network with its initial weights: for trials, never for a board."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Published(BaseModel):
    """Facts of a published encoder that are no settings of a run.

    Attributes:
        url: Page of the weights.
        also: Other addresses of the same weights.
        licence: Of the weights; ``not stated`` where the authors state none.
        commercial: Whether that licence allows commercial use; None where it is not stated.
        sha256: Of the published file, where it is known.
        inside: Keys of the file under which the state dict lies, tried in this order.
        drop: Patterns of published names that the network does not use, with the reason.
        leads: Names of the leads in the order of the network's input.
        feature: What ``encode_ecg`` gives.
        training: What the weights were trained on, and how, in a sentence.
        caution: What a reader of its figures has to know; None for nothing.
        sources: Repository files that hold the facts, by group of :data:`FACTS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    also: tuple[str, ...] = ()
    licence: str
    commercial: bool | None
    sha256: Sha256 | None = None
    inside: tuple[str, ...] = ("state_dict", "model", "encoder", "model_state_dict")
    drop: dict[str, str] = {}
    leads: tuple[str, ...]
    feature: str
    training: str
    caution: str | None = None
    sources: dict[str, str]

    @field_validator("sources")
    @classmethod
    def _all_sources(cls, given: dict[str, str]) -> dict[str, str]:
        missing = [fact for fact in FACTS if not given.get(fact)]
        if missing:
            raise ValueError(f"no source is named for {', '.join(missing)}")
        return given


def preset_in(module: str, name: str) -> Published:
    """The facts in a description beside a module.

    The module names the file itself, so that the file is a part of the code behind its figures.

    Args:
        module: Its ``__file__``.
        name: ``config.yaml``.
    """
    text = Path(module).with_name(name).read_text(encoding="utf-8")
    return Published.model_validate(yaml.safe_load(text)["published"])
