"""Shift between data sets: the tables of classes, and the six cells on real records."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from data.samples import cpsc_with_reference, linked, sample_of

from ecgbench.data.labels import scp_label_sets
from ecgbench.data.layouts.wfdb_dx import read_label_sets
from ecgbench.data.opening import open_dataset, prepare
from ecgbench.data.spec import datasets
from ecgbench.evaluation.ground_truth import split_of_result
from ecgbench.evaluation.label_sources import prepared
from ecgbench.plugins.catalogue import protocols, tasks
from ecgbench.plugins.specs import SourceSpec, TaskSpec
from ecgbench.results.schema import Result
from ecgbench.runs.plan import Question, chosen_methods
from ecgbench.runs.run import Request, carry_out, make_plan

Table = dict[str, set[str]]

# MERL's appendix, tables 11 to 13, as design and public transcriptions have them.
MERL: dict[tuple[str, str], Table] = {
    ("ptbxl-super", "cpsc2018"): {
        "NORM": {"NORM"},
        "CD": {"1AVB", "CRBBB", "CLBBB"},
        "STTC": {"STE", "STD"},
    },
    ("ptbxl-super", "csn"): {
        "HYP": {"RVH", "LVH"},
        "NORM": {"SR"},
        "CD": {"2AVB", "2AVB1", "1AVB", "AVB", "LBBB", "RBBB", "STDD"},
        "MI": {"MI"},
        "STTC": {"STTC", "STE", "TWO", "STTU", "QTIE", "TWC"},
    },
    ("cpsc2018", "csn"): {
        "AFIB": {"AFIB"},
        "VPC": {"VPB"},
        "NORM": {"SR"},
        "1AVB": {"1AVB"},
        "CRBBB": {"RBBB"},
        "STE": {"STE"},
        "PAC": {"APB"},
        "CLBBB": {"LBBB"},
        "STD": {"STE", "STTC", "STTU", "STDD"},
    },
}
# What track `standard` takes away from them and adds, as pairs of classes.
CORRECTED = {
    ("ptbxl-super", "cpsc2018"): (set(), set()),
    ("ptbxl-super", "csn"): ({("NORM", "SR"), ("CD", "STDD")}, {("STTC", "STDD")}),
    ("cpsc2018", "csn"): ({("NORM", "SR"), ("STD", "STE"), ("STD", "STTU")}, {("STE", "STTU")}),
}
CELLS = [cell for pair in MERL for cell in (pair, pair[::-1])]


def table(source: str, target: str, suffix: str = "") -> Table:
    mapping = tasks.get(f"{target}-from-{source}{suffix}").mapping
    return {name: set(made_of) for name, made_of in mapping.items()}


def pairs(found: Table) -> set[tuple[str, str]]:
    return {(name, one) for name, made_of in found.items() for one in made_of}


@pytest.mark.parametrize("cell", MERL)
def test_merls_tables_are_merls(cell: tuple[str, str]) -> None:
    assert table(*cell, suffix="-merl") == MERL[cell]


@pytest.mark.parametrize("cell", MERL)
def test_ours_are_merls_with_what_is_written_down(cell: tuple[str, str]) -> None:
    taken, added = CORRECTED[cell]
    assert taken <= pairs(MERL[cell])
    assert pairs(table(*cell)) == (pairs(MERL[cell]) - taken) | added


@pytest.mark.parametrize("suffix", ["", "-merl"])
@pytest.mark.parametrize(("source", "target"), MERL)
def test_a_reverse_cell_reads_the_table_backwards(source: str, target: str, suffix: str) -> None:
    forwards, backwards = (table(*cell, suffix) for cell in ((source, target), (target, source)))
    assert pairs(backwards) == {(one, name) for name, one in pairs(forwards)}


@pytest.mark.parametrize("other", ["cpsc2018", "csn"])
def test_the_mini_set_has_the_tables_of_the_whole_one(other: str) -> None:
    assert table("ptbxl-mini-super", other) == table("ptbxl-super", other)
    assert table(other, "ptbxl-mini-super") == table(other, "ptbxl-super")


def test_every_cell_is_a_task_of_classes_that_exist(shared_data: Path) -> None:
    statements = pd.read_csv(shared_data / "metadata/scp_statements.csv", index_col=0)
    known = {
        ("ptbxl", "super"): scp_label_sets(statements)["super"].classes,
        **{
            (name, label_set): found.classes
            for name in ("cpsc2018", "csn")
            for label_set, found in read_label_sets(datasets.get(name)).items()
        },
    }
    seen = 0
    for name in tasks.names():
        task = tasks.get(name)
        if task.source is None:
            continue
        seen += 1
        source = task.source.dataset.replace("ptbxl-mini", "ptbxl")
        target = task.dataset.replace("ptbxl-mini", "ptbxl")
        assert set(task.mapping) <= set(known[source, task.source.labels]), name
        assert {one for _, one in pairs(dict(task.mapping))} <= set(known[target, task.labels])
        assert name.startswith(task.dataset)
        merl = name.endswith("-merl")
        assert ("merl" in (task.labels, task.source.labels)) == (merl and "csn" in name)
    assert seen == 6 + 6 + 4


@pytest.fixture(scope="module")
def real_home(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pytest.MonkeyPatch]:
    """ptbxl-mini, the 155 records of CPSC2018 and the 67 of CSN, prepared once."""
    folder = tmp_path_factory.mktemp("real")
    catalogue = folder / "catalogue"
    catalogue.mkdir()
    for name in ("cpsc2018", "csn"):
        (catalogue / f"{name}-sample.yaml").write_text(sample_of(name))
    source = cpsc_with_reference(shared_data, folder / "cpsc")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGBENCH_HOME", str(folder / "home"))
        patch.setattr(datasets, "paths", [catalogue])
        prepare("cpsc2018-sample", source, workers=1)
        prepare("csn-sample", linked(shared_data / "csn", folder / "csn"), workers=1)
        prepare("ptbxl-mini", shared_data / "ptbxl-mini", workers=1)
        yield patch


def on_sample(task: TaskSpec) -> TaskSpec:
    """A task on the records at hand: the same classes, the samples' names, ptbxl-mini for ptbxl."""

    def name_of(dataset: str) -> str:
        return {"ptbxl": "ptbxl-mini"}.get(dataset, f"{dataset}-sample")

    source = task.source and SourceSpec(
        dataset=name_of(task.source.dataset), labels=task.source.labels
    )
    return task.model_copy(update={"dataset": name_of(task.dataset), "source": source})


