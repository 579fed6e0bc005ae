"""Weights of other people: found, read without running code, and put where they belong."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from ecgbench.methods.checkpoint.programs import _tensors_only
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.base.errors import ConfigError, EcgbenchError
from ecgbench.config.effective import effective
from ecgbench.data.leads import LEADS
from ecgbench.method import Method, Setup
from ecgbench.nn.resnet import ResNet1d
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.importing import load_object
from ecgbench.published.weights import read_weights
from ecgbench.runs.plan import chosen_methods

SAMPLES = 320
SMALL = "model.resnet.widths=[8,8,16,16]"


class Their(nn.Module):
    """An encoder of somebody else: convolution, batch norm, mean."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(12, 16, 7, 2, 3)
        self.norm = nn.BatchNorm1d(16)

    def forward(self, ecg: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(ecg))).mean(-1)


def theirs() -> Their:
    torch.manual_seed(0)
    model = Their()
    nn.init.uniform_(model.norm.running_mean, -0.5, 0.5)
    nn.init.uniform_(model.norm.running_var, 0.5, 2.0)
    return model.eval()


def ours_in_a_file() -> dict[str, Tensor]:
    """The state dict of a small ResNet of ecgbench, with statistics that say something."""
    torch.manual_seed(0)
    net = ResNet1d(widths=[8, 8, 16, 16])
    state = {name: value.clone() for name, value in net.state_dict().items()}
    return {
        k: v + 0.1 * torch.rand_like(v) if v.is_floating_point() else v for k, v in state.items()
    }


def resnet(state: dict[str, Tensor]) -> ResNet1d:
    net = ResNet1d(widths=[8, 8, 16, 16])
    net.load_state_dict(state)
    return net.eval()


def build(*overrides: str, assets: Path | None = None) -> Method:
    info = methods.get("checkpoint")
    config = effective(info, "demo", [SMALL, *overrides])
    setup = Setup(LEADS, 100.0, SAMPLES, assets=assets)
    method: Method = load_object(info.model, info.folder)(config.model, setup)
    return method.eval()


def test_it_is_left_out_of_all_and_asks_for_weights() -> None:
    assert "checkpoint" not in [info.name for info in chosen_methods(["all"])]
    assert [info.name for info in chosen_methods(["checkpoint"])] == ["checkpoint"]
    with pytest.raises(EcgbenchError, match="no weights") as caught:
        build()
    assert "model.source" in str(caught.value.hint)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("prefix", ["", "module.encoder."])
