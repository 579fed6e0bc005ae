"""The same table with validation figures, which may be used to choose settings."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ecgbench.ablations.table import Found, lines_of, setting
from ecgbench.base.errors import NotApplicableError, ResultError
from ecgbench.base.inert import for_markdown
from ecgbench.leaderboard.cells import number
from ecgbench.plugins.importing import load_object
from ecgbench.results.schema import Result
from ecgbench.runs.plan import Question


def key_of(question: Question) -> str:
    """Key of the macro-AUROC on validation in a question's results.

    Raises:
        NotApplicableError: They have none.
    """
    spec = question.protocol
    key: str | None = load_object(spec.entry, spec.folder).validated
    if key is None:
        raise NotApplicableError(
            f"{spec.name} records no validation figure: nothing to choose by.",
            f"Ask what does, e.g. --tasks {question.task.name}/linear-probe.",
        )
    return key


def validation_table(found: Found, asked: Sequence[Question]) -> str:
    """One row per variant and one column per question: macro-AUROC on validation, without interval.

    Args:
        found: The results of each variant.
        asked: The questions, all of protocols that record it.

    Raises:
        ResultError: There is no result.
    """
    results = [result for of_one in found.values() for result in of_one]
    if not results:
        raise ResultError("There are no results to make a table of.")
    head = [f"{question.name}: macro-AUROC on validation" for question in asked]
    cells = {
        variant: [_cell(of_one, question) for question in asked]
        for variant, of_one in found.items()
    }
    counts = sorted({r.data.n_val for r in results if r.status == "ok" and r.data})
    records = f"{' or '.join(map(str, counts)) or 'no'} validation records"
    legend = (
        "Choose by this, never choose by test. The probe or the epoch was chosen on the same records, so "
        "that every figure flatters; there is no interval, and a small difference is no finding. "
        "±: standard deviation over seeds."
    )
    head = [for_markdown(one) for one in head]
    return "\n".join([*setting(results, records), "", *lines_of(head, cells), "", legend, ""])


def _cell(results: Sequence[Result], question: Question) -> str:
    runs = [result for result in results if result.cell == question.name]
    key = key_of(question)
    by_seed: dict[int, list[float]] = {}
    for run in runs:
        if run.choices.get(key) is not None:
            by_seed.setdefault(run.seed, []).append(float(run.choices[key]))
    if not by_seed:
        return runs[0].status if runs and runs[0].status != "ok" else "missing"
    means = [statistics.fmean(values) for values in by_seed.values()]
    text = number(statistics.fmean(means), 3)
    if len(means) > 1:
        text += f" ± {number(statistics.stdev(means), 3)}"
    lacking = sum(run.choices.get(key) is None for run in runs)
    return f"{text}, {lacking} of {len(runs)} runs without" if lacking else text
