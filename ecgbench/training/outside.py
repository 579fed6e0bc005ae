"""External weights of a method: in a file, in a directory or under a Hugging Face id.

Paths and ids do not identify content because files are replaced and branches move. Addresses and results
therefore contain the SHA-256 of each file, or the commit of an id.

A section of ``model`` with the key ``source`` loads external weights. If it also has the key ``file``
(possibly null), it loads one file of weights, otherwise a directory for ``transformers``. The optional key
``revision`` is a branch, tag or commit of an id; null means the main branch.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from ecgbench.base.errors import EcgbenchError
from ecgbench.base.hashing import file_sha256
from ecgbench.config.settings import Settings, as_dict
from ecgbench.plugins.published import RANDOM
from ecgbench.training.hub import download, look_up

WEIGHTS = (".safetensors", ".pt", ".pth", ".pt2", ".bin", ".ckpt", ".torchscript")
_DIRECTORY = (".safetensors", ".bin", ".json", ".txt", ".model")
_DAMAGED = ("PytorchStreamReader", "unexpected EOF", "corrupt")  # from torch's message
_STAND_INS = {
    b"version https://git-lfs": ("a pointer of git-lfs, not the file itself", "Run git lfs pull."),
    b"<!doctype html": ("a web page, not weights", "Download the file, not the page about it."),
    b"<html": ("a web page, not weights", "Download the file, not the page about it."),
}


def contents(model: Mapping[str, Any]) -> dict[str, str]:
    """Identity of the external weights in section ``model``, determined without downloading them.

    Returns:
        ``model.source/FILE``: SHA-256 of a file on this machine; ``model.source``: commit of an id. Empty
        without external weights.

    Raises:
        EcgbenchError: The weights do not exist, or the file is ambiguous.
    """
    found: dict[str, str] = {}
    for key, section in _sections(model, "model"):
        path = Path(section["source"]).expanduser()
        if section["source"] == RANDOM:
            found[key] = RANDOM
        elif not path.exists():
            found[key] = look_up(section["source"], section.get("revision")).commit
        elif "file" in section or path.is_file():
            file = find_weights(section["source"], section.get("file"))
            found[f"{key}/{file.name}"] = _sha256(file)
        else:
            names = _of_a_directory([item.name for item in path.iterdir() if item.is_file()])
            found |= {f"{key}/{name}": _sha256(_no_stand_in(path / name)) for name in names}
    return found


def local_sources(model: Mapping[str, Any]) -> list[Path]:
    """The files on this machine that section ``model`` names as sources."""
    paths = [Path(section["source"]).expanduser() for _, section in _sections(model, "model")]
    found = [file for path in paths for file in (path, *path.rglob("*"))]
    return [file for file in found if file.is_file()]


@contextlib.contextmanager
def on_this_machine(model: Settings) -> Iterator[Settings]:
    """Provide section ``model`` with paths instead of ids, after downloading the files.

    Raises:
        EcgbenchError: The download failed, or the block read a file that is damaged or not weights.
    """
    sections = _sections(as_dict(model), "model")
    if not sections:
        yield model
        return
    local = model.replaced(
        {
            key.removeprefix("model."): str(_local(section))
            for key, section in sections
            if section["source"] != RANDOM
        }
    )
    with plain_errors(" and ".join(section["source"] for _, section in sections)):
        yield local


def find_weights(source: str, file: str | None, revision: str | None = None) -> Path:
    """The file of weights of a source; from an id only this file is downloaded.

    Args:
        source: A file, a directory, or a Hugging Face id.
        file: Its name in a directory or under an id.
        revision: Revision of an id.

    Raises:
        EcgbenchError: There is none, there are several and none is named, or it does not contain weights.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return _no_stand_in(path)
    if path.is_dir():
        names = [item.relative_to(path).as_posix() for item in path.rglob("*") if item.is_file()]
        return _no_stand_in(path / _chosen(names, source, file))
    snapshot = look_up(source, revision)
    return _no_stand_in(download(source, snapshot, _chosen(snapshot.files, source, file)))


