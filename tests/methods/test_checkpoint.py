"""Weights of other people: found, read without running code, and put where they belong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from ecgbench.methods.checkpoint.weights import find_weights, from_torchvision_resnet, read_weights
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.config import effective
from ecgbench.data.leads import LEADS
from ecgbench.errors import EcgbenchError
from ecgbench.method import Method, Setup
from ecgbench.plugins import load_object, methods
from ecgbench.runs.plan import chosen_methods

SAMPLES = 320
SMALL = "model.resnet.widths=[8,8,16,16]"


class TheirBlock(nn.Module):
    """A basic block with torchvision's names."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm1d(channels)
        self.conv2 = nn.Conv1d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm1d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels_in != channels:
            convolution = nn.Conv1d(channels_in, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm1d(channels))

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


class TheirResNet(nn.Module):
    """A ResNet-18 with torchvision's names and a classifier that is not wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(12, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm1d(8)
        widths, previous = (8, 8, 16, 16), 8
        for number, width in enumerate(widths, start=1):
            first = TheirBlock(previous, width, 1 if number == 1 else 2)
            setattr(self, f"layer{number}", nn.Sequential(first, TheirBlock(width, width, 1)))
            previous = width
        self.linear = nn.Linear(16, 5)

    def forward(self, ecg: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(ecg)))
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return x.mean(-1)


def theirs() -> TheirResNet:
    torch.manual_seed(0)
    model = TheirResNet()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model.eval()


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
def test_a_resnet_with_torchvisions_names_gives_its_own_features(
    tmp_path: Path, suffix: str, prefix: str
) -> None:
    model = theirs()
    state = {prefix + name: value for name, value in model.state_dict().items()}
    file = tmp_path / f"weights.{suffix}"
    if suffix == "safetensors":
        save_file(state, file)
    else:
        torch.save({"epoch": 3, "state_dict": state}, file)
    ours = build(f"model.source={tmp_path}", f"model.prefix={prefix!r}")
    ecg = torch.randn(3, 12, SAMPLES)
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_ecg(ecg), model(ecg))
        assert ours.encode_tokens(ecg).shape == (3, SAMPLES // 16, 16)


def test_a_torchscript_program_brings_its_architecture_and_survives_a_checkpoint(
    tmp_path: Path,
) -> None:
    model = theirs()
    file = tmp_path / "program.pt"
    torch.jit.save(torch.jit.trace(model, torch.randn(2, 12, SAMPLES)), file)
    ours = build(f"model.source={file}", "model.architecture=torchscript")
    ecg = torch.randn(3, 12, SAMPLES)
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_ecg(ecg), model(ecg))
        (tmp_path / "assets").mkdir()
        ours.save_assets(tmp_path / "assets")
        again = build("model.architecture=torchscript", assets=tmp_path / "assets")
        assert torch.equal(again.encode_ecg(ecg), ours.encode_ecg(ecg))
    assert ours.encode_tokens(ecg).shape == (3, 1, 16)


class Evil:
    """What a pickle can do when it is loaded."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["ECGBENCH_TEST_EVIL"],)


def test_a_pickle_that_runs_code_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    monkeypatch.setenv("ECGBENCH_TEST_EVIL", str(trap))
    torch.save({"state_dict": {"x": torch.zeros(1)}, "extra": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(EcgbenchError, match=r"evil\.pth .*wants more than tensors \(.*mkdir\)"):
        read_weights(tmp_path / "evil.pth")
    assert not trap.exists()


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    state = theirs().state_dict()
    del state["layer2.0.conv1.weight"]
    state["layer3.0.conv1.weight"] = torch.zeros(3, 3, 3)
    save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(EcgbenchError, match="do not fit") as caught:
        build(f"model.source={tmp_path}")
    assert "missing: net.stages.2.body.0.weight" in caught.value.message
    assert "net.stages.4.body.0.weight (3, 3, 3) for" in caught.value.message


def test_the_wanted_file_is_found_or_asked_for(tmp_path: Path) -> None:
    for name in ("a.safetensors", "b.pth"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(EcgbenchError, match=r"a\.safetensors, b\.pth"):
        find_weights(str(tmp_path), None)
    assert find_weights(str(tmp_path), "b.pth").name == "b.pth"
    with pytest.raises(EcgbenchError, match=r"no c\.pth"):
        find_weights(str(tmp_path), "c.pth")
    with pytest.raises(EcgbenchError, match="cannot be read"):
        read_weights(tmp_path / "b.pth")


def test_an_id_without_a_network_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EcgbenchError, match="cannot be downloaded") as caught:
        find_weights("nobody/no-such-encoder", None)
    assert "model.source=PATH" in str(caught.value.hint)


def test_names_map_as_they_should() -> None:
    assert from_torchvision_resnet("conv1.weight") == "net.stem.0.weight"
    assert from_torchvision_resnet("layer4.1.bn2.bias") == "net.stages.7.body.4.bias"
    assert (
        from_torchvision_resnet("layer2.0.downsample.0.weight") == "net.stages.2.shortcut.0.weight"
    )
    assert from_torchvision_resnet("fc.weight") is None
