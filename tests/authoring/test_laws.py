"""Each law of the kit catches the mistake that it is for, and every method of ours keeps them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ecgbench.authoring.check import check_method
from ecgbench.authoring.scaffold import new_method
from ecgbench.base.errors import UnknownNameError
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.importing import load_object
from ecgbench.runs.plan import chosen_methods

OURS = [info.name for info in chosen_methods(["all"])]  # a checkpoint needs its user's weights

SHIPS = "it ships no test signal"

# What an author may get wrong: the text in model.py, config.yaml or README.md, and the law it breaks.
MISTAKES = {
    "another device": (
        "model.py", "torch.cat([tokens.mean(-1)", "torch.cat([tokens.mean(-1) * torch.ones(1)",
        "it makes no tensor on another device",
    ),
    "random in eval mode": (
        "model.py", "tokens = self.encoder(ecg)",
        "tokens = self.encoder(ecg + 1e-3 * torch.randn_like(ecg))",
        "encoding is deterministic and leaves no trace",
    ),
    "statistics of the batch": (
        "model.py", "tokens = self.encoder(ecg)", "tokens = self.encoder(ecg - ecg.mean(0))",
        "a record has the same features in every batch",
    ),
    "a changed input": (
        "model.py", "tokens = self.encoder(ecg)", "tokens = self.encoder(ecg.clamp_(-1, 1))",
        "encoding is deterministic and leaves no trace",
    ),
    "a parameter out of reach": (
        "model.py", "        self.decoder =", "        self.lost = nn.Linear(2, 2)\n        self.decoder =",
        "every trainable parameter gets a gradient",
    ),
    "a wrong shape": (
        "model.py", "tokens.amax(-1)], 1)", "tokens.amax(-1)], 1)[0]",
        "features have the shape they must",
    ),
    "numpy's random numbers": (
        "model.py", 'return {"loss": wrong', 'return {"loss": __import__("random").random() * wrong',
        "a training step is reproducible",
    ),
    "a state out of the checkpoint": (
        "model.py", "tokens = self.encoder(ecg)",
        "tokens = self.encoder(ecg) + len(self.setup.reports)",
        "a checkpoint brings it back",
    ),
    "float64 in bf16": (
        "model.py", "tokens = self.encoder(ecg)",
        "tokens = self.encoder(ecg) if not torch.is_autocast_enabled('cpu') else 2 * self.encoder(ecg)",
        "it runs in bf16",
    ),
    "other tokens in bf16": (
        "model.py", "self.encoder(ecg).transpose(1, 2)",
        "(1 + torch.is_autocast_enabled('cpu')) * self.encoder(ecg).transpose(1, 2)",
        "it runs in bf16",
    ),
    "another loss in bf16": (
        "model.py", 'return {"loss": wrong',
        "return {\"loss\": (1 + torch.is_autocast_enabled('cpu')) * wrong",
        "it runs in bf16",
    ),
    "text that is not there": (
        "config.yaml", "encodes: [ecg, tokens]", "encodes: [ecg, tokens, text]",
        "embeddings are unit vectors of one space",
    ),
    "text that is not declared": (
        "model.py", "    def encode_tokens(",
        "    def embed_ecg(self, ecg: Tensor) -> Tensor:\n        return self.encode_ecg(ecg)\n\n"
        "    def encode_tokens(",
        "what it says it needs and encodes is true",
    ),
    "a card without limits": (
        "README.md", "## Known limits", "## More", "its card is complete",
    ),
    "a card with a gap": (
        "README.md", "The receptive field is", "TODO: the receptive field is", "its card is complete",
    ),
}  # fmt: skip


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Path]:
    """A new method's folder, registered."""
    new_method("author_method", tmp_path)
    paths = list(methods.paths)
    methods.add_path(tmp_path / "author_method")
    yield tmp_path / "author_method"
    methods.paths[:] = paths


def outcomes(name: str = "author_method") -> dict[str, str]:
    return {finding.law: finding.outcome for finding in check_method(name)}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught_by_its_law(author: Path, mistake: str) -> None:
    file, right, wrong, law = MISTAKES[mistake]
    text = (author / file).read_text()
    assert right in text
    (author / file).write_text(text.replace(right, wrong, 1))
    methods.refresh()
    assert [finding.outcome for finding in check_method("author_method", law)] == ["broken"]


def test_a_text_tower_without_normalisation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    law = "embeddings are unit vectors of one space"
    assert [finding.outcome for finding in check_method("clip", law)] == ["kept"]
    info = methods.get("clip")
    kind = load_object(info.model, info.folder)
    embed = kind.embed_text
    monkeypatch.setattr(kind, "embed_text", lambda self, tokens: 2 * embed(self, tokens))
    (finding,) = check_method("clip", law)
    assert finding.reason.startswith("embed_text gives no unit vectors")


@pytest.mark.parametrize("encoding", ["embed_ecg", "embed_text"])
def test_an_embedding_that_bf16_changes_is_caught(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    info = methods.get("clip")
    kind = load_object(info.model, info.folder)
    embed = getattr(kind, encoding)
    monkeypatch.setattr(
        kind, encoding, lambda self, x: embed(self, x) * (1 + torch.is_autocast_enabled("cpu"))
    )
    (finding,) = check_method("clip", "it runs in bf16")
    assert finding.reason.startswith(f"{encoding} is off by 100")


def test_shipped_test_signals_are_caught(author: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``test_shipped.py`` tests the definition of a test signal."""
    needle, place = b"sixteen bytes of", "ecgbench.authoring.shipped"
    monkeypatch.setattr(f"{place}.prepared_data", lambda: [None])
    monkeypatch.setattr(f"{place}.needles_of", lambda dataset, spec: {needle: "toy record 1"})
    (kept,) = check_method("author_method", SHIPS)
    assert kept.outcome == "kept"
    (author / "inner").mkdir()
    (author / "inner" / "weights.bin").write_bytes(b"abc" + needle)
    (broken,) = check_method("author_method", SHIPS)
    assert (broken.outcome, broken.reason) == ("broken", "weights.bin holds toy record 1")


def test_every_law_has_a_mistake_that_it_catches(author: Path) -> None:
    assert {finding.law for finding in check_method("author_method")} == {
        *(law for *_, law in MISTAKES.values()),
        SHIPS,
    }


def test_a_new_method_keeps_every_law_that_applies(author: Path) -> None:
    found = outcomes()
    assert "broken" not in found.values()
    assert found["embeddings are unit vectors of one space"] == "does not apply"


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_our_methods_keep_them(name: str) -> None:
    broken = [f"{f.law}: {f.reason}" for f in check_method(name) if f.outcome == "broken"]
    assert not broken


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UnknownNameError, match="mea"):
        list(check_method("mea"))
