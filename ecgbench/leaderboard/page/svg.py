"""Charts as SVG: fixed digits, colours by class (the page's style sheet knows light and dark).

Each chart stands beside a table with the same figures, which is what a screen reader reads; the chart
itself has a title.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ecgbench.base.inert import plain

COLOURS = 8


@dataclass(frozen=True)
class Point:
    """A point of a chart, with its interval where there is one."""

    x: float
    y: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Series:
    """Points of one name."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Axis:
    """From where to where an axis goes, in data and in the picture; ``log`` for a logarithmic one."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands in the picture."""
        low, high, here = (
            (math.log(max(v, 1e-9)) if self.log else v) for v in (self.low, self.high, value)
        )
        share = (here - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def _holds(self, value: float) -> bool:
        return self.low <= value * 1.0001 and value <= self.high * 1.0001

    def ticks(self) -> list[float]:
        """Round values along the axis."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            tens = [10.0**p for p in powers if self._holds(10.0**p)]
            if len(tens) > 1:
                return tens
            return [m * 10.0**p for p in powers for m in (1, 2, 5) if self._holds(m * 10.0**p)]
        step = _round_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def axis_for(values: Sequence[float], start: float, end: float, log: bool = False) -> Axis:
    """An axis that holds some values, with a little room."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [
        0.1,
        1,
    ]
    low, high = min(known), max(known)
    if log:
        return Axis(low / 1.3, high * 1.3, start, end, True)
    room = 0.06 * (high - low) or 0.05
    return Axis(low - room, high + room, start, end)


def interval_bar(value: float, low: float, high: float, axis: Axis) -> Markup:
    """A figure with its interval on an axis that a table's rows share."""
    if not math.isfinite(value):
        return Markup()
    parts = [_line(axis.start, 8, axis.end, 8, "rule")]
    if math.isfinite(low):
        parts.append(_line(axis.at(low), 8, axis.at(high), 8, "interval"))
    parts.append(Markup('<circle class="dot" cx="{}" cy="8" r="3.5"/>').format(_n(axis.at(value))))
    return Markup(
        '<svg class="bar" viewBox="0 0 120 16" width="120" height="16" aria-hidden="true">{}</svg>'
    ).format(Markup().join(parts))


def lines(series: Sequence[Series], title: str, x_label: str, y_label: str) -> Markup:
    """Curves with their intervals over a logarithmic axis."""
    width, height = 640, 300
    points = [point for one in series for point in one.points]
    x = axis_for([p.x for p in points], 60, 440, log=True)
    y = axis_for([v for p in points for v in (p.y, p.low, p.high)], height - 40, 16)
    parts = [_axes(x, y, x_label, y_label, percent=True)]
    for number, one in enumerate(series):
        colour = f"c{number % COLOURS}"
        shift = (number - (len(series) - 1) / 2) * 3  # so that intervals do not cover each other
        places = [(x.at(p.x) + shift, p) for p in sorted(one.points, key=lambda p: p.x)]
        for place, p in places:
            if math.isfinite(p.low):
                parts.append(_line(place, y.at(p.low), place, y.at(p.high), f"whisker {colour}"))
            parts.append(_dot(place, y.at(p.y), colour))
        path = " ".join(f"{_n(place)},{_n(y.at(p.y))}" for place, p in places)
        dash = f"d{number // COLOURS}"
        parts.append(
            Markup('<polyline class="curve {} {}" points="{}"/>').format(colour, dash, path)
        )
    parts.append(_legend([one.name for one in series], 456, 24))
    return _svg(parts, width, max(height, 40 + 18 * len(series)), title)


def scatter(series: Sequence[Series], title: str, x_label: str, y_label: str) -> Markup:
    """One point a name, over a logarithmic axis."""
    width, height = 640, 300
    points = [point for one in series for point in one.points]
    x = axis_for([p.x for p in points], 60, 440, log=True)
    y = axis_for([v for p in points for v in (p.y, p.low, p.high)], height - 40, 16)
    parts = [_axes(x, y, x_label, y_label)]
    for number, one in enumerate(series):
        colour = f"c{number % COLOURS}"
        for p in one.points:
            if math.isfinite(p.low):
                parts.append(
                    _line(x.at(p.x), y.at(p.low), x.at(p.x), y.at(p.high), f"whisker {colour}")
                )
            parts.append(_dot(x.at(p.x), y.at(p.y), colour))
    parts.append(_legend([one.name for one in series], 456, 24))
    return _svg(parts, width, max(height, 40 + 18 * len(series)), title)


