"""The ten flaws of the public lineage (protocol.md), planted: each is refused or shows.

Five are planted in this file; the others where the code is that would have them:

1. A schedule by the wrong unit: ``tests/tasks/test_fine_tune.py``,
   ``test_the_rate_falls_by_the_step_and_is_at_its_half_in_the_middle``
2. The best test epoch, thresholds of the test split: ``tests/tasks/test_merl_track.py``,
   ``test_the_best_test_epoch_cannot_be_had``; ``tests/tasks/test_fine_tune.py``,
   ``test_thresholds_and_epoch_never_see_a_test_label``
3. A checkpoint chosen with labels: here, ``test_3_a_checkpoint_is_made_and_kept_without_a_label``;
   ``tests/tasks/test_zero_shot.py``, ``test_whoever_looks_at_a_label_is_caught``
4. A frozen encoder that drifts: ``tests/tasks/test_fine_tune.py``,
   ``test_statistics_that_drift_while_frozen_are_detected``
5. Codes matched by substring: here, ``test_5_a_code_is_matched_whole_and_not_as_part_of_another``
6. Missing values repaired in part: here, ``test_6_a_missing_value_anywhere_keeps_a_record_out``
7. A softmax over classes: ``tests/tasks/test_zero_shot.py``,
   ``test_records_are_ranked_by_the_raw_cosine_and_not_by_a_softmax``
8. Texts and splits exchanged: here, ``test_8_every_record_keeps_its_report_and_its_split``
9. Empty reports dropped: ``tests/evaluation/test_reports.py``,
   ``test_half_of_the_texts_give_half_of_the_figure_with_an_interval_around_it``
10. A figure alone: here, ``test_10_a_figure_comes_with_its_interval_its_support_and_its_runs``
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgbench.base.errors import DataError
from ecgbench.data.checks.signals import check_signals
from ecgbench.data.dataset import Dataset
from ecgbench.data.leads import LEADS
from ecgbench.data.opening import open_dataset
from ecgbench.data.spec import datasets
from ecgbench.runs.run import Request, carry_out, make_plan
from ecgbench.training.corpus import load_corpus
from ecgbench.training.pretrain import pretrain

RequestFor = Callable[..., Request]


def test_the_index_above_and_the_one_of_the_docs_name_tests_that_exist(project_root: Path) -> None:
    flaws = re.split(r"^\d+\. ", str(__doc__), flags=re.MULTILINE)[1:]
    assert len(flaws) == 10
    table = (project_root / "docs/tracks.md").read_text().partition("## Flaws of published code")[2]
    rows = re.findall(r"^\| (\d+) .+$", table, flags=re.MULTILINE)
    assert [int(number) for number in rows] == list(range(1, 11))
    named: set[str] = set()
    for flaw in flaws:
        text = Path(__file__).read_text()
        tests = 0
        for word in re.findall(r"``([^`]+)``", flaw):
            if word.endswith(".py"):
                text = (project_root / word).read_text()
                continue
            assert f"def {word}(" in text, word
            named.add(word)
            tests += 1
        assert tests, flaw
    assert set(re.findall(r"`(test_\w+)`", table)) == named


def test_3_a_checkpoint_is_made_and_kept_without_a_label(
    request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(request_for(overrides=("pretrain.lr=0.013",)))

    def no_labels(self: Dataset, label_set: str, split: str | None = None) -> None:
        raise AssertionError(f"pre-training looked at {label_set} {split}")

    recipe = plan.planned[0].session.recipe
    monkeypatch.setattr(Dataset, "labels", no_labels)
    with monkeypatch.context() as planted:

        def looked_at(datasets: list[Dataset], *rest: object) -> object:
            datasets[0].labels("super", "val")  # to choose a checkpoint by
            return load_corpus(datasets, *rest)  # type: ignore[arg-type]

        planted.setattr("ecgbench.training.pretrain.load_corpus", looked_at)
        with pytest.raises(AssertionError, match="looked at super val"):
            pretrain(recipe)
    assert pretrain(recipe).path.is_dir()


def test_5_a_code_is_matched_whole_and_not_as_part_of_another() -> None:
    import yaml

    folder = datasets.get("csn").folder
    sets = yaml.safe_load((folder / datasets.get("csn").labels).read_text())  # type: ignore[operator]
    from ecgbench.data.labels import LabelSet

    of_class = sets["merl"]
    labels = LabelSet.of(
        "merl", {code: [name] for name, codes in of_class.items() for code in codes}
    )
    afib = of_class["AFIB"][0]
    joined = labels.encode([[afib], [f"{afib}1"], [f"1{afib}"], ["AFIB"], []])
    assert joined.sum(axis=1).tolist() == [1, 0, 0, 0, 0]
    assert joined[0, labels.classes.index("AFIB")] == 1
    assert joined[0, labels.classes.index("AF")] == 0  # by substring, every AFIB was an AF too


@pytest.mark.parametrize("sample", [3, 13, 4999])
def test_6_a_missing_value_anywhere_keeps_a_record_out(sample: int) -> None:
    signals = np.random.default_rng(0).normal(size=(12, 5000))
    check_signals(signals, LEADS, 500.0, 5.0)
    signals[7, sample] = np.nan
    with pytest.raises(DataError, match="not finite: V2"):
        check_signals(signals, LEADS, 500.0, 5.0)


def test_8_every_record_keeps_its_report_and_its_split(request_for: RequestFor) -> None:
    recipe = make_plan(request_for()).planned[0].session.recipe
    dataset = recipe.datasets[0]
    reports = dataset.records["report"].to_numpy(dtype=object)
    corpus = load_corpus(recipe.datasets, recipe.config, "all", 0)
    for split, parts in (("train", corpus.train), ("val", corpus.val)):
        for part in parts:
            assert set(dataset.records["split"].iloc[part.rows]) == {split}
            assert list(part.reports) == [reports[row] for row in part.rows]
    shuffled = _with(recipe.config, "pretrain.shuffle_reports", True)
    dealt, again, other = (
        load_corpus(recipe.datasets, shuffled, "all", seed) for seed in (0, 0, 1)
    )
    assert again.train[0].reports == dealt.train[0].reports
    assert again.fingerprint == dealt.fingerprint
    assert other.train[0].reports != dealt.train[0].reports  # each seed has its own luck
    assert other.fingerprint != dealt.fingerprint
    assert dealt.train[0].reports != corpus.train[0].reports  # the control does what it says
    assert sorted(dealt.train[0].reports) == sorted(corpus.train[0].reports)
    assert dealt.fingerprint != corpus.fingerprint


def test_10_a_figure_comes_with_its_interval_its_support_and_its_runs(
    request_for: RequestFor,
) -> None:
    from ecgbench.leaderboard.questions import questions
    from ecgbench.leaderboard.sheets import class_sheet, full_sheet
    from ecgbench.leaderboard.tables import table_of

    plan = make_plan(request_for(tasks="sim-tiny-super/linear-probe@10%"))
    carry_out(plan)
    (question,) = questions(plan.results())
    table = table_of(question)
    line = dict(zip(full_sheet(table).columns, full_sheet(table).rows[0], strict=True))
    assert float(line["auroc_low"]) < float(line["auroc"]) < float(line["auroc_high"])
    assert (line["seeds"], line["draws"]) == ("1", "5")
    assert float(line["auroc_sd_draws"]) >= 0
    truth = open_dataset("sim-tiny").labels("super", "test")
    support = {row[2]: int(row[3]) for row in class_sheet(table).rows}
    assert support == dict(zip(truth.classes, truth.values.sum(axis=0).tolist(), strict=True))


def _with(config: Any, key: str, value: object) -> Any:
    return config.replaced({key: value})
