"""`ecgbench reproduce CELL`: run a cell again, from nothing, and judge what comes out.

Pre-training and encoding are done anew; only prepared data are shared with this machine's cache. The
same seed on the same machine gives the same figures; on another device they move, and may move as far as
they do from seed to seed.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any

from ecgbench.base.errors import ConfigError, ResultError, did_you_mean
from ecgbench.base.paths import home
from ecgbench.results.agreement import Verdict
from ecgbench.results.parts import ReproductionPart
from ecgbench.results.schema import Result
from ecgbench.results.store import read_results, write_result

if TYPE_CHECKING:
    from ecgbench.data.dataset import Dataset
    from ecgbench.evaluation.ground_truth import Unlabelled
    from ecgbench.runs.execute import Session
    from ecgbench.runs.plan import Question

SHARED = ("stores", "sources")


def find_cell(folder: Path, wanted: str) -> tuple[Result, list[Result]]:
    """A cell by its key or the path of its file, and its row's other seeds on the same question.

    Raises:
        ResultError: There is no such cell, or it has no figures.
    """
    found = list(read_results(folder))
    by_key = {result.key: result for _, result in found}
    by_path = {str(path.resolve()): result for path, result in found}
    result = by_key.get(wanted) or by_path.get(str(Path(wanted).resolve()))
    if result is None:
        raise ResultError(f"There is no cell {wanted!r} in {folder}.", did_you_mean(wanted, by_key))
    if result.scores is None:
        raise ResultError(f"{result.key} has no figures: {result.reason}.")
    siblings = [
        other
        for other in by_key.values()
        if (other.row, other.cell, other.draw) == (result.row, result.cell, result.draw)
        and other.scores is not None
    ]
    return result, siblings


def reproduce(result: Result, out: Path, *, isolate: bool = True) -> Result:
    """Run a cell again.

    Args:
        result: The cell.
        out: Folder for the new result, checkpoints and features.
        isolate: Predict in a process whose home holds no test label; see ``runs/isolated.py``.

    Raises:
        ResultError: The cell broke this time, says why; or other weights are read from outside here.
        ConfigError: This ecgbench and this method make another configuration of it.
    """
    from ecgbench.runs.isolated import run_isolated

    with _home_of_its_own(out / "home"):
        session, question = session_of(result, out / "results")
        drafts = session.drafts([(question, result.draw)])
        if drafts[0][1].pretraining.sources not in (None, result.pretraining.sources):
            raise ResultError(
                f"{result.key} read other weights from outside than are here (pretraining.sources).",
                "Get the files or the commit that it names.",
            )
        (again,) = run_isolated(session, drafts) if isolate else session.run(drafts)
    if again.scores is None:
        raise ResultError(f"{result.key} did not run: {again.reason}.")
    return again


def verdicts(result: Result, siblings: list[Result], again: Result) -> list[Verdict]:
    """Hold a second run against the record, figure by figure."""
    assert result.scores is not None
    assert again.scores is not None
    found = []
    for metric, figure in result.scores.figures.items():
        other = again.scores.figures.get(metric)
        if figure.value is None or other is None or other.value is None:
            continue
        others = [s.scores for s in siblings if s.key != result.key and s.scores is not None]
        seeds = [scores.figures[metric].value for scores in others]
        known = [value for value in seeds if value is not None]
        spread = stdev(known) if len(known) > 1 else None
        found.append(Verdict(metric, figure.value, other.value, spread))
    return found


def sign(folder: Path, result: Result, again: Result, found: list[Verdict], by: str) -> Path:
    """Write into a cell's record who reproduced it, when and on what.

    Args:
        folder: Of results.
        result: The cell.
        again: Its second run.
        found: What :func:`verdicts` says of the two.
        by: The maintainer's name.

    Raises:
        ResultError: A figure did not agree.
    """
    apart = [verdict.metric for verdict in found if not verdict.agrees]
    if apart or not found:
        raise ResultError(f"{result.key} was not reproduced: {', '.join(apart) or 'no figure'}.")
    part = ReproductionPart(
        by=by,
        on=datetime.now(UTC).date().isoformat(),
        device=again.costs.device,
        commit=again.provenance.commit,
        figures={verdict.metric: verdict.again for verdict in found},
        spread={v.metric: round(v.spread, 10) for v in found if v.spread is not None},
    )
    signed = {**result.model_dump(), "verification": "verified", "reproduction": part}
    return write_result(folder, Result.model_validate(signed))


def session_of(
    result: Result,
    out: Path,
    open_again: Callable[[str], Dataset] | None = None,
    tested: Callable[[Question], Unlabelled] | None = None,
) -> tuple[Session, Question]:
    """The group and the question of a cell, by the code and the descriptions of today.

    Args:
        result: The cell.
        out: Folder for results.
        open_again: Gives data sets without test labels; None: opens them.
        tested: Gives the test records of a question; None: reads them.

    Raises:
        ConfigError: This ecgbench makes another configuration, task or protocol of the cell.
    """
    from ecgbench.config.effective import effective
    from ecgbench.config.settings import as_dict
    from ecgbench.data.opening import open_dataset
    from ecgbench.data.withheld import without_test_labels
    from ecgbench.evaluation.label_sources import prepared
    from ecgbench.plugins.catalogue import methods, protocols, tasks
    from ecgbench.runs.execute import Session, asked
    from ecgbench.runs.plan import Question
    from ecgbench.training.recipe import Recipe

    info = methods.get(result.method.name)
    config = effective(info, result.profile, result.overrides)
    differing = _differing(result.config, as_dict(config))
    if differing:
        raise ConfigError(
            f"{result.method.name} has another configuration here: {', '.join(differing[:5])}.",
            f"Use the version that made it: commit {result.provenance.commit or 'unknown'}.",
        )
    protocol = protocols.get(result.protocol.name)
    task = tasks.get(result.task.name).under(protocol.of(result.protocol.variant))
    for what, here, there in (
        ("task", task.fingerprint(), result.task.fingerprint),
        ("protocol", protocol.fingerprint(), result.protocol.fingerprint),
    ):
        if here != there:
            raise ConfigError(
                f"The {what} of {result.key} is another one here (fingerprint).",
                f"Use the version that made it: commit {result.provenance.commit or 'unknown'}.",
            )
    opened = open_again or functools.cache(lambda name: without_test_labels(open_dataset(name)))
    dataset = opened(task.trained_on.dataset)
    recipe = Recipe.of(info, config, dataset, result.seed, opened)
    session = Session(recipe, dataset, opened, tested or asked(prepared), out, result.overrides)
    return session, Question(task, protocol, result.protocol.variant)


def _differing(recorded: dict[str, Any], here: dict[str, Any], prefix: str = "") -> list[str]:
    """Keys that decide figures and differ; where it runs (``compute``) decides none."""
    found: list[str] = []
    for key in sorted(recorded.keys() | here.keys()):
        one, other = recorded.get(key), here.get(key)
        if not prefix and key == "compute":
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            found += _differing(one, other, f"{prefix}{key}.")
        elif one != other:
            found.append(f"{prefix}{key}")
    return found


@contextlib.contextmanager
def _home_of_its_own(folder: Path) -> Iterator[None]:
    """A cache that holds this machine's prepared data and nothing that was made from them."""
    shared, before = home(), os.environ.get("ECGBENCH_HOME")
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        (shared / name).mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            (folder / name).symlink_to((shared / name).resolve(), target_is_directory=True)
    os.environ["ECGBENCH_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["ECGBENCH_HOME"]
        else:
            os.environ["ECGBENCH_HOME"] = before
