"""Report generation in a made-up world: ECGs that tell their rhythm, reports that say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ecgbench.tasks.protocols.report_generation import language_model, report_writer
from ecgbench.tasks.protocols.report_generation.language_model import (
    LanguageModel,
    open_language_model,
)
from ecgbench.tasks.protocols.report_generation.report_generation import (
    ReportGeneration,
    deal,
    most_common,
    nearest,
)
from ecgbench.tasks.protocols.report_generation.report_writer import ReportWriter, train_writer
from ecgbench.tasks.protocols.report_generation.settings import ReportSettings
from hypothesis import given
from hypothesis import strategies as st
from report_world import info_of
from small_lm import SMALL
from torch import Tensor

from ecgbench.base.errors import DataError, MetricError
from ecgbench.config.sections import ComputeSettings, Config
from ecgbench.method import Method
from ecgbench.metrics import wordnet
from ecgbench.plugins.catalogue import protocols
from ecgbench.plugins.specs import ProtocolSpec, TaskSpec
from ecgbench.protocol import Bench, Records
from ecgbench.training.encode import Encoder, state_hash

SAID = ("sinus rhythm. normal ecg.", "atrial fibrillation.", "paced rhythm", "sinus tachycardia")
SIZES = {"train": 24, "val": 8, "test": 8}
CPU = torch.device("cpu")
QUICK = {"batch_size": 8, "weight_decay": 0.0, "warmup": 0.1, "clip": 1.0, "patience": 100}
PARAMS: dict[str, Any] = {
    "prompt_tokens": 3,
    "longest": 32,
    "write_batch": 3,
    "lm": {
        **SMALL,
        "vocabulary": 320,
        "longest": 32,
        "training": {**QUICK, "epochs": 60, "lr": 0.01},
    },
    "lora": {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": "all-linear"},
    "training": {**QUICK, "epochs": 40, "lr": 0.003},
}
SETTINGS = ReportSettings.model_validate({**PARAMS, "answer": "signal"})


class Echo(Method):
    """Its tokens are the samples, a token's features the leads."""

    def __init__(self) -> None:
        super().__init__(None, SimpleNamespace())  # type: ignore[arg-type]
        self.weight = torch.nn.Parameter(torch.ones(()))

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        return ecg.transpose(1, 2) * self.weight

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        return ecg.mean(-1) * self.weight


class FakeFrozen(Encoder):
    """The encoder of a run, with a method and signals that are held in memory."""

    def __init__(self, ecg: np.ndarray[Any, Any], recipe: Any) -> None:
        super().__init__(recipe, None, _method=Echo())  # type: ignore[arg-type]
        self.ecg = ecg

    def signals(self, records: Records, transform: Any = None) -> Any:
        return self.ecg[records.rows]

    def features(self, records: Records, transform: Any = None, kind: str = "ecg") -> Any:
        return self.ecg[records.rows].astype(np.float32).mean(-1)


@dataclass
class FakeDataset:
    """Records with a report each; whoever reads a label fails."""

    records: pd.DataFrame
    fingerprint: str = "made-up"
    spec: Any = field(default_factory=lambda: SimpleNamespace(name="made-up"))

    def rows(self, split: str) -> Any:
        return np.flatnonzero(self.records["split"].to_numpy() == split)


