"""The plots, each in a light and a dark theme."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ecgbench.inspection.curves import CEILINGS, NATS, Curve
from ecgbench.inspection.embeddings import Cloud
from ecgbench.inspection.reconstructions import Rebuilt, spans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = Literal["input", "reconstruction", "residual"]
MARKERS = "osD^vPX*"
GAP = 0.5  # seconds between the two columns of leads
DPI = 110


@dataclass(frozen=True)
class Theme:
    """Colours of a page; those of classes are Okabe and Ito's, made lighter on a dark ground."""

    paper: str
    ink: str
    quiet: str
    rule: str
    grid: str
    grid_large: str
    shade: str
    guess: str
    residual: str
    classes: tuple[str, ...]


LIGHT = Theme(
    paper="#fdfdfb",
    ink="#15191d",
    quiet="#555f69",
    rule="#d6dade",
    grid="#f8e3e0",
    grid_large="#eebfb9",
    shade="#dfe4e8",
    guess="#0068a8",
    residual="#b3420f",
    classes=(
        "#0072b2",
        "#d55e00",
        "#009e73",
        "#b0508b",
        "#8a6d00",
        "#3a9fd0",
        "#444b52",
        "#7a3b12",
    ),
)
DARK = Theme(
    paper="#14181b",
    ink="#eef2f5",
    quiet="#a5b0ba",
    rule="#38424b",
    grid="#2a2020",
    grid_large="#533633",
    shade="#29323a",
    guess="#7cc4ee",
    residual="#f4a079",
    classes=(
        "#56b4e9",
        "#f58a45",
        "#3fcf9f",
        "#e39cc9",
        "#e2c93f",
        "#9ab8ff",
        "#c9d1d8",
        "#d19a7a",
    ),
)


@dataclass(frozen=True)
class Picture:
    """A picture as PNG files.

    Attributes:
        name: Stem of its files.
        title: What it shows, in words: drawn above it, and read to whoever cannot see it.
        light: For a light page.
        dark: For a dark one.
    """

    name: str
    title: str
    light: bytes
    dark: bytes


def picture(name: str, title: str, draw: Callable[[Theme, str], Figure]) -> Picture:
    """Draw a figure in both themes."""
    return Picture(name, title, _png(draw(LIGHT, title), LIGHT), _png(draw(DARK, title), DARK))


