"""Zero-shot: cosines with prompts, no label read, no softmax."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from ecgbench.tasks.protocols.zero_shot.prompt_file import read_prompts
from ecgbench.tasks.protocols.zero_shot.zero_shot import ZeroShot, class_vectors
from hypothesis import given
from hypothesis import strategies as st
from report_world import CLASSES, World, make_world
from sklearn.metrics import roc_auc_score

from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.scoring import score
from ecgbench.plugins.catalogue import protocols, tasks
from ecgbench.plugins.specs import ProtocolSpec, SourceSpec
from ecgbench.protocol import Bench, Outcome
from ecgbench.results.predictions import ScorePredictions, read_predictions
from ecgbench.results.store import path_of
from ecgbench.runs.plan import Question
from ecgbench.runs.run import Request, carry_out, make_plan

Spec = ProtocolSpec


@pytest.fixture
def world() -> World:
    return make_world()


def run(bench: Bench) -> tuple[Outcome, np.ndarray]:
    outcome = ZeroShot(bench.protocol).run(bench)
    assert isinstance(outcome.predictions, ScorePredictions)
    return outcome, outcome.predictions.scores


def cosines(world: World) -> np.ndarray:
    """By hand: every prompt a unit vector, their mean a unit vector, the cosine with each ECG."""
    file, _ = read_prompts(protocols.get("zero-shot").folder / "prompts" / "ptbxl.en.yaml")
    columns = []
    for name in CLASSES:
        vectors = world.frozen.embed_texts(file.groups["statements"][name]).astype(float)
        mean = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(axis=0)
        columns.append(mean / np.linalg.norm(mean))
    ecg = world.frozen.joint[world.tested_rows].astype(float)
    return ecg / np.linalg.norm(ecg, axis=1, keepdims=True) @ np.stack(columns).T


def test_scores_are_cosines_with_the_mean_prompt(world: World) -> None:
    outcome, scores = run(world.bench())
    np.testing.assert_allclose(scores, cosines(world), atol=1e-4)
    assert outcome.predictions.record_ids.tolist() == [f"r{i:04d}" for i in range(320, 440)]
    assert (outcome.n_train, outcome.n_val, outcome.notes) == (0, 0, ())
    assert outcome.choices == {"prompts": "ptbxl.en version 1", "unread_classes": []}


@pytest.mark.parametrize("encodes", [("ecg", "text"), ("ecg",)])
def test_classes_are_found_without_a_label(world: World, encodes: tuple[str, ...]) -> None:
    _, scores = run(world.bench(encodes=encodes))
    for column, name in enumerate(CLASSES):
        assert roc_auc_score(world.truth[:, column], scores[:, column]) > 0.95, name


def test_whoever_looks_at_a_label_is_caught(world: World) -> None:
    class Peeking(ZeroShot):
        def run(self, bench: Bench) -> Outcome:
            bench.labelled("val")  # planted: a checkpoint or a prompt chosen by downstream labels
            return super().run(bench)

    bench = world.bench()
    with pytest.raises(AssertionError, match="labels of rhythm were read"):
        Peeking(bench.protocol).run(bench)
    ZeroShot(bench.protocol).run(bench)


def swaps(scores: np.ndarray, raw: np.ndarray) -> int:
    """Pairs of neighbours in rank that another order puts the other way round, beyond the file's grid."""
    step = np.ptp(raw, axis=0) / 65535
    ordered = np.take_along_axis(raw, np.argsort(scores, axis=0), axis=0)
    return int((np.diff(ordered, axis=0) < -step).sum())


def test_records_are_ranked_by_the_raw_cosine_and_not_by_a_softmax(world: World) -> None:
    _, scores = run(world.bench())
    raw = cosines(world)
    assert swaps(scores, raw) == 0
    planted = np.exp(10 * raw) / np.exp(10 * raw).sum(axis=1, keepdims=True)
    assert swaps(planted, raw) > 10


@pytest.mark.parametrize("encodes", [("ecg", "text"), ("ecg",)])
def test_a_class_scores_the_same_whatever_is_asked_beside_it(
    world: World, encodes: tuple[str, ...]
) -> None:
    _, together = run(world.bench(encodes=encodes))
    _, alone = run(world.bench(encodes=encodes, classes=CLASSES[1:2]))
    np.testing.assert_allclose(alone[:, 0], together[:, 1], atol=1e-9)


def test_there_are_no_thresholds_so_f1_is_the_optimistic_one(world: World) -> None:
    outcome, _ = run(world.bench())
    assert isinstance(outcome.predictions, ScorePredictions)
    assert outcome.predictions.thresholds is None
    ids = outcome.predictions.record_ids

    scores = score(outcome.predictions, Truth(CLASSES, ids, world.truth, ids), resamples=20)
    assert set(scores.figures) == {"auroc", "auprc", "f1_test_max"}
    assert all(figures.threshold is None for figures in scores.classes)


