"""Nothing is ever half-written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.paths import atomic_dir, atomic_write, home


def test_home_is_the_environments_choice(ecgbench_home: Path) -> None:
    assert home() == ecgbench_home


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    with atomic_dir(tmp_path / "a" / "b") as scratch:
        (scratch / "file").write_text("x")
        assert not (tmp_path / "a" / "b").exists()
    assert (tmp_path / "a" / "b" / "file").read_text() == "x"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_folder_leaves_nothing(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    with pytest.raises(interruption), atomic_dir(tmp_path / "out") as scratch:  # noqa: PT012
        (scratch / "file").write_text("x")
        raise interruption
    assert list(tmp_path.iterdir()) == []


def test_the_first_to_finish_wins(tmp_path: Path) -> None:
    with atomic_dir(tmp_path / "out") as slow:
        (slow / "file").write_text("slow")
        with atomic_dir(tmp_path / "out") as fast:
            (fast / "file").write_text("fast")
    assert (tmp_path / "out" / "file").read_text() == "fast"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EcgbenchError, match=r"Cannot write .*out.json: No space left") as caught:
        atomic_write(tmp_path / "out.json", "{}")
    assert "Free some space" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EcgbenchError, match="Permission denied"):
        atomic_write(tmp_path / "x" / "y", "z")
    tmp_path.chmod(0o700)


def test_a_file_in_the_way_of_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EcgbenchError, match="Cannot write"):
        atomic_write(tmp_path / "file" / "out.json", "{}")
