"""MAE: its features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ecgbench.methods.mae.model import MAE, over_time

from ecgbench.base.errors import ConfigError
from ecgbench.config.effective import effective
from ecgbench.data.leads import LEADS
from ecgbench.method import Setup
from ecgbench.plugins.catalogue import methods


def test_the_feature_is_mean_spread_and_maximum_over_time() -> None:
    tokens = torch.randn(3, 12 * 5, 4, generator=torch.Generator().manual_seed(0))
    grid = tokens.numpy().reshape(3, 12, 5, 4)
    wanted = [np.mean(f(grid, axis=2), axis=1) for f in (np.mean, np.std, np.max)]
    found = over_time(tokens, 12)
    assert found.shape == (3, 12)
    np.testing.assert_allclose(found.numpy(), np.concatenate(wanted, axis=1), atol=1e-6)


def test_a_beat_that_comes_once_moves_the_maximum_more_than_the_mean() -> None:
    plain = torch.zeros(1, 12 * 20, 1)
    once = plain.clone()
    once.view(1, 12, 20, 1)[:, :, 7] = 1.0
    mean, _, largest = (over_time(once, 12) - over_time(plain, 12))[0].tolist()
    assert mean == pytest.approx(1 / 20)
    assert largest == 1.0


def with_feature(feature: str) -> MAE:
    config = effective(methods.get("mae"), "mini", [f"model.feature={feature}"])
    return MAE(config.model, Setup(LEADS, 100.0, 1000, ()))


def test_the_feature_is_a_choice() -> None:
    ecg = torch.randn(2, 12, 1000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        shapes = {one: with_feature(one).encode_ecg(ecg).shape for one in ("pooled", "over-time")}
    assert shapes == {"pooled": (2, 12 * 96), "over-time": (2, 3 * 96)}
    with pytest.raises(ConfigError, match=r"model\.feature"):
        with_feature("overtime")
