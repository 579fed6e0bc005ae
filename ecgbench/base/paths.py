"""Locations of files on this machine.

One folder, ``$ECGBENCH_HOME`` (default: the user's cache folder), contains everything that can be
recreated: prepared stores, checkpoints, features. The user chooses the folder of results (``--out``).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from ecgbench.base.errors import StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def home() -> Path:
    """The folder of everything that can be recreated."""
    chosen = os.environ.get("ECGBENCH_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("ecgbench"))


def stage_dir(stage: str) -> Path:
    """The folder of one stage's outputs under :func:`home`, e.g. ``stores``."""
    return home() / stage


@contextlib.contextmanager
def one_writer(target: Path) -> Iterator[None]:
    """Let one process at a time make a file or folder; the others wait, and then find it made.

    The lock lies beside the target. A process that dies gives it back.

    Raises:
        StorageError: The parent cannot be written to.
    """
    from filelock import FileLock

    with plain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(f".{target.name}.lock"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def make_once(target: Path, make: Callable[[Path], object]) -> Path:
    """Make a folder where it is not there yet, by one process at a time.

    Args:
        target: The folder.
        make: Fills the scratch folder that becomes the target, as of :func:`atomic_dir`.

    Returns:
        The target.
    """
    if not target.exists():
        with one_writer(target):
            if not target.exists():
                with atomic_dir(target) as scratch:
                    make(scratch)
    return target


@contextlib.contextmanager
def atomic_dir(target: Path) -> Iterator[Path]:
    """Provide a scratch folder that becomes ``target`` when the block succeeds.

    After any interruption (an error, Ctrl-C, a full disk) ``target`` is either absent or complete. If
    another process has completed the same target in the meantime, its copy is kept.

    Raises:
        StorageError: The parent cannot be written to, or the disk is full.
    """
    with plain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with plain_os_errors(target):
            yield scratch
            scratch.chmod(0o755)
            if target.exists():
                shutil.rmtree(scratch)
            else:
                scratch.replace(target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def atomic_write(target: Path, content: bytes | str) -> None:
    """Write a file atomically, so that it is never visible half-written.

    Raises:
        StorageError: The folder cannot be written to, or the disk is full.
    """
    data = content.encode() if isinstance(content, str) else content
    with plain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def check_writable(folder: Path) -> None:
    """Create a folder and check that it is writable.

    Raises:
        StorageError: It is not writable.
    """
    with plain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def stop_if_full(error: Exception) -> None:
    """Raise if an error means that a disk is full or read-only; otherwise do nothing.

    Raises:
        StorageError: The disk is full or read-only.
    """
    if isinstance(error, OSError) and error.errno in _FULL:
        with plain_os_errors(Path(error.filename2 or error.filename or home())):
            raise error


@contextlib.contextmanager
def plain_os_errors(target: Path) -> Iterator[None]:
    """Convert file-system errors into one line with the location and a hint."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"Cannot write {target}: {reason}.",
            "Free some space or choose a writable folder: ECGBENCH_HOME for caches, "
            "--out for results.",
        ) from error
