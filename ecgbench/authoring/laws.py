"""Conformance tests of methods, for ``ecgbench check NAME`` and for an author's own pytest.

In a package of your own::

    from ecgbench.authoring.laws import MethodLaws

    class TestMyMethod(MethodLaws):
        method = "my_method"

Each law is one test. The method is made in its ``demo`` profile. Its input is smooth noise. Nothing is
downloaded. All laws together take less than a minute on a CPU.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from unittest import SkipTest

import torch
from torch import Tensor

from ecgbench.authoring.card import missing_from_card
from ecgbench.base.errors import EcgbenchError
from ecgbench.config.effective import effective
from ecgbench.config.sections import Config
from ecgbench.data.leads import LEADS
from ecgbench.method import Batch, Method, Setup
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.importing import load_object
from ecgbench.plugins.published import RANDOM
from ecgbench.plugins.specs import MethodInfo
from ecgbench.training.encode import state_hash
from ecgbench.training.windows import windows_of

RECORDS = 6
TOLERANCE = 1e-4
BF16_TOLERANCE = 0.1
BF16_LOSS_TOLERANCE = 0.02  # a mean over many values; methods here differ by 0.003 at most
REPORTS = (
    "Sinus rhythm. Normal ECG.",
    "Atrial fibrillation with rapid ventricular response.",
    "Left bundle branch block.",
    "Inferior myocardial infarction, age undetermined.",
    "Sinus rhythm. Normal ECG.",
    "",
)


class MethodUnderTest:
    """A method under test with its configuration and input.

    A published encoder has random weights here: the laws are about its network.

    Args:
        name: Registered name.
        overrides: ``key=value`` of its settings.
    """

    def __init__(self, name: str, overrides: Sequence[str] = ()) -> None:
        self.info: MethodInfo = methods.get(name)
        random = [f"model.source={RANDOM}"] if self.info.published else []
        self.config: Config = effective(self.info, "demo", [*random, *overrides])
        signal, windows = self.config.signal, windows_of(self.config)
        whole = round(float(signal.rate) * float(signal.seconds))
        self.setup = Setup(
            leads=LEADS,
            rate=float(signal.rate),
            samples=windows.length if windows else whole,
            reports=tuple(sorted({text for text in REPORTS if text})),
        )

    @cached_property
    def kind(self) -> type[Method]:
        """The class of the method."""
        loaded: type[Method] = load_object(self.info.model, self.info.folder)
        return loaded

    def make(self, assets: Path | None = None) -> Method:
        """A new instance, always with the same initial weights."""
        torch.manual_seed(0)
        reports = () if assets else self.setup.reports
        setup = Setup(self.setup.leads, self.setup.rate, self.setup.samples, reports, assets)
        return self.kind(self.config.model, setup)

    def ecg(self, records: int = RECORDS) -> Tensor:
        """Smooth noise in the shape of the method's input, ``[records, leads, samples]``."""
        generator = torch.Generator().manual_seed(1)
        shape = (records, len(self.setup.leads), self.setup.samples)
        noise = torch.randn(shape, generator=generator)
        smooth = torch.nn.functional.avg_pool1d(noise, 5, stride=1, padding=2)
        return smooth / smooth.std(dim=(1, 2), keepdim=True)

    def batch(self, method: Method) -> Batch:
        """A training batch, with reports if the method uses reports."""
        if self.info.reports == "none":
            return Batch(self.ecg())
        ids = {text: number for number, text in enumerate(sorted(set(REPORTS) - {""}))}
        text_id = torch.tensor([ids.get(text, -1) for text in REPORTS])
        return Batch(self.ecg(), method.tokenize(REPORTS), text_id)

    @property
    def trains(self) -> bool:
        """Whether the method has pre-training."""
        return int(self.config.pretrain.steps) > 0

    def encoders(self) -> dict[str, Callable[[Method, Tensor], Tensor]]:
        """The encoders that the method declares, by name."""
        found: dict[str, Callable[[Method, Tensor], Tensor]] = {}
        if "ecg" in self.info.encodes:
            found["encode_ecg"] = lambda method, ecg: method.encode_ecg(ecg)
        if "tokens" in self.info.encodes:
            found["encode_tokens"] = lambda method, ecg: method.encode_tokens(ecg)
        if "text" in self.info.encodes:
            found["embed_ecg"] = lambda method, ecg: method.embed_ecg(ecg)
        return found


