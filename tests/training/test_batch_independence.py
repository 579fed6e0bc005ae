"""Each record is encoded by itself: a method whose features depend on the batch fails its cells."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn
from torch.nn import functional as F

from ecgbench.base.errors import EcgbenchError
from ecgbench.runs.run import Request, carry_out, make_plan
from ecgbench.training.encode import check_batch_independence, run_frozen
from ecgbench.training.finetune import Finetuned

CONFIG = OmegaConf.create(
    {"compute": {"accelerator": "cpu", "precision": "32", "threads": 1, "encode_batch": 16}}
)
SIGNALS = np.random.default_rng(0).normal(size=(40, 12, 50)).astype(np.float32)
Encode = Callable[[Tensor], Tensor]


def mean(ecg: Tensor) -> Tensor:
    return ecg.mean(-1)


def frozen(encode: Encode, config: DictConfig = CONFIG) -> np.ndarray:
    return run_frozen(nn.Identity(), SIGNALS, lambda _, ecg: encode(ecg), config, "test")  # type: ignore[arg-type]


DEPENDENT: dict[str, Encode] = {
    "batch-norm in train mode": lambda ecg: F.batch_norm(mean(ecg), None, None, training=True),
    "mean of the batch taken off": lambda ecg: mean(ecg) - mean(ecg).mean(0),
    "place in the batch": lambda ecg: mean(ecg) + torch.arange(len(ecg))[:, None],
    "attention over records": lambda ecg: (mean(ecg) @ mean(ecg).T).softmax(-1) @ mean(ecg),
    "dropout": lambda ecg: F.dropout(mean(ecg), 0.1, training=True),
    "size of the batch": lambda ecg: mean(ecg) * len(ecg),
}
HONEST: dict[str, Encode] = {
    "mean": mean,
    "all alike": lambda ecg: torch.ones(len(ecg), 4),
    "a large offset": lambda ecg: mean(ecg) + 1e4,
    "rounding": lambda ecg: mean(ecg) * (1 + 1e-5 * len(ecg)),
    "tokens": lambda ecg: ecg.unfold(-1, 10, 10).mean(-1),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_features_that_depend_on_the_batch_are_refused(name: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(EcgbenchError, match="other features in another batch: they differ by"):
        frozen(DEPENDENT[name])


@pytest.mark.parametrize("name", HONEST)
def test_features_of_each_record_by_itself_pass(name: str) -> None:
    assert np.allclose(frozen(HONEST[name]), HONEST[name](torch.from_numpy(SIGNALS)), rtol=1e-3)


def test_one_record_has_no_other_batch() -> None:
    values = run_frozen(nn.Identity(), SIGNALS[:1], lambda _, ecg: mean(ecg), CONFIG, "test")  # type: ignore[arg-type]
    assert values.shape == (1, 12)


def test_two_records_are_encoded_again_and_no_more() -> None:
    sizes = []

    def encode(ecg: Tensor) -> Tensor:
        sizes.append(len(ecg))
        return mean(ecg)

    frozen(encode)
    assert sizes == [16, 16, 8, 2]


@pytest.mark.parametrize(("away", "fine"), [(0.9, True), (1.1, False), (float("nan"), False)])
@pytest.mark.parametrize(("precision", "rounding"), [("32-true", 0.002), ("bf16-mixed", 0.05)])
def test_the_allowed_difference_is_what_the_docs_say(
    precision: str, rounding: float, away: float, fine: bool
) -> None:
    values = np.array([[-3.0], [1.0], [2.0]])
    allowed = 0.01 * np.std([-3.0, 1.0, 2.0]) + rounding * 3
    again = values[[-1, 0]] + np.array([[0.0], [away * allowed]])
    if fine:
        check_batch_independence("It", values, again, precision)  # type: ignore[arg-type]
    else:
        with pytest.raises(EcgbenchError):
            check_batch_independence("It", values, again, precision)  # type: ignore[arg-type]


def test_such_a_method_fails_its_cells_with_the_reason(
    request_for: Callable[..., Request],
) -> None:
    plan = make_plan(request_for("neighbourly", "sim-tiny-super/linear-probe@100%"))
    carry_out(plan)
    (result,) = plan.results()
    assert result.status == "failed"
    assert "Neighbourly gives a record other features in another batch" in str(result.reason)


@pytest.mark.parametrize("name", ["mean of the batch taken off", "mean"])
def test_a_tuned_method_is_held_to_the_same(name: str) -> None:
    encode = {**DEPENDENT, **HONEST}[name]
    trainer = SimpleNamespace(
        precision="32-true",
        predict=lambda module, loader: [encode(ecg.float()) for (ecg,) in loader],
    )
    module = SimpleNamespace(classifier=SimpleNamespace(method=nn.Identity()))
    tuned = Finetuned(None, 1, (), np.zeros((1, 1)), module, trainer, 16)  # type: ignore[arg-type]
    if name in HONEST:
        assert tuned.scores(SIGNALS).shape == (40, 12)
    else:
        with pytest.raises(EcgbenchError, match="Identity gives a record other features"):
            tuned.scores(SIGNALS)
