"""Post-hoc alignment: a ridge regression onto a frozen text encoder, learnt on reports alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ecgbench.tasks.protocols.zero_shot import alignment
from ecgbench.tasks.protocols.zero_shot.alignment import align, shared_space, unit
from ecgbench.tasks.protocols.zero_shot.retrieval import Retrieval
from ecgbench.tasks.protocols.zero_shot.text_space import pretrained_space, tfidf_space
from ecgbench.tasks.protocols.zero_shot.zero_shot import ZeroShot
from hypothesis import given
from hypothesis import strategies as st
from report_world import CLASSES, PHRASES, World, make_world
from sklearn.metrics import roc_auc_score

from ecgbench.base.errors import EcgbenchError, NotApplicableError
from ecgbench.config.sections import ComputeSettings, Config
from ecgbench.metrics.retrieval import ranks
from ecgbench.plugins.catalogue import protocols
from ecgbench.protocol import Bench
from ecgbench.results.predictions import ScorePredictions

ENCODER_ONLY = {"encodes": ("ecg",)}
CPU = Config(compute=ComputeSettings(accelerator="cpu"))


@pytest.fixture
def world() -> World:
    return make_world()


def scores_of(bench: Bench) -> np.ndarray:
    predictions = ZeroShot(bench.protocol).run(bench).predictions
    assert isinstance(predictions, ScorePredictions)
    return predictions.scores


def auroc(world: World, bench: Bench) -> float:
    scores = scores_of(bench)
    return float(roc_auc_score(world.truth, scores, average="macro"))


def planted(
    seed: int, train: int, val: int, width: int, noise: float
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], list[str]]:
    """Features that hold their texts' vectors, linearly, under noise."""
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(train + val, 5)))
    scales = rng.uniform(0.1, 30, width)
    features = vectors @ rng.normal(size=(5, width)) * scales
    features += noise * scales * rng.normal(size=features.shape) + rng.normal(size=width)
    texts = [f"report {k}" for k in range(val)]
    return (features[:train], features[train:]), (vectors[:train], vectors[train:]), texts


def ridge_by_hand(features: np.ndarray, vectors: np.ndarray, penalty: float) -> np.ndarray:
    """Normal equations on features of zero mean and unit variance; the intercept is not penalised."""
    standard = (features - features.mean(0)) / features.std(0)
    gram = standard.T @ standard + penalty * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, standard.T @ (vectors - vectors.mean(0)))
    return standard @ weights + vectors.mean(0)


@pytest.mark.parametrize("penalty", [0.5, 200.0])
def test_the_map_is_ridge_regression(penalty: float) -> None:
    features, vectors, texts = planted(0, 60, 20, 7, 0.5)
    found = align(features, vectors, texts, [penalty])
    wanted = unit(ridge_by_hand(features[0], vectors[0], penalty))
    np.testing.assert_allclose(found(features[0]), wanted, atol=1e-8)


def test_a_linear_relation_is_found_and_every_report_with_it() -> None:
    features, vectors, texts = planted(1, 200, 50, 12, 0.01)
    found = align(features, vectors, texts, [0.001, 1.0])
    assert found.reciprocal_rank[found.penalty] > 0.98
    assert (found(features[1]) * vectors[1]).sum(axis=1).min() > 0.99


def test_the_penalty_is_the_one_that_finds_validation_reports_best() -> None:
    features, vectors, texts = planted(2, 50, 80, 45, 1.0)  # nearly as many features as records
    penalties = [1e-6, 1.0, 100.0, 1e7]
    found = align(features, vectors, texts, penalties)
    by_hand = {}
    for penalty in penalties:
        alone = align(features, vectors, texts, [penalty])
        both = ranks(alone(features[1]) @ vectors[1].T, texts)
        by_hand[penalty] = float(np.mean([1 / both.ecg_to_text, 1 / both.text_to_ecg]))
    assert found.reciprocal_rank == pytest.approx(by_hand)
    assert found.penalty == max(by_hand, key=by_hand.__getitem__)
    assert found.penalty > 1e-6


@given(st.integers(0, 50), st.floats(0.01, 100), st.floats(-50, 50))
def test_a_features_unit_does_not_matter(seed: int, scale: float, shift: float) -> None:
    features, vectors, texts = planted(seed, 40, 15, 4, 0.5)
    other = tuple(part * [1, scale, 1, 1] + [0, 0, shift, 0] for part in features)
    first = align(features, vectors, texts, [10.0])
    second = align((other[0], other[1]), vectors, texts, [10.0])
    np.testing.assert_allclose(first(features[1]), second(other[1]), atol=1e-6)


def test_a_feature_that_never_changes_carries_nothing() -> None:
    features, vectors, texts = planted(3, 40, 15, 4, 0.5)
    wider = tuple(np.column_stack([part, np.full(len(part), 3.0)]) for part in features)
    first = align(features, vectors, texts, [1.0])
    second = align((wider[0], wider[1]), vectors, texts, [1.0])
    np.testing.assert_allclose(first(features[1]), second(wider[1]), atol=1e-9)


