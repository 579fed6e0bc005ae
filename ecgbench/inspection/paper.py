"""An ECG drawn on paper: 25 mm/s and 10 mm/mV, with a calibration pulse and the names of the leads."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import EcgbenchError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM = 1 / 25.4  # inches
SPEED = 25.0  # mm per second
GAIN = 10.0  # mm per mV
ROW = 30.0  # mm from one row to the next
LEFT = 14.0  # mm for the calibration pulse
COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
RHYTHM = "II"
SHOWN = 10.0  # seconds
ENDINGS = (".png", ".pdf", ".svg")

INK, FINE, COARSE, HEAT = "#1a1a1a", "#fbe4e4", "#f2bcbc", "#1f6fd6"


@dataclass(frozen=True)
class PaperECG:
    """What is drawn.

    Attributes:
        signals: ``[leads, samples]``; the first ten seconds are drawn.
        leads: Their names.
        rate: Hz.
        title: Above the paper.
        lines: Below the paper: labels, report, scores.
        millivolts: Whether the signals are in mV. Other signals are scaled to fit, and a note says so.
        shade: ``[leads, samples]`` from 0 to 1, how dark a sample's background is; None: no background.
    """

    signals: NDArray[np.floating]
    leads: tuple[str, ...]
    rate: float
    title: str
    lines: tuple[str, ...] = ()
    millivolts: bool = True
    shade: NDArray[np.floating] | None = None


def draw(ecg: PaperECG) -> Figure:
    """Draw an ECG in its true size: three rows of four leads for 2.5 s each, lead II below for 10 s.

    An ECG without the twelve standard leads gets one row a lead.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = _rows(ecg)
    width, paper = LEFT + SHOWN * SPEED + 4, ROW * len(rows)
    text = _wrapped(ecg)
    height = paper + 14 + 4.6 * len(text)
    figure = Figure(figsize=(width * MM, height * MM), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, (height - 12 - paper) / height, 1, paper / height))
    _paper(axes, width, paper)
    scale = GAIN if ecg.millivolts else _fitting(ecg)
    for place, row in enumerate(rows):
        _row(axes, ecg, row, paper - ROW * (place + 0.5), scale)
    figure.text(LEFT / width / 4, 1 - 7 / height, ecg.title, fontsize=11, weight="bold")
    figure.text(
        0.99, 1 - 7 / height, _scale_note(ecg.millivolts), fontsize=8, ha="right", color="#555555"
    )
    for place, line in enumerate(text):
        down = (height - 12 - paper - 4.6 * (place + 0.9)) / height
        figure.text(LEFT / width / 4, down, line, fontsize=9)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, PDF or SVG, by the ending of the file's name.

    Raises:
        EcgbenchError: The ending is another one.
    """
    if path.suffix.lower() not in ENDINGS:
        raise EcgbenchError(
            f"{path.name} ends in none of {', '.join(ENDINGS)}.", "Name a picture, e.g. ecg.png."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


Row = Sequence[tuple[str, float, float]]
"""Leads of a row, each with the seconds from and to which it is drawn."""


def _rows(ecg: PaperECG) -> list[Row]:
    if not all(lead in ecg.leads for column in COLUMNS for lead in column):
        return [[(lead, 0.0, SHOWN)] for lead in ecg.leads]
    quarter = SHOWN / len(COLUMNS)
    grid: list[Row] = [
        [
            (column[row], place * quarter, (place + 1) * quarter)
            for place, column in enumerate(COLUMNS)
        ]
        for row in range(3)
    ]
    return [*grid, [(RHYTHM, 0.0, SHOWN)]]


def _paper(axes: Axes, width: float, height: float) -> None:
    """Millimetre paper: a fine line every millimetre, a coarse one every five."""
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    for step, colour, line in ((1, FINE, 0.3), (5, COARSE, 0.6)):
        axes.vlines(np.arange(0, width, step), 0, height, colour, linewidth=line, zorder=0)
        axes.hlines(np.arange(0, height + 1, step), 0, width, colour, linewidth=line, zorder=0)


def _row(axes: Axes, ecg: PaperECG, row: Row, level: float, scale: float) -> None:
    if ecg.millivolts:  # a pulse of 1 mV for 0.2 s
        pulse = np.array([0, 0, 1, 1, 0, 0]) * GAIN + level
        axes.plot([4, 5.5, 5.5, 10.5, 10.5, 12], pulse, color=INK, linewidth=0.9)
    for lead, begin, end in row:
        where = ecg.leads.index(lead)
        part = slice(round(begin * ecg.rate), round(end * ecg.rate))
        values = np.asarray(ecg.signals[where, part], np.float64)
        left = LEFT + begin * SPEED
        time = left + np.arange(len(values)) / ecg.rate * SPEED
        if ecg.shade is not None and len(values):
            _shade(axes, ecg.shade[where, part], (left, time[-1]), level)
        baseline = np.median(values) if len(values) else 0.0
        axes.plot(time, (values - baseline) * scale + level, color=INK, linewidth=0.9)
        axes.text(left + 1, level + ROW * 0.33, lead, fontsize=9, weight="bold")


def _shade(axes: Axes, shade: NDArray[np.floating], across: tuple[float, float], at: float) -> None:
    from matplotlib.colors import to_rgba

    picture = np.empty((1, len(shade), 4))
    picture[:] = to_rgba(HEAT)
    picture[..., 3] = 0.55 * np.clip(shade, 0, 1)
    extent = (*across, at - ROW * 0.45, at + ROW * 0.45)
    axes.imshow(picture, extent=extent, aspect="auto", zorder=1, interpolation="nearest")


def _fitting(ecg: PaperECG) -> float:
    """Millimetres a unit, so that the largest deflection stays in its row."""
    centred = ecg.signals - np.median(ecg.signals, axis=1, keepdims=True)
    largest = float(np.abs(centred).max(initial=0.0))
    return 0.45 * ROW / largest if largest else 1.0


def _scale_note(millivolts: bool) -> str:
    return "25 mm/s, 10 mm/mV" if millivolts else "25 mm/s; amplitude not in mV, scaled to fit"


def _wrapped(ecg: PaperECG) -> list[str]:
    return [part for line in ecg.lines for part in textwrap.wrap(line, 140) or [""]]
