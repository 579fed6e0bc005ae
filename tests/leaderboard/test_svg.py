"""Charts stay within their frames."""

from __future__ import annotations

import re

from ecgbench.leaderboard.page.svg import critical_difference

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
