"""Windows of a record: where they lie, and what becomes of their features."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ecgbench.base.errors import ConfigError
from ecgbench.config.effective import config_hash, decisive, effective
from ecgbench.data.leads import LEADS
from ecgbench.method import Method, Setup
from ecgbench.plugins.catalogue import methods
from ecgbench.training.windows import Windowed, Windows, windows_of


def asked(*overrides: str) -> Windows | None:
    return windows_of(effective(methods.get("random_init_resnet"), "mini", overrides))


class Peaks(Method):
    """Its features are the first sample and the largest of each lead; its tokens are the samples."""

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        assert ecg.shape[-1] == self.setup.samples
        return torch.cat([ecg[..., 0], ecg.amax(-1)], dim=1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        return ecg.transpose(1, 2)

    def embed_ecg(self, ecg: Tensor) -> Tensor:
        return torch.nn.functional.normalize(self.encode_ecg(ecg), dim=-1)


def peaks(pool: str, length: int, starts: tuple[int, ...]) -> Windowed:
    inner = Peaks(
        effective(methods.get("random_init_resnet"), "mini").model, Setup(LEADS, 100.0, length)
    )
    return Windowed(inner, Windows(length, starts, pool))


def test_the_fewest_windows_that_cover_a_record_lie_evenly() -> None:
    assert asked() is None
    assert asked("signal.window=5") == Windows(500, (0, 500), "mean")
    assert asked("signal.window=2.5", "signal.pool=max") == Windows(250, (0, 250, 500, 750), "max")
    assert asked("signal.window=9") == Windows(900, (0, 100), "mean")
    assert asked("signal.window=9", "signal.windows=3") == Windows(900, (0, 50, 100), "mean")
    assert asked("signal.window=4", "signal.windows=1") == Windows(400, (300,), "mean")
    assert asked("signal.window=10") == Windows(1000, (0,), "mean")


@given(st.integers(1, 1000), st.one_of(st.none(), st.integers(1, 9)))
def test_windows_lie_within_the_record(length: int, count: int | None) -> None:
    more = [] if count is None else [f"signal.windows={count}"]
    found = asked(f"signal.window={length / 100}", *more)
    assert found is not None
    assert found.length == length
    assert min(found.starts) >= 0
    assert max(found.starts) + length <= 1000
    assert list(found.starts) == sorted(found.starts)
    if count is None:
        seen = {s for start in found.starts for s in range(start, start + length)}
        assert seen == set(range(1000))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("signal.window=11",), "signal.window cannot be 11"),
        (("signal.window=0",), "signal.window cannot be 0"),
        (("signal.window=0.005",), "signal.window cannot be 0.005"),
        (("signal.windows=2",), "signal.windows cannot be 2: it takes null without a window"),
        (("signal.window=5", "signal.windows=0"), "signal.windows cannot be 0"),
        (("signal.window=5", "signal.pool=median"), "signal.pool cannot be 'median'"),
    ],
)
def test_windows_that_make_no_sense_are_refused(overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        asked(*overrides)


def test_features_are_averaged_or_the_largest_is_taken() -> None:
    ecg = torch.randn(4, 12, 100)
    parts = [ecg[..., 0:60], ecg[..., 20:80], ecg[..., 40:100]]
    each = torch.stack([torch.cat([p[..., 0], p.amax(-1)], dim=1) for p in parts])
    mean, largest = peaks("mean", 60, (0, 20, 40)), peaks("max", 60, (0, 20, 40))
    torch.testing.assert_close(mean.encode_ecg(ecg), each.mean(0))
    torch.testing.assert_close(largest.encode_ecg(ecg), each.amax(0))
    tokens = mean.encode_tokens(ecg)
    assert torch.equal(tokens, torch.cat([p.transpose(1, 2) for p in parts], dim=1))
    norms = largest.embed_ecg(ecg).norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(4))


def test_windows_and_filters_change_the_address_and_their_absence_does_not() -> None:
    """Results of earlier versions keep their addresses, and no two signals share one."""
    info = methods.get("random_init_resnet")

    def address(*overrides: str) -> str:
        return config_hash(effective(info, "mini", overrides), ["signal"])

    assert set(decisive(effective(info, "mini"), ["signal"])["signal"]) == {
        "rate",
        "seconds",
        "bandpass",
        "scaling",
    }
    asked = [
        (),
        ("signal.window=5",),
        ("signal.window=2.5",),
        ("signal.window=5", "signal.windows=3"),
        ("signal.window=5", "signal.pool=max"),
        ("signal.notch=45",),
        ("signal.baseline=0.4",),
        ("signal.scaling=minmax-lead",),
    ]
    assert len({address(*overrides) for overrides in asked}) == len(asked)
