"""Download a data set in PhysioNet's layout: in parallel, resumable, with a check of every file's hash.

A file is complete when its SHA-256 equals the one in ``SHA256SUMS.txt``. An incomplete file has the suffix
``.part``. An HTTP range request resumes it.
"""

from __future__ import annotations

import fnmatch
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from ecgbench.base.errors import DataError
from ecgbench.base.hashing import file_sha256
from ecgbench.base.paths import atomic_write, plain_os_errors, stage_dir
from ecgbench.base.progress import track
from ecgbench.data.spec import DatasetSpec, datasets

if TYPE_CHECKING:
    import requests

SUMS = "SHA256SUMS.txt"
_BASE_VARIABLE = "ECGBENCH_PHYSIONET_URL"
_TIMEOUT = (10, 60)  # seconds to connect, to wait for bytes
_ATTEMPTS = 5
_BLOCK = 1 << 18
_GIVE_UP = (401, 403, 404, 410)  # a new request gives the same answer


def fetch(
    name: str,
    to: Path | None = None,
    *,
    base_url: str | None = None,
    only: Sequence[str] = (),
    workers: int = 8,
    pause: float = 1.0,
) -> Path:
    """Download the missing or damaged files of a data set.

    A simulated set is generated instead.

    Args:
        name: A name of the catalogue.
        to: Folder; None: a folder of its own under ``$ECGBENCH_HOME``.
        base_url: In place of PhysioNet's; None: ``$ECGBENCH_PHYSIONET_URL`` or the catalogue's.
        only: Shell patterns of the files wanted (``metadata``: those that hold no signal).
        workers: Downloads at a time.
        pause: Seconds before the second attempt at a file; doubles each time.

    Returns:
        The folder, to be given to ``prepare``.

    Raises:
        DataError: The data set cannot be downloaded, the server does not answer, or a file's hash
            is wrong again and again; names the address.
    """
    spec = datasets.get(name)
    if spec.generator is not None:
        from ecgbench.data.generated import generated_source

        return generated_source(spec)
    folder = to or source_dir(spec)
    downloader = Downloader(address_of(spec, base_url), pause)
    sums = downloader.sums()
    wanted = _wanted(spec, sums, only)
    with plain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / SUMS, "".join(f"{sums[path]} {path}\n" for path in sorted(sums)))
        downloader.get_all(folder, wanted, workers, f"fetching {name}")
    return folder


def address_of(spec: DatasetSpec, base_url: str | None = None) -> str:
    """The address of a data set's folder on a server.

    Raises:
        DataError: The catalogue names none.
    """
    if spec.remote is None:
        raise DataError(
            f"{spec.name} cannot be downloaded by ecgbench.",
            f"Get it from {spec.url or 'its authors'} and run "
            f"`ecgbench data prepare {spec.name} --source DIR`.",
        )
    root = base_url or os.environ.get(_BASE_VARIABLE) or spec.remote.base
    return f"{root.rstrip('/')}/{spec.remote.path.strip('/')}"


def source_dir(spec: DatasetSpec) -> Path:
    """Default folder of a downloaded data set."""
    return stage_dir("sources") / f"{spec.name}-{spec.version}"


def _wanted(spec: DatasetSpec, sums: dict[str, str], only: Sequence[str]) -> dict[str, str]:
    assert spec.remote is not None
    patterns = [
        pattern
        for item in only
        for pattern in (spec.remote.metadata if item == "metadata" else (item,))
    ]
    wanted = {
        path: digest
        for path, digest in sums.items()
        if _matches(path, spec.remote.include) and _matches(path, patterns)
    }
    if spec.remote.subset_files is not None:
        prefixes = set(_subset_files(spec, spec.remote.subset_files))
        wanted = {
            path: digest
            for path, digest in wanted.items()
            if _matches(path, spec.remote.metadata) or path.rpartition(".")[0] + "." in prefixes
        }
    if not wanted:
        raise DataError(
            f"No file of {spec.name} matches {', '.join(patterns or spec.remote.include)}.",
            f"The names stand in {SUMS} at the source.",
        )
    return wanted


