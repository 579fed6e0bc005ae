"""Track merl: MERL's schedule and draw, its signals and files, and that its rows meet no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import wfdb
import yaml
from ecgbench.tasks.protocols.merl.merl_track import FirstSeconds, MerlLinearProbe, fit_as_merl
from torch import nn
from training.rates import rates_of

from ecgbench.base.errors import DataError
from ecgbench.data.merl import merl_fraction_rows, merl_labels, read_merl_split
from ecgbench.data.opening import open_dataset, prepare
from ecgbench.data.signals import SignalSpec, adapt
from ecgbench.data.spec import datasets
from ecgbench.leaderboard.questions import agrees, identity
from ecgbench.plugins.catalogue import protocols, tasks
from ecgbench.plugins.specs import TaskSpec
from ecgbench.protocol import Bench, Outcome
from ecgbench.results.schema import Result
from ecgbench.runs.plan import Question
from ecgbench.runs.run import Request, carry_out, make_plan

RequestFor = Callable[..., Request]
SPEC = protocols.get("merl-linear-probe")
SETTINGS = SPEC.of("100%")
MERLS = ("signal.rate=500", "signal.bandpass=null", "signal.scaling=minmax-record")


def told_apart(records: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features that tell two classes, and a third class that none does."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (records, 3)).astype(np.uint8)
    features = rng.normal(0, 1, (records, 5)).astype(np.float32)
    features[:, :2] += 2 * labels[:, :2]
    return features, labels


def steps_of(records: int, epochs: int) -> list[float]:
    """The learning rate of each optimiser step."""
    train, val = told_apart(records), told_apart(20, 1)
    with rates_of(torch.optim.Adam) as rates:
        fit_as_merl(*train, *val, SETTINGS.replaced({"epochs": epochs}))
    return rates


@pytest.mark.parametrize(
    ("records", "fast"),
    [
        (
            170,
            37,
        ),  # 1 % of Super: 11 batches an epoch; 3 of the 40 scheduler steps are epochs' ends
        (71, 34),  # 1 % of Form: 5 batches
        (49, 32),  # 1 % of CPSC2018: 4 batches
        (1708, 40),  # 10 % of Super: within the first epoch
    ],
)
def test_the_rate_falls_where_merls_code_lets_it_fall(records: int, fast: int) -> None:
    """Flaw 1 of protocol.md, kept on purpose here and here alone: a schedule by the batch and the epoch."""
    epochs = 2 if records > 1000 else 9
    rates = steps_of(records, epochs)
    assert len(rates) == epochs * -(-records // 16)
    np.testing.assert_allclose(rates[:fast], 1e-3)
    np.testing.assert_allclose(rates[fast:], 1e-4)


def test_it_is_the_published_recipe() -> None:
    wanted = {"epochs": 100, "batch_size": 16, "lr": 1e-3, "weight_decay": 1e-4, "milestone": 40}
    assert {key: getattr(SETTINGS, key) for key in wanted} == wanted
    assert (SETTINGS.gamma, SETTINGS.seed, SPEC.track) == (0.1, 42, "merl")
    assert {SPEC.draws(variant) for variant in SPEC.variants} == {1}


def test_its_steps_are_those_of_adam_with_l2_by_hand() -> None:
    """Full batches of one record set: NumPy's Adam from the same first weights gives the same head."""
    (x, y), val = told_apart(16), told_apart(20, 1)
    settings = SETTINGS.replaced({"epochs": 30})
    found = fit_as_merl(x, y, *val, settings)["last"]
    torch.manual_seed(42)
    layer = nn.Linear(5, 3)
    theta = np.column_stack([layer.weight.detach().numpy(), layer.bias.detach().numpy()])
    theta, inputs = theta.astype(np.float64), np.column_stack([x, np.ones(16)]).astype(np.float64)
    first, second = np.zeros_like(theta), np.zeros_like(theta)
    for step in range(1, 31):
        error = 1 / (1 + np.exp(-inputs @ theta.T)) - y
        slope = error.T @ inputs / error.size + 1e-4 * theta
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        rate = 1e-3 if 2 * (step - 1) < 40 else 1e-4  # a batch and an epoch's end each count
        mean, spread = first / (1 - 0.9**step), second / (1 - 0.999**step)
        theta -= rate * mean / (np.sqrt(spread) + 1e-8)
    np.testing.assert_allclose(found.weights, theta[:, :5], atol=1e-5)
    np.testing.assert_allclose(found.biases, theta[:, 5], atol=1e-5)


