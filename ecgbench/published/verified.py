"""Published weights against what is known of them: the layout, and features that a user recorded.

``ecgbench check NAME --against-weights`` reads the published file. The first time it writes
``verified.yaml`` beside the card: the file's SHA-256 (or the commit of its id), and the features of a
drawn input. From then on the file is held against it, and rows made from that file are called verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from pydantic import BaseModel, ConfigDict

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.paths import atomic_write
from ecgbench.config.effective import effective
from ecgbench.config.settings import as_dict
from ecgbench.data.leads import LEADS
from ecgbench.method import Setup
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.published import RANDOM
from ecgbench.plugins.specs import MethodInfo, read_yaml
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.layout import drawn_input
from ecgbench.published.settings import PublishedSettings
from ecgbench.training.outside import contents, on_this_machine
from ecgbench.training.windows import windows_of

FILE = "verified.yaml"
SHOWN = 8  # features that are recorded
TOLERANCE = 1e-3  # of the norm


class Verified(BaseModel):
    """Features of a published file.

    Attributes:
        sources: What tells the file apart, as a result's ``pretraining.sources`` has it.
        input: How the input was drawn.
        features: The first features of the first record.
        norm: Euclidean norm of that record's features.
        torch: Version that computed them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: dict[str, str]
    input: str
    features: tuple[float, ...]
    norm: float
    torch: str


@dataclass(frozen=True)
class Against:
    """What came of holding weights against what is known of them.

    Attributes:
        loaded: What became of the file's tensors, in words.
        found: The features that the file gives now.
        known: Those that are recorded; None where these are the first.
    """

    loaded: str
    found: Verified
    known: Verified | None

    @property
    def agrees(self) -> bool:
        """Whether the features are those that are recorded."""
        if self.known is None:
            return True
        away = [abs(a - b) for a, b in zip(self.found.features, self.known.features, strict=True)]
        away.append(abs(self.found.norm - self.known.norm))
        return max(away) <= TOLERANCE * self.known.norm


def against_weights(name: str, overrides: Sequence[str] = ()) -> Against:
    """Read the published file of a preset, and record its features where none are.

    Args:
        name: Registered name.
        overrides: ``key=value``, e.g. ``model.source=PATH``.

    Raises:
        EcgbenchError: The method brings no published weights, or its file cannot be read or does not fit.
    """
    info = methods.get(name)
    if info.published is None:
        raise EcgbenchError(f"{name} brings no published weights.", "See `ecgbench list methods`.")
    config = effective(info, "mini", overrides)
    assert isinstance(config.model, PublishedSettings)
    if config.model.source == RANDOM:
        raise EcgbenchError("Random weights cannot be verified.", "Give model.source=PATH.")
    signal, windows = config.signal, windows_of(config)
    samples = windows.length if windows else round(signal.seconds * signal.rate)
    sources = contents(as_dict(config)["model"])
    kind: type[PublishedEncoder] = load_object(info.model, info.folder)
    with on_this_machine(config.model) as model:
        assert isinstance(model, PublishedSettings)
        method = kind(model, Setup(LEADS, float(signal.rate), samples)).eval()
    with torch.no_grad():
        features = method.encode_ecg(drawn_input(len(LEADS), samples))[0].double()
    found = Verified(
        sources=sources,
        input=f"ecgbench.published.layout.drawn_input({len(LEADS)}, {samples})",
        features=tuple(float(f"{value:.6g}") for value in features[:SHOWN]),
        norm=float(f"{float(features.norm()):.6g}"),
        torch=torch.__version__,
    )
    known = recorded(info)
    if known is None:
        text = yaml.safe_dump(found.model_dump(mode="json"), sort_keys=False)
        atomic_write(info.folder / FILE, text)
    return Against(str(method.loaded), found, known)


def recorded(info: MethodInfo) -> Verified | None:
    """The features that a user recorded for a preset; None where nobody has."""
    path: Path = info.folder / FILE
    return Verified.model_validate(read_yaml(path)) if path.is_file() else None
