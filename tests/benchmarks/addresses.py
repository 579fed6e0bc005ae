"""How long the addresses of a plan of 10,000 cells take: `python tests/benchmarks/addresses.py`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
PROTOCOLS = (
    "linear-probe",
    "fine-tune",
    "corruption",
    "lead-loss",
    "population",
    "shuffled-labels",
)
CELLS = 10_000


def main() -> None:
    """Print the seconds of a plan without any result on disk, and of its addresses of code alone."""
    home = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    os.environ["ECGBENCH_HOME"] = home
    for name in ("tasks", "datasets"):
        os.environ[f"ECGBENCH_{name.upper()}_PATH"] = str(TESTS / "toy_plugins" / name)
    from ecgbench.base import code
    from ecgbench.data.opening import open_dataset
    from ecgbench.runs.plan import chosen_methods, questions
    from ecgbench.runs.predict import predictions_code
    from ecgbench.runs.run import Request, make_plan

    open_dataset("sim-tiny")
    methods = chosen_methods(["all"])
    asked = questions([f"sim-tiny-super/{protocol}" for protocol in PROTOCOLS])
    one = make_plan(Request(methods, asked, 1, "demo", Path(home) / "none")).cells
    seeds = -(-CELLS // one)
    code.forget()
    code._read.cache_clear()
    started = time.perf_counter()
    for info in methods:
        for question in asked:
            predictions_code(info, question.protocol)
    print(f"code of {len(methods)} x {len(asked)}: {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    plan = make_plan(Request(methods, asked, seeds, "demo", Path(home) / "none"))
    print(f"plan of {plan.cells} cells: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