def test_the_best_validation_epoch_and_the_last_are_both_there() -> None:
    train, val = told_apart(60), told_apart(80, 1)
    torch.manual_seed(9)
    heads = fit_as_merl(*train, *val, SETTINGS.replaced({"lr": 0.3, "milestone": 10**6}))
    best, last = heads["validation"], heads["last"]
    assert last.epoch == 100
    assert best.epoch < 100  # at this rate the last is not the best
    assert best.validation > last.validation  # type: ignore[operator]
    again = fit_as_merl(*train, *val, SETTINGS.replaced({"lr": 0.3, "milestone": 10**6}))
    np.testing.assert_array_equal(again["last"].weights, last.weights)  # whatever the global seed


@pytest.fixture
def half_kilohertz(small_matrix: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    """A simulated data set at MERL's rate, and a task on it."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    entry = yaml.safe_load((datasets.get("sim-tiny").folder / "sim-tiny.yaml").read_text())
    entry |= {
        "name": "sim-500",
        "rate": 500,
        "generator": {"records": 60, "seed": 5},
        "records": 60,
    }
    (folder / "sim-500.yaml").write_text(yaml.safe_dump(entry))
    monkeypatch.setattr(datasets, "paths", [*datasets.paths, folder])
    update = {"name": "sim-500-super", "dataset": "sim-500", "protocols": ("merl-linear-probe",)}
    return tasks.get("sim-tiny-super").model_copy(update=update)


def run(
    request: Request, task: TaskSpec, *variants: str, protocol: str = SPEC.name
) -> list[Result]:
    asked = [Question(task, protocols.get(protocol), variant) for variant in variants]
    plan = make_plan(replace(request, questions=asked))
    carry_out(plan)
    return plan.results()


@pytest.fixture
def merls(request_for: RequestFor) -> Request:
    """The tiny method, untrained, with MERL's signals."""
    return request_for(overrides=(*MERLS, "pretrain.steps=0"))


def test_a_run_takes_merls_draw_and_its_optimistic_f1(
    merls: Request, half_kilohertz: TaskSpec
) -> None:
    every = tuple(SPEC.variants)
    results = {r.protocol.variant: r for r in run(merls, half_kilohertz, *every)}
    few = [results.pop(name) for name in ("1%", "1%-last")]  # of 45 records
    assert {r.status for r in few} == {"not-applicable"}
    assert "too few for track merl" in str(few[0].reason)
    assert {r.status for r in results.values()} == {"ok"}, [r.reason for r in results.values()]
    for name, result in results.items():
        assert result.scores is not None
        assert result.data is not None
        assert {"auroc", "auprc", "f1_test_max"} == set(result.scores.figures)
        whole = results["100%"].data.n_train  # type: ignore[union-attr]
        assert result.data.n_train == len(merl_fraction_rows(whole, SPEC.of(name).fraction))
        chosen_by = "last" if name.endswith("-last") else "validation"
        assert result.choices["chosen_by"] == chosen_by
        assert (result.choices["epoch"] == 100) or chosen_by == "validation"
        assert "best test epoch" in result.notes[0]
    best, last = (results[n].choices["validation_macro_auroc"] for n in ("100%", "100%-last"))
    assert best >= last


def test_its_rows_never_meet_those_of_track_standard(
    merls: Request, half_kilohertz: TaskSpec
) -> None:
    (theirs,) = run(merls, half_kilohertz, "100%")
    (ours,) = run(merls, half_kilohertz, "100%", protocol="linear-probe")
    assert (theirs.protocol.track, ours.protocol.track) == ("merl", "standard")
    assert theirs.key != ours.key
    disguised = theirs.protocol.model_copy(update={"name": ours.protocol.name})
    forged = theirs.model_copy(update={"protocol": disguised})
    assert forged.cell == ours.cell
    assert not agrees(identity(forged), identity(ours))
    assert identity(forged)["track"] != identity(ours)["track"]


class BestTestEpoch(MerlLinearProbe):
    """Flaw 2 of protocol.md as it was: the epoch with the best test figure."""

    def run(self, bench: Bench) -> Outcome:
        bench.labelled("test")  # type: ignore[arg-type]
        return super().run(bench)


def test_the_best_test_epoch_cannot_be_had(
    merls: Request, half_kilohertz: TaskSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgbench.runs.predict.load_object", lambda entry, folder: BestTestEpoch)
    (result,) = run(merls, half_kilohertz, "100%")
    assert result.status == "failed"
    assert "asked for test labels" in str(result.reason)


@pytest.mark.parametrize("override", ["signal.rate=100", "signal.scaling=none", "signal.seconds=8"])
def test_other_signals_are_refused_with_what_to_set(
    merls: Request, half_kilohertz: TaskSpec, override: str
) -> None:
    request = replace(merls, overrides=(*merls.overrides, override))
    (result,) = run(request, half_kilohertz, "100%")
    assert result.status == "not-applicable"
    for wanted in (*MERLS, "signal.seconds=10"):
        assert wanted in str(result.reason)


def test_data_of_a_lower_rate_is_refused(merls: Request) -> None:
    (result,) = run(merls, tasks.get("sim-tiny-super"), "100%")
    assert result.status == "not-applicable"
    assert "sim-tiny is stored at 100 Hz" in str(result.reason)


def test_cpsc2018_is_read_as_merl_reads_it(
    shared_data: Path, tmp_path: Path, ecgbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand from the files: 2,500 samples, zeros to 5,000, and only then one min-max over all leads."""
    from data.samples import linked, sample_of

    (tmp_path / "catalogue").mkdir()
    entry = sample_of("cpsc2018") + "\norigin: cpsc2018\n"
    (tmp_path / "catalogue" / "cpsc.yaml").write_text(entry)
    monkeypatch.setattr(datasets, "paths", [tmp_path / "catalogue"])
    source = shared_data / "cpsc2018"
    cpsc = prepare("cpsc2018-sample", linked(source, tmp_path / "cpsc"), workers=1)
    seconds = SETTINGS.first_seconds[cpsc.spec.family]
    rows = np.arange(0, len(cpsc.records), 9)
    wish = SignalSpec(**SETTINGS.signal.model_dump(exclude={"window", "windows", "pool"}))
    made = adapt(cpsc, wish, FirstSeconds(seconds), rows, workers=1)
    for signals, record in zip(made, cpsc.records.index[rows], strict=True):
        recorded = wfdb.rdrecord(str(source / record)).p_signal.T[:, :2500]
        padded = np.pad(recorded, ((0, 0), (0, 2500)))
        wanted = (padded - padded.min()) / (padded.max() - padded.min() + 1e-8)
        np.testing.assert_allclose(signals, wanted, atol=2e-3)


@pytest.fixture(params=["cpsc2018", "csn"])
def sample(
    request: pytest.FixtureRequest,
    small_matrix: None,
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> TaskSpec:
    """Real records of a data set, and the task of MERL's files on them."""
    from data.samples import linked, sample_of

    name = request.param
    (tmp_path / "catalogue").mkdir()
    entry = f"{sample_of(name)}\norigin: {name}\n"
    (tmp_path / "catalogue" / "sample.yaml").write_text(entry)
    monkeypatch.setattr(datasets, "paths", [*datasets.paths, tmp_path / "catalogue"])
    prepare(f"{name}-sample", linked(shared_data / name, tmp_path / name), workers=1)
    task = tasks_of_the_checkout() / f"{name}-merl-files.yaml"
    return TaskSpec(
        folder=task.parent, **{**yaml.safe_load(task.read_text()), "dataset": f"{name}-sample"}
    )


def tasks_of_the_checkout() -> Path:
    return Path(__file__).resolve().parents[2] / "tasks"


def test_merls_files_say_which_records_are_tested(
    merls: Request, sample: TaskSpec, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared_data / "labels" / "merl"
    monkeypatch.setenv("ECGBENCH_MERL_SPLITS", str(folder))
    dataset = open_dataset(sample.dataset)
    records = list(map(str, dataset.records.index))
    tables = read_merl_split(records, sample.labels.removeprefix("merl-files/"), folder)
    everything = merl_labels(records, sample.labels, None)
    assert len(everything.rows) == sum(len(table.rows) for table in tables.values())

    request = replace(merls, overrides=(*merls.overrides, "evaluate.resamples=20"))
    (result,) = run(request, sample, "100%")
    if not len(tables["val"].rows):  # MERL validates on none of those at hand
        assert result.status == "not-applicable"
        assert "has no labelled record of merl-files/csn" in str(result.reason)
        return
    assert result.status == "ok", result.reason
    assert result.data is not None
    assert result.scores is not None
    assert (result.data.n_train, result.data.n_val, result.data.n_test) == (109, 18, 28)
    assert [c.name for c in result.scores.classes] == list(tables["test"].classes)
    positives = [c.positives for c in result.scores.classes]
    assert positives == tables["test"].values.sum(axis=0).tolist()


def test_without_merls_files_the_task_is_absent_and_says_how_to_get_them(
    merls: Request, sample: TaskSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECGBENCH_MERL_SPLITS", raising=False)
    with pytest.raises(
        DataError, match="MERL's own files, which ecgbench does not bring"
    ) as caught:
        run(merls, sample, "100%")
    assert "ECGBENCH_MERL_SPLITS" in str(caught.value.hint)
    there = Question(tasks.get("sim-tiny-super"), SPEC, "100%")
    asked = [Question(sample, SPEC, "100%"), there]
    plan = make_plan(replace(merls, questions=asked))
    assert set(plan.absent) == {sample.name}
    assert plan.missing == 1
