from __future__ import annotations

import subprocess
import sys


def test_scoring_never_imports_torch() -> None:
    """Nor what takes long to import: a reviewer scores again on a machine without the harness."""
    code = """
import sys
import numpy as np
from ecgbench.metrics import classification, clinical, retrieval, text, weighted, wordnet
from ecgbench.evaluation import metric_table
from ecgbench.stats import bootstrap, ranks, resample
heavy = {"torch", "pandas", "sklearn", "scipy", "nltk", "sacrebleu", "rouge_score", "matplotlib"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
y = np.eye(6)[:, :2]
design = resample.Design.of(list("abcdef"), 20)
auroc = lambda weights: weighted.auroc(y > 0, y, weights)
found = bootstrap.bootstrap({"auroc": auroc}, design, np.array([2.0, 2.0]))
bootstrap.macro_interval(found["auroc"])
ranks.critical_difference([[1, 2, 3], [2, 3, 4], [0, 1, 1]])
clinical.counts(["sinus rhythm"], ["sinus rhythm"])
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
