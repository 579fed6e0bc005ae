"""Data sets of which only some real records are at hand: catalogue entries and folders of their own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ecgbench.data.spec import datasets


def sample_of(name: str) -> str:
    """The catalogue entry of a data set of which only some records are at hand."""
    spec = datasets.get(name)
    lines = (spec.folder / f"{name}.yaml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("records:")]
    text = "\n".join(kept).replace(f"name: {name}", f"name: {name}-sample")
    return text.replace("labels: labels/", f"labels: {spec.folder}/labels/")


def linked(source: Path, target: Path) -> Path:
    """A folder of links to the files of another, to which files can be added."""
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).symlink_to(file)
    return target


def cpsc_with_reference(shared_data: Path, target: Path) -> Path:
    """The 155 records of CPSC2018 with the labels of its own REFERENCE.csv."""
    folder = linked(shared_data / "cpsc2018", target)
    reference = pd.read_csv(
        shared_data / "labels/cpsc2018_REFERENCE_train_ecgchat.csv",
        dtype=str,
        index_col="Recording",
    )
    reference[["First_label", "Second_label", "Third_label"]].to_csv(folder / "REFERENCE.csv")
    return folder