def run(asked: list[Question], out: Path, methods: str) -> list[Result]:
    small = ("compute.threads=1", "model.vit.width=24", "model.vit.depth=1", "model.vit.heads=2")
    request = Request(
        methods=chosen_methods(methods.split(",")),
        questions=asked,
        seeds=1,
        profile="demo",
        out=out,
        overrides=small if methods == "random_init" else small[:1],
    )
    plan = make_plan(request)
    carry_out(plan)
    results = plan.results()
    assert {result.status for result in results} == {"ok"}, [result.reason for result in results]
    assert len(results) == len(asked) * len(request.methods)
    return results


@pytest.mark.slow
def test_the_six_cells_between_real_records(real_home: pytest.MonkeyPatch, tmp_path: Path) -> None:
    transfer = protocols.get("transfer")
    asked = [
        Question(on_sample(tasks.get(f"{target}-from-{source}{suffix}")), transfer, "target")
        for source, target in CELLS
        for suffix in ("", "-merl")
    ]
    for result in run(asked, tmp_path / "out", "random_init"):
        task = next(question.task for question in asked if question.task.name == result.task.name)
        truth = prepared(split_of_result(result))
        assert truth.classes == tuple(sorted(task.mapping))
        assert result.data.n_test == len(truth.record_ids) > 5
        training = open_dataset(task.trained_on.dataset)
        assert result.data.n_train == len(training.labels(task.trained_on.labels, "train").rows)
        assert result.data.source_fingerprint == training.fingerprint != result.data.fingerprint
        labels = open_dataset(task.dataset).labels(task.labels, "test")
        for entry in result.scores.classes:
            made_of = [labels.classes.index(one) for one in task.mapping[entry.name]]
            assert entry.positives == labels.values[:, made_of].any(axis=1).sum()
            defined = entry.auroc.value is not None
            assert defined == (0 < entry.positives < len(labels.rows))


@pytest.mark.slow
def test_cpsc2018_and_csn_go_through_probe_corruption_and_lead_loss(
    real_home: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cells = ("linear-probe@100%", "corruption@electrode-motion-5", "lead-loss@1-lead")
    cells += ("corruption@clean", "population@sex-female", "population@sex-male")
    asked = []
    for name in ("cpsc2018", "csn"):
        task = on_sample(tasks.get(name))
        for cell in cells:
            protocol, variant = cell.split("@")
            asked.append(Question(task, protocols.get(protocol), variant))
    results = run(asked, tmp_path / "out", "random_init,random_init_resnet")
    by_cell = {
        (r.method.name, r.task.name, f"{r.protocol.name}@{r.protocol.variant}"): r for r in results
    }
    for method in ("random_init", "random_init_resnet"):
        for name in ("cpsc2018", "csn"):
            found = {cell: by_cell[method, name, cell] for cell in cells}
            probe = found["linear-probe@100%"]
            assert found["corruption@clean"].scores.figures == probe.scores.figures
            groups = [found[f"population@sex-{sex}"].data.n_test for sex in ("female", "male")]
            assert sum(groups) == probe.data.n_test
            for cell in ("corruption@electrode-motion-5", "lead-loss@1-lead"):
                changed = found[cell]
                assert changed.data.test_fingerprint == probe.data.test_fingerprint
                assert changed.choices == probe.choices
                assert changed.predictions.sha256 != probe.predictions.sha256
    cpsc = by_cell["random_init", "cpsc2018", "linear-probe@100%"]
    assert cpsc.scores.scored_classes >= 5
    assert math.isfinite(cpsc.scores.figures["auroc"].value)
    train = open_dataset("cpsc2018-sample").labels("standard", "train")
    assert (train.values.sum(axis=0) > 0).all(), "a class of CPSC2018 has no training record"
    assert cpsc.data.n_train == len(train.rows)
