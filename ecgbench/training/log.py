"""The log of a pre-training: one CSV file that continues after interruptions."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only


class CsvLog(Logger):  # type: ignore[misc]
    """Rows of ``step, name, value``; in this long form a new name needs no new column.

    Lightning's own CSV logger rewrites the file for each new column and restarts it on resuming.
    """

    def __init__(self, path: Path, done: int = 0) -> None:
        super().__init__()
        self._path = path
        self._done = done  # steps of the earlier stages

    @property
    def name(self) -> str:
        """Required by Lightning."""
        return "csv"

    @property
    def version(self) -> str:
        """Required by Lightning."""
        return ""

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing, because the manifest contains the hyperparameters."""

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append the figures of one step."""
        new = not self._path.exists()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "name", "value"])
            for name, value in sorted(metrics.items()):
                if name != "epoch":
                    writer.writerow([self._done + (step or 0), name, f"{float(value):.6g}"])
