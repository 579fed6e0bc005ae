"""Methods as these tests make them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ecgbench.authoring.laws import MethodUnderTest
from ecgbench.config.effective import effective
from ecgbench.data.leads import LEADS
from ecgbench.method import Method, Setup
from ecgbench.nn.text import SPECIAL, TextEncoder, _fast_tokenizer, train_wordpiece
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.specs import MethodInfo


def build(name: str, profile: str, *overrides: str, reports: tuple[str, ...] = ()) -> Method:
    """A new method, always with the same initial weights, also of settings that no user may have.

    One term alone or no mask at all is no pre-training, but shows what a term does.
    """
    info = methods.get(name)
    config = effective(without_limits(info), profile, overrides)
    signal = config.signal
    setup = Setup(LEADS, signal.rate, round(signal.rate * signal.seconds), reports)
    torch.manual_seed(0)
    method: Method = load_object(info.model, info.folder)(config.model, setup)
    return method


def without_limits(info: MethodInfo) -> MethodInfo:
    """The same method, whose settings keep their types and may otherwise be anything."""
    config = {**info.config, "model": effective(info, "mini").model.model_dump()}
    return info.model_copy(update={"settings": None, "config": config})


def build_demo(name: str, *overrides: str) -> Method:
    """A method of the laws' size, with their reports."""
    return build(name, "demo", *overrides, reports=tuple(MethodUnderTest(name).setup.reports))


def one_step(name: str, *overrides: str) -> tuple[Method, dict[str, Tensor]]:
    """A method with the gradients of one step, and what the step logged."""
    subject = MethodUnderTest(name)
    method = build_demo(name, *overrides).train()
    out = method.losses(subject.batch(method))
    out["loss"].backward()
    assert torch.isfinite(out["loss"])
    assert torch.isfinite(method.eval().encode_ecg(subject.ecg())).all()
    return method, out


def without_gradient(method: Method) -> set[str]:
    """Trainable parameters that the last backward pass did not reach."""
    return {name for name, p in method.named_parameters() if p.requires_grad and p.grad is None}


def taught(method: Method) -> set[str]:
    """Parts of a method of which some gradient is not zero."""
    return {
        name.split(".")[0]
        for name, p in method.named_parameters()
        if p.grad is not None and p.grad.any()
    }


def bert_base(source: str, *, max_tokens: int, pooling: Any = "pooler") -> TextEncoder:
    """The shape of MedCPT's query encoder, which is BERT-base's, without its weights."""
    from transformers import BertConfig, BertModel

    assert source == "ncbi/MedCPT-Query-Encoder"
    model = BertModel(BertConfig(), add_pooling_layer=pooling == "pooler")
    tokenizer = _fast_tokenizer(train_wordpiece(["normal ecg"], 100), SPECIAL)
    return TextEncoder(model, tokenizer, max_tokens, pooling)