def _png(figure: Figure, theme: Theme) -> bytes:
    """A small PNG: line art needs no more than a palette."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    FigureCanvasAgg(figure)
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, facecolor=theme.paper)
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(
            small, format="png", optimize=True
        )
    return small.getvalue()


def ecg_figure(theme: Theme, title: str, rebuilt: Rebuilt, panel: Panel, unit: str) -> Figure:
    """Twelve leads in two columns on an ECG grid, what was hidden shaded.

    Args:
        theme: Colours.
        title: Text above the plot.
        rebuilt: The record.
        panel: ``input`` draws what the method saw; ``reconstruction`` its guess where it did not see,
            over the truth; ``residual`` truth minus guess.
        unit: Unit of the input.
    """
    count, samples = rebuilt.target.shape
    seconds, rows = samples / rebuilt.rate, math.ceil(count / 2)
    step = _row_height(rebuilt)
    height = 1.0 + 0.95 * rows
    figure = _figure(13.0, height, theme, title)
    axes = figure.add_axes((0.035, 0.55 / height, 0.95, 1 - 0.95 / height))
    _paper(axes, theme, 2 * seconds + GAP, -(rows - 0.5) * step, 0.5 * step)
    for lead in range(count):
        column, row = divmod(lead, rows)
        left, level = column * (seconds + GAP), -row * step
        bars = [
            (left + start / rebuilt.rate, (stop - start) / rebuilt.rate)
            for start, stop in spans(rebuilt.hidden[lead])
        ]
        axes.broken_barh(bars, (level - 0.46 * step, 0.92 * step), color=theme.shade, zorder=0.2)
        time = left + np.arange(samples) / rebuilt.rate
        for values, colour, width in _traces(theme, rebuilt, lead, panel):
            axes.plot(time, values + level, color=colour, linewidth=width)
        name = rebuilt.leads[lead]
        axes.text(left + 0.06, level + 0.3 * step, name, fontsize=9, weight="bold", color=theme.ink)
    ticks = list(range(0, math.floor(seconds) + 1, 2))
    places = [column * (seconds + GAP) + tick for column in (0, 1) for tick in ticks]
    axes.set_xticks(places, [str(tick) for tick in ticks] * 2)
    axes.set_xlabel("time (s); a small square is 0.2 s wide and 1 unit high", color=theme.quiet)
    axes.set_ylabel(unit, color=theme.quiet)
    return figure


def _row_height(rebuilt: Rebuilt) -> float:
    """Room for a lead, in whole units: what nearly all samples of the record stay within."""
    reach = float(np.quantile(np.abs(rebuilt.target), 0.998))
    return float(np.clip(math.ceil(1.5 * reach), 2, 16))


def _traces(
    theme: Theme, rebuilt: Rebuilt, lead: int, panel: Panel
) -> list[tuple[NDArray[np.floating], str, float]]:
    """Values, colour and width of each line of a lead; NaN where a line is not drawn."""
    hidden = rebuilt.hidden[lead]
    seen = np.where(hidden, np.nan, rebuilt.target[lead])
    if panel == "input":
        return [(seen, theme.ink, 0.9)]
    if panel == "reconstruction":
        truth = np.where(hidden, rebuilt.target[lead], np.nan)
        guess = np.where(hidden, rebuilt.output[lead], np.nan)
        return [(seen, theme.ink, 0.9), (truth, theme.quiet, 0.7), (guess, theme.guess, 1.2)]
    return [(np.where(hidden, rebuilt.residual[lead], np.nan), theme.residual, 0.9)]


def _paper(axes: Axes, theme: Theme, width: float, low: float, high: float) -> None:
    from matplotlib.ticker import MultipleLocator, NullFormatter

    axes.set_xlim(0, width)
    axes.set_ylim(low, high)
    for axis, fine, coarse in ((axes.xaxis, 0.2, 1.0), (axes.yaxis, 1.0, 5.0)):
        axis.set_minor_locator(MultipleLocator(fine))
        axis.set_minor_formatter(NullFormatter())
        if axis is axes.yaxis:
            axis.set_major_locator(MultipleLocator(coarse))
            axis.set_major_formatter(NullFormatter())
    axes.grid(which="minor", color=theme.grid, linewidth=0.5)
    axes.grid(which="major", axis="y", color=theme.grid_large, linewidth=0.7)
    for second in range(math.ceil(width) + 1):
        axes.axvline(second, color=theme.grid_large, linewidth=0.7, zorder=0.5)
    _plain(axes, theme)
    axes.tick_params(which="both", length=0)


def class_look(number: int, theme: Theme) -> tuple[str, str]:
    """Mark and colour of a class; each round of colours shifts the marks, so that no pair comes twice."""
    turn, colour = divmod(number, len(theme.classes))
    return MARKERS[(number + turn) % len(MARKERS)], theme.classes[colour]


def cloud_figure(theme: Theme, title: str, cloud: Cloud) -> Figure:
    """Each projection of a space side by side, one colour and one mark a class."""
    count = len(cloud.projections)
    figure = _figure(1.6 + 4.1 * count, 4.8, theme, title)
    names = sorted(set(cloud.classes), key=lambda name: (-cloud.classes.count(name), name))
    for place, projection in enumerate(cloud.projections):
        axes = figure.add_subplot(1, count, place + 1)
        for number, name in enumerate(names):
            rows = [i for i, other in enumerate(cloud.classes) if other == name]
            marker, colour = class_look(number, theme)
            axes.scatter(
                projection.points[rows, 0],
                projection.points[rows, 1],
                s=26,
                marker=marker,
                color=colour,
                edgecolors=theme.paper,
                linewidths=0.4,
                label=f"{name} ({len(rows)})",
            )
        axes.set_title(projection.name, loc="left", fontsize=11, color=theme.ink)
        axes.set_xlabel(projection.axes[0], color=theme.quiet)
        axes.set_ylabel(projection.axes[1], color=theme.quiet)
        axes.set_box_aspect(1)
        _plain(axes, theme)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    right = 1 - 1.5 / (1.6 + 4.1 * count)
    figure.subplots_adjust(left=0.07, right=right, bottom=0.12, top=0.87, wspace=0.25)
    figure.legend(
        handles, labels, loc="center right", frameon=False, labelcolor=theme.ink, fontsize=10
    )
    return figure


def curves_figure(
    theme: Theme,
    title: str,
    log: Mapping[str, Mapping[str, Curve]],
    rate: Curve | None,
    ceiling: float | None = None,
) -> Figure:
    """Every logged term in its own axes, training and validation, and the learning rate.

    Args:
        theme: Colours.
        title: Text above the plot.
        log: From :func:`ecgbench.inspection.curves.read_log`.
        rate: The learning rate; None leaves it out. There is this or a term.
        ceiling: What InfoNCE's bound cannot pass on a training batch.
    """
    terms = sorted(log, key=lambda term: (term != "loss", term))
    count = len(terms) + (rate is not None)
    columns = min(3, count)
    rows = math.ceil(count / columns)
    figure = _figure(max(4.3 * columns, 6.5), 0.35 + 2.9 * rows, theme, title)
    styles = {"train": (theme.classes[0], "o", "-"), "val": (theme.classes[1], "s", "--")}
    for place, term in enumerate(terms):
        axes = figure.add_subplot(rows, columns, place + 1)
        for split, curve in sorted(log[term].items()):
            colour, mark, line = styles[split]
            axes.plot(
                curve.steps,
                curve.values,
                color=colour,
                linestyle=line,
                marker=mark,
                markersize=3.5,
                linewidth=1.4,
                label={"train": "training (one batch)", "val": "validation (mean)"}[split],
            )
        nats = term.startswith(NATS)
        if ceiling is not None and term in CEILINGS:
            axes.axhline(ceiling, color=theme.quiet, linewidth=1.0, linestyle=":")
            axes.annotate(
                f"log N = {ceiling:.2f}",
                (0.02, ceiling),
                xycoords=("axes fraction", "data"),
                xytext=(0, -11),
                textcoords="offset points",
                fontsize=8,
                color=theme.quiet,
            )
        _labels(axes, theme, term, "step", "nats" if nats else "loss")
        if place == 0:
            axes.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink)
    if rate is not None:
        axes = figure.add_subplot(rows, columns, count)
        axes.plot(rate.steps, rate.values, color=theme.classes[2], linewidth=1.4)
        _labels(axes, theme, "learning rate (by the schedule)", "step", "rate")
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.3 / (0.35 + 2.9 * rows)))
    return figure


def _labels(axes: Axes, theme: Theme, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=10, color=theme.ink)
    axes.set_xlabel(x, color=theme.quiet)
    axes.set_ylabel(y, color=theme.quiet)
    axes.grid(color=theme.rule, linewidth=0.6)
    axes.set_axisbelow(True)
    _plain(axes, theme)


def _plain(axes: Axes, theme: Theme) -> None:
    """Remove unnecessary lines from the axes."""
    axes.set_facecolor(theme.paper)
    axes.tick_params(which="both", colors=theme.quiet, labelsize=8.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.rule)


def _figure(width: float, height: float, theme: Theme, title: str) -> Figure:
    """An empty figure, in inches, under its title: a PNG file has to speak for itself."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    figure.text(0.1 / width, 1 - 0.1 / height, title, color=theme.ink, fontsize=10, va="top")
    return figure
