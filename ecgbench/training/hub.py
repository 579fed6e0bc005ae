"""Models under Hugging Face ids: the current commit of a branch, and single files of it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from ecgbench.base.errors import EcgbenchError


@dataclass(frozen=True)
class Snapshot:
    """One commit of a Hugging Face id.

    Attributes:
        commit: Its hash.
        files: Names of its files; without a network, only of the local files.
    """

    commit: str
    files: tuple[str, ...]


def look_up(source: str, revision: str | None) -> Snapshot:
    """The current commit of a revision; requested once for all cells of a run.

    Args:
        source: The id.
        revision: A branch, a tag or a commit; None for the main branch.

    Raises:
        EcgbenchError: There is no such id or revision, or neither a network nor a local copy.
    """
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source):
        raise EcgbenchError(
            f"There is no file or directory {source!r}, and it is not a Hugging Face id.",
            "Correct the path.",
        )
    found = _asked(source, revision)
    if isinstance(found, Snapshot):
        return found
    at = f" at revision {revision}" if revision else ""
    raise EcgbenchError(
        f"{source!r} is not a file or directory, and cannot be downloaded{at}: {found}",
        "Download it where there is a network and give its path (model.source=PATH, "
        "model.text.source=PATH); for a text encoder, null is the small one that needs no download.",
    )


@functools.cache
def _asked(source: str, revision: str | None) -> Snapshot | str:
    """The snapshot, or the reason why there is none; without a network, the snapshot downloaded earlier."""
    from huggingface_hub import HfApi, snapshot_download

    try:  # downloads no file: gives the location of the commit's files, records the branch's commit
        folder = Path(snapshot_download(source, revision=revision, allow_patterns=[]))
    except Exception as error:  # a hub can fail in many ways: no network, no such id, no permission
        return str(error).splitlines()[0]
    try:
        names = HfApi().list_repo_files(source, revision=folder.name)
    except Exception:
        names = [str(item.relative_to(folder)) for item in folder.rglob("*") if item.is_file()]
    return Snapshot(folder.name, tuple(names))


def download(source: str, snapshot: Snapshot, name: str) -> Path:
    """One file of a commit, downloaded or from the local cache.

    Raises:
        EcgbenchError: There is no local copy, and the download failed.
    """
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(source, name, revision=snapshot.commit))
    except Exception as error:
        raise EcgbenchError(
            f"{name} of {source} cannot be downloaded: {str(error).splitlines()[0]}",
            "Download it where there is a network and give its path.",
        ) from error
