"""How long 10,000 results take to build, and 200 to verify: `python tests/benchmarks/boards.py`.

Made-up predictions of 2,158 records x 23 classes, as PTB-XL's subclasses have them; 25 methods x 4 tasks x
20 variants x 5 seeds. 200 cells have predictions of their own. The figures stand in docs/leaderboard.md.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from leaderboard.made_up import predictions, record, split

from ecgbench.evaluation.ground_truth import Truth
from ecgbench.evaluation.scoring import score
from ecgbench.leaderboard.build import build
from ecgbench.leaderboard.page.render import write_page
from ecgbench.leaderboard.verify import verify
from ecgbench.results.predictions import write_predictions
from ecgbench.results.replicates import pack, unpack
from ecgbench.results.schema import Result
from ecgbench.results.store import path_of, write_result

METHODS, TASKS, VARIANTS, SEEDS = 25, 4, 20, 5
SAMPLE = 200


def cells() -> list[dict[str, object]]:
    return [
        {
            "method.name": f"method{m:02d}",
            "method.title": f"Method {m}",
            "task.name": f"made-up-{t}",
            "task.label_set": f"set{t}",
            "protocol.variant": f"v{v:02d}",
            "seed": s,
        }
        for m in range(METHODS)
        for t in range(TASKS)
        for v in range(VARIANTS)
        for s in range(SEEDS)
    ]


def write_many(folder: Path, of: Truth) -> None:
    """Figures are one real score, moved a little; what is measured does not depend on them."""
    rng = np.random.default_rng(0)
    base = score(predictions(of, 1.0, 0), of, resamples=1000)
    draws = {name: unpack(packed) for name, packed in base.replicates.items()}
    for changes in cells():
        bare = Result.model_validate(record(**changes))
        shift = rng.normal(0, 0.01)
        moved = {n: pack(v + shift + rng.normal(0, 0.003, len(v))) for n, v in draws.items()}
        figures = {
            name: figure.model_copy(update={"value": (figure.value or 0) + shift})
            for name, figure in base.figures.items()
        }
        scores = base.model_copy(update={"replicates": moved, "figures": figures})
        update = {"status": "ok", "reason": None, "scores": scores}
        write_result(folder / "results", bare.model_copy(update=update))


def write_some(folder: Path, of: Truth) -> None:
    data = {"data.test_fingerprint": of.fingerprint, "data.n_test": len(of.record_ids)}
    data["data.n_test_patients"] = len(set(of.patients.tolist()))
    for number, changes in enumerate(cells()[:SAMPLE]):
        bare = Result.model_validate(record(**changes, **data))
        guessed = predictions(of, 1.0, number)
        part = write_predictions(path_of(folder, bare).with_suffix(".npz"), guessed)
        scores = score(guessed, of, resamples=1000)
        update = {"status": "ok", "reason": None, "scores": scores, "predictions": part}
        write_result(folder, bare.model_copy(update=update))


def main() -> None:
    of = split(2158, 23)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_many(folder / "many", of)
        started, busy = time.perf_counter(), time.process_time()
        build(folder / "many")
        taken, busy = time.perf_counter() - started, time.process_time() - busy
        print(f"build of {len(cells()):,} results: {taken:.1f} s ({busy:.1f} s of processor)")
        started = time.perf_counter()
        write_page(folder / "many", folder / "page.html", with_examples="none")
        size = (folder / "page.html").stat().st_size / 1e6
        print(f"page: {time.perf_counter() - started:.1f} s, {size:.1f} MB")
        write_some(folder / "some", of)
        started = time.perf_counter()
        report = verify(folder / "some", lambda task: of, jobs=2)
        print(f"verify of {report.scored} cells: {time.perf_counter() - started:.1f} s")
        assert report.problems == (), report.problems[0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"peak memory: {peak:.0f} MiB, of a worker {worker:.0f} MiB")


if __name__ == "__main__":
    main()