def test_unit_leaves_zeros() -> None:
    found = unit(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(found, [[0.6, 0.8], [0.0, 0.0]])


def test_reports_teach_what_labels_would(world: World) -> None:
    assert auroc(world, world.bench(**ENCODER_ONLY)) > 0.95


def test_reports_dealt_to_other_records_teach_nothing() -> None:
    figures = []
    for seed in range(6):
        world = make_world(seed)
        rng = np.random.default_rng(seed)
        for split in ("train", "val"):
            rows = world.dataset.rows(split)
            texts = world.dataset.records["report"].to_numpy(dtype=object)
            texts[rows] = rng.permutation(texts[rows])
            world.dataset.records["report"] = texts
        figures.append(auroc(world, world.bench(**ENCODER_ONLY)))
    spread = np.std(figures, ddof=1) / np.sqrt(len(figures))
    assert abs(np.mean(figures) - 0.5) < 4 * max(spread, 0.02), figures


def test_test_reports_have_no_say_in_a_zero_shot_score(world: World) -> None:
    before = scores_of(world.bench(**ENCODER_ONLY))
    other = make_world()
    texts = other.dataset.records["report"].to_numpy(dtype=object)
    texts[other.tested_rows] = "asystole"
    other.dataset.records["report"] = texts
    np.testing.assert_array_equal(scores_of(other.bench(**ENCODER_ONLY)), before)
    texts[other.dataset.rows("train")[:100]] = "asystole"
    assert not np.array_equal(scores_of(make_world(seed=1).bench(**ENCODER_ONLY)), before)


def test_the_encoder_stays_frozen_and_its_joint_space_unasked(world: World) -> None:
    scores_of(world.bench(**ENCODER_ONLY))
    assert set(world.frozen.asked) == {"ecg"}


def test_all_cells_of_a_method_share_one_alignment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []

    def counted(*args: Any) -> Any:
        fits.append(args)
        return align(*args)

    monkeypatch.setattr(alignment, "align", counted)
    for variant in ("en", "de"):
        scores_of(world.bench(variant=variant, **ENCODER_ONLY))
    ranked = world.bench("retrieval", "reports", **ENCODER_ONLY)
    Retrieval(ranked.protocol).run(ranked)
    assert len(fits) == 1


def test_texts_are_centred_on_the_training_reports(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []

    def seen(*args: Any) -> Any:
        fits.append(args)
        return align(*args)

    monkeypatch.setattr(alignment, "align", seen)
    bench = world.bench(**ENCODER_ONLY)
    space = shared_space(bench)
    ((_, (train, val), _, _),) = fits
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-6)
    assert np.abs(val.mean(axis=0)).max() < 0.2
    # what the map is trained on and what a text becomes are the same direction
    texts = bench.reports("train").texts
    np.testing.assert_allclose(space.text(texts), unit(train), atol=1e-6)


@pytest.mark.parametrize(("split", "word"), [("train", "training"), ("val", "validation")])
def test_data_without_reports_is_a_reason_and_not_a_figure(
    world: World, split: str, word: str
) -> None:
    texts = world.dataset.records["report"].to_numpy(dtype=object)
    texts[world.dataset.rows(split)] = " - "
    world.dataset.records["report"] = texts
    with pytest.raises(NotApplicableError, match=f"no {word} record of ptbxl-mini has a report"):
        scores_of(world.bench(**ENCODER_ONLY))
    scores_of(world.bench())  # a text tower of its own needs none


def test_tfidf_is_fitted_on_the_reports_that_it_is_given() -> None:
    reports = [text for phrases in PHRASES.values() for text in phrases] * 3
    space = tfidf_space(reports, 256)
    vectors = unit(space.encode(["Atrial Fibrillation", "atrial fibrillation", "xyz", "sinus"]))
    np.testing.assert_allclose(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[2], 0.0)
    assert vectors[0] @ vectors[3] < 0.2
    assert vectors.shape[1] <= len(reports)
    assert tfidf_space(["one report", "another"], 256).encode(["one"]).shape == (1, 1)


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face directory made here: random weights, words of the world."""
    import torch

    from ecgbench.nn.text import small_text_encoder

    torch.manual_seed(0)
    reports = [text for phrases in PHRASES.values() for text in phrases]
    encoder = small_text_encoder(reports, vocabulary=300, width=32, depth=1, heads=2)
    folder = tmp_path_factory.mktemp("tiny-bert")
    encoder.model.save_pretrained(folder)  # type: ignore[operator]
    encoder.tokenizer.save_pretrained(folder)
    return folder


def test_any_hugging_face_encoder_can_be_the_text_side(world: World, tiny_bert: Path) -> None:
    spec = protocols.get("zero-shot")
    own = spec.model_copy(
        update={"params": {**spec.params, "alignment": {"text_encoder": str(tiny_bert)}}}
    )
    assert own.fingerprint() != spec.fingerprint()
    outcome = ZeroShot(own).run(world.bench(own, **ENCODER_ONLY))
    assert isinstance(outcome.predictions, ScorePredictions)
    assert roc_auc_score(world.truth, outcome.predictions.scores, average="macro") > 0.8
    assert str(tiny_bert) in outcome.notes[0]
    assert outcome.choices["text_encoder"] == str(tiny_bert)
    again = ZeroShot(own).run(make_world().bench(own, **ENCODER_ONLY))
    assert again.choices == outcome.choices  # no weight of it was drawn when it was loaded


def test_a_texts_vector_does_not_depend_on_its_company(tiny_bert: Path) -> None:
    space = pretrained_space(str(tiny_bert), "mean", CPU)
    texts = ["sinus bradycardia", "atrial fibrillation", "sinus bradycardia", "pacemaker rhythm"]
    together = space.encode(texts)
    np.testing.assert_array_equal(together[0], together[2])
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_allclose(space.encode([text])[0], row, atol=1e-5)


def test_a_text_encoder_that_is_not_there_is_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(EcgbenchError, match=r"The text encoder .*nowhere"):
        pretrained_space(str(tmp_path / "nowhere"), "mean", CPU)


def test_a_methods_own_tower_is_taken_where_it_has_one(world: World) -> None:
    space = shared_space(world.bench())
    assert (space.n_train, space.notes, space.choices) == (0, (), {})
    assert space.text(list(CLASSES)).shape == (4, 8)
    assert set(world.frozen.asked) == {"text"}