@contextlib.contextmanager
def plain_errors(what: str) -> Iterator[None]:
    """Convert errors of reading weights in the block into one line.

    Args:
        what: The file or source.

    Raises:
        EcgbenchError: The file is damaged, is not weights, or is a pickle that would run code.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (UnpicklingError, SafetensorError, EOFError, RuntimeError) as error:
        wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
        if isinstance(error, UnpicklingError) and wanted:
            raise EcgbenchError(
                f"{what} is a pickle that contains more than tensors ({wanted[1]}); it is not loaded.",
                _how_to_save_tensors(what),
            ) from error
        if isinstance(error, RuntimeError) and not any(word in str(error) for word in _DAMAGED):
            raise  # raised by a method
        reason = (
            "it was not written by torch.save"  # PyTorch's message is about other versions
            if isinstance(error, UnpicklingError)
            else (str(error) or "it is empty").splitlines()[0]
        )
        raise EcgbenchError(
            f"{what} cannot be read as weights: {reason}",
            "Download it again: it may be damaged, incomplete or of a different type than its name.",
        ) from error


def _how_to_save_tensors(what: str) -> str:
    """Two lines that make a file of tensors from a pickle that its user trusts."""
    file = what if what.endswith(WEIGHTS) else f"{what}/pytorch_model.bin"
    return (
        "Where you trust its author, save the state dict alone and give that file:\n"
        f"  state = torch.load({file!r}, weights_only=False)['state_dict']  # or its own key\n"
        "  torch.save(dict(state), 'weights.pth')"
    )


def _sections(section: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The sections at any depth with the key ``source``, and the dotted keys of their sources."""
    found = [(f"{key}.source", section)] if isinstance(section.get("source"), str) else []
    for name, inner in section.items():
        if isinstance(inner, Mapping):
            found += _sections(inner, f"{key}.{name}")
    return found


def _local(section: Mapping[str, Any]) -> Path:
    source, revision = section["source"], section.get("revision")
    path = Path(source).expanduser()
    if "file" in section:
        return find_weights(source, section["file"], revision)
    if path.exists():
        return path
    snapshot = look_up(source, revision)
    names = _of_a_directory(snapshot.files)
    if not names:
        raise EcgbenchError(f"{source} contains no model.", "Correct the id.")
    paths = [_no_stand_in(download(source, snapshot, name)) for name in names]
    return paths[0].parent


def _chosen(names: Sequence[str], source: str, file: str | None) -> str:
    """The only file of weights among several files, or the named one."""
    if file is not None:
        if file not in names:
            raise EcgbenchError(f"There is no {file} in {source}.", "Correct model.file.")
        return file
    found = sorted(name for name in names if name.endswith(WEIGHTS))
    if len(found) != 1:
        raise EcgbenchError(
            f"{source} must contain one file of weights ({', '.join(WEIGHTS)}); "
            f"found: {', '.join(found) or 'none'}.",
            "Name one: model.file=NAME.",
        )
    return found[0]


def _of_a_directory(names: Sequence[str]) -> list[str]:
    """The files that ``transformers`` reads from a directory; it prefers safetensors to pickles."""
    top = sorted(name for name in names if "/" not in name and name.endswith(_DIRECTORY))
    safe = any(name.endswith(".safetensors") for name in top)
    return [name for name in top if not (safe and name.endswith(".bin"))]


def _no_stand_in(path: Path) -> Path:
    """The path of a file, after checking its type.

    Raises:
        EcgbenchError: It is a git-lfs pointer or a web page instead of weights.
    """
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    for mark, (what, hint) in _STAND_INS.items():
        if start.startswith(mark):
            raise EcgbenchError(f"{path.name} is {what}.", hint)
    return path


def _sha256(path: Path) -> str:
    stat = path.stat()
    return _sha256_of(path, stat.st_ctime_ns, stat.st_size)


@functools.lru_cache(maxsize=256)
def _sha256_of(path: Path, changed: int, size: int) -> str:
    """Cached while the file is unchanged, because a plan of a thousand cells needs each hash."""
    return file_sha256(path)