def make_bench(variant: str, **changes: Any) -> Bench:
    """A cell of the world; the rhythm of a record is its number modulo 4."""
    total = sum(SIZES.values())
    rhythm = np.arange(total) % 4
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(4, 12))
    ecg = directions[rhythm][:, :, None] + 0.1 * rng.normal(size=(total, 12, 7))
    reports = [SAID[k] for k in rhythm]
    first_test = SIZES["train"] + SIZES["val"]
    reports[first_test:] = changes.get("test_reports", reports[first_test:])
    if "reports" in changes:
        reports = [changes["reports"]] * total
    records = pd.DataFrame(
        {
            "split": np.repeat(list(SIZES), list(SIZES.values())),
            "report": reports,
            "patient_id": [f"p{i // 2}" for i in range(total)],
        },
        index=pd.Index([f"r{i:03d}" for i in range(total)]),
    )
    dataset: Any = FakeDataset(records)
    rows = dataset.rows("test")
    shipped = protocols.get("report-generation")
    spec = shipped.model_copy(update={"params": {**PARAMS, **changes.get("params", {})}})
    info = info_of(("ecg", "tokens"))
    config = Config(
        compute=ComputeSettings(accelerator="cpu", precision="32", threads=1, encode_batch=16)
    )
    return Bench(
        info=info,
        task=TaskSpec(
            folder=Path(),
            name="made-up",
            title="Made up",
            dataset="made-up",
            labels="rhythm",
            protocols=(spec.name,),
        ),
        protocol=spec,
        variant=variant,
        config=config,
        seed=changes.get("seed", 0),
        draw=0,
        training_data=dataset,
        test=Records(dataset, rows, records.index.to_numpy(dtype=str)[rows]),
        test_texts=(),
        classes=(),
        frozen=FakeFrozen(ecg.astype(np.float16), SimpleNamespace(config=config, info=info)),
        shared=changes.get("shared", {}),
    )


def answers(variant: str, **changes: Any) -> tuple[str, ...]:
    """The texts of a cell."""
    bench = make_bench(variant, **changes)
    outcome = ReportGeneration(bench.protocol).run(bench)
    assert outcome.predictions.record_ids.tolist() == bench.test.ids.tolist()
    return outcome.predictions.texts  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def kept_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for these tests: what several ask for is trained once."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture
def world(kept_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGBENCH_HOME", str(kept_home))
    monkeypatch.setattr(wordnet, "reader", lambda: None)  # scoring is not what is tested here


@pytest.fixture
def small_lm(world: None) -> LanguageModel:
    """A language model that has read the four reports."""
    return open_language_model(SETTINGS.lm, list(SAID), list(SAID), CPU)


TRUTH = tuple(SAID[k % 4] for k in range(SIZES["train"] + SIZES["val"], sum(SIZES.values())))


@pytest.mark.parametrize("variant", ["greedy", "beam"])
def test_the_writer_says_what_the_ecg_shows(world: None, variant: str) -> None:
    assert answers(variant) == TRUTH


def test_another_patients_ecg_gives_that_patients_report(world: None) -> None:
    bench = make_bench("shuffled-signal")
    patients = bench.test.dataset.records["patient_id"].to_numpy(dtype=str)[bench.test.rows]
    dealt = deal(patients, 0)
    assert answers("shuffled-signal") == tuple(TRUTH[place] for place in dealt)
    assert (patients[dealt] != patients).all()


def test_without_a_signal_every_record_gets_the_same_text(world: None) -> None:
    texts = answers("no-signal")
    assert len(texts) == SIZES["test"]
    assert len(set(texts)) == 1
    assert texts[0]


def test_the_nearest_report_of_a_training_record_is_its_own(world: None) -> None:
    features = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32) + 100
    places, cosines = nearest(features, features[[4, 2]])
    assert places.tolist() == [4, 2]
    assert cosines == pytest.approx([1, 1])
    assert answers("nearest") == TRUTH


def test_nearest_bears_features_that_say_nothing() -> None:
    places, cosines = nearest(np.ones((3, 2), np.float32), np.ones((2, 2), np.float32))
    assert places.tolist() == [0, 0]
    assert cosines.tolist() == [0, 0]


def test_the_most_common_report_is_counted_without_case_and_spacing(world: None) -> None:
    texts = ["AF", "sinus  rhythm", "Sinus rhythm.", "AF, fast"]
    assert most_common(texts) == "sinus  rhythm"
    assert most_common(["b", "a", "a", "b"]) == "a"
    assert set(answers("most-common")) == {"atrial fibrillation."}