@pytest.mark.parametrize("said", [True, False])
def test_a_state_dict_gives_its_own_features_and_its_prefix_is_found(
    tmp_path: Path, suffix: str, prefix: str, said: bool
) -> None:
    plain = ours_in_a_file()
    state = {prefix + name: value for name, value in plain.items()}
    if prefix:
        state["module.decoder.weight"] = torch.zeros(3)
    file = tmp_path / f"weights.{suffix}"
    if suffix == "safetensors":
        save_file(state, file)
    else:
        torch.save({"epoch": 3, "state_dict": state}, file)
    told = [f"model.prefix={prefix!r}"] if said else []
    ours = build(f"model.source={tmp_path}", *told)
    ecg = torch.randn(3, 12, SAMPLES)
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_ecg(ecg), resnet(plain)(ecg).mean(-1))
        assert ours.encode_tokens(ecg).shape == (3, SAMPLES // 16, 16)


class FirstOf(nn.Module):
    """Tells leads apart: its features are the first samples of the leads in their order."""

    def __init__(self, leads: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(leads, leads, 1, bias=False)
        self.conv.weight.data = torch.eye(leads)[..., None]

    def forward(self, ecg: Tensor) -> Tensor:
        return self.conv(ecg)[:, :, 0]


@pytest.mark.parametrize(
    ("asked", "rows"),
    [("null", list(range(12))), ("[aVF,I,V6]", [5, 0, 11])],
)
def test_the_weights_get_the_leads_in_the_order_that_they_want(
    tmp_path: Path, asked: str, rows: list[int]
) -> None:
    file = tmp_path / "program.pt"
    given = torch.randn(2, len(rows), SAMPLES)
    torch.jit.save(torch.jit.trace(FirstOf(len(rows)), given), file)
    theirs = ("model.architecture=torchscript", f"model.leads={asked}")
    ours = build(f"model.source={file}", *theirs)
    ecg = torch.randn(3, 12, SAMPLES)
    with torch.no_grad():
        assert torch.equal(ours.encode_ecg(ecg), ecg[:, rows, 0])
        assert torch.equal(ours.encode_tokens(ecg)[:, 0], ecg[:, rows, 0])
        ours.save_assets(tmp_path)
        again = build(*theirs, assets=tmp_path)
        assert torch.equal(again.encode_ecg(ecg), ecg[:, rows, 0])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("[I,II,V7]", "there is no V7.*aVR, aVL, aVF"),
        ("[I,II,I]", "each stands there once.*aVR, aVL, aVF"),
        ("I", "takes a list"),
    ],
)
def test_leads_that_are_not_there_are_named(tmp_path: Path, asked: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(f"model.source={tmp_path}", f"model.leads={asked}")


VIT = {"patch": 0.4, "width": 16, "depth": 2, "heads": 2}
FRAMED = {**VIT, "separators": "true", "pool": "by-lead"}
TEXT = ("model.text.width=16", "model.text.depth=1", "model.text.heads=2")
XRESNET = "model.xresnet.widths=[4,4,4,4]"


@pytest.mark.parametrize(
    ("name", "architecture", "overrides"),
    [
        ("mae", "vit", ()),
        ("cg_dmer", "vit", TEXT),
        ("merit", "vit", TEXT),
        ("random_init", "vit", ()),
        ("clip", "vit", (*TEXT, "model.encoder=vit")),
        ("merl", "channel-vit", (*TEXT, "model.encoder=channel-vit")),
        ("clip", "resnet18", (*TEXT, SMALL)),
        ("merl", "resnet18", (*TEXT, SMALL)),
        ("clip", "xresnet101", (*TEXT, "model.encoder=xresnet101", XRESNET)),
    ],
)
def test_the_weights_of_a_method_of_ours_give_its_features(
    tmp_path: Path, name: str, architecture: str, overrides: tuple[str, ...]
) -> None:
    info = methods.get(name)
    sizes = [f"model.vit.{key}={value}" for key, value in FRAMED.items()]
    own = [size for size in sizes if name != "merl" or size.split(".")[2].partition("=")[0] in VIT]
    config = effective(info, "demo", [*own, *overrides])
    torch.manual_seed(1)
    reports = ("normal ecg", "sinus rhythm with a longer report")
    method = load_object(info.model, info.folder)(
        config.model, Setup(LEADS, 100.0, SAMPLES, reports if info.reports != "none" else ())
    )
    method.eval()
    for value in method.state_dict().values():  # statistics and gates that say something
        if value.is_floating_point():
            value.add_(0.1 * torch.rand_like(value))
    state = {key: value.clone() for key, value in method.state_dict().items()}
    save_file(state, tmp_path / "weights.safetensors")
    ours = build(
        f"model.source={tmp_path}",
        f"model.architecture={architecture}",
        "model.prefix=encoder.",
        *sizes,
        *(o for o in (SMALL, XRESNET) if o in overrides),
    )
    ecg = torch.randn(3, 12, SAMPLES)
    with torch.no_grad():
        assert torch.equal(ours.encode_tokens(ecg), method.encode_tokens(ecg))
        assert torch.equal(ours.encode_ecg(ecg), method.encoder.pool(method.encoder(ecg)))


@pytest.mark.parametrize("kind", ["torchscript", "exported"])
def test_a_program_brings_its_architecture_and_survives_a_checkpoint(
    tmp_path: Path, kind: str
) -> None:
    model = theirs()
    file = tmp_path / "program.pt2"
    write_program(model, kind, file)
    ours = build(f"model.source={file}", f"model.architecture={kind}")
    ecg = torch.randn(3, 12, SAMPLES)
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_ecg(ecg), model(ecg))
        (tmp_path / "assets").mkdir()
        ours.save_assets(tmp_path / "assets")
        again = build(f"model.architecture={kind}", assets=tmp_path / "assets")
        again.load_state_dict(ours.state_dict())
        assert torch.equal(again.encode_ecg(ecg), ours.encode_ecg(ecg))
    assert ours.encode_tokens(ecg).shape == (3, 1, 16)