def test_an_aligned_cell_says_so(world: World) -> None:
    outcome, _ = run(world.bench(encodes=("ecg",)))
    assert outcome.n_train == 240
    assert outcome.n_val == 80
    assert re.fullmatch(
        r"Aligned post hoc to TF-IDF reduced to \d+ dimensions on 240 training reports: "
        r"the method has no text tower\.",
        *outcome.notes,
    )


def test_a_shifted_task_asks_for_the_classes_of_its_source() -> None:
    world = make_world(dataset="cpsc2018")
    bench = world.bench(
        classes=("CD", "NORM"),
        labels="standard",
        source=SourceSpec(dataset="ptbxl", labels="super"),
        mapping={"CD": ("CLBBB", "CRBBB"), "NORM": ("NORM",)},
    )
    outcome, _ = run(bench)
    assert outcome.choices["prompts"] == "ptbxl.en version 1"


@given(st.permutations(range(6)), st.integers(1, 5))
def test_a_direction_needs_no_order_of_prompts_and_mixes_no_two_classes(
    order: list[int], cut: int
) -> None:
    vectors = np.random.default_rng(1).normal(size=(6, 5))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    known = {str(k): units[k] for k in range(6)}

    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.stack([known[text] for text in texts])

    names = [str(k) for k in order]
    both = class_vectors({"A": names[:cut], "B": names[cut:]}, encode)
    for found, own in zip(both, (names[:cut], names[cut:]), strict=True):
        mean = encode(sorted(own)).sum(axis=0)
        np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-12)


def test_a_class_whose_prompts_cannot_be_read_scores_nobody_and_is_named(world: World) -> None:
    """Reports of digits share no letters with any prompt."""
    count = len(world.dataset.records)
    world.dataset.records["report"] = [f"{k % 7}{k % 5}{k % 3} 000" for k in range(count)]
    outcome, scores = run(world.bench(encodes=("ecg",)))
    assert outcome.choices["unread_classes"] == list(CLASSES)
    np.testing.assert_array_equal(scores, np.zeros_like(scores))


@pytest.fixture
def own_protocol(tmp_path: Path) -> Callable[[str], Spec]:
    """A protocol with a prompt file of its own, as a user with other data writes one."""
    (tmp_path / "prompts").mkdir()
    file = tmp_path / "prompts" / "mine.en.yaml"
    original = protocols.get("zero-shot").folder / "prompts" / "ptbxl.en.yaml"
    content = yaml.safe_load(original.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(content | {"datasets": ["sim-tiny"]}), encoding="utf-8")

    def make(name: str) -> Spec:
        spec = protocols.get(name)
        own = {
            "folder": tmp_path,
            "entry": f"ecgbench.tasks.protocols.zero_shot.{spec.entry}",
            "settings": f"ecgbench.tasks.protocols.zero_shot.{spec.settings}",
        }
        if "prompts" in spec.params:
            own["params"] = {**spec.params, "prompts": {"mine.en": read_prompts(file)[1]}}
        return spec.model_copy(update=own)

    return make


@pytest.mark.slow
def test_from_the_data_to_a_scored_result(
    request_for: Callable[..., Request], own_protocol: Callable[[str], Spec]
) -> None:
    request = request_for()
    asked = [
        Question(tasks.get("sim-tiny-super"), own_protocol("zero-shot"), "en"),
        Question(tasks.get("sim-tiny-super"), own_protocol("retrieval"), "reports"),
    ]
    plan = make_plan(dataclasses.replace(request, questions=asked))
    carry_out(plan)
    found = {result.protocol.name: result for result in plan.results()}
    assert {name: (r.status, r.reason) for name, r in found.items()} == {
        "zero-shot": ("ok", None),
        "retrieval": ("ok", None),
    }
    for result in found.values():
        assert "Aligned post hoc to TF-IDF" in result.notes[0]
        assert result.data is not None
        assert result.data.n_train > 100
    zero_shot = found["zero-shot"]
    assert zero_shot.scores is not None
    assert set(zero_shot.scores.figures) == {"auroc", "auprc", "f1_test_max"}
    predictions = read_predictions(path_of(request.out, zero_shot).with_suffix(".npz"))
    assert isinstance(predictions, ScorePredictions)
    assert predictions.scores.std(axis=0).min() > 0
    assert found["retrieval"].scores is not None
    assert "recall_at_10" in found["retrieval"].scores.figures