@given(st.lists(st.integers(0, 6), min_size=2, max_size=40), st.integers(0, 99))
def test_a_deal_gives_everyone_another_patients_record(people: list[int], seed: int) -> None:
    patients = np.array(people).astype(str)
    dealt = deal(patients, seed)
    assert sorted(dealt.tolist()) == list(range(len(people)))
    if max(np.unique(patients, return_counts=True)[1]) * 2 <= len(people):
        assert (patients[dealt] != patients).all()


def test_variants_share_one_training(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []

    def counting(*args: Any, **kwargs: Any) -> Any:
        trained.append(kwargs["seed"])
        return train_writer(*args, **kwargs)

    monkeypatch.setattr(report_writer, "train_writer", counting)
    shared: dict[Any, Any] = {}
    short = {"training": {**PARAMS["training"], "epochs": 1}}
    for variant in ("greedy", "beam", "shuffled-signal"):
        answers(variant, shared=shared, params=short)
    assert trained == [0]
    answers("no-signal", shared=shared, params=short)
    assert trained == [0, 0]
    answers("greedy", params=short)  # another process finds it on disk
    assert trained == [0, 0]
    answers("greedy", params=short, seed=1)
    assert trained == [0, 0, 1]


def test_the_same_seed_writes_the_same_on_a_fresh_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: None
) -> None:
    short = {"training": {**PARAMS["training"], "epochs": 6}}
    told = []
    for name in ("one", "two"):
        monkeypatch.setenv("ECGBENCH_HOME", str(tmp_path / name))
        torch.manual_seed(len(told))
        bench = make_bench("greedy", params=short)
        outcome = ReportGeneration(bench.protocol).run(bench)
        told.append((outcome.predictions.texts, outcome.choices))  # type: ignore[union-attr]
    assert told[0] == told[1]


def test_the_test_reports_are_not_looked_at(world: None) -> None:
    other = ["something else entirely"] * SIZES["test"]
    for variant in ("greedy", "nearest", "most-common", "no-signal"):
        assert answers(variant, test_reports=other) == answers(variant)


