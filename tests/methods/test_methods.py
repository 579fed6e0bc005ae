"""Every built-in method keeps the laws, learns, and encodes no hidden token while it learns."""

from __future__ import annotations

import pytest
import torch
from building import bert_base, build, without_gradient

from ecgbench.authoring.laws import MethodLaws, MethodUnderTest
from ecgbench.data.leads import LEADS
from ecgbench.method import Batch, Method, count_parameters
from ecgbench.nn import towers
from ecgbench.plugins.catalogue import methods
from ecgbench.runs.plan import chosen_methods

BUILT_IN = [info.name for info in chosen_methods(["all"])]  # those that need nothing of a user's
TRAINED = [name for name in BUILT_IN if MethodUnderTest(name).trains]
MASKED = ["mae", "cg_dmer", "merit"]
LAWS = [name for name in dir(MethodLaws) if name.startswith("test_")]


def test_all_methods_are_there() -> None:
    wanted = {"mae", "clip", "merl", "cg_dmer", "merit", "random_init", "random_init_resnet"}
    wanted |= {"classical", "supervised", "supervised_xresnet"}
    assert wanted <= set(BUILT_IN)
    assert "checkpoint" in methods.names()
    broken = {name: e.problem for name, e in methods.entries().items() if e.problem}
    assert not broken


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_laws(name: str, law: str) -> None:
    laws = type("Laws", (MethodLaws,), {"method": name})()
    getattr(laws, law)()


