"""Which cells a command means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ecgbench.base.errors import PluginError, UnknownNameError
from ecgbench.cli.run_report import show_broken, show_left_out, show_plan
from ecgbench.config.effective import leaves_out
from ecgbench.plugins.catalogue import methods, tasks
from ecgbench.runs.plan import chosen_methods, groups, questions
from ecgbench.runs.run import Request, make_plan

RequestFor = Callable[..., Request]


def names(*patterns: str, dataset: str | None = None) -> set[str]:
    return {question.name for question in questions(patterns, dataset)}


def test_a_task_means_every_protocol_on_it() -> None:
    found = names("ptbxl-sub")
    assert {f"ptbxl-sub/linear-probe@{v}" for v in ("1%", "10%", "100%")} <= found
    assert all(name.startswith("ptbxl-sub/") for name in found)
    assert len({name.split("/")[1] for name in found}) > 3


def test_a_protocol_means_every_task() -> None:
    found = names("linear-probe")
    assert {"ptbxl-sub/linear-probe@1%", "sim-all/linear-probe@100%"} <= found
    assert all("/linear-probe@" in name for name in found)


def test_what_a_profile_leaves_out_runs_when_it_is_asked_for_by_name() -> None:
    out = leaves_out("demo")
    assert "fine-tune" in out
    for pattern in ("sim-sub", "sim-*", "all"):
        found = {q.protocol.name for q in questions([pattern], leave_out=out)}
        assert "linear-probe" in found
        assert not found & set(out)
    for pattern in ("fine-tune", "sim-sub/fine-tune", "sim-sub/fine-tune@1%"):
        found = {q.protocol.name for q in questions([pattern], leave_out=out)}
        assert found == {"fine-tune"}
    assert leaves_out("mini") == ()
    known = {question.protocol.name for question in questions(["all"])}
    assert set(out) <= known


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("sim-sub", "fine-tune, corruption, report-generation"), ("sim-sub/linear-probe", "")],
)
def test_what_is_left_out_is_said_where_it_was_meant(
    pattern: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    meant = questions([pattern])
    show_left_out("demo", meant, questions([pattern], leave_out=leaves_out("demo")))
    printed = capsys.readouterr().err
    if said:
        assert printed.startswith(f"Profile demo leaves out {said}; ask for one by its name")
        assert names(printed.rsplit(" ", 1)[1].strip())  # what it says to type means something
    else:
        assert printed == ""


def test_one_cell_and_patterns() -> None:
    assert names("ptbxl-sub/linear-probe@1%") == {"ptbxl-sub/linear-probe@1%"}
    assert names("linear-probe@1%", dataset="sim") >= {"sim-sub/linear-probe@1%"}
    assert names("sim-s*/linear-probe@100%") == {
        "sim-sub/linear-probe@100%",
        "sim-super/linear-probe@100%",
    }
    assert names("all") >= names("ptbxl-*") | names("sim-*")


def test_a_data_set_narrows() -> None:
    assert all(name.startswith("sim-") for name in names("all", dataset="sim"))


@pytest.mark.parametrize("pattern", ["ptbxl-subb", "linear-prob", "ptbxl-sub/linear-probe@2%"])
def test_an_unknown_name_says_the_nearest(pattern: str) -> None:
    with pytest.raises(UnknownNameError, match="No task is named") as caught:
        questions([pattern])
    assert "Did you mean" in (caught.value.hint or "")


def test_all_methods_are_those_that_need_nothing_of_the_users() -> None:
    found = {info.name for info in chosen_methods(["all"])}
    assert {"mae", "clip", "random_init"} <= found
    assert all(not methods.get(name).on_request for name in found)


def test_an_unknown_method_says_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Unknown method 'mea'") as caught:
        chosen_methods(["mea"])
    assert "'mae'" in (caught.value.hint or "")


def test_every_method_gets_a_seed_before_any_gets_the_next() -> None:
    infos = chosen_methods(["mae", "clip"])
    planned = groups(infos, questions(["sim-sub", "sim-all"]), range(2))
    assert [(group.info.name, group.seed) for group in planned] == [
        ("mae", 0),
        ("clip", 0),
        ("mae", 1),
        ("clip", 1),
    ]
    draws = [(q.variant, d) for q, d in planned[0].cells if q.name == "sim-sub/linear-probe@1%"]
    assert draws == [("1%", draw) for draw in range(5)]


def test_what_a_method_takes_no_part_in_is_one_cell_of_the_first_seed() -> None:
    infos = chosen_methods(["supervised"])
    asked = questions(["sim-sub/linear-probe"])
    assert [(group.seed, len(group.cells)) for group in groups(infos, asked, range(2))] == [(0, 3)]
    reason = asked[0].protocol.declines(infos[0])
    assert reason == "supervised takes part in fine-tune only"


def test_a_task_may_list_one_variant_of_a_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = "name: {}\ntitle: t\ndataset: sim\nlabels: sub\nprotocols: [{}]\n"
    (tmp_path / "one.yaml").write_text(task.format("one", "linear-probe@10%"))
    monkeypatch.setattr(tasks, "paths", [tmp_path])
    assert [q.name for q in questions(["one"])] == ["one/linear-probe@10%"]
    (tmp_path / "two.yaml").write_text(task.format("two", "linear-probe@20%"))
    tasks.refresh()
    with pytest.raises(
        PluginError, match="The task two lists 'linear-probe@20%', and linear-probe has no"
    ):
        questions(["two"])
    assert questions(["one"]), "a broken task spoiled another"


def test_a_protocol_that_a_task_does_not_list_is_asked_for_in_full() -> None:
    found = names("sim-sub/report-generation-smollm2@greedy")
    assert found == {"sim-sub/report-generation-smollm2@greedy"}
    assert not any("smollm2" in name for name in names("sim-sub", "report-generation"))
    with pytest.raises(UnknownNameError):
        names("sim-sub/report-generation-smollm2", dataset="ptbxl")


def test_a_task_on_data_that_nothing_describes_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = "name: {}\ntitle: t\ndataset: {}\nlabels: sub\nprotocols: [linear-probe]\n"
    (tmp_path / "lost.yaml").write_text(task.format("lost", "simm"))
    (tmp_path / "worse.yaml").write_text("name: worse\n")
    monkeypatch.setattr(tasks, "paths", [tmp_path])
    with pytest.raises(
        PluginError, match="'lost' needs the data set 'simm': Unknown data"
    ) as caught:
        questions(["lost"])
    assert "'sim'" in (caught.value.hint or "")
    with pytest.raises(PluginError, match="'lost' needs the data set 'simm'"):
        questions(["lost/retrieval"])
    with pytest.raises(PluginError, match="task 'worse' cannot be used"):
        questions(["worse"])
    assert "lost" not in {question.task.name for question in questions(["all"])}


def test_a_broken_plug_in_is_named_where_all_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/config.yaml").write_text("name: mine\n")
    (tmp_path / "worse.yaml").write_text("name: worse\n")
    monkeypatch.setattr(methods, "paths", [tmp_path])
    monkeypatch.setattr(tasks, "paths", [tmp_path])
    show_broken(["mae"], ["sim-sub"])
    assert capsys.readouterr().err == ""
    show_broken(["all"], ["all"])
    printed = capsys.readouterr().err
    assert "the method mine is broken: config.yaml: title: field required" in printed
    assert "the task worse is broken: worse.yaml: title: field required" in printed


def test_a_plan_says_which_methods_an_override_leaves_as_they_are(
    request_for: RequestFor, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = ("pretrain.steps=5", "pretrain.save_every=3", "model.width=4")
    request = request_for("tiny,leaky", overrides=overrides)
    plan = make_plan(request)
    show_plan(request, plan, with_costs=True)
    out, err = capsys.readouterr()
    assert "pretrain.steps=5 does not apply to leaky (not pre-trained)." in err
    assert "model.width=4 does not apply to leaky (no key 'model.width')." in err
    by_name = {item.group.info.name: item for item in plan.planned}
    assert [line.split()[-1] for line in out.splitlines() if line.startswith("leaky")] == ["none"]
    rows = {name: item.missing[0][1].method.variant for name, item in by_name.items()}
    assert rows == {"tiny": "model.width=4,pretrain.steps=5", "leaky": ""}
    plain = {item.group.info.name: item for item in make_plan(request_for("tiny,leaky")).planned}
    ours, theirs = (plans["leaky"].missing[0][1].method for plans in (by_name, plain))
    assert ours == theirs
