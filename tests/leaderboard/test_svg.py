"""Charts stay within their frames."""

from __future__ import annotations

import re

import pytest

from ecgbench.leaderboard.page.svg import (
    Point,
    Series,
    axis_for,
    critical_difference,
    interval_bar,
    lines,
    scatter,
)

CHARACTER = 6.5  # width of one at the page's font size, measured in a browser


def test_the_names_beside_a_critical_difference_are_not_cut() -> None:
    ranks = [(f"a_method_with_a_long_name@{i}", i + 1.0) for i in range(6)]
    svg = str(critical_difference(ranks, 1.9, "ranks"))
    width = float(re.findall(r'viewBox="0 0 ([\d.]+)', svg)[0])
    texts = re.findall(r"<text ([^>]*)>([^<]*)</text>", svg)
    names = [(attributes, text) for attributes, text in texts if text.startswith("a_method")]
    assert len(names) == 6
    for attributes, text in names:
        x = float(re.findall(r'\bx="([-\d.]+)"', attributes)[0])
        if "end" in attributes:
            assert x - CHARACTER * len(text) >= 0
        else:
            assert x + CHARACTER * len(text) <= width


def attributes_of(svg: object, tag: str, kind: str) -> list[dict[str, str]]:
    """The attributes of the elements of a class, in their order."""
    found = [
        dict(re.findall(r'([\w-]+)="([^"]*)"', one))
        for one in re.findall(f"<{tag} [^>]*>", str(svg))
    ]
    return [one for one in found if kind in one.get("class", "").split()]


def test_an_interval_bar_places_the_figure_between_its_limits() -> None:
    axis = axis_for([0.5, 0.9], 2, 118)
    svg = interval_bar(0.7, 0.6, 0.85, axis)
    (dot,) = attributes_of(svg, "circle", "dot")
    (bar,) = attributes_of(svg, "line", "interval")
    assert float(dot["cx"]) == pytest.approx(axis.at(0.7), abs=0.1)
    assert (float(bar["x1"]), float(bar["x2"])) == pytest.approx(
        (axis.at(0.6), axis.at(0.85)), abs=0.1
    )
    assert not attributes_of(interval_bar(0.7, float("nan"), 1.0, axis), "line", "interval")
    assert str(interval_bar(float("nan"), 0, 1, axis)) == ""


@pytest.mark.parametrize("chart", [lines, scatter])
def test_charts_have_a_point_and_a_whisker_for_each_figure_and_name_every_series(chart) -> None:  # type: ignore[no-untyped-def]
    series = [
        Series("mae", [Point(1, 0.6, 0.5, 0.7), Point(100, 0.9, 0.8, 0.95)]),
        Series("<clip>", [Point(10, 0.75)]),
    ]
    svg = chart(series, "a title", "labels", "AUROC")
    dots = re.findall(r'<circle[^>]*cx="([\d.]+)" cy="([\d.]+)"', str(svg))
    assert len(dots) >= 3
    assert len(attributes_of(svg, "line", "whisker")) == 2
    places = sorted((float(x), float(y)) for x, y in dots[:3])
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True), (
        "higher is better"
    )
    for whisker in attributes_of(svg, "line", "whisker"):
        assert whisker["x1"] == whisker["x2"]
        assert float(whisker["y1"]) > float(whisker["y2"])
    assert "mae" in str(svg)
    assert "&lt;clip&gt;" in str(svg)
    assert "a title" in str(svg)
    assert ("polyline" in str(svg)) == (chart is lines)


def test_an_axis_holds_its_values_and_round_ticks() -> None:
    axis = axis_for([0.612, 0.873], 0, 100)
    assert axis.at(axis.low) == 0
    assert axis.at(axis.high) == 100
    assert axis.ticks() == pytest.approx([0.6, 0.7, 0.8])
    logarithmic = axis_for([1, 100], 0, 100, log=True)
    assert logarithmic.at(10) == pytest.approx(50)
    assert logarithmic.ticks() == [1, 10, 100]