def test_without_wordnet_nothing_is_trained(
    world: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def absent() -> None:
        raise MetricError("METEOR needs WordNet, and there is none on this machine")

    def trained(*args: Any) -> None:
        raise AssertionError("a language model was opened")

    monkeypatch.setattr(wordnet, "reader", absent)
    monkeypatch.setattr(language_model, "open_language_model", trained)
    with pytest.raises(MetricError, match="WordNet"):
        answers("greedy")


def test_a_data_set_without_reports_is_refused(world: None) -> None:
    with pytest.raises(DataError, match="0 training and 0 validation records with a report"):
        answers("greedy", reports="")


def a_writer(lm: LanguageModel, prompts: Any, seed: int = 0) -> ReportWriter:
    return ReportWriter(lm, prompts, SETTINGS.lora, seed)


def test_eight_pairs_are_learnt_by_heart_and_the_language_model_stays_as_it_was(
    world: None,
) -> None:
    rng = np.random.default_rng(0)
    prompts = rng.normal(size=(8, 2, 6)).astype(np.float32)
    names = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    texts = [f"ecg number {name}" for name in names]
    lm = open_language_model(SETTINGS.lm, texts, texts, CPU)
    weights = state_hash(lm.model)
    writer = a_writer(lm, prompts)
    before = frozen_part(writer)
    start = {name: value.clone() for name, value in writer.trained().items()}
    settings = SETTINGS.training.replaced({"epochs": 100, "batch_size": 2, "lr": 0.01})
    train_writer(writer, (prompts, texts), (prompts, texts), longest=32, settings=settings, seed=0)
    assert writer.write(torch.from_numpy(prompts), beams=1, longest=32) == texts

    for name, value in writer.trained().items():
        assert ("lora_" in name) or name.startswith("projector.")
        assert not torch.equal(value, start[name]), name
    assert frozen_part(writer) == before
    assert state_hash(lm.model) == weights


def frozen_part(writer: ReportWriter) -> dict[str, bytes]:
    trained = writer.trained()
    return {
        name: value.numpy().tobytes()
        for name, value in writer.state_dict().items()
        if name not in trained
    }


def test_the_first_step_already_moves_the_projector(small_lm: LanguageModel) -> None:
    prompts = np.random.default_rng(0).normal(size=(3, 2, 6)).astype(np.float32)
    writer = a_writer(small_lm, prompts)
    ids = [small_lm.encode(text, 32) for text in SAID[:3]]
    writer.loss(torch.from_numpy(prompts), ids).total.backward()
    for parameter in writer.projector.parameters():
        assert parameter.grad is not None
        assert float(parameter.grad.abs().max()) > 0


def test_the_loss_of_a_batch_is_that_of_its_pairs(small_lm: LanguageModel) -> None:
    prompts = np.random.default_rng(0).normal(size=(3, 2, 6)).astype(np.float32)
    writer, tokens = a_writer(small_lm, prompts).eval(), torch.from_numpy(prompts)
    ids = [small_lm.encode(text, 32) for text in SAID[:3]]
    together = writer.loss(tokens, ids)
    apart = [writer.loss(tokens[[k]], [ids[k]]) for k in range(3)]
    assert together.tokens == sum(part.tokens for part in apart) == sum(map(len, ids))
    assert float(together.total.detach()) == pytest.approx(
        sum(float(part.total.detach()) for part in apart), rel=1e-5
    )


def test_the_scale_and_offset_of_an_encoder_make_no_difference(small_lm: LanguageModel) -> None:
    prompts = np.random.default_rng(0).normal(size=(5, 2, 6)).astype(np.float32)
    louder = 40 * prompts + 7
    one, other = a_writer(small_lm, prompts), a_writer(small_lm, louder)
    assert torch.allclose(
        one.prompt(torch.from_numpy(prompts)), other.prompt(torch.from_numpy(louder)), atol=1e-4
    )


def mean_likelihood(writer: ReportWriter, tokens: Tensor, texts: Sequence[str]) -> float:
    loss = writer.loss(tokens, [writer.lm.encode(text, 32) for text in texts])
    return -float(loss.total.detach()) / loss.tokens


def test_a_beam_finds_what_is_likelier_on_the_whole(small_lm: LanguageModel) -> None:
    prompts = np.random.default_rng(1).normal(size=(6, 2, 6)).astype(np.float32)
    writer, tokens = a_writer(small_lm, prompts, seed=1).eval(), torch.from_numpy(prompts)
    greedy = writer.write(tokens, beams=1, longest=30)
    beam = writer.write(tokens, beams=4, longest=30)
    assert beam != greedy
    told = [
        np.mean([mean_likelihood(writer, tokens[[k]], [way[k]]) for k in range(6)])
        for way in (beam, greedy)
    ]
    assert told[0] >= told[1]  # on the whole: a beam too may drop what would have come out best


def test_no_more_prompt_tokens_than_asked_for(world: None) -> None:
    from ecgbench.tasks.protocols.report_generation.report_generation import _prompts

    bench = make_bench("greedy")
    prompts = _prompts(bench, bench.test)
    assert prompts.shape == (SIZES["test"], 3, 12)
    signals = bench.signals(bench.test).astype(np.float32)
    # 7 samples in 3 parts: 0-2, 2-4, 4-6, as torch's adaptive pooling cuts them
    assert prompts[:, 1] == pytest.approx(signals[:, :, 2:5].mean(-1), abs=1e-5)
    few = make_bench("greedy", params={"prompt_tokens": 50})
    assert _prompts(few, few.test).shape == (SIZES["test"], 7, 12)


@pytest.mark.parametrize(
    "name",
    ["report-generation", "report-generation-smollm2", "report-generation-llama"],
)
def test_shipped_protocols_are_complete(name: str) -> None:
    spec: ProtocolSpec = protocols.get(name)
    assert spec.predicts == "texts"
    assert set(spec.params) == set(PARAMS)
    assert {"greedy", "beam", "shuffled-signal", "no-signal"} <= set(spec.variants)
