"""A probe fitted on clean records and tested on changed records, on simulated data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from ecgbench.tasks.protocols.linear_probe import linear_probe
from ecgbench.tasks.protocols.shift.corruptions import Transform, transform_of

from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset
from ecgbench.data.signals import adapt
from ecgbench.leaderboard.claims import registry_differences
from ecgbench.plugins.catalogue import protocols, tasks
from ecgbench.plugins.specs import SourceSpec, TaskSpec
from ecgbench.results.predictions import ScorePredictions, read_predictions
from ecgbench.results.schema import Result
from ecgbench.results.store import path_of
from ecgbench.runs.plan import Question, questions
from ecgbench.runs.run import Plan, Request, carry_out, make_plan

Answers = dict[str, tuple[Result, ScorePredictions]]


def put_questions(request: Request, asked: list[Question]) -> tuple[Plan, Answers]:
    """Run some cells; results and predictions by ``PROTOCOL@VARIANT``."""
    plan = make_plan(dataclasses.replace(request, questions=asked))
    carry_out(plan)
    found = {}
    for result in plan.results():
        assert result.status == "ok", result.reason
        predictions = read_predictions(path_of(request.out, result).with_suffix(".npz"))
        assert isinstance(predictions, ScorePredictions)
        found[f"{result.protocol.name}@{result.protocol.variant}"] = (result, predictions)
    return plan, found


def variants_of(task: TaskSpec, *names: str) -> list[Question]:
    pairs = (name.split("@") for name in names)
    return [Question(task, protocols.get(protocol), variant) for protocol, variant in pairs]


def test_one_probe_of_clean_records_predicts_every_variant(
    request_for: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    fit = linear_probe.select_and_fit
    monkeypatch.setattr(linear_probe, "select_and_fit", lambda *a: fits.append(a) or fit(*a))
    changed = ["corruption@gain-5", "corruption@muscle-noise-4", "lead-loss@2-leads"]
    same = ["linear-probe@100%", "corruption@clean", "lead-loss@clean", "population@clean"]
    request = request_for()
    plan, found = put_questions(request, variants_of(tasks.get("sim-tiny-super"), *same, *changed))
    assert len(fits) == 1
    first, clean = found["linear-probe@100%"]
    for name in same:
        np.testing.assert_array_equal(found[name][1].scores, clean.scores)
    dataset = open_dataset("sim-tiny")
    session = plan.planned[0].session
    features_of = encoder(session.encoder(), dataset)
    probe = fit(*fits[0])
    test = dataset.labels("super", "test")
    for name in changed:
        result, predictions = found[name]
        assert (result.choices, result.data.n_train) == (first.choices, first.data.n_train)
        np.testing.assert_array_equal(predictions.thresholds, clean.thresholds)
        protocol, variant = name.split("@")
        change = transform_of(protocols.get(protocol).of(variant))
        wanted = probe.scores(features_of(test.rows, change))
        spread = clean.scores.std(axis=0)
        np.testing.assert_allclose(predictions.scores / spread, wanted / spread, atol=2e-3)
        assert (np.abs(wanted - clean.scores) / spread).max() > 0.1


def encoder(frozen: object, dataset: Dataset) -> Callable[..., np.ndarray]:
    """Features by the shortest way: adapt the records, one forward pass."""
    import torch

    from ecgbench.training.corpus import signal_spec

    def features(rows: np.ndarray, change: Transform | None) -> np.ndarray:
        signals = adapt(dataset, signal_spec(frozen.recipe.config), change, rows)
        method = frozen.method()
        with torch.inference_mode():
            return method.encode_ecg(torch.from_numpy(np.asarray(signals, np.float32))).numpy()

    return features


def test_a_group_is_scored_on_its_own_records_by_the_probe_of_all(
    request_for: Callable[..., Request],
) -> None:
    groups = ("clean", "sex-female", "sex-male", "age-below-50", "age-from-70", "site-0")
    asked = variants_of(tasks.get("sim-tiny-super"), *(f"population@{name}" for name in groups))
    _, found = put_questions(request_for(), asked)
    dataset = open_dataset("sim-tiny")
    clean = found["population@clean"][1]
    at = {record: row for row, record in enumerate(clean.record_ids)}
    records = dataset.records.loc[clean.record_ids]
    wanted = {
        "sex-female": records["sex"] == "female",
        "sex-male": records["sex"] == "male",
        "age-below-50": records["age"] < 50,
        "age-from-70": records["age"] >= 70,
        "site-0": records["site"] == "0",
    }
    for name, mask in wanted.items():
        result, predictions = found[f"population@{name}"]
        assert predictions.record_ids.tolist() == records.index[mask].tolist()
        rows = [at[record] for record in predictions.record_ids]
        np.testing.assert_allclose(predictions.scores, clean.scores[rows], rtol=1e-5)
        assert result.data.n_test == mask.sum()
        assert 0 < result.data.n_test < len(records)


def test_another_label_set_is_predicted_by_the_classes_of_the_source(
    request_for: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.metrics import roc_auc_score

    mapping = {"CD": ("CRBBB", "CLBBB", "IVCD"), "NORM": ("NORM",), "STTC": ("STTC",)}
    task = TaskSpec(
        folder=tasks.builtin,
        name="sim-tiny-sub-from-sim-tiny-super",
        title="Simulated",
        dataset="sim-tiny",
        labels="sub",
        protocols=("transfer",),
        source=SourceSpec(dataset="sim-tiny", labels="super"),
        mapping=mapping,
    )
    known = tasks.entries()
    monkeypatch.setitem(known, task.name, dataclasses.replace(known["sim-tiny-super"], value=task))
    asked = questions([f"{task.name}/transfer"])
    asked += variants_of(tasks.get("sim-tiny-super"), "linear-probe@100%")
    _, found = put_questions(request_for(), asked)
    result, predictions = found["transfer@target"]
    _, at_home = found["linear-probe@100%"]
    assert predictions.classes == ("CD", "NORM", "STTC")
    columns = [at_home.classes.index(name) for name in predictions.classes]
    np.testing.assert_array_equal(predictions.scores, at_home.scores[:, columns])
    np.testing.assert_array_equal(predictions.thresholds, at_home.thresholds[columns])

    at_source, clean = found["transfer@clean"]
    assert clean.record_ids.tolist() == at_home.record_ids.tolist()
    np.testing.assert_array_equal(clean.scores, at_home.scores[:, columns])
    assert (at_source.task.label_set, result.task.label_set) == ("super", "sub")
    alone = {entry.name: entry for entry in found["linear-probe@100%"][0].scores.classes}
    assert all(entry.auroc == alone[entry.name].auroc for entry in at_source.scores.classes)
    assert not [text for one in (result, at_source) for text in registry_differences(one)]

    truth = open_dataset("sim-tiny").labels("sub", "test")
    assert predictions.record_ids.tolist() == truth.record_ids.tolist()
    for column, (name, made_of) in enumerate(sorted(mapping.items())):
        labels = truth.values[:, [truth.classes.index(one) for one in made_of]].max(axis=1)
        figure = next(entry for entry in result.scores.classes if entry.name == name)
        assert figure.positives == labels.sum()
        wanted = roc_auc_score(labels, predictions.scores[:, column])
        assert figure.auroc.value == pytest.approx(wanted, abs=1e-9)


def test_the_groups_are_there_in_ptbxl(shared_data) -> None:
    rows = pd.read_csv(shared_data / "labels/ptbxl_database_rows_10993.csv")
    test = rows[rows["strat_fold"] == 10]
    columns = {
        "sex": test["sex"].map({0: "male", 1: "female"}),
        "age": test["age"],
        "device": test["device"].map(lambda text: " ".join(text.split())),
        "site": test["site"].map(lambda number: f"{number:g}"),
    }
    seen: dict[str, int] = {}
    spec = protocols.get("population")
    for name in spec.variants:
        if name == "clean":
            continue
        ((column, value),) = spec.only(name).items()
        found = columns[column]
        inside = found.between(*value, inclusive="left") if column == "age" else found == value
        assert inside.mean() >= 0.05, name
        seen[column] = seen.get(column, 0) + int(inside.sum())
    assert seen["sex"] == len(test)
    assert seen["age"] == test["age"].notna().sum()  # each known age is in one group
    assert max(seen.values()) <= len(test)
