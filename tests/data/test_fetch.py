"""Downloads against a server on this machine that tears connections and serves wrong bytes."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecgbench.base.errors import DataError
from ecgbench.data.fetch import _subset_files, fetch, parse_sums
from ecgbench.data.opening import prepare
from ecgbench.data.spec import datasets

from .conftest import TOY, write_ptbxl

REMOTE = TOY + "remote: {path: toy/1, metadata: ['*.csv']}\n"


class Server:
    """A folder served in PhysioNet's layout below ``/files/toy/1``.

    Attributes:
        tear: File -> how many times its connection breaks in the middle.
        wrong: File -> how many times other bytes of the same length are sent.
        refuse: File -> status.
        ranges: Whether range requests are understood.
        asked: (file, first byte) of every request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tear: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.refuse: dict[str, int] = {}
        self.ranges = True
        self.asked: list[tuple[str, int]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/files"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.removeprefix("/files/toy/1/")
        file = self.folder / path
        wanted = handler.headers.get("Range", "") if self.ranges else ""
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.asked.append((path, start))
        if path in self.refuse or not file.is_file():
            handler.send_response(self.refuse.get(path, 404))
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        content = file.read_bytes()
        if self.wrong[path] > 0:
            self.wrong[path] -= 1
            content = bytes(byte ^ 1 for byte in content)
        body = content[start:]
        handler.send_response(416 if not body else 206 if wanted else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if self.tear[path] > 0:
            self.tear[path] -= 1
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(2)
            return
        handler.wfile.write(body)


def write_sums(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(folder).as_posix()}"
        for path in files
        if path.name != "SHA256SUMS.txt"
    ]
    (folder / "SHA256SUMS.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = write_ptbxl(tmp_path / "remote", records=6)
    write_sums(folder)
    served = Server(folder)
    yield served
    served.http.shutdown()
    served.http.server_close()


def same(folder: Path, other: Path) -> bool:
    def content(root: Path) -> dict[str, bytes]:
        files = [path for path in root.rglob("*") if path.is_file()]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

    return content(folder) == content(other)


def add_big_file(server: Server, size: int = 2_000_000) -> int:
    """A file of several blocks, so that some have arrived when the connection breaks."""
    (server.folder / "big.dat").write_bytes(np.random.default_rng(0).bytes(size))
    write_sums(server.folder)
    return size


DATA = "records100/00000/00002_lr.dat"


def test_everything_arrives_and_can_be_prepared(server, ecgbench_home, add_spec) -> None:
    add_spec(REMOTE)
    folder = fetch("toy", base_url=server.url)
    assert folder == ecgbench_home / "sources" / "toy-1"
    assert same(folder, server.folder)
    assert len(prepare("toy", folder, workers=1).store) == 6


def test_again_only_what_is_missing_or_changed_is_asked_for(
    server, tmp_path, add_spec, monkeypatch
) -> None:
    add_spec(REMOTE)
    monkeypatch.setenv("ECGBENCH_PHYSIONET_URL", server.url)
    fetch("toy", tmp_path / "here")
    (tmp_path / "here" / DATA).unlink()
    (tmp_path / "here/ptbxl_database.csv").write_text("spoiled")
    server.asked.clear()
    fetch("toy", tmp_path / "here")
    assert {path for path, _ in server.asked} == {"SHA256SUMS.txt", DATA, "ptbxl_database.csv"}
    assert same(tmp_path / "here", server.folder)


def test_a_torn_download_goes_on_where_it_broke(server, tmp_path, add_spec) -> None:
    add_spec(REMOTE)
    size = add_big_file(server)
    server.tear["big.dat"] = 2
    fetch("toy", tmp_path / "here", base_url=server.url, pause=0)
    assert same(tmp_path / "here", server.folder)
    first, second, third = [start for path, start in server.asked if path == "big.dat"]
    assert first == 0
    assert 0.3 * size < second <= size / 2  # what had arrived, but for the last block
    assert second + 0.1 * size < third < size


def test_a_download_left_by_another_run_goes_on(server, tmp_path, add_spec) -> None:
    add_spec(REMOTE)
    part = tmp_path / "here" / (DATA + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes((server.folder / DATA).read_bytes()[:5000])
    fetch("toy", tmp_path / "here", base_url=server.url, pause=0)
    assert [start for path, start in server.asked if path == DATA] == [5000]
    assert same(tmp_path / "here", server.folder)


def test_a_server_without_ranges_is_asked_from_the_start(server, tmp_path, add_spec) -> None:
    add_spec(REMOTE)
    add_big_file(server)
    server.ranges = False
    server.tear["big.dat"] = 1
    fetch("toy", tmp_path / "here", base_url=server.url, pause=0)
    assert same(tmp_path / "here", server.folder)
    assert [path for path, _ in server.asked].count("big.dat") == 2  # no third after a bad hash


def test_a_wrong_hash_is_tried_again_and_then_refused(server, tmp_path, add_spec) -> None:
    add_spec(REMOTE)
    server.wrong[DATA] = 1
    fetch("toy", tmp_path / "once", base_url=server.url, pause=0)
    assert same(tmp_path / "once", server.folder)

    server.wrong[DATA] = 99
    with pytest.raises(DataError, match=r"00002_lr\.dat: SHA-256 is .*, 5 times"):
        fetch("toy", tmp_path / "never", base_url=server.url, pause=0)
    assert not (tmp_path / "never" / DATA).exists()
    assert not (tmp_path / "never" / (DATA + ".part")).exists()


def test_only_the_metadata(server, tmp_path, add_spec) -> None:
    add_spec(REMOTE)
    folder = fetch("toy", tmp_path / "here", base_url=server.url, only=["metadata"])
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names == {"SHA256SUMS.txt", "ptbxl_database.csv", "scp_statements.csv"}
    with pytest.raises(DataError, match=r"No file .* matches \*\.xyz"):
        fetch("toy", tmp_path / "here", base_url=server.url, only=["*.xyz"])


def test_of_a_subset_only_its_records_are_asked_for(
    server, tmp_path, add_spec, ecgbench_home
) -> None:
    (tmp_path / "catalogue/some.csv").write_text("record_id\n2\n5\n")
    files = "'records100/{thousand:05d}/{record:05d}_lr.'"
    add_spec(
        REMOTE.replace("path: toy/1", f"subset_files: {files}, path: toy/1") + "subset: some.csv\n"
    )
    folder = fetch("toy", base_url=server.url)
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "SHA256SUMS.txt", "ptbxl_database.csv", "scp_statements.csv",
        "00002_lr.hea", "00002_lr.dat", "00005_lr.hea", "00005_lr.dat",
    }  # fmt: skip
    assert list(prepare("toy", folder, workers=1).records.index) == ["2", "5"]


def test_the_files_of_mini_are_named_as_in_ptbxl(shared_data) -> None:
    spec = datasets.get("ptbxl-mini")
    database = pd.read_csv(shared_data / "ptbxl-mini/ptbxl_database.csv")
    expected = {f"{path}." for path in database["filename_hr"]}
    assert spec.remote is not None
    assert spec.remote.subset_files is not None
    assert set(_subset_files(spec, spec.remote.subset_files)) == expected


@pytest.mark.parametrize(("status", "hint"), [(404, "version"), (403, "agreement")])
def test_a_refusal_is_one_line_at_once(server, tmp_path, add_spec, status, hint) -> None:
    add_spec(REMOTE)
    server.refuse[DATA] = status
    with pytest.raises(DataError, match=f"answers {status}") as caught:
        fetch("toy", tmp_path / "here", base_url=server.url, pause=0)
    assert hint in str(caught.value.hint)
    assert [path for path, _ in server.asked].count(DATA) == 1


def test_a_server_that_stumbles_is_asked_again(server, tmp_path, add_spec) -> None:
    add_spec(REMOTE)
    server.refuse[DATA] = 503
    with pytest.raises(DataError, match=r"00002_lr.dat: the connection broke"):
        fetch("toy", tmp_path / "here", base_url=server.url, pause=0)
    assert [path for path, _ in server.asked].count(DATA) == 5


def test_no_server_at_all(tmp_path, add_spec, monkeypatch) -> None:
    add_spec(REMOTE)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(DataError, match="Cannot reach") as caught:
        fetch("toy", tmp_path / "here", base_url="http://127.0.0.1:9/files")
    assert "--base-url" in str(caught.value.hint)
    with pytest.raises(DataError, match="is no address"):
        fetch("toy", tmp_path / "here", base_url="files")


def test_what_has_no_source_says_so(tmp_path, add_spec) -> None:
    add_spec()
    with pytest.raises(DataError, match="cannot be downloaded"):
        fetch("toy", tmp_path)


@pytest.mark.parametrize(
    "line", ["abc file", f"{'0' * 64} ../evil", f"{'0' * 64} /etc/x", f"{'0' * 64} ", "<html>"]
)
def test_sums_that_are_none_are_refused(line) -> None:
    with pytest.raises(DataError, match="no checksum"):
        parse_sums(line + "\n", "here")


def test_sums_in_both_usual_forms() -> None:
    text = f"{'A' * 64} a b.csv\n{'b' * 64} *c/d.dat\n\n"
    assert parse_sums(text, "here") == {"a b.csv": "a" * 64, "c/d.dat": "b" * 64}
    with pytest.raises(DataError, match="empty"):
        parse_sums("", "here")


def test_a_full_disk_is_one_clear_line(server, tmp_path, add_spec) -> None:
    add_spec(REMOTE)
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="Cannot write"):
        fetch("toy", tmp_path / "file" / "here", base_url=server.url)
