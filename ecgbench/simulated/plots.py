"""Twelve-lead plots of the statements on ECG paper.

``python -m ecgbench.simulated.plots DIR`` draws one for each statement.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import UnknownNameError, did_you_mean
from ecgbench.simulated.cohort import stream
from ecgbench.simulated.geometry import FILE_LEADS, average_anatomy
from ecgbench.simulated.heart import draw_heart
from ecgbench.simulated.morphology import apply
from ecgbench.simulated.noise import Noise
from ecgbench.simulated.statements import STATEMENTS
from ecgbench.simulated.synthesis import record

#: The grid of a printed ECG: three rows of four leads, 2.5 s each.
_GRID = (("I", "AVR", "V1", "V4"), ("II", "AVL", "V2", "V5"), ("III", "AVF", "V3", "V6"))

#: Statements that are only visible with another one.
_WITH: Mapping[str, Mapping[str, float]] = {
    "BIGU": {"PVC": 0.7, "SR": 0.5},
    "TRIGU": {"PVC": 0.7, "SR": 0.5},
    "ABQRS": {"ASMI": 0.8, "SR": 0.5},
    "QWAVE": {"IMI": 0.9, "SR": 0.5},
}


def example(
    code: str, severity: float = 0.7, seed: int = 9, seconds: float = 10.0, rate: int = 500
) -> NDArray[np.float64]:
    """Simulate one plain example of a statement.

    Args:
        code: The statement.
        severity: From subtle, 0, to marked, 1.
        seed: Random seed of the patient and the record.
        seconds: Length.
        rate: Samples per second: a divisor of 500.

    Returns:
        Leads [12, samples] in mV.

    Raises:
        UnknownNameError: If the simulator does not make the statement.
    """
    if code not in STATEMENTS:
        raise UnknownNameError(
            f"the simulator makes no statement {code!r}", did_you_mean(code, STATEMENTS)
        )
    findings = {code: severity, **_WITH.get(code, {})}
    if not any(STATEMENTS[each].rhythm for each in findings):
        findings["SR"] = 0.5
    healthy = draw_heart(stream(seed, 1), 50.0, female=False)
    heart = apply(healthy, findings, partial(stream, seed, 2))
    noise = Noise(wander=0.010, muscle=0.006, mains=0.0)
    return record(heart, average_anatomy(), findings, noise, stream(seed, 3), seconds, rate)[0]


def plot_record(signal: NDArray[np.float64], title: str, path: Path, rate: int = 500) -> None:
    """Draw leads [12, samples] in mV at 25 mm/s and 10 mm/mV, with lead II below as rhythm strip.

    Args:
        signal: Ten seconds of the twelve leads in `FILE_LEADS` order.
        title: Text above the plot.
        path: The PNG to write.
        rate: Samples per second.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    height = 4 * 2.4
    figure = Figure(figsize=(8.0, 6.4), dpi=80)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.005, 0.01, 0.99, 0.94))
    axes.set_xlim(0, 10)
    axes.set_ylim(-height + 1.2, 1.2)
    for axis, fine, coarse in ((axes.xaxis, 0.04, 0.2), (axes.yaxis, 0.1, 0.5)):
        axis.set_minor_locator(MultipleLocator(fine))
        axis.set_major_locator(MultipleLocator(coarse))
    axes.grid(which="minor", color="#f9e3e3", linewidth=0.3)
    axes.grid(which="major", color="#f0bcbc", linewidth=0.6)
    axes.tick_params(which="both", length=0, labelbottom=False, labelleft=False)
    for row, leads in enumerate((*_GRID, ("II",))):
        _draw_row(axes, signal, leads, -2.4 * row, rate)
    axes.set_title(title, fontsize=10, loc="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, pil_kwargs={"optimize": True})
    _shrink(path)


def _draw_row(
    axes: object, signal: NDArray[np.float64], leads: Sequence[str], level: float, rate: int
) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    width = 10.0 / len(leads)
    for column, lead in enumerate(leads):
        part = slice(round(column * width * rate), round((column + 1) * width * rate))
        values = signal[FILE_LEADS.index(lead), part]
        time = column * width + np.arange(len(values)) / rate
        axes.plot(time, values - np.median(values) + level, color="#111111", linewidth=0.8)
        name = lead.replace("AV", "aV")
        axes.text(column * width + 0.06, level + 0.85, name, fontsize=9, weight="bold")


def _shrink(path: Path) -> None:
    """Keep the file small: a plot with three colours needs only a small palette."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").quantize(24)
    small.save(path, optimize=True)


def plot_statement(code: str, path: Path, severity: float = 0.7, seed: int = 9) -> None:
    """Draw one simulated example of a statement as a PNG.

    Args:
        code: The statement.
        path: The PNG to write.
        severity: From subtle, 0, to marked, 1.
        seed: Random seed of the patient and the record.
    """
    title = f"{code}: {STATEMENTS[code].description} (simulated)" if code in STATEMENTS else code
    plot_record(example(code, severity, seed), title, path)


def file_name(code: str) -> str:
    """A statement's file name: PTB-XL's codes hold slashes and parentheses."""
    return code.replace("/", "-").strip("_") + ".png"


def main() -> None:
    """Draw every statement into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("codes", nargs="*", default=list(STATEMENTS))
    parser.add_argument("--severity", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=9)
    args = parser.parse_args()
    for code in args.codes:
        plot_statement(code, args.folder / file_name(code), args.severity, args.seed)


if __name__ == "__main__":
    main()
