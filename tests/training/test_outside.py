"""Weights from outside: where they are found, their hash, and messages about mismatches."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ecgbench.base.errors import EcgbenchError
from ecgbench.config.settings import inferred
from ecgbench.nn.text import pretrained_text_encoder, small_text_encoder
from ecgbench.training import hub
from ecgbench.training.outside import contents, find_weights, on_this_machine, plain_errors

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
FIRST, SECOND = "1" * 40, "2" * 40


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Hub:
    """Stands in for the hub on a loopback address: one id with a branch that moves."""

    def __init__(self) -> None:
        self.main = FIRST
        self.files = {
            FIRST: {"a.safetensors": b"first", "b.pth": b"other", "README.md": b"words"},
            SECOND: {"a.safetensors": b"second", "b.pth": b"other"},
        }
        self.sent: list[str] = []
        hub_ = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                parts = self.path.partition("?")[0].strip("/").split("/")
                if parts[:4] == ["api", "models", "some", "encoder"]:
                    wanted = parts[5] if len(parts) > 5 else "main"
                    commit = hub_.main if wanted == "main" else wanted
                    files = hub_.files.get(commit, {})
                    about = {"id": "some/encoder", "sha": commit, "siblings": []}
                    tree = [
                        {"type": "file", "path": name, "size": len(content), "oid": "0"}
                        for name, content in files.items()
                    ]
                    body = json.dumps(tree if "tree" in parts else about).encode()
                    self._send(body if files else None, commit)
                elif parts[:3] == ["some", "encoder", "resolve"]:
                    body_ = hub_.files.get(parts[3], {}).get("/".join(parts[4:]))
                    if self.command == "GET":
                        hub_.sent.append("/".join(parts[4:]))
                    self._send(body_, parts[3])
                else:
                    self._send(None, "")

            def _send(self, body: bytes | None, commit: str) -> None:
                self.send_response(200 if body is not None else 404)
                self.send_header("X-Repo-Commit", commit)
                if body is None:
                    self.send_header("X-Error-Code", "RevisionNotFound")
                self.send_header("ETag", f'"{hashlib.sha256(body or b"").hexdigest()}"')
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body or b"")

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    server = Hub()
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    hub._asked.cache_clear()
    yield server
    server.http.shutdown()
    server.http.server_close()
    hub._asked.cache_clear()


def test_the_wanted_file_is_found_or_asked_for(tmp_path: Path) -> None:
    for name in ("a.safetensors", "b.pth"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(EcgbenchError, match=r"a\.safetensors, b\.pth"):
        find_weights(str(tmp_path), None)
    assert find_weights(str(tmp_path), "b.pth").name == "b.pth"
    with pytest.raises(EcgbenchError, match=r"no c\.pth"):
        find_weights(str(tmp_path), "c.pth")
    with pytest.raises(EcgbenchError, match="no file or directory"):
        find_weights(str(tmp_path / "gone.pth"), None)


def test_a_path_is_told_apart_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"one")
    model = {"source": str(file), "file": None, "text": {"source": None}}
    assert contents(model) == {"model.source/weights.pth": sha256(file)}
    assert contents({**model, "source": str(tmp_path)}) == contents(model)
    before = contents(model)
    file.write_bytes(b"two")
    assert contents(model) == {"model.source/weights.pth": sha256(file)} != before
    assert contents({"text": {"source": None}, "width": 3}) == {}


def test_a_directory_is_told_apart_by_what_transformers_reads(tmp_path: Path) -> None:
    for name in ("config.json", "vocab.txt", "model.safetensors", "pytorch_model.bin", "README.md"):
        (tmp_path / name).write_bytes(name.encode())
    found = contents({"text": {"source": str(tmp_path)}})
    read = ("config.json", "model.safetensors", "vocab.txt")
    assert found == {f"model.text.source/{name}": sha256(tmp_path / name) for name in read}
    (tmp_path / "model.safetensors").unlink()
    assert "model.text.source/pytorch_model.bin" in contents({"text": {"source": str(tmp_path)}})


def test_an_id_is_told_apart_by_its_commit(served: Hub) -> None:
    model = {"source": "some/encoder", "file": "a.safetensors", "revision": None}
    assert contents(model) == {"model.source": FIRST}
    served.main = SECOND
    assert contents(model) == {"model.source": FIRST}, "one run has one commit"
    assert find_weights("some/encoder", "a.safetensors").read_bytes() == b"first"
    hub._asked.cache_clear()
    assert contents(model) == {"model.source": SECOND}
    assert contents({**model, "revision": FIRST}) == {"model.source": FIRST}
    pinned = settings({**model, "revision": FIRST})
    with on_this_machine(pinned) as local:
        assert Path(local.source).read_bytes() == b"first"
    assert pinned.source == "some/encoder"
    with pytest.raises(EcgbenchError, match="cannot be downloaded at revision nowhere"):
        contents({**model, "revision": "nowhere"})


def test_of_an_id_only_the_wanted_file_is_downloaded(served: Hub) -> None:
    assert find_weights("some/encoder", "b.pth").read_bytes() == b"other"
    assert served.sent == ["b.pth"]
    with pytest.raises(EcgbenchError, match=r"found: a\.safetensors, b\.pth"):
        find_weights("some/encoder", None)
    with pytest.raises(EcgbenchError, match=r"no c\.pth"):
        find_weights("some/encoder", "c.pth")
    assert served.sent == ["b.pth"]


def test_a_text_encoder_of_an_id_is_that_commits(served: Hub, tmp_path: Path) -> None:
    sizes = {"vocabulary": 50, "width": 16, "depth": 1, "heads": 2, "max_tokens": 16}
    made = small_text_encoder(["normal ecg"], **sizes)
    made.model.save_pretrained(tmp_path / "made")
    made.tokenizer.save_pretrained(tmp_path / "made")
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    served.files[FIRST] = {**files, "pytorch_model.bin": b"not read", "onnx/model.json": b"{}"}
    model = settings({"text": {"source": "some/encoder"}})
    with on_this_machine(model) as local:
        loaded = pretrained_text_encoder(local.text.source, max_tokens=16, pooling="mean")
    assert sorted(served.sent) == sorted(files)
    given = made.model.state_dict()
    assert all(torch.equal(value, given[k]) for k, value in loaded.model.state_dict().items())


def test_without_a_network_an_id_is_what_was_downloaded_before(
    served: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_weights("some/encoder", "a.safetensors")
    hub._asked.cache_clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert contents({"source": "some/encoder", "file": None}) == {"model.source": FIRST}
    assert find_weights("some/encoder", None).read_bytes() == b"first"
    with pytest.raises(EcgbenchError, match="cannot be downloaded") as caught:
        find_weights("nobody/no-such-encoder", None)
    assert "model.source=PATH" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "said", "todo"),
    [(POINTER, "git-lfs", "git lfs pull"), (b"\n<!DOCTYPE html><p>", "web page", "Download")],
)
def test_what_lies_in_the_place_of_weights_is_named(
    tmp_path: Path, content: bytes, said: str, todo: str
) -> None:
    for name in ("w.pth", "model.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(EcgbenchError, match=rf"{name} is a .*{said}") as caught:
            find_weights(str(tmp_path / name), None)
        assert todo in str(caught.value.hint)
    with pytest.raises(EcgbenchError, match=said):
        contents({"text": {"source": str(tmp_path)}})


def settings(values: dict[str, Any]) -> Any:
    return inferred(values)()


class Evil:
    """A pickle that runs code when it is loaded."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["ECGBENCH_TEST_EVIL"],)


