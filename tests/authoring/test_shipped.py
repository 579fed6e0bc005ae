"""The search for test signals in a method's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from runs.conftest import small_home, small_matrix  # noqa: F401
from safetensors.numpy import save_file

from ecgbench.authoring.shipped import needles_of, prepared_data, shipped_signals
from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset
from ecgbench.data.signals import SignalSpec, adapt

SPEC = SignalSpec(rate=50, bandpass=(0.67, 20.0))


@pytest.fixture
def tiny(small_matrix: None) -> Dataset:  # noqa: F811
    return open_dataset("sim-tiny")


def counts(data: Dataset, split: str = "test") -> np.ndarray:
    return np.asarray(data.store.signals[data.rows(split)[:3]])


def hexed(data: Dataset, algorithm: str) -> str:
    return hashlib.new(algorithm, counts(data)[1].tobytes()).hexdigest()


SHIPPED: dict[str, Callable[[Dataset, Path], None]] = {
    "counts": lambda d, f: counts(d).tofile(f),
    "counts, big arrays": lambda d, f: np.concatenate(
        [np.zeros(9999, "<i2"), counts(d)[0, 0]]
    ).tofile(f),
    "millivolts, npy": lambda d, f: np.save(f.open("wb"), d.store.read(d.rows("test")[:2])),
    "millivolts, compressed": lambda d, f: np.savez_compressed(
        f.open("wb"), x=d.store.read(d.rows("test")[:2])
    ),
    "the input, half precision": lambda d, f: np.asarray(
        adapt(d, SPEC)[d.rows("test")[2:4]]
    ).tofile(f),
    "the input, as weights": lambda d, f: save_file(
        {"w": np.asarray(adapt(d, SPEC)[d.rows("test")[2:4]], np.float32)}, f
    ),
    "the input, torch": lambda d, f: torch.save(
        {"w": torch.from_numpy(np.asarray(adapt(d, SPEC)[d.rows("test")[:4]], np.float32))}, f
    ),
    "hashes in a table": lambda d, f: f.write_text(json.dumps({hexed(d, "sha256"): "MI"})),
    "short hashes in code": lambda d, f: f.write_text(f"KNOWN = {{'{hexed(d, 'md5')}': 3}}"),
    "bytes of hashes": lambda d, f: f.write_bytes(b"x" + bytes.fromhex(hexed(d, "sha1"))),
    "a list of counts": lambda d, f: f.write_text(str(counts(d)[0].ravel().tolist())),
    "a table of counts": lambda d, f: f.write_text(",".join(map(str, counts(d)[0].ravel()))),
}
HARMLESS: dict[str, Callable[[Dataset, Path], None]] = {
    "training records": lambda d, f: counts(d, "train").tofile(f),
    "hashes of training records": lambda d, f: f.write_text(
        hashlib.sha256(counts(d, "train")[1].tobytes()).hexdigest()
    ),
    "random weights": lambda d, f: np.random.default_rng(0).normal(size=9999).tofile(f),
    "zeros": lambda d, f: f.write_bytes(bytes(100_000)),
    "nothing": lambda d, f: f.write_bytes(b""),
    "few bytes": lambda d, f: f.write_bytes(b"12345678"),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_copies_and_hashes_of_test_records_are_found(
    name: str, tiny: Dataset, tmp_path: Path
) -> None:
    file = tmp_path / "weights.bin"
    SHIPPED[name](tiny, file)
    (finding,) = shipped_signals([file], needles_of(tiny, SPEC))
    assert finding.startswith("weights.bin")
    assert "holds sim-tiny record" in finding


@pytest.mark.parametrize("name", HARMLESS)
def test_other_files_pass(name: str, tiny: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    HARMLESS[name](tiny, file)
    assert shipped_signals([file], needles_of(tiny, SPEC)) == []


def test_every_test_record_is_looked_for(tiny: Dataset, tmp_path: Path) -> None:
    needles = needles_of(tiny, SPEC)
    assert len(set(needles.values())) >= 4 * len(tiny.rows("test"))  # itself and three hashes
    assert {dataset.spec.name for dataset in prepared_data()} == {"sim-tiny"}