def write_program(model: nn.Module, kind: str, file: Path, batches: str = "any") -> None:
    example = torch.randn(2, 12, SAMPLES)
    if kind == "torchscript":
        torch.jit.save(torch.jit.trace(model, example), file)
        return
    any_batch = ({0: torch.export.Dim.DYNAMIC},) if batches == "any" else None
    torch.export.save(torch.export.export(model, (example,), dynamic_shapes=any_batch), file)


def test_a_program_for_one_size_of_batch_is_refused(tmp_path: Path) -> None:
    write_program(theirs(), "exported", tmp_path / "fixed.pt2", batches="two")
    with pytest.raises(EcgbenchError, match="takes no batch of 1 records") as caught:
        build(f"model.source={tmp_path / 'fixed.pt2'}", "model.architecture=exported")
    assert "dynamic first dimension" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["torchscript", "exported"])
def test_a_file_that_is_no_program_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    whole = tmp_path / "whole"
    write_program(theirs(), kind, whole)
    for name, content in {
        "cut": whole.read_bytes()[:900],
        "empty": b"",
        "page": b"<p>no</p>",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(EcgbenchError, match=f"{name} is no program that torch"):
            build(f"model.source={tmp_path / name}", f"model.architecture={kind}")


class Evil:
    """A pickle that runs code when it is loaded."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["ECGBENCH_TEST_EVIL"],)


def test_a_pickle_that_runs_code_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    monkeypatch.setenv("ECGBENCH_TEST_EVIL", str(trap))
    torch.save({"state_dict": {"x": torch.zeros(1)}, "extra": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(EcgbenchError, match=r"evil\.pth .*contains more than tensors \(.*mkdir\)"):
        read_weights(tmp_path / "evil.pth")
    assert not trap.exists()


def test_a_program_may_unpickle_nothing_but_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch.export asks torch.load for whole pickles; the adapter does not let it."""
    trap = tmp_path / "trap"
    monkeypatch.setenv("ECGBENCH_TEST_EVIL", str(trap))
    torch.save({"x": Evil()}, tmp_path / "weight")
    with _tensors_only(), pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "weight", weights_only=False)
    assert not trap.exists()


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    state = ours_in_a_file()
    del state["stages.2.body.0.weight"]
    state["stages.4.body.0.weight"] = torch.zeros(3, 3, 3)
    state["head.weight"] = torch.zeros(2)
    save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(EcgbenchError, match="do not fit the architecture resnet18") as caught:
        build(f"model.source={tmp_path}")
    assert "missing (1): net.stages.2.body.0.weight" in caught.value.message
    assert "net.stages.4.body.0.weight (3, 3, 3) for" in caught.value.message
    assert "left over (1): head.weight" in caught.value.message


@pytest.mark.parametrize("kind", ["plain", "page", "cut", "empty", "safetensors"])
def test_a_file_that_is_no_weights_is_no_pickle_that_holds_more(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ("weights.safetensors" if kind == "safetensors" else "weights.pth")
    torch.save({"x": torch.zeros(9)}, file)
    contents = {
        "plain": pickle.dumps({"x": 1}),
        "page": b"<p>Not found</p>",
        "cut": file.read_bytes()[:300],
        "empty": b"",
        "safetensors": b"broken",
    }
    file.write_bytes(contents[kind])
    with pytest.raises(EcgbenchError, match=rf"{file.name} cannot be read as weights: ") as caught:
        read_weights(file)
    assert "more than tensors" not in caught.value.message
    assert "trust" not in str(caught.value.hint)
    assert "Download it again" in str(caught.value.hint)
