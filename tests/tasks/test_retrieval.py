"""Retrieval: ranks of own reports among the test reports, both ways."""

from __future__ import annotations

import numpy as np
import pytest
from ecgbench.tasks.protocols.zero_shot.retrieval import Retrieval
from report_world import World, make_world

from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.scoring import score
from ecgbench.plugins.catalogue import protocols
from ecgbench.protocol import Outcome
from ecgbench.results.predictions import RankPredictions


@pytest.fixture
def world() -> World:
    return make_world()


def run(world: World, *encodes: str) -> tuple[Outcome, RankPredictions]:
    bench = world.bench("retrieval", "reports", encodes=encodes or ("ecg", "text"))
    outcome = Retrieval(bench.protocol).run(bench)
    assert isinstance(outcome.predictions, RankPredictions)
    return outcome, outcome.predictions


def name_reports(world: World) -> None:
    """A report of its own for every record."""
    world.dataset.records["report"] = [f"report {k}" for k in range(len(world.dataset.records))]


def test_ranks_are_those_of_the_cosine_counted_by_hand(world: World) -> None:
    outcome, found = run(world)
    ecg = world.frozen.joint[world.tested_rows].astype(float)
    ecg /= np.linalg.norm(ecg, axis=1, keepdims=True)
    texts = world.tested_texts
    words = world.frozen.embed_texts(texts).astype(float)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    for query in (0, 17, 80):
        right = [k for k, text in enumerate(texts) if text == texts[query]]
        to_text = ecg[query] @ words.T
        best = max(to_text[k] for k in right)
        wrong = [to_text[k] for k in range(len(texts)) if k not in right]
        above = sum(value > best + 1e-9 for value in wrong)
        ties = sum(abs(value - best) <= 1e-9 for value in wrong)
        assert found.ecg_to_text[query] == pytest.approx(1 + above + ties / 2, abs=ties / 2)
        to_ecg = words[query] @ ecg.T
        best = max(to_ecg[k] for k in right)
        above = sum(to_ecg[k] > best + 1e-9 for k in range(len(texts)) if k not in right)
        assert found.text_to_ecg[query] == 1 + above
    assert found.record_ids.tolist() == world.dataset.records.index[world.tested_rows].tolist()
    assert (outcome.n_train, outcome.n_val, outcome.notes) == (0, 0, ())


def test_a_perfect_tower_finds_every_report(world: World) -> None:
    name_reports(world)
    known = dict(zip(world.dataset.records["report"], np.eye(440), strict=True))
    world.frozen.joint = np.eye(440, dtype=np.float32)
    world.frozen.embed_texts = lambda texts: np.stack([known[t] for t in texts])  # type: ignore[method-assign]
    _, found = run(world)
    np.testing.assert_array_equal(found.ecg_to_text, 1.0)
    np.testing.assert_array_equal(found.text_to_ecg, 1.0)


def test_a_tower_that_says_the_same_of_all_ranks_by_chance(world: World) -> None:
    name_reports(world)
    world.frozen.joint = np.ones((440, 8), np.float32)
    _, found = run(world)
    np.testing.assert_array_equal(found.text_to_ecg, (120 + 1) / 2)


def test_an_aligned_space_finds_the_reports_of_its_class(world: World) -> None:
    outcome, found = run(world, "ecg")
    assert np.median(found.ecg_to_text) < 20  # some 30 of the 120 are of its class
    assert np.median(found.text_to_ecg) < 20
    assert "Aligned post hoc" in outcome.notes[0]
    assert (outcome.n_train, outcome.n_val) == (240, 80)


def test_an_aligned_space_of_noise_does_not(world: World) -> None:
    world.frozen.ecg = np.random.default_rng(5).normal(size=(440, 12)).astype(np.float32)
    _, noise = run(world, "ecg")
    _, signal = run(make_world(), "ecg")
    assert np.median(noise.ecg_to_text) > 2 * np.median(signal.ecg_to_text)


def test_ranks_become_figures(world: World) -> None:
    _, found = run(world, "ecg")
    none = np.zeros((len(found.record_ids), 0), np.uint8)
    truth = Truth((), found.record_ids, none, found.record_ids, world.tested_texts)
    figures = score(found, truth, resamples=50).figures
    assert figures["recall_at_10"].value == pytest.approx((found.ecg_to_text <= 10).mean())
    assert figures["median_rank"].value == np.median(found.ecg_to_text)
    assert figures["report_to_ecg_recall_at_1"].value == pytest.approx(
        (found.text_to_ecg <= 1).mean()
    )


def test_only_the_protocol_that_ranks_may_read_test_reports(world: World) -> None:
    assert protocols.get("retrieval").predicts == "ranks"
    with pytest.raises(Exception, match="asked for test reports"):
        world.bench("zero-shot", "en").test_reports()
