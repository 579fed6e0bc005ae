"""Ablations: what the files name, what the table says, and that one command runs them all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from leaderboard.made_up import put, put_reason, split
from runs.conftest import small_home, small_matrix  # noqa: F401
from typer.testing import CliRunner

from ecgbench.ablations.table import BEGIN, END, ablation_table, write_into
from ecgbench.ablations.validation import key_of, validation_table
from ecgbench.ablations.variants import AS_IT_IS, FILE, Variant, at_values, named, variants_of
from ecgbench.base.errors import (
    ConfigError,
    NotApplicableError,
    PluginError,
    ResultError,
    UnknownNameError,
)
from ecgbench.cli.app import app
from ecgbench.plugins.catalogue import methods
from ecgbench.results.schema import Result
from ecgbench.results.store import read_result
from ecgbench.runs.plan import questions

WORSE, SAME = Variant("no decoder", ("model.a=0",)), Variant("more | bars", ("model.b=1",))
CONFIG = {"config": {"pretrain": {"batch_size": 32}}}


def test_cg_dmer_has_its_six_and_merit_both_terms() -> None:
    as_it_is, *others = variants_of(methods.get("cg_dmer"))
    assert as_it_is == AS_IT_IS
    assert all(len(variant.overrides) == 1 for variant in others)
    six = [variant for variant in others if variant.overrides[0].startswith("model.")]
    assert len(six) == 6
    merit = {
        override for variant in variants_of(methods.get("merit")) for override in variant.overrides
    }
    assert {"model.weights.contrast=0.0", "model.weights.reconstruction=0.0"} <= merit
    lambdas = [one for one in merit if one.startswith("model.weights.contrast=")]
    assert lambdas == ["model.weights.contrast=0.0"], "lambda is not for test records to choose"


def test_some_ablations_are_chosen_by_a_word() -> None:
    merit = methods.get("merit")
    assert [variant.name for variant in named(merit, "control")] == [
        "reports of other records (a control)"
    ]
    assert named(merit, None) == variants_of(merit)
    with pytest.raises(UnknownNameError, match="No ablation of merit is named 'lambda'"):
        named(merit, "lambda")


@pytest.mark.parametrize("name", ["clip", "merl", "cg_dmer", "merit"])
def test_every_method_that_reads_reports_has_the_control_on_those_of_others(name: str) -> None:
    overrides = [variant.overrides for variant in variants_of(methods.get(name))]
    assert ("pretrain.shuffle_reports=true",) in overrides


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "names no ablations"),
        ("deeper: model.depth=4\n", "no list of key=value"),
        ("deeper: [model.depth]\n", "no list of key=value"),
        ("deeper: []\n", "no list of key=value"),
        ("- deeper\n", "holds no mapping"),
    ],
)
def test_a_broken_file_is_said(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content)
    with pytest.raises(PluginError, match=message):
        variants_of(SimpleNamespace(name="mine", folder=tmp_path))  # type: ignore[arg-type]


def cells(folder: Path, variant: Variant, skill: float, noise: int = 0) -> list[Result]:
    changes = {**CONFIG, "method.variant": ",".join(variant.overrides)}
    return [
        read_result(
            put(
                folder,
                split(400),
                skill,
                noise,
                seed=seed,
                **changes,
                **{"protocol.variant": share},
            )
        )
        for share in ("1%", "100%")
        for seed in (0, 1)
    ]


def test_the_table_tells_what_differs_and_of_what_it_is(tmp_path: Path) -> None:
    found = {
        AS_IT_IS: cells(tmp_path, AS_IT_IS, 2.0),
        WORSE: cells(tmp_path, WORSE, 0.3),
        SAME: cells(tmp_path, SAME, 2.0),
    }
    table = ablation_table(found)
    rows = [
        [c.strip() for c in line.strip("|").split(" | ")]
        for line in table.splitlines()
        if line.startswith("|")
    ]
    assert [row[0] for row in rows[2:]] == ["unchanged", "no decoder", "more &#124; bars"]
    assert "1%" in rows[0][2]
    assert "100%" in rows[0][3]
    assert "AUROC" in rows[0][2]
    assert rows[3][2].endswith("*")
    assert rows[3][3].endswith("*")
    assert not rows[2][2].endswith("*")
    assert not rows[4][2].endswith("*"), "the same predictions do not differ"
    assert rows[4][2] == rows[2][2]
    figure = (
        found[WORSE][0].scores.figures["auroc"].value,
        found[WORSE][1].scores.figures["auroc"].value,
    )  # type: ignore[union-attr]
    assert rows[3][2].startswith(f"{sum(figure) / 2:.3f} (")  # type: ignore[arg-type]
    for said in (
        "SIMULATED data",
        "profile mini",
        "seed 0, 1",
        "sim (simulated)",
        "10 steps",
        "over seeds",
    ):
        assert said in table


def test_what_failed_or_did_not_run_is_said(tmp_path: Path) -> None:
    base = cells(tmp_path, AS_IT_IS, 2.0)
    failed = {**CONFIG, "method.variant": "model.a=0", "protocol.variant": "1%"}
    broken = [read_result(put_reason(tmp_path, "failed", "out of memory", **failed))]
    lines = ablation_table({AS_IT_IS: base, WORSE: broken}).splitlines()
    (row,) = [line for line in lines if line.startswith("| no decoder")]
    assert row == "| no decoder | `model.a=0` | failed | missing |"
    with pytest.raises(ResultError, match="no results"):
        ablation_table({AS_IT_IS: []})


PROBE = "sim-sub/linear-probe@100%"


def chosen(folder: Path, variant: Variant, *validation: float | None) -> list[Result]:
    """Results of seeds whose probe had these figures on validation, and all the same on test."""
    names = {"task.name": "sim-sub", "protocol.name": "linear-probe", **CONFIG}
    return [
        read_result(
            put(
                folder,
                split(),
                seed=seed,
                **names,
                **{"method.variant": ",".join(variant.overrides)},
                choices={"validation_macro_auroc": figure},
            )
        )
        for seed, figure in enumerate(validation)
    ]


def test_by_validation_the_table_is_of_validation_alone(tmp_path: Path) -> None:
    found = {
        AS_IT_IS: chosen(tmp_path, AS_IT_IS, 0.6, 0.7),
        WORSE: chosen(tmp_path, WORSE, 0.5, None),
        SAME: [],
    }
    table = validation_table(found, questions([PROBE]))
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert "macro-AUROC on validation" in lines[0]
    assert lines[2:] == [
        "| unchanged |  | 0.650 ± 0.071 |",
        "| no decoder | `model.a=0` | 0.500, 1 of 2 runs without |",
        "| more &#124; bars | `model.b=1` | missing |",
    ]
    for said in ("100 validation records", "Choose by this, never choose by test", "no interval"):
        assert said in table
    assert "test records" not in table
    with pytest.raises(ResultError, match="no results"):
        validation_table({AS_IT_IS: []}, questions([PROBE]))


def test_only_what_records_a_validation_figure_is_chosen_by() -> None:
    for question in questions([PROBE, "sim-sub/fine-tune"]):
        assert key_of(question) == "validation_macro_auroc"
    for name in ("zero-shot@en", "shuffled-labels", "corruption", "retrieval"):
        for question in questions([f"sim-sub/{name}"]):
            with pytest.raises(NotApplicableError, match="records no validation figure"):
                key_of(question)


def test_values_are_swept_and_never_by_test() -> None:
    sweep = "--values=model.weights.contrast=0.3,3"
    by_test = CliRunner().invoke(app, ["ablate", "merit", sweep])
    assert isinstance(by_test.exception, ConfigError)
    assert "--by validation" in (by_test.exception.hint or "")
    lines = at_values(sweep.removeprefix("--values="))
    assert [variant.overrides for variant in lines] == [
        (),
        ("model.weights.contrast=0.3",),
        ("model.weights.contrast=3",),
    ]
    for nothing in ("model.dim", "=3", "model.dim=,"):
        with pytest.raises(ConfigError, match="names no values"):
            at_values(nothing)


def test_a_card_keeps_everything_but_its_table(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"# mine\n\n{BEGIN}\nNot run yet.\n{END}\n\n## Known limits\n")
    write_into(card, "first\n")
    write_into(card, "| a |\n")
    assert card.read_text() == f"# mine\n\n{BEGIN}\n| a |\n{END}\n\n## Known limits\n"
    card.write_text("# mine\n")
    with pytest.raises(ResultError, match="no place for the table"):
        write_into(card, "| a |\n")
    assert card.read_text() == "# mine\n"


@pytest.mark.slow
def test_one_command_runs_every_ablation_and_goes_on(small_matrix: None, tmp_path: Path) -> None:  # noqa: F811
    card = tmp_path / "README.md"
    card.write_text(f"{BEGIN}\n{END}\n")
    small = ["model.vit.width=16", "model.vit.depth=1", "model.vit.heads=2", "pretrain.steps=2"]
    command = ["ablate", "mae", *small, "compute.threads=1", "pretrain.batch_size=8"]
    command += ["--tasks=sim-tiny-super/linear-probe@100%", f"--out={tmp_path / 'out'}"]
    done = CliRunner().invoke(app, [*command, f"--card={card}"])
    assert done.exit_code == 0, done.output
    names = [variant.name for variant in variants_of(methods.get("mae"))]
    written = card.read_text()
    assert all(f"| {name} |" in written for name in names)
    assert "failed" not in written
    assert len(list((tmp_path / "out").rglob("*.json"))) == len(names)
    again = CliRunner().invoke(app, [*command, "--dry-run"])
    assert again.output.count("1 cells, 0 to run") == len(names)
    to_choose = CliRunner().invoke(app, [*command, "--by=validation"]).output
    for file in (tmp_path / "out").rglob("*.json"):
        assert f"| {read_result(file).choices['validation_macro_auroc']:.3f} |" in to_choose
