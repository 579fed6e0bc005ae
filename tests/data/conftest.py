"""A small PTB-XL-shaped data set, written with wfdb itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgbench.data.spec import DatasetSpec, datasets

FILE_LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
STATEMENTS = """,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NORM,normal ECG,1.0,,,NORM,NORM
IMI,inferior infarct,1.0,,,MI,IMI
AMI,anterior infarct,1.0,,,MI,AMI
NDT,non-diagnostic T,1.0,1.0,,STTC,STTC
PVC,ectopic beat,,1.0,,,
SR,sinus rhythm,,,1.0,,
AFIB,fibrillation,,,1.0,,
"""
CODES = (
    "{'NORM': 100.0, 'SR': 0.0}",
    "{'IMI': 0.0, 'AMI': 80.0, 'AFIB': 0.0}",
    "{'NDT': 15.0, 'SR': 0.0}",
    "{'PVC': 0.0}",
)
TOY = """
name: toy
title: A small data set of the tests
version: "1"
licence: none
citation: none
layout: ptbxl
rate: 100
seconds: 10
label_sets: [super, sub, form, rhythm, diagnostic, all]
reports: true
splits: {by: patient}
"""


def ecg_like(rng: np.random.Generator, samples: int, rate: float) -> np.ndarray:
    """Twelve leads with an offset, a rhythm and noise, mV: [samples, 12]; limb leads follow from I, II."""
    time = np.arange(samples)[:, None] / rate
    wave = np.sin(2 * np.pi * (1.2 + rng.random(12)) * time) ** 9
    signals = wave * rng.uniform(0.2, 2.0, 12) + rng.normal(0, 0.02, (samples, 12)) + 0.1
    first, second = signals[:, 0], signals[:, 1]
    signals[:, 2] = second - first
    signals[:, 3] = -(first + second) / 2
    signals[:, 4] = first - second / 2
    signals[:, 5] = second - first / 2
    return signals


def write_record(folder: Path, path: str, signals: np.ndarray, **changes: object) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    leads = signals.shape[1]
    arguments: dict[str, object] = {
        "fs": 100,
        "units": ["mV"] * leads,
        "sig_name": FILE_LEADS[:leads],
        "p_signal": signals,
        "fmt": ["16"] * leads,
        "adc_gain": [1000.0] * leads,
        "baseline": [0] * leads,
        **changes,
    }
    wfdb.wrsamp(target.name, write_dir=str(target.parent), **arguments)


def write_ptbxl(folder: Path, records: int = 20, seed: int = 0, rate: int = 100) -> Path:
    """Write a database of ``records`` ECGs; two in a row belong to one patient."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "ecg_id,patient_id,age,sex,site,device,report,scp_codes,strat_fold,filename_lr,filename_hr"
    ]
    for number in range(1, records + 1):
        patient = (number + 1) // 2
        low, high = f"records100/00000/{number:05d}_lr", f"records500/00000/{number:05d}_hr"
        write_record(folder, low if rate == 100 else high, ecg_like(rng, 10 * rate, rate), fs=rate)
        lines.append(
            f"{number},{patient}.0,{40 + number}.0,{number % 2},{number % 3}.0,AT-6  C ,"
            f'"report, {number}","{CODES[number % 4]}",{1 + patient % 10},{low},{high}'
        )
    (folder / "ptbxl_database.csv").write_text("\n".join(lines) + "\n")
    (folder / "scp_statements.csv").write_text(STATEMENTS)
    return folder


def own_entry(name: str = "own", rate: float = 100, **more: object) -> str:
    """The YAML of a user's own table; ``more`` are further keys, JSON being YAML."""
    keys = {
        "name": name, "title": name, "version": "1", "licence": "private", "citation": "none",
        "layout": "table", "rate": rate, "seconds": 10, "splits": {"by": "patient"}, **more,
    }  # fmt: skip
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items())


@pytest.fixture
def add_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., DatasetSpec]]:
    """Register data sets for one test: ``add_spec(yaml_text)``."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    monkeypatch.setenv("ECGBENCH_DATASETS_PATH", str(folder))

    def add(text: str = TOY) -> DatasetSpec:
        name = next(line for line in text.splitlines() if line.startswith("name:"))
        name = name.removeprefix("name:").strip(' "')
        (folder / f"{name}.yaml").write_text(text)
        datasets.refresh()
        return datasets.get(name)

    yield add
    datasets.refresh()


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ptbxl(tmp_path_factory.mktemp("template") / "toy")


@pytest.fixture
def toy_folder(tmp_path: Path, toy_template: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(toy_template, tmp_path / "toy"))