def _subset_files(spec: DatasetSpec, template: str) -> list[str]:
    lines = (spec.folder / str(spec.subset)).read_text(encoding="utf-8").splitlines()[1:]
    records = [int(line) for line in lines if line]
    return [template.format(record=record, thousand=record // 1000 * 1000) for record in records]


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def parse_sums(text: str, origin: str) -> dict[str, str]:
    """Read ``SHA256SUMS.txt``.

    Returns:
        Relative path -> SHA-256 in hex.

    Raises:
        DataError: A line is none of a checksum file, or a path leaves the folder.
    """
    sums: dict[str, str] = {}
    for line in text.splitlines():
        digest, _, rest = line.strip().partition(" ")
        path = rest.lstrip(" *")
        if not digest and not path:
            continue
        parts = PurePosixPath(path).parts
        hexadecimal = len(digest) == 64 and set(digest.lower()) <= set("0123456789abcdef")
        if not hexadecimal or not parts or path.startswith("/") or ".." in parts:
            raise DataError(f"{origin} has a line that is no checksum of a file: {line[:80]!r}.")
        sums[path] = digest.lower()
    if not sums:
        raise DataError(f"{origin} is empty.")
    return sums


class Downloader:
    """Gets files from one folder of a server.

    Args:
        address: Address of the folder, without a slash at the end.
        pause: Seconds before the second attempt; doubles each time.
    """

    def __init__(self, address: str, pause: float = 1.0) -> None:
        self.address = address
        self.pause = pause
        self._local = threading.local()
        self._stop = threading.Event()

    def sums(self) -> dict[str, str]:
        """The checksums of every file there."""
        with self._request(SUMS, 0) as response:
            return parse_sums(response.text, self._url(SUMS))

    def get_all(self, folder: Path, wanted: dict[str, str], workers: int, what: str = "") -> None:
        """Bring every wanted file (path -> SHA-256) into ``folder``; ``what`` names a progress bar.

        The first file that fails ends the download; what has arrived stays.
        """
        pool = ThreadPoolExecutor(max_workers=max(1, workers))
        jobs = [pool.submit(self.get, folder, path, wanted[path]) for path in sorted(wanted)]
        try:
            finished = as_completed(jobs)
            for job in track(finished, what, total=len(jobs)) if what else finished:
                job.result()
        finally:
            self._stop.set()  # threads end at their next block, also after Ctrl-C
            pool.shutdown(wait=True, cancel_futures=True)

    def get(self, folder: Path, path: str, digest: str) -> None:
        """Bring one file into ``folder``, unless it is there and right.

        Raises:
            DataError: The file cannot be downloaded, or its hash is wrong at every attempt.
        """
        target = folder / path
        if target.is_file() and file_sha256(target) == digest:
            return
        part = target.with_name(target.name + ".part")
        problem = ""
        for attempt in range(_ATTEMPTS):
            if self._stop.is_set():
                return
            if attempt:
                self._stop.wait(self.pause * 2 ** (attempt - 1))
            try:
                self._download(path, part)
            except OSError as error:
                if not _is_network(error):
                    raise
                problem = f"the connection broke ({type(error).__name__})"
                continue
            if self._stop.is_set():
                return
            found = file_sha256(part)
            if found == digest:
                part.replace(target)
                return
            part.unlink()
            problem = f"SHA-256 is {found[:12]}..., {SUMS} says {digest[:12]}..."
        raise DataError(
            f"Cannot get {self._url(path)}: {problem}, {_ATTEMPTS} times.",
            "Run the same command again later: it goes on where it stopped.",
        )

    def _download(self, path: str, part: Path) -> None:
        part.parent.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.exists() else 0
        with self._request(path, have) as response:
            if response.status_code == 416:  # nothing is left to send; the hash decides
                return
            with part.open("ab" if response.status_code == 206 else "wb") as file:
                for block in response.iter_content(_BLOCK):
                    file.write(block)
                    if self._stop.is_set():
                        return

    def _request(self, path: str, start: int) -> requests.Response:
        import requests

        session = getattr(self._local, "session", None)
        if session is None:  # a session is not made for several threads
            session = self._local.session = requests.Session()
            # a compressed transfer has other byte positions than the file
            session.headers["Accept-Encoding"] = "identity"
        url = self._url(path)
        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            response: requests.Response = session.get(
                url, headers=headers, stream=True, timeout=_TIMEOUT
            )
        except requests.ConnectionError as error:
            if path != SUMS:
                raise
            raise DataError(
                f"Cannot reach {url}.",
                f"Is this machine online? --base-url or {_BASE_VARIABLE} names another server.",
            ) from error
        except (requests.exceptions.MissingSchema, requests.exceptions.InvalidURL) as error:
            raise DataError(f"{url} is no address.", "Start it with https://.") from error
        code = response.status_code
        if code in _GIVE_UP or (path == SUMS and code >= 400):
            response.close()
            raise DataError(f"{url} answers {code} {response.reason}.", _advice(code))
        if code >= 400 and code != 416:
            response.close()
            raise requests.ConnectionError(f"{code} {response.reason}")
        return response

    def _url(self, path: str) -> str:
        return f"{self.address}/{quote(path)}"


def _is_network(error: OSError) -> bool:
    import requests

    return isinstance(error, requests.RequestException)


def _advice(code: int) -> str:
    if code in (401, 403):
        return "The data set may ask for an account and a signed agreement: see its page."
    return "Is the version right? --base-url names another server."
