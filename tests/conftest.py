"""Fixtures that several packages' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ecgbench", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("ecgbench")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may wait for a hub

collect_ignore = ["toy_plugins", "training/plugins"]  # plug-ins, loaded by the registries alone

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, where this machine has one."""
    folder = Path(os.environ.get("ECGBENCH_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder} (set ECGBENCH_SHARED_DATA)")
    return folder


@pytest.fixture
def ecgbench_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("ECGBENCH_HOME", str(folder))
    return folder
