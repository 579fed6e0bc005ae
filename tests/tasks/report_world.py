"""A made-up world in which ECGs and reports tell of the same rhythms, as a bench of the tests' own.

No file, no torch, no signal: a record is a class with noise, its report a phrase. Whoever reads a label
fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from toys import toy_method

from ecgbench.config.sections import ComputeSettings, Config
from ecgbench.plugins.catalogue import protocols
from ecgbench.plugins.specs import MethodInfo, ProtocolSpec, TaskSpec
from ecgbench.protocol import Bench, Records

PHRASES = {
    "AFIB": ("atrial fibrillation", "atrial fibrillation, fast ventricular response"),
    "PACE": ("pacemaker rhythm", "ventricular pacing"),
    "SBRAD": ("sinus bradycardia", "slow sinus rate, bradycardia"),
    "STACH": ("sinus tachycardia", "tachycardia, fast sinus rate"),
}
CLASSES = tuple(PHRASES)
KEYWORDS = ("fibrillation", "pac", "bradycardia", "tachycardia")
REMARKS = ("", ", left axis deviation", ", normal axis", ", some artefact", ", low voltage")
SIZES = {"train": 240, "val": 80, "test": 120}


@dataclass
class FakeDataset:
    """Records with a hidden class and a report each."""

    name: str
    records: pd.DataFrame
    hidden: NDArray[np.intp]

    @property
    def spec(self) -> Any:
        return SimpleNamespace(name=self.name)

    def rows(self, split: str) -> NDArray[np.int64]:
        return np.flatnonzero(self.records["split"].to_numpy() == split)

    def labels(self, label_set: str, split: str | None = None) -> Any:
        raise AssertionError(f"labels of {label_set} were read")


@dataclass
class FakeFrozen:
    """Features, and a text tower that knows the keywords."""

    ecg: NDArray[np.float32]
    joint: NDArray[np.float32]
    directions: NDArray[np.float32]
    asked: list[str] = field(default_factory=list)

    def method(self) -> Any:
        raise AssertionError("no method was to be loaded")

    def signals(self, records: Records, transform: Any) -> Any:
        raise AssertionError("no signal was to be read")

    def features(self, records: Records, transform: Any, kind: str) -> NDArray[np.float32]:
        self.asked.append(kind)
        return {"ecg": self.ecg, "joint": self.joint}[kind][records.rows]

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append("text")
        return np.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> NDArray[np.float32]:
        known = [row for row, word in enumerate(KEYWORDS) if word in text.lower()]
        accent = self.directions[-1] * (len(text) % 7) / 40  # wordings differ a little
        return (self.directions[known].sum(axis=0) if known else self.directions[-2]) + accent


@dataclass(frozen=True)
class World:
    """The data set, the frozen method, and benches on them."""

    dataset: FakeDataset
    frozen: FakeFrozen
    shared: dict[Any, Any] = field(default_factory=dict)

    @property
    def tested_rows(self) -> NDArray[np.int64]:
        return self.dataset.rows("test")

    @property
    def truth(self) -> NDArray[np.uint8]:
        """``[test records, classes]``, for the tests to score with."""
        return np.eye(len(CLASSES), dtype=np.uint8)[self.dataset.hidden[self.tested_rows]]

    @property
    def tested_texts(self) -> tuple[str, ...]:
        return tuple(self.dataset.records["report"].iloc[self.tested_rows])

    def bench(
        self,
        protocol: str | ProtocolSpec = "zero-shot",
        variant: str = "en",
        *,
        encodes: tuple[str, ...] = ("ecg", "text"),
        classes: tuple[str, ...] = CLASSES,
        **task: Any,
    ) -> Bench:
        spec = protocols.get(protocol) if isinstance(protocol, str) else protocol
        rows = np.asarray(self.tested_rows, np.intp)
        ids = self.dataset.records.index.to_numpy(dtype=str)[rows]
        fields = {"name": "made-up", "dataset": self.dataset.name, "labels": "rhythm", **task}
        return Bench(
            info=info_of(encodes),
            task=TaskSpec(folder=Path(), title="Made up", protocols=(spec.name,), **fields),
            protocol=spec,
            variant=variant,
            config=Config(compute=ComputeSettings(accelerator="cpu")),
            seed=0,
            draw=0,
            training_data=self.dataset,  # type: ignore[arg-type]
            test=Records(self.dataset, rows, ids),  # type: ignore[arg-type]
            test_texts=self.tested_texts if spec.predicts == "ranks" else (),
            classes=classes,
            frozen=self.frozen,
            shared=self.shared,
        )


def make_world(seed: int = 0, noise: float = 0.35, dataset: str = "ptbxl-mini") -> World:
    """A world; the same seed gives the same."""
    rng = np.random.default_rng(seed)
    total = sum(SIZES.values())
    hidden = rng.integers(len(CLASSES), size=total)
    reports = [
        str(rng.choice(PHRASES[CLASSES[k]])) + str(rng.choice(REMARKS)) for k in hidden.tolist()
    ]
    splits = np.repeat(list(SIZES), list(SIZES.values()))
    records = pd.DataFrame(
        {"split": splits, "report": reports}, index=pd.Index([f"r{i:04d}" for i in range(total)])
    )
    onehot = np.eye(len(CLASSES))[hidden]
    ecg = onehot @ rng.normal(size=(len(CLASSES), 12)) + noise * rng.normal(size=(total, 12)) + 5
    directions = np.linalg.qr(rng.normal(size=(8, 8)))[0][: len(CLASSES) + 2].astype(np.float32)
    joint = onehot @ directions[: len(CLASSES)] + 0.5 * noise * rng.normal(size=(total, 8))
    frozen = FakeFrozen(ecg.astype(np.float32), joint.astype(np.float32), directions)
    return World(FakeDataset(dataset, records, hidden), frozen)


def info_of(encodes: tuple[str, ...]) -> MethodInfo:
    """A method that says it encodes this and that."""
    return toy_method(encodes=encodes)
