"""Measuring everything into one JSON, and the page of docs that is made from such files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from ecgbench._version import __version__
from ecgbench.base.errors import EcgbenchError
from ecgbench.performance.machine import describe, limits
from ecgbench.performance.measures import LIMIT, MEASURES, OURS, USUAL, Measure
from ecgbench.performance.timing import interleaved, ratio

BEGIN, END = "<!-- begin measured -->", "<!-- end measured -->"


def measure(
    chosen: Iterable[Measure], rounds: int, on_start: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """Time the ways of each measure in turn.

    Args:
        chosen: What to measure.
        rounds: Counted rounds.
        on_start: Called with the name of each measure before it begins.

    Returns:
        JSON-like: the machine, its limits, and for each measure the seconds of every round, the median
        ratios and the difference of the answers.

    Raises:
        EcgbenchError: Two ways disagree by more than their tolerance.
    """
    found: dict[str, Any] = {}
    for one in chosen:
        on_start(one.name)
        with one.ready() as prepared:
            if not prepared.difference <= one.tolerance:
                raise EcgbenchError(
                    f"{one.name}: the answers differ by {prepared.difference:g}, "
                    f"more than {one.tolerance:g}.",
                    "A faster way to another answer is no gain: find the difference first.",
                )
            seconds = interleaved(prepared.ways, rounds)
        found[one.name] = {
            "seconds": {
                name: [float(f"{s:.4g}") for s in spent] for name, spent in seconds.items()
            },
            "times_as_fast": round(ratio(seconds[USUAL], seconds[OURS]), 2),
            "share_of_limit": round(ratio(seconds[LIMIT], seconds[OURS]), 3)
            if LIMIT in seconds
            else None,
            "difference": prepared.difference,
        }
    return {
        "ecgbench": __version__,
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": describe(),
        "limits": limits(),
        "rounds": rounds,
        "measures": found,
    }


def table(measured: Mapping[str, Any]) -> str:
    """A Markdown table of one measured file; a missing measure is named as not measured."""
    from tabulate import tabulate

    rows = []
    for one in MEASURES:
        item = measured["measures"].get(one.name)
        if item is None:
            rows.append([f"`{one.name}`", one.work, one.usual, "not measured yet", "", "", ""])
            continue
        fast = item["times_as_fast"]
        bar = "" if one.bar is None else f">= {one.bar:g}: {'met' if fast >= one.bar else 'missed'}"
        share = item["share_of_limit"]
        seconds = item["seconds"][OURS]
        rows.append(
            [
                f"`{one.name}`",
                one.work,
                one.usual,
                _seconds(median(seconds)),
                f"{fast:.3g} times as fast",
                "" if share is None else f"{share:.0%} of {one.limit}",
                bar,
            ]
        )
    headers = ["measure", "work", "usual way", "ecgbench", "ratio", "limit", "bar"]
    return str(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


def write_page(page: Path, files: Iterable[Path]) -> None:
    """Replace the measured part of a page by the tables of measured files.

    Raises:
        EcgbenchError: The page has no place for them.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise EcgbenchError(f"{page} lacks the lines {BEGIN} and {END}.", "Add both lines.")
    parts = [_section(json.loads(file.read_text(encoding="utf-8"))) for file in sorted(files)]
    body = "\n\n".join(parts) if parts else "Not measured yet."
    page.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")


def _section(measured: Mapping[str, Any]) -> str:
    machine, bounds = measured["machine"], measured["limits"]
    place = machine["gpu"] or machine["processor"]
    facts = (
        f"{machine['cores']} cores, {machine['threads']} threads, {machine['memory_gib']:g} GiB, "
        f"Python {machine['python']}, torch {machine['torch']}; {measured['measured']}, medians of "
        f"{measured['rounds']} interleaved rounds. Limits: matrix product "
        f"{bounds['matmul_f32_gflops']:g} GFLOP/s in float32 and {bounds['matmul_bf16_gflops']:g} in "
        f"bfloat16, memory copy {bounds['copy_gb_s']:g} GB/s, file read {bounds['disk_gb_s']:g} GB/s."
    )
    return f"## {place}\n\n{facts}\n\n{table(measured)}"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
