"""A larger made-up board, for the page's tests."""

from __future__ import annotations

from pathlib import Path

from .made_up import put, put_reason, split

METHODS = [
    ("mae", 1.0, "self-supervised"),
    ("clip", 1.3, "ecg-text"),
    ("merl", 1.25, "ecg-text"),
    ("random_init", 0.5, "baseline"),
]


def demo(folder: Path) -> Path:
    """Two label sets, three fractions, one protocol with kinds of noise, one failure."""
    results = folder / "results"
    for number, (name, skill, family) in enumerate(METHODS):
        method = {"method.name": name, "method.title": name.upper(), "method.family": family}
        method["costs.seconds.pretrain"] = 60.0 * (number + 1)
        for t, task in enumerate(("sub", "super", "rhythm")):
            of = split(classes=4 + t, seed=t)
            where = {"task.name": f"sim-toy-{task}", "task.label_set": task}
            for v, variant in enumerate(("1%", "10%", "100%")):
                for seed in range(2):
                    changes = {**method, **where, "protocol.variant": variant, "seed": seed}
                    put(results, of, skill * (0.4 + 0.3 * v), 7 * number + v, **changes)
        noise = {**method, "task.name": "sim-toy-sub", "protocol.name": "toy-noise"}
        for v, variant in enumerate(("clean", "baseline-wander", "powerline")):
            put(results, split(), skill - 0.3 * v, number, **noise, **{"protocol.variant": variant})
    failed = {"method.name": "broken", "method.title": "BROKEN", "task.name": "sim-toy-sub"}
    put_reason(results, "failed", "out of memory", **failed)
    return folder
