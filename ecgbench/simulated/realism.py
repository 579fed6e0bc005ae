"""Measurements of the realism of the simulated corpus.

``python -m ecgbench.simulated.realism --real PTBXL_MINI --raw DIR DIR`` trains a model on
simulated records alone and scores it on real ones, and sets heart rate, QRS width and amplitudes
beside those of real records. It needs torch, and some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import DataError
from ecgbench.simulated.corpus import write_corpus
from ecgbench.simulated.measurements import measure_folder, names

#: Folds that the simulator may be developed on; fold 10 is only ever scored.
DEVELOPMENT_FOLDS = tuple(range(1, 10))


@dataclass(frozen=True)
class Transfer:
    """Performance on real records for a statement learnt from simulated records.

    Attributes:
        code: The statement.
        positives: Real records that carry it.
        development: AUROC over the real folds 1 to 9.
        test: AUROC over the real fold 10; NaN without a positive.
        everything: AUROC over all real records.
        simulated: AUROC over the simulated fold 10.
    """

    code: str
    positives: int
    development: float
    test: float
    everything: float
    simulated: float


def auroc(targets: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    """Area under the ROC curve by ranks, ties shared; NaN where a class is absent."""
    from scipy.stats import rankdata

    positive = targets > 0.5
    count = int(positive.sum())
    if count in (0, len(targets)):
        return float("nan")
    ranks = rankdata(scores)
    above = float(ranks[positive].sum()) - count * (count + 1) / 2
    return above / (count * (len(targets) - count))


def transfer(
    real: Path, simulated: Path, epochs: int = 10, seeds: Sequence[int] = (0,), threads: int = 2
) -> list[Transfer]:
    """Train on a simulated corpus alone, score on a real PTB-XL-shaped folder.

    Args:
        real: The records of ptbxl-mini, band-passed and z-scored.
        simulated: A folder of `write_corpus`; its folds 1 to 9 train.
        epochs: Passes over the simulated records.
        seeds: One committee each; their logits are added.
        threads: For torch.

    Returns:
        One row for each statement that both have with enough positives.

    Raises:
        DataError: If `real` is no PTB-XL-shaped folder.
    """
    import torch

    from ecgbench.simulated import classifier

    if not (real / "ptbxl_database.csv").is_file():
        raise DataError(f"{real} has no ptbxl_database.csv", "Give the folder of ptbxl-mini.")
    torch.set_num_threads(threads)
    there, here = classifier.read(real, filtered=True), classifier.read(simulated, filtered=False)
    codes = classifier.shared_statements(here, there)
    train = here.folds != 10
    targets, wanted = here.targets(codes), there.targets(codes)
    learnt, held = here.where(train), here.where(~train)
    of_real = np.zeros_like(wanted)
    of_simulated = np.zeros_like(targets[~train])
    for seed in seeds:
        scores = classifier.committee(learnt, targets[train], (there, held), epochs, seed)
        of_real += scores[0]
        of_simulated += scores[1]
    development = np.isin(there.folds, DEVELOPMENT_FOLDS)
    return [
        Transfer(
            code=code,
            positives=int(wanted[:, i].sum()),
            development=auroc(wanted[development, i], of_real[development, i]),
            test=auroc(wanted[~development, i], of_real[~development, i]),
            everything=auroc(wanted[:, i], of_real[:, i]),
            simulated=auroc(targets[~train, i], of_simulated[:, i]),
        )
        for i, code in enumerate(codes)
    ]


def transfer_table(rows: Sequence[Transfer]) -> str:
    """A Markdown table of the statements, best first, under their means."""
    lines = [
        "| statement | positives | real, all | real, folds 1-9 | real, fold 10 | simulated fold 10 |",
        "|---|---|---|---|---|---|",
    ]
    columns = ("everything", "development", "test", "simulated")
    means = [f"{np.nanmean([getattr(row, c) for row in rows]):.3f}" for c in columns]
    lines.append(f"| **macro over {len(rows)}** | | " + " | ".join(means) + " |")
    for row in sorted(rows, key=lambda row: -row.everything):
        values = [getattr(row, c) for c in columns]
        shown = ["-" if np.isnan(v) else f"{v:.3f}" for v in values]
        lines.append(f"| {row.code} | {row.positives} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def measures_table(folders: Sequence[Path], labels: Sequence[str]) -> str:
    """A Markdown table: median and quartiles of every measure in each folder of records."""
    measured = [measure_folder(folder) for folder in folders]
    heads = [f"{label} ({len(m)})" for label, m in zip(labels, measured, strict=True)]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for i, name in enumerate(names()):
        cells = []
        for rows in measured:
            low, middle, high = np.percentile(rows[:, i], [25, 50, 75])
            digits = 0 if middle > 20 else 2
            cells.append(f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both comparisons as Markdown."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--real", type=Path, help="folder of ptbxl-mini: scores the transfer")
    parser.add_argument(
        "--raw", type=Path, nargs="+", default=[], help="folders of records in mV: measures"
    )
    parser.add_argument("--records", type=int, default=2000, help="simulated records to train on")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated corpus")
    parser.add_argument("--models", type=int, default=1, help="committees whose logits are added")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        if args.raw:
            fast = Path(scratch) / "fast"
            write_corpus(fast, 400, args.seed, rate=500)
            labels = ["simulated", *(folder.name for folder in args.raw)]
            print(measures_table([fast, *args.raw], labels), flush=True)
        if args.real:
            slow = Path(scratch) / "slow"
            write_corpus(slow, args.records, args.seed)
            seeds = range(args.models)
            print(transfer_table(transfer(args.real, slow, args.epochs, seeds, args.threads)))


if __name__ == "__main__":
    main()