def critical_difference(
    ranks: Sequence[tuple[str, float]], difference: float, title: str
) -> Markup:
    """Mean ranks on a line; a bar joins what lies within the critical difference (Demsar 2006)."""
    ordered = sorted(ranks, key=lambda item: item[1])
    count = len(ordered)
    # A name and its rank take up to 31 characters of some 6.5 units, on either side.
    axis = Axis(1, max(count, 2), 230, 490)
    bars = _cliques([rank for _, rank in ordered], difference)
    line = 44  # where the axis is
    top = line + 16 + 9 * len(bars)
    parts = [_line(axis.start, line, axis.end, line, "axis")]
    for tick in range(1, count + 1):
        parts.append(_line(axis.at(tick), line - 4, axis.at(tick), line, "axis"))
        parts.append(_text(axis.at(tick), line - 10, str(tick), "middle"))
    for level, (first, last) in enumerate(bars):
        y = line + 8 + 9 * level
        ends = axis.at(ordered[first][1]) - 4, axis.at(ordered[last][1]) + 4
        parts.append(_line(ends[0], y, ends[1], y, "clique"))
    half = (count + 1) // 2
    for place, (name, rank) in enumerate(ordered):
        left = place < half
        y = top + 18 * (place if left else count - 1 - place)
        x, gap, anchor = (220, -4, "end") if left else (500, 4, "start")
        parts.append(_line(axis.at(rank), line, axis.at(rank), y, "lead"))
        parts.append(_line(axis.at(rank), y, x, y, "lead"))
        parts.append(_text(x + gap, y + 4, f"{plain(name)[:26]} {rank:.2f}", anchor))
    if math.isfinite(difference):
        end = axis.at(1 + difference)
        parts.append(_line(axis.start, 10, end, 10, "clique"))
        parts.append(_text(end + 6, 14, f"CD {difference:.2f}", "start"))
    return _svg(parts, 720, top + 18 * half + 8, title)


def _cliques(ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Longest runs of sorted ranks within the difference, of two or more."""
    if not math.isfinite(difference):
        return []
    runs: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(i for i, other in enumerate(ranks) if other - rank <= difference)
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def _axes(x: Axis, y: Axis, x_label: str, y_label: str, percent: bool = False) -> Markup:
    parts = [
        _line(x.start, y.start, x.end, y.start, "axis"),
        _line(x.start, y.start, x.start, y.end, "axis"),
    ]
    for tick in x.ticks():
        label = f"{tick:g} %" if percent else f"{tick:g}"
        parts += [
            _line(x.at(tick), y.start, x.at(tick), y.start + 4, "axis"),
            _text(x.at(tick), y.start + 17, label, "middle"),
        ]
    for tick in y.ticks():
        parts += [
            _line(x.start, y.at(tick), x.end, y.at(tick), "grid"),
            _text(x.start - 6, y.at(tick) + 4, f"{tick:.2f}", "end"),
        ]
    parts.append(_text((x.start + x.end) / 2, y.start + 34, x_label, "middle"))
    parts.append(_text(x.start - 48, y.end - 4, y_label, "start"))
    return Markup().join(parts)


def _legend(names: Sequence[str], x: float, y: float) -> Markup:
    parts = []
    for number, name in enumerate(names):
        here = y + 18 * number
        parts += [
            _dot(x, here - 4, f"c{number % COLOURS}"),
            _text(x + 10, here, plain(name)[:28], "start"),
        ]
    return Markup().join(parts)


def _svg(parts: Sequence[Markup], width: float, height: float, title: str) -> Markup:
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {} {}"><title>{}</title>{}</svg>'
    ).format(_n(width), _n(height), plain(title), Markup().join(parts))


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, _n(x1), _n(y1), _n(x2), _n(y2)
    )


def _dot(x: float, y: float, colour: str) -> Markup:
    return Markup('<circle class="point {}" cx="{}" cy="{}" r="3.5"/>').format(colour, _n(x), _n(y))


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _n(x), _n(y), anchor, escape(text)
    )


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next((m * power for m in (1, 2, 5) if m * power >= step), 10 * power)