@pytest.mark.parametrize("kind", ["evil", "plain", "cut", "empty", "safetensors"])
def test_a_text_encoder_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("ECGBENCH_TEST_EVIL", str(tmp_path / "trap"))
    made = small_text_encoder(["normal ecg"], vocabulary=50, width=16, depth=1, heads=2)
    folder = tmp_path / "text"
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    file = folder / "pytorch_model.bin"
    torch.save({"x": Evil()} if kind == "evil" else {"x": torch.zeros(9)}, file)
    written = {"plain": pickle.dumps({"x": 1}), "cut": file.read_bytes()[:300], "empty": b""}
    file.write_bytes(written.get(kind, file.read_bytes()))
    if kind == "safetensors":
        (folder / "model.safetensors").write_bytes(b"broken")
    else:
        (folder / "model.safetensors").unlink()
    says = (
        r"contains more than tensors \(.*mkdir\)" if kind == "evil" else "cannot be read as weights"
    )
    model = settings({"text": {"source": str(folder)}})
    with pytest.raises(EcgbenchError, match=says) as caught, on_this_machine(model) as local:
        pretrained_text_encoder(local.text.source)
    assert str(folder) in caught.value.message
    assert "\n" not in caught.value.message
    assert not (tmp_path / "trap").exists()


def test_errors_of_a_methods_own_stay_as_they_are(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors")
    model = settings({"source": str(tmp_path / "w.safetensors"), "file": None})
    with pytest.raises(RuntimeError, match="shapes differ"), on_this_machine(model):
        raise RuntimeError("shapes differ")
    with pytest.raises(EcgbenchError, match=r"w\.pth cannot be read"), plain_errors("w.pth"):
        raise RuntimeError("PytorchStreamReader failed")
