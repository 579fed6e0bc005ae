"""The cost of a matrix by method and stage, from its records.

Run as ``python tests/benchmarks/costs.py leaderboards/2026.1/results --dataset ptbxl-mini``; prints the
Markdown table of docs/costs.md. A pre-training serves all cells of a method and seed, so it is counted
once; seconds are of the wall clock of the process that ran the cell, on the device that the records name.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from ecgbench.results.schema import Result
from ecgbench.results.store import read_results


def by_stage(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Seconds of one seed by method and stage: ``pretrain``, and each protocol's own."""
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    encoding: dict[tuple[str, str], float] = defaultdict(float)
    for result in results:
        if result.status != "ok" or result.method.variant:  # methods as they come
            continue
        stages = result.costs.seconds
        own = seconds[result.method.title]
        own["pretrain"] = max(own["pretrain"], stages.get("pretrain", 0.0))
        own[result.protocol.name] += stages.get("evaluate", 0.0)
        # of the process so far: the largest is what it came to
        encoding[result.method.title, result.protocol.name] = max(
            encoding[result.method.title, result.protocol.name], stages.get("encode", 0.0)
        )
    for (method, _), spent in encoding.items():
        seconds[method]["encode"] = max(seconds[method]["encode"], spent)
    return seconds


def table(results: list[Result]) -> str:
    """Minutes by method and stage, with their sum."""
    seconds = by_stage(results)
    protocols = sorted({result.protocol.name for result in results})
    columns = ["pretrain", "encode", *protocols]
    lines = [
        [method, *(stages.get(name, 0.0) / 60 for name in columns), sum(stages.values()) / 60]
        for method, stages in sorted(seconds.items())
    ]
    total = ["all", *(sum(line[k] for line in lines) for k in range(1, len(columns) + 2))]
    return str(
        tabulate([*lines, total], ["method", *columns, "sum"], tablefmt="github", floatfmt=".1f")
    )


def main() -> None:
    """Print the table of one data set and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--dataset", default="ptbxl-mini")
    parser.add_argument("--task", default="", help="only this task")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chosen = [
        result
        for _, result in read_results(asked.results)
        if result.task.dataset == asked.dataset
        and result.seed == asked.seed
        and asked.task in ("", result.task.name)
    ]
    devices = sorted({result.costs.device for result in chosen if result.status == "ok"})
    print(f"Minutes, seed {asked.seed}, {asked.task or asked.dataset}, on {', '.join(devices)}\n")
    print(table(chosen))


if __name__ == "__main__":
    main()