def simulated_ecgs(records: int, samples: int, rate: float) -> torch.Tensor:
    """Simulated beats: a wave train of its own rate, phase and lead amplitudes for each record."""
    generator = torch.Generator().manual_seed(2)
    time = torch.arange(samples) / rate
    rhythm = 0.8 + torch.rand(records, 1, 1, generator=generator)
    phase = torch.rand(records, 1, 1, generator=generator)
    gain = torch.randn(records, len(LEADS), 1, generator=generator)
    beat = ((time * rhythm + phase) % 1 - 0.5) * 5
    ecg = gain * torch.exp(-(beat**2))
    return ecg / ecg.std(dim=(1, 2), keepdim=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_method_overfits_sixteen_records(name: str) -> None:
    """The loss falls below a tenth of its start, with four masks that come round again and again."""
    subject = MethodUnderTest(name)
    method = trainable(name)
    reports = [f"record {word} finding {number}" for number, word in enumerate(WORDS)]
    ecg = simulated_ecgs(len(reports), subject.setup.samples, subject.setup.rate)
    batch = Batch(ecg)
    if subject.info.reports != "none":
        batch = Batch(ecg, method.tokenize(reports), torch.arange(len(reports)))
    steps = STEPS_MASKED if name in MASKED else STEPS
    optimiser = torch.optim.AdamW(method.parameters(), lr=4e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps, pct_start=0.1)
    values = []
    for step in range(steps):
        torch.manual_seed(step % 4)
        loss = method.losses(batch)["loss"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        values.append(loss.item())
    start, end = sum(values[:3]) / 3, sum(values[-10:]) / 10
    assert end < 0.1 * start, f"from {start:.3f} to {end:.3f}"


WORDS = "oak elm ash fir yew box bay fig gum ivy nut pea rye sal tea ume".split()  # noqa: SIM905
STEPS, STEPS_MASKED = 100, 250


def trainable(name: str) -> Method:
    reports = tuple(f"record {word} finding {number}" for number, word in enumerate(WORDS))
    method = build(name, "demo", reports=reports)
    for module in method.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return method.train()


@pytest.mark.parametrize("name", MASKED)
def test_hidden_tokens_never_enter_the_encoder(name: str) -> None:
    """In the masked pass; MERIT's contrast looks at the full view, where nothing is hidden."""
    subject = MethodUnderTest(name)
    method = subject.make().train()
    if name == "merit":
        method.config = method.config.replaced({"weights.contrast": 0.0})
    entered: list[int] = []
    embedded: list[int] = []
    encoder = method.encoder
    encoder.embed.register_forward_pre_hook(lambda _, args: embedded.append(args[0].shape[1]))
    for block in encoder.blocks:
        block.register_forward_pre_hook(lambda _, args: entered.append(args[0].shape[1]))
    method.losses(subject.batch(method))
    tokens = len(LEADS) * (subject.setup.samples // encoder.patch)
    shown = tokens - round(0.75 * tokens)
    per_lead = subject.setup.samples // encoder.patch
    if name != "cg_dmer":  # exact in each lead
        shown = len(LEADS) * (per_lead - round(0.75 * per_lead))
    frame = 2 * len(LEADS) if encoder.separator is not None else 0
    assert embedded == [shown]
    assert entered == [shown + frame] * len(encoder.blocks)


@pytest.mark.parametrize("encoder", ["vit", "channel-vit", "resnet18", "xresnet101"])
def test_clip_and_random_init_take_every_encoder(encoder: str) -> None:
    for name in ("clip", "random_init"):
        method = build(name, "demo", f"model.encoder={encoder}", reports=("normal ecg",)).eval()
        features = method.encode_ecg(torch.randn(2, len(LEADS), method.setup.samples))
        assert features.shape == (2, method.encoder.features)


@pytest.mark.parametrize("name", MASKED)
def test_reconstructions_leave_what_was_visible(name: str) -> None:
    subject = MethodUnderTest(name)
    method = subject.make().eval()
    ecg = subject.ecg(2)
    with torch.no_grad():
        shown = method.reconstruct(ecg)
    assert shown is not None
    kept = shown.target.shape[-1]
    assert torch.equal(shown.target, ecg[..., :kept])
    assert torch.equal(shown.output[~shown.hidden], shown.target[~shown.hidden])
    assert not torch.equal(shown.output[shown.hidden], shown.target[shown.hidden])
    assert 0.6 < shown.hidden.float().mean() < 0.9


VIT_S = ("model.vit.width=384", "model.vit.heads=6")  # as the baselines' cards have it
BARS = {
    "random_init": ["mae", "cg_dmer", "merit"],
    "supervised": ["mae", "cg_dmer", "merit"],
    "random_init_resnet": ["clip", "merl"],
}


def encoder_size(name: str, profile: str, *overrides: str) -> int:
    """Parameters of the ECG encoder, on the meta device."""
    with torch.device("meta"):
        method = build(name, profile, *overrides, reports=("normal ecg",))
    return count_parameters(method.encoder).total


@pytest.mark.parametrize("profile", ["demo", "mini", "paper"])
def test_untrained_encoders_are_those_of_the_trained_methods(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gain is read against the same architecture; CG-DMER's in `paper` asks for an override."""
    monkeypatch.setattr(towers, "pretrained_text_encoder", bert_base)
    for bar, others in BARS.items():
        for other in others:
            smaller = VIT_S if (profile, other) == ("paper", "cg_dmer") else ()
            size = encoder_size(bar, profile, *smaller)
            assert encoder_size(other, profile) == size, (bar, other)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_paper_sized_method_makes_a_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the sizes of `paper`; a BERT-base with a pooler, as MedCPT has one, stands in for it."""
    monkeypatch.setattr(towers, "pretrained_text_encoder", bert_base)
    reports = ("normal ecg", "ecg")
    method = build(name, "paper", reports=reports).train()
    batch = Batch(torch.randn(2, len(LEADS), method.setup.samples))
    if methods.get(name).reports != "none":
        batch = Batch(batch.ecg, method.tokenize(reports), torch.arange(2))
    loss = method.losses(batch)["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    assert without_gradient(method) == UNREAD.get(name, set())
    millions = count_parameters(method.encoder).total / 1e6
    assert millions == pytest.approx(PAPER_ENCODERS[name], rel=0.02)


# CG-DMER reads token states only, so that the pooler of the text encoder learns nothing.
UNREAD = {"cg_dmer": {f"text.model.pooler.dense.{part}" for part in ("weight", "bias")}}

# Millions of parameters of the ECG encoder, as the cards have them.
PAPER_ENCODERS = {"mae": 85.1, "clip": 3.85, "merl": 3.85, "cg_dmer": 21.3, "merit": 85.1}
