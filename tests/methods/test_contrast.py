"""Every contrastive method with reports: one loss over the whole batch, grouped by report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from building import build_demo
from torch import Tensor

from ecgbench.authoring.laws import MethodUnderTest
from ecgbench.method import Batch, Method
from ecgbench.nn.losses import info_nce, merl_contrast, siglip

Plain = Callable[[Tensor, Tensor, Tensor], Tensor]

# The overrides that leave each method's loss its contrast and nothing random.
ALONE = {
    "clip": [],
    "merl": [],
    "merit": ["model.weights.reconstruction=0.0"],
    "cg_dmer": [
        *(f"model.weights.{term}=0.0" for term in ("ecg", "mlm", "orthogonality")),
        *("model.mask.leads=0.0", "model.mask.patches=0.0"),
    ],
}
WARM, MASKED = "model.temperature=0.2", "model.mask_equal_reports=true"
PLAIN: dict[tuple[str, ...], Plain] = {
    ("clip", WARM): lambda a, b, keys: info_nce(a, b, 5.0, keys),
    ("merl", WARM, "model.uma=0.0"): lambda a, b, keys: merl_contrast(a, b, 0.2),
    ("merl", WARM, "model.uma=0.0", MASKED): lambda a, b, keys: merl_contrast(a, b, 0.2, keys),
    ("merit", WARM): lambda a, b, keys: info_nce(a, b, 5.0, keys),
    ("cg_dmer", "model.bias=-2.0"): lambda a, b, keys: siglip(a, b, 10.0, -2.0, keys),
    ("cg_dmer", "model.alignment=infonce"): lambda a, b, keys: info_nce(a, b, 1 / 0.07, keys),
}


@pytest.mark.parametrize("case", PLAIN, ids=" ".join)
def test_the_loss_is_the_plain_contrast_of_the_embeddings(case: tuple[str, ...]) -> None:
    """At the configured temperature; two of the reports are equal, and one record has none."""
    name, *overrides = case
    method = build_demo(name, *ALONE[name], *overrides).eval()
    batch = MethodUnderTest(name).batch(method)
    assert batch.tokens is not None
    assert batch.text_id is not None
    assert batch.text_id.tolist() == [3, 0, 2, 1, 3, -1]
    with torch.no_grad():
        wanted = PLAIN[case](
            method.embed_ecg(batch.ecg), method.embed_text(batch.tokens), batch.text_id
        )
        torch.testing.assert_close(method.losses(batch)["loss"], wanted, rtol=1e-4, atol=1e-5)


def method_and_batch(name: str) -> tuple[Method, Batch]:
    """In eval mode: batch norm and dropout would tell one process from two."""
    masked = [MASKED] if name == "merl" else []
    method = build_demo(name, *ALONE[name], *masked).eval()
    return method, MethodUnderTest(name).batch(method)


def half(batch: Batch, rank: int) -> Batch:
    rows = slice(3 * rank, 3 * rank + 3)
    assert batch.tokens is not None
    assert batch.text_id is not None
    tokens = {key: value[rows] for key, value in batch.tokens.items()}
    return Batch(batch.ecg[rows], tokens, batch.text_id[rows])


def step(method: Method, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and its gradients by parameter."""
    loss = method.losses(batch)["loss"]
    loss.backward()
    named = method.named_parameters()
    return loss.detach(), {key: p.grad for key, p in named if p.grad is not None}


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    found = {}
    for name in ALONE:
        method, batch = method_and_batch(name)
        loss, gradients = step(method, half(batch, rank))
        for gradient in gradients.values():  # as DDP does it
            dist.all_reduce(gradient)
            gradient /= 2
        found[name] = loss, gradients
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_learn_what_one_would(tmp_path: Path) -> None:
    mp.spawn(work, args=(str(tmp_path),), nprocs=2)
    there = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name in ALONE:
        loss, gradients = step(*method_and_batch(name))
        for found in there:
            torch.testing.assert_close(found[name][0], loss)
            torch.testing.assert_close(found[name][1], gradients, rtol=1e-3, atol=1e-5)
