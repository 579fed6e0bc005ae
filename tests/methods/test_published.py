"""Published encoders: facts, layouts, key maps, and networks held against their authors' own code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest
import torch

from ecgbench.authoring.laws import MethodLaws
from ecgbench.base.errors import ConfigError, EcgbenchError
from ecgbench.config.effective import configure, effective
from ecgbench.config.sections import SignalSettings
from ecgbench.data.leads import LEADS
from ecgbench.method import Setup
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.specs import MethodInfo
from ecgbench.published.encoder import PublishedEncoder
from ecgbench.published.layout import Layout, drawn_input, drawn_weights, read_layout
from ecgbench.published.tables import contamination, overview
from ecgbench.published.weights import Loaded, fill, renamed

PRESETS = sorted(name for name in methods.names() if methods.get(name).published)


def layout_of(name: str) -> Layout:
    return read_layout(methods.get(name).folder)


def kind_of(info: MethodInfo) -> type[PublishedEncoder]:
    kind: type[PublishedEncoder] = load_object(info.model, info.folder)
    return kind


TINY = {
    "merl_published": {"widths": [8, 8, 16, 16]},
    "ked": {"widths": [4, 4, 4, 6], "blocks": [1, 2, 1, 1]},
    "ecgfounder": {"stem": 16, "widths": [16, 32], "blocks": [2, 1]},
    "st_mem_published": {"width": 16, "depth": 1, "heads": 2},
    "ecg_fm": {"channels": 16, "width": 32, "depth": 1, "heads": 2},
    "d_beta": {"channels": 16, "width": 32, "depth": 1, "heads": 2},
    "melp": {
        "channels": 16,
        "width": 32,
        "depth": 1,
        "heads": 2,
        "queries": 3,
        "out": 8,
        "query_heads": 2,
    },
    "hubert_ecg": {"channels": 16, "width": 32, "depth": 1, "heads": 2},
    "ecg_jepa": {"width": 16, "depth": 1, "heads": 2},
}


def tiny(name: str, *overrides: str) -> list[str]:
    """Overrides for a small network with random weights."""
    sizes = TINY[name].items()
    return ["model.source=random", *(f"model.network.{k}={v}" for k, v in sizes), *overrides]


def build(name: str, samples: int | None = None, overrides: Sequence[str] = ()) -> PublishedEncoder:
    """A preset with random weights, in eval mode."""
    info = methods.get(name)
    config = effective(info, "mini", overrides or ["model.source=random"])
    signal = config.signal
    length = samples or round(signal.rate * (signal.window or signal.seconds))
    method = kind_of(info)(config.model, Setup(LEADS, signal.rate, length))
    return method.eval()


def filled(name: str, method: PublishedEncoder, tensors: dict[str, torch.Tensor]) -> Loaded:
    kind = type(method)
    return fill(method.encoder, tensors, kind.names, kind.preset.drop, kind.__name__)


def test_there_are_nine_presets() -> None:
    assert len(PRESETS) >= 9
    assert {"ecgfounder", "merl_published", "st_mem_published"} <= set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_every_tensor_of_the_published_layout_is_used_or_left_out_for_a_reason(name: str) -> None:
    with torch.device("meta"):
        method = build(name)
    tensors = {k: torch.empty(v, device="meta") for k, v in layout_of(name).shapes().items()}
    kind = type(method)
    loaded = fill(method.encoder, tensors, kind.names, kind.preset.drop, name)
    assert loaded.used == len(
        [key for key in method.encoder.state_dict() if not key.endswith("num_batches_tracked")]
    )
    assert loaded.used + sum(loaded.dropped.values()) == len(tensors)
    assert loaded.prefix == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_network_computes_what_its_authors_code_computes(name: str) -> None:
    """On drawn weights: the committed features were computed by the public code itself."""
    layout = layout_of(name)
    assert layout.reference is not None
    tensors = drawn_weights(layout.shapes())
    if name == "ked":  # the published file holds each block twice
        tensors = {key: tensors[key.replace(".convs.", ".convpath.0.")] for key in tensors}
    method = build(name, layout.reference.samples)
    filled(name, method, tensors)
    leads = drawn_input(len(method.preset.leads), layout.reference.samples)
    with torch.no_grad():
        tokens = method.encoder(leads)
        features = method.encoder.pool(tokens)[0].double().numpy()
    assert features.shape == (method.encoder.features,)
    assert tokens.shape[-1] == method.encoder.width
    wanted = np.array(layout.reference.features)
    assert float(np.linalg.norm(features)) == pytest.approx(layout.reference.norm, rel=1e-3)
    np.testing.assert_allclose(features[: len(wanted)], wanted, rtol=2e-3, atol=2e-3)


LAWS = [name for name in dir(MethodLaws) if name.startswith("test_")]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_keeps_the_laws(name: str) -> None:
    """On a small network of the same code: shapes, batches, bf16, the meta device, checkpoints."""
    kind = {"method": name, "overrides": tuple(tiny(name))}
    laws = type("Laws", (MethodLaws,), kind)()
    for law in LAWS:
        try:
            getattr(laws, law)()
        except SkipTest:
            continue


@pytest.mark.parametrize("name", PRESETS)
def test_the_whole_network_takes_its_input_on_the_meta_device(name: str) -> None:
    with torch.device("meta"):
        method = build(name)
        ecg = torch.empty(2, len(LEADS), method.setup.samples)
        assert method.encode_ecg(ecg).shape == (2, method.encoder.features)


def write_tiny(name: str, folder: Path, prefix: str = "", wrap: bool = True) -> Path:
    """A file of weights in the published names, for the small network of a preset."""
    method = build(name, overrides=tiny(name))
    shapes = published_shapes(name, method)
    tensors = {prefix + key: value for key, value in drawn_weights(shapes).items()}
    inside = method.preset.inside[0]
    file = folder / "weights.pth"
    torch.save({inside: tensors, "epoch": 3} if wrap else tensors, file)
    return file


def published_shapes(name: str, method: PublishedEncoder) -> dict[str, tuple[int, ...]]:
    """The published names of the tensors of a small network, found by its own key map."""
    own = {key: tuple(value.shape) for key, value in method.encoder.state_dict().items()}
    names = {renamed(key, type(method).names): key for key in layout_of(name).shapes()}
    return {names[key]: shape for key, shape in own.items() if key in names}


@pytest.mark.parametrize("prefix", ["", "module.", "encoder."])
def test_a_prefix_is_found_and_named(tmp_path: Path, prefix: str) -> None:
    file = write_tiny("merl_published", tmp_path, prefix)
    sizes = tiny("merl_published", f"model.source={file}")[1:]
    method = build("merl_published", overrides=sizes)
    assert method.loaded is not None
    assert method.loaded.prefix == prefix
    assert (f"prefix {prefix!r} found" in str(method.loaded)) == bool(prefix)


@pytest.mark.parametrize("wrap", [True, False])
def test_weights_may_lie_under_their_key_or_bare(tmp_path: Path, wrap: bool) -> None:
    file = write_tiny("st_mem_published", tmp_path, wrap=wrap)
    sizes = tiny("st_mem_published", f"model.source={file}")[1:]
    state = build("st_mem_published", overrides=sizes).encoder.state_dict()
    wanted = drawn_weights(
        published_shapes("st_mem_published", build("st_mem_published", overrides=sizes))
    )
    assert torch.equal(state["norm.weight"], wanted["norm.weight"])


class Settings:
    """Values that a training script stores in addition to tensors."""


@pytest.mark.parametrize("kind", ["other", "cut", "pickle", "sizes"])
def test_a_file_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    file = write_tiny("ecgfounder", tmp_path)
    sizes = tiny("ecgfounder")[1:]
    if kind == "other":
        file = write_tiny("merl_published", tmp_path)
        said = "The file is not ECGFounder: it holds none of its"
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[:2000])
        said = "weights.pth cannot be read as weights"
    elif kind == "pickle":
        torch.save({"state_dict": {}, "args": Settings()}, file)
        said = "weights.pth is a pickle that contains more than tensors"
    else:
        sizes = [size.replace("stem=16", "stem=8") for size in sizes]
        said = "The weights do not fit ECGFounder: of another shape"
    with pytest.raises(EcgbenchError, match=said) as caught:
        build("ecgfounder", overrides=[f"model.source={file}", *sizes])
    assert "\n" not in caught.value.message
    if kind == "pickle":
        lines = str(caught.value.hint).splitlines()[1:]
        assert len(lines) == 2
        assert "torch.load('weights.pth', weights_only=False)" in lines[0]
        assert "torch.save" in lines[1]


def test_the_two_lines_make_a_file_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command in the hint runs unchanged."""
    file = write_tiny("ecgfounder", tmp_path)
    content = torch.load(file, weights_only=True)
    torch.save({**content, "args": Settings()}, file)
    sizes = tiny("ecgfounder")[1:]
    with pytest.raises(EcgbenchError) as caught:
        build("ecgfounder", overrides=[f"model.source={file}", *sizes])
    monkeypatch.chdir(tmp_path)
    lines = [line.strip() for line in str(caught.value.hint).splitlines()[1:]]
    exec("\n".join(lines), {"torch": torch})
    again = build("ecgfounder", overrides=[f"model.source={file}", *sizes])
    assert again.loaded is not None


