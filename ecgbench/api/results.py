"""Results in Python: one table of all cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgbench.base.errors import ResultError
from ecgbench.results.schema import Result
from ecgbench.results.store import read_results

if TYPE_CHECKING:
    import pandas as pd


class Results:
    """The results of some cells.

    Args:
        cells: One result a cell.
    """

    def __init__(self, cells: Sequence[Result]) -> None:
        self._cells = tuple(cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._cells)

    def __repr__(self) -> str:
        done = sum(cell.status == "ok" for cell in self._cells)
        return f"<{len(self)} cells, {done} with figures>"

    def to_frame(self) -> pd.DataFrame:
        """One row a cell: what was compared, how it ended, and its figures.

        Returns:
            Columns method, title, variant, corpus, simulated, task, dataset, label_set, protocol,
            protocol_variant, seed, draw, profile, status, reason; then for each metric its value and
            the limits of its 95 % interval over patients (``auroc``, ``auroc_low``, ``auroc_high``).
        """
        import pandas as pd

        return pd.DataFrame([_row(cell) for cell in self._cells])


def _row(cell: Result) -> dict[str, Any]:
    row: dict[str, Any] = {
        "method": cell.method.name,
        "title": cell.method.title,
        "variant": cell.method.variant,
        "corpus": "+".join(cell.pretraining.datasets),
        "simulated": cell.task.simulated,
        "task": cell.task.name,
        "dataset": cell.task.dataset,
        "label_set": cell.task.label_set,
        "protocol": cell.protocol.name,
        "protocol_variant": cell.protocol.variant,
        "seed": cell.seed,
        "draw": cell.draw,
        "profile": cell.profile,
        "status": cell.status,
        "reason": cell.reason,
    }
    for name, figure in (cell.scores.figures if cell.scores else {}).items():
        row |= {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
    return row


def load_results(folder: str | Path) -> Results:
    """Load every result below a folder.

    Args:
        folder: The ``--out`` of a run, or ``leaderboards/VERSION/results``.

    Raises:
        ResultError: There is no result, or one cannot be read; names its file.

    Example:
        >>> import ecgbench
        >>> ecgbench.load_results("runs/demo").to_frame()  # doctest: +SKIP
    """
    root = Path(folder)
    cells = [result for _, result in read_results(root)]
    if not cells:
        raise ResultError(f"No results in {root}.", "Name the folder that a run wrote: its --out.")
    return Results(cells)