class MethodLaws:
    """The laws, one test each.

    Attributes:
        method: A registered name; to be set.
        overrides: ``key=value`` of its settings.
    """

    method: str = ""
    overrides: tuple[str, ...] = ()

    @property
    def subject(self) -> MethodUnderTest:
        """The method under test."""
        if not self.method:
            raise SkipTest("set `method` to the name of a method")
        return MethodUnderTest(self.method, self.overrides)

    def test_features_have_the_shape_they_must(self) -> None:
        """One row per record, a third dimension for tokens, and finite floating-point values."""
        subject = self.subject
        method = subject.make().eval()
        for name, encode in subject.encoders().items():
            for records in (1, 3):
                with torch.no_grad():
                    features = encode(method, subject.ecg(records))
                wanted = 3 if name == "encode_tokens" else 2
                assert features.ndim == wanted, f"{name} gives {features.ndim} dimensions"
                assert features.shape[0] == records, f"{name} gives {features.shape[0]} rows"
                assert features.is_floating_point(), f"{name} gives {features.dtype}"
                assert torch.isfinite(features).all(), f"{name} gives NaN or infinity"

    def test_encoding_is_deterministic_and_leaves_no_trace(self) -> None:
        """In eval mode, two calls agree and change no state, no input and no random generator."""
        subject = self.subject
        method = subject.make().eval()
        ecg = subject.ecg()
        for name, encode in subject.encoders().items():
            before, state, untouched = state_hash(method), torch.get_rng_state(), ecg.clone()
            with torch.no_grad():
                first, second = encode(method, ecg), encode(method, ecg)
            assert torch.equal(first, second), f"{name} is not deterministic in eval mode"
            assert state_hash(method) == before, f"{name} changed the method's state"
            assert torch.equal(torch.get_rng_state(), state), f"{name} drew random numbers"
            assert torch.equal(ecg, untouched), f"{name} changed its input"

    def test_a_record_has_the_same_features_in_every_batch(self) -> None:
        """Features of a record do not depend on the size or order of the batch."""
        subject = self.subject
        method = subject.make().eval()
        ecg = subject.ecg()
        order = torch.tensor([3, 0, 5, 1, 4, 2])
        for name, encode in subject.encoders().items():
            with torch.no_grad():
                together = encode(method, ecg)
                alone = torch.cat([encode(method, ecg[i : i + 1]) for i in range(len(ecg))])
                turned = encode(method, ecg[order])
            close(together, alone, f"{name} depends on the size of the batch")
            close(together[order], turned, f"{name} depends on the order of the batch")

    def test_what_it_says_it_needs_and_encodes_is_true(self) -> None:
        """Declared outputs work. Other outputs raise an error with a message for the user."""
        subject = self.subject
        method = subject.make().eval()
        if "text" not in subject.info.encodes:
            with refused("it does not declare text, and yet embed_ecg works"):
                method.embed_ecg(subject.ecg(1))
        if subject.info.reports == "none":
            with refused("it takes no reports, and yet tokenize works"):
                method.tokenize(["Sinus rhythm."])
        if not subject.trains:
            with refused("it is not pre-trained (pretrain.steps 0), and yet losses works"):
                method.losses(subject.batch(method))
        assert "ecg" in subject.info.encodes, "a method encodes ECGs, or it cannot be compared"

    def test_embeddings_are_unit_vectors_of_one_space(self) -> None:
        """Text embeddings are unit vectors with the dimension of the ECG embeddings."""
        subject = self.subject
        if "text" not in subject.info.encodes:
            raise SkipTest("it has no text tower")
        method = subject.make().eval()
        with torch.no_grad():
            ecg = method.embed_ecg(subject.ecg())
            text = method.embed_text(method.tokenize(REPORTS))
            alone = method.embed_text(method.tokenize(REPORTS[1:2]))
        assert ecg.shape == text.shape, f"ECGs give {tuple(ecg.shape)}, texts {tuple(text.shape)}"
        for name, vectors in (("embed_ecg", ecg), ("embed_text", text)):
            norms = vectors.norm(dim=1)
            close(norms, torch.ones_like(norms), f"{name} gives no unit vectors")
        close(text[0], text[4], "equal texts have different embeddings")
        close(text[1:2], alone, "embed_text depends on the batch")

    def test_every_trainable_parameter_gets_a_gradient(self) -> None:
        """The loss has a finite gradient for every trainable parameter."""
        subject = self.subject
        method = trained(subject).train()
        loss = method.losses(subject.batch(method))["loss"]
        assert loss.ndim == 0, f"the loss has shape {tuple(loss.shape)}, and must be one number"
        assert torch.isfinite(loss), f"the loss is {float(loss)}"
        torch.autograd.backward(loss)
        lacking = [
            name for name, p in method.named_parameters() if p.requires_grad and p.grad is None
        ]
        assert not lacking, f"no gradient reaches {', '.join(lacking)}"
        broken = [
            name
            for name, p in method.named_parameters()
            if p.grad is not None and not torch.isfinite(p.grad).all()
        ]
        assert not broken, f"the gradient of {', '.join(broken)} is not finite"

    def test_a_training_step_is_reproducible(self) -> None:
        """Equal seeds give equal losses, because masks and dropout use torch's generator."""
        subject = self.subject
        losses = []
        for _ in range(2):
            method = trained(subject).train()
            torch.manual_seed(3)
            losses.append(float(method.losses(subject.batch(method))["loss"].detach()))
        assert losses[0] == losses[1], f"the same seed gives losses {losses[0]} and {losses[1]}"

    def test_it_makes_no_tensor_on_another_device(self) -> None:
        """All tensors stay on the input's device; the meta device checks this without a GPU."""
        subject = self.subject
        plain = subject.make()
        batch = subject.batch(plain) if subject.trains else Batch(subject.ecg())
        method = plain.to("meta")
        away = batch.to("meta")
        for name, encode in subject.encoders().items():
            assert encode(method.eval(), away.ecg).device.type == "meta", f"{name} left the device"
        if "text" in subject.info.encodes and away.tokens is not None:
            assert method.embed_text(away.tokens).device.type == "meta", (
                "embed_text left the device"
            )
        if subject.trains:
            assert method.train().losses(away)["loss"].device.type == "meta", (
                "losses left the device"
            )

    def test_it_runs_in_bf16(self) -> None:
        """Losses and outputs under bf16 autocast agree with float32 within the precision of bf16."""
        subject = self.subject
        method = subject.make().eval()
        ecg = subject.ecg()
        encodings = {
            name: partial(encode, method, ecg) for name, encode in subject.encoders().items()
        }
        if "text" in subject.info.encodes:
            encodings["embed_text"] = partial(method.embed_text, method.tokenize(REPORTS))
        for name, encoding in encodings.items():
            with torch.no_grad():
                plain = encoding()
                with torch.autocast("cpu", torch.bfloat16):
                    short = encoding().float()
            away = float((plain - short).norm() / plain.norm().clamp_min(1e-6))
            assert away < BF16_TOLERANCE, f"{name} is off by {away:.1%} in bf16"
        if subject.trains:
            losses = []
            for autocast in (False, True):
                torch.manual_seed(3)  # the same masks and dropout
                with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                    losses.append(method.train().losses(subject.batch(method))["loss"])
            torch.autograd.backward(losses[1])
            full, half = (float(loss.detach()) for loss in losses)
            away = abs(half - full) / max(abs(full), 1e-6)
            assert away < BF16_LOSS_TOLERANCE, f"the loss is {full:.4g}, and {half:.4g} in bf16"

    def test_a_checkpoint_brings_it_back(self) -> None:
        """A checkpoint (safetensors and assets) restores the same outputs."""
        from safetensors.torch import load_file, save_file

        subject = self.subject
        method = subject.make().eval()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            save_file({k: v.clone() for k, v in method.state_dict().items()}, folder / "weights")
            (folder / "assets").mkdir()
            method.save_assets(folder / "assets")
            again = subject.make(folder / "assets")
            again.load_state_dict(load_file(folder / "weights"))
        again.eval()
        with torch.no_grad():
            for encoder, encode in subject.encoders().items():
                same = torch.equal(encode(method, subject.ecg()), encode(again, subject.ecg()))
                assert same, f"{encoder} differs after a checkpoint was read back"
            if "text" in subject.info.encodes:
                texts = [m.embed_text(m.tokenize(REPORTS)) for m in (method, again)]
                assert torch.equal(*texts), "embed_text differs after a checkpoint was read back"

    def test_it_ships_no_test_signal(self) -> None:
        """The method's files and weights hold no test records and no hashes of test records."""
        from ecgbench.authoring.shipped import needles_of, prepared_data, shipped_signals
        from ecgbench.training.corpus import signal_spec
        from ecgbench.training.outside import local_sources

        subject = self.subject
        tested = prepared_data()
        if not tested:
            raise SkipTest("no data set is prepared on this machine")
        folder = subject.info.folder
        own = [file for file in folder.rglob("*") if "__pycache__" not in file.parts]
        files = [file for file in own if file.is_file()]
        files += local_sources(subject.config.model.model_dump())
        for dataset in tested:
            needles = needles_of(dataset, signal_spec(subject.config))
            found = shipped_signals(files, needles)
            assert not found, "; ".join(found)

    def test_its_card_is_complete(self) -> None:
        """The card (``README.md``) has all required parts."""
        missing = missing_from_card(self.subject.info)
        assert not missing, "its card lacks " + "; ".join(missing)


def trained(subject: MethodUnderTest) -> Method:
    """A new method with pre-training; otherwise the law does not apply."""
    if not subject.trains:
        raise SkipTest("it is not pre-trained")
    return subject.make()


def close(one: Tensor, other: Tensor, message: str) -> None:
    """Fail with a message and the largest difference."""
    scale = max(float(one.abs().max()), 1.0)
    away = float((one - other).abs().max()) / scale
    assert away <= TOLERANCE, f"{message} (by {away:.2g})"


@contextmanager
def refused(message: str) -> Iterator[None]:
    """Fail unless the block raises an :class:`EcgbenchError`."""
    try:
        yield
    except EcgbenchError:
        return
    raise AssertionError(message)