@pytest.mark.parametrize("name", PRESETS)
def test_another_signal_is_refused(name: str) -> None:
    info = methods.get(name)
    own = info.config["signal"]["rate"]
    for override in (f"signal.rate={own + 1}", "signal.baseline=0.2", "signal.notch=40"):
        with pytest.raises(ConfigError, match=f"{name} was trained on {own:g} Hz, 10 s") as caught:
            effective(info, "mini", ["model.source=random", override])
        assert f"signal.{override.split('=')[0].split('.')[1]}" in caught.value.message
    effective(info, "paper", ["model.source=random", f"signal.rate={own}"])
    configure([info], "paper", ["mae:signal.rate=250"], known=["mae"])


def test_a_preset_without_an_address_says_where_its_weights_are() -> None:
    with pytest.raises(EcgbenchError, match="no address") as caught:
        build("ecg_jepa", overrides=["model.source=null"])
    assert "drive.google.com" in str(caught.value.hint)
    assert "model.source=PATH" in str(caught.value.hint)


def test_the_leads_come_in_the_order_of_the_weights() -> None:
    method = build("ecg_jepa", overrides=tiny("ecg_jepa"))
    ecg = torch.randn(2, 12, method.setup.samples)
    moved = ecg.clone()
    moved[:, [2, 3, 4, 5]] = 0  # III, aVR, aVL, aVF are not read
    with torch.no_grad():
        assert torch.equal(method.encode_ecg(ecg), method.encode_ecg(moved))
    swapped = build("merl_published", overrides=tiny("merl_published"))
    assert swapped.order.tolist() == [0, 1, 2, 3, 5, 4, *range(6, 12)]


@pytest.mark.parametrize("name", PRESETS)
def test_the_card_says_what_the_preset_is(name: str) -> None:
    info = methods.get(name)
    assert info.published is not None
    assert info.on_request
    card = (info.folder / "README.md").read_text(encoding="utf-8")
    assert SignalSettings.model_validate(info.config["signal"]).in_words() in card
    assert f"of the weights: {info.published.licence}" in card
    assert ("**no commercial use**" in card) == (info.published.commercial is False)
    for said in (info.published.url, info.published.feature, info.published.training):
        assert said in card
    for source in info.published.sources.values():
        assert source in card
    assert " ".join(info.published.leads) in card
    assert layout_of(name).source in card


def test_the_docs_have_the_tables_as_they_are_now(project_root: Path) -> None:
    page = (project_root / "docs" / "published.md").read_text(encoding="utf-8")
    assert overview("github") in page, (
        "put what ecgbench.published.tables.overview gives into the page"
    )
    assert contamination() in page, "put what ecgbench.published.tables.contamination gives into it"
