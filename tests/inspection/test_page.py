"""`ecgbench inspect`: the page holds everything, asks nobody for anything, and says what it is of."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from ecgbench.base.errors import DataError, EcgbenchError
from ecgbench.cli.app import app
from ecgbench.data.dataset import Dataset
from ecgbench.inspection import page
from ecgbench.inspection.subject import Subject

from .conftest import SHARED, SMALL

SubjectOf = Callable[[str], Subject]


class Reader(HTMLParser):
    """Collects tags, addresses and texts for those who cannot see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.alts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "href", "action", "data"):
                self.addresses.append(value or "")
            if name == "alt":
                self.alts.append(value or "")


def read(path: Path) -> tuple[str, Reader]:
    text, reader = path.read_text(encoding="utf-8"), Reader()
    reader.feed(text)
    return text, reader


def test_a_page_of_a_trained_method(small_matrix: None, tmp_path: Path) -> None:
    command = ["inspect", "merit", *SMALL["merit"], *SHARED, "--data=sim-tiny", "--profile=demo"]
    done = CliRunner().invoke(app, [*command, "--records=1", f"--out={tmp_path}"])
    assert done.exit_code == 0, done.output
    text, reader = read(tmp_path / "index.html")
    images = [a for a in reader.addresses if a.startswith("data:image/png;base64,")]
    assert [a for a in reader.addresses if a not in images] == ["#main"]
    assert not re.search(r"https?://|//[a-z]", re.sub(r"data:image[^\"]*", "", text))
    assert not {"script", "iframe", "link", "object"} & set(reader.tags)
    names = {file.stem for file in tmp_path.glob("*.png")}
    shown = {"record1-input", "record1-reconstruction", "record1-residual", "training", "bounds"}
    shown |= {"embedding", "embedding-shared"}
    assert names == shown | {f"{name}-dark" for name in shown}
    assert len(images) == len(names)
    for name in shown:
        light, dark = (
            Image.open(tmp_path / f"{name}{end}.png").convert("L") for end in ("", "-dark")
        )
        assert light.size == dark.size
        assert light.getpixel((2, 2)) > 200 > 60 > dark.getpixel((2, 2))  # type: ignore[operator]
    for alt in reader.alts:
        assert "simulated" in alt
    assert "<strong>simulated</strong>" in text
    for said in (
        "z-score over the record",
        "21 of 8 records",
        "SIMULATED",
        "nats_text",
        "nats_signal",
    ):
        assert said in text


def test_a_page_of_what_is_not_trained(subject_of: SubjectOf, tmp_path: Path) -> None:
    text, reader = read(page.write_page(subject_of("random_init"), tmp_path, 2))
    assert "reconstructs nothing" in text
    assert "is not pre-trained" in text
    assert ("UMAP is left out" in text) == (find_spec("umap") is None)
    assert len(reader.alts) == 1  # its embedding


def test_steps_too_few_for_a_log_are_said(subject_of: SubjectOf) -> None:
    (section,) = page._training_sections(subject_of("mae"))
    assert "2 steps are too few" in section.notes[0]
    assert section.pictures[0].name == "training"  # the learning rate is known all the same


def test_recordings_are_called_so(subject_of: SubjectOf) -> None:
    subject = subject_of("random_init")
    spec = subject.dataset.spec.model_copy(update={"simulated": False, "licence": "CC BY 4.0"})
    text = page.render(replace(subject, dataset=Dataset(spec, subject.dataset.store)), [])
    assert "recordings</strong> of sim-tiny (CC BY 4.0)" in text
    assert "<strong>simulated" not in text


def test_a_picture_is_the_same_twice(subject_of: SubjectOf) -> None:
    subject = subject_of("mae")
    first, again = (page._reconstruction_section(subject, 1).pictures[1] for _ in range(2))
    assert first == again
    assert Image.open(io.BytesIO(first.light)).size[0] > 1200


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["mea"], EcgbenchError),
        (["mae", "--data=ptbxl"], DataError),
        (["mae", "--data=sim-tiny", "model.vot.depth=2"], EcgbenchError),
    ],
)
def test_a_mistake_is_said(
    small_matrix: None, tmp_path: Path, arguments: list[str], kind: type[Exception]
) -> None:
    done = CliRunner().invoke(app, ["inspect", *arguments, f"--out={tmp_path}"])
    assert isinstance(done.exception, kind)
    assert not list(tmp_path.iterdir())
