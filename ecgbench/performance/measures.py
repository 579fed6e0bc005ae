"""What is measured: the harness's way, the usual way, and where there is one the limit, on equal inputs.

Each measure makes its inputs from a seed. The usual way is written from the public documentation of the
library that it names. Before anything is timed, both ways give their answers, and these must agree.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbench.performance.timing import Way

OURS, USUAL, LIMIT = "ecgbench", "usual", "limit"


@dataclass(frozen=True)
class Prepared:
    """A measure that is ready to be timed.

    Attributes:
        ways: By name, :data:`OURS` among them.
        difference: Largest difference of the answers of ours and the usual way.
    """

    ways: Mapping[str, Way]
    difference: float


@dataclass(frozen=True)
class Measure:
    """One comparison.

    Attributes:
        name: As typed after ``--only``.
        work: What is done, with sizes.
        usual: How the usual way does it.
        limit: What the limit is; empty where there is none.
        bar: How many times as fast as the usual way ours is meant to be; None for no promise.
        tolerance: Largest difference of the answers.
        prepare: Makes the inputs in a folder.
    """

    name: str
    work: str
    usual: str
    limit: str
    bar: float | None
    tolerance: float
    prepare: Callable[[Path], Prepared]

    @contextmanager
    def ready(self) -> Iterator[Prepared]:
        """The prepared ways, and a folder of inputs that goes afterwards."""
        with tempfile.TemporaryDirectory(prefix="ecgbench-bench-") as folder:
            yield self.prepare(Path(folder))


def _wfdb(folder: Path) -> Prepared:
    import wfdb

    from ecgbench.data.leads import LEADS
    from ecgbench.data.reading.recording import read_recording

    rng, count, part = np.random.default_rng(0), 60, 12
    for number in range(count):
        wfdb.wrsamp(
            f"r{number}",
            fs=500,
            units=["mV"] * 12,
            sig_name=list(LEADS),
            d_signal=rng.integers(-2000, 2000, (5000, 12)),
            fmt=["16"] * 12,
            adc_gain=[1000.0] * 12,
            baseline=[0] * 12,
            write_dir=str(folder),
        )
    paths = [folder / f"r{number}" for number in range(count)]
    theirs, mine = wfdb.rdsamp(str(paths[0]))[0].T, read_recording(paths[0]).signals
    return Prepared(
        {
            OURS: Way(lambda: [read_recording(path) for path in paths]),
            USUAL: Way(lambda: [wfdb.rdsamp(str(path)) for path in paths[:part]], part / count),
        },
        float(np.abs(theirs - mine).max()),
    )


def _batch(folder: Path) -> Prepared:
    from torch.utils.data import default_collate

    from ecgbench.training.batches import TrainingBatches, TrainingRecords
    from ecgbench.training.corpus import Part

    # The order is of 640,000 records. Their signals stand in 4,000 rows, which fit into memory, so that
    # the disk is not what is measured.
    records, kept, size, length = 640_000, 4000, 32, 900
    file, shape = folder / "signals.f16", (kept, 12, 1000)
    rng = np.random.default_rng(0)
    filled = np.memmap(file, np.float16, "w+", shape=shape)
    filled[:] = rng.standard_normal(shape, np.float32)
    signals = np.memmap(file, np.float16, "r", shape=shape)
    part = Part(signals, np.arange(records) % kept, ("",) * records)
    batches = TrainingBatches(
        TrainingRecords([part], None), size, 0, 0, 10**9, crop=length / shape[2]
    )
    stream, steps = iter(batches), iter(range(10**9))

    def one_by_one() -> Any:
        step = next(steps)
        order = np.random.default_rng([0, 0]).permutation(records)
        rows = order[step * size : (step + 1) * size] % kept
        drawn = np.random.default_rng([0, step])
        starts = drawn.integers(0, shape[2] - length, size, endpoint=True)
        items = zip(rows, starts, strict=True)
        return default_collate([np.float32(signals[r][:, s : s + length]) for r, s in items])

    signals.sum(dtype=np.float64)  # every page is in memory, and mapped
    gap = (next(stream)[1].ecg - one_by_one()).abs().max()
    return Prepared(
        {
            OURS: Way(lambda: next(stream), repeat=50),
            USUAL: Way(one_by_one, repeat=10),
            LIMIT: Way(lambda: signals[rng.integers(0, kept, size)], repeat=50),
        },
        float(gap),
    )


def _split() -> tuple[NDArray[np.bool_], NDArray[np.float64], list[str]]:
    """A test split of PTB-XL's size: 2,158 records, 71 classes from frequent to rare."""
    rng = np.random.default_rng(0)
    labels = rng.random((2158, 71)) < np.geomspace(0.4, 0.004, 71)
    labels[:2] = [[True], [False]]
    scores = labels + rng.normal(size=labels.shape)
    return labels, scores, [str(number) for number in rng.integers(0, 1900, len(labels))]


def _bootstrap(metric: str) -> Callable[[Path], Prepared]:
    def prepare(folder: Path) -> Prepared:
        from sklearn.metrics import average_precision_score, roc_auc_score

        from ecgbench.metrics import weighted
        from ecgbench.stats.resample import Design

        labels, scores, people = _split()
        design, part = Design.of(people, 1000, 0), 2
        ours = {"auroc": weighted.auroc, "auprc": weighted.average_precision}[metric]
        usual = {"auroc": roc_auc_score, "auprc": average_precision_score}[metric]
        drawn = next(design.weights())[:, :part]

        def all_resamples() -> NDArray[np.float64]:
            return np.concatenate([ours(labels, scores, w) for w in design.weights()], axis=1)

        def by_index() -> NDArray[np.float64]:
            values = []
            for column in drawn.T:
                rows = np.repeat(np.arange(len(labels)), column.astype(int))
                pairs = zip(labels[rows].T, scores[rows].T, strict=True)
                values.append([usual(y, s) if 0 < y.sum() < len(y) else np.nan for y, s in pairs])
            return np.array(values).T

        gap = np.nanmax(np.abs(all_resamples()[:, :part] - by_index()))
        ways = {OURS: Way(all_resamples), USUAL: Way(by_index, part / design.resamples)}
        return Prepared(ways, float(gap))

    return prepare


def _comparisons(folder: Path) -> Prepared:
    from itertools import combinations

    from sklearn.metrics import roc_auc_score

    from ecgbench.metrics import weighted
    from ecgbench.stats.resample import Design

    labels, scores, people = _split()
    labels, scores = labels[:, :23], scores[:, :23]
    rng = np.random.default_rng(1)
    methods = [scores + rng.normal(size=scores.shape) * spread for spread in np.linspace(0, 1, 10)]
    pairs, part = list(combinations(range(len(methods)), 2)), 2
    design = Design.of(people, 1000, 0)
    drawn = next(design.weights())[:, :part]

    def once_a_method() -> NDArray[np.float64]:
        draws = np.array(
            [
                np.concatenate(
                    [np.nanmean(weighted.auroc(labels, m, w), axis=0) for w in design.weights()]
                )
                for m in methods
            ]
        )
        return np.array([draws[a] - draws[b] for a, b in pairs])

    def once_a_pair() -> NDArray[np.float64]:
        rows = [np.repeat(np.arange(len(labels)), column.astype(int)) for column in drawn.T]

        def macro(method: NDArray[np.float64], chosen: NDArray[np.intp]) -> float:
            columns = zip(labels[chosen].T, method[chosen].T, strict=True)
            return float(np.mean([roc_auc_score(y, s) for y, s in columns if 0 < y.sum() < len(y)]))

        a, b = pairs[0]
        return np.array([[macro(methods[a], r) - macro(methods[b], r) for r in rows]])

    gap = np.abs(once_a_method()[:1, :part] - once_a_pair()).max()
    share = part / design.resamples / len(pairs)
    return Prepared({OURS: Way(once_a_method), USUAL: Way(once_a_pair, share)}, float(gap))


def _probe(folder: Path) -> Prepared:
    from sklearn.linear_model import LogisticRegression

    from ecgbench.metrics.classification import auroc
    from ecgbench.probe.grid import ProbeGrid
    from ecgbench.probe.select import fit_logistic

    rng, records, width, classes = np.random.default_rng(0), 1442, 256, 71
    X = rng.normal(size=(2 * records, width)) @ (
        rng.normal(size=(width, width)) * np.geomspace(1, 0.01, width)
    )
    X /= X.std(axis=0)
    logits = X @ (2 * rng.normal(size=(width, classes)) / np.sqrt(width))
    Y = logits + rng.logistic(size=logits.shape) > np.linspace(0, 6, classes)
    Cs = ProbeGrid().Cs
    train, test = slice(0, records), slice(records, None)
    sample = [(3, 0), (5, 10), (2, 30)]  # places of C and class

    def batched() -> Any:
        return fit_logistic(X[train], Y[train], Cs)

    def one_by_one() -> list[Any]:
        return [
            LogisticRegression(C=Cs[i], tol=1e-6, max_iter=10_000).fit(X[train], Y[train, k])
            for i, k in sample
        ]

    fit, gaps = batched(), []
    for (i, k), model in zip(sample, one_by_one(), strict=True):
        theirs = X[test] @ model.coef_[0]
        ours = X[test] @ fit.coefs[i, k, :-1]
        both = auroc(np.c_[Y[test, k], Y[test, k]], np.c_[ours, theirs])
        gaps.append(abs(both[0] - both[1]))
    share = len(sample) / (len(Cs) * classes)
    return Prepared({OURS: Way(batched), USUAL: Way(one_by_one, share)}, float(max(gaps)))


def _masked(folder: Path) -> Prepared:
    import torch

    from ecgbench.nn.vit import EcgViT, MaskedDecoder

    torch.manual_seed(0)
    encoder = EcgViT(leads=12, samples=1000, patch=50, width=384, depth=12, heads=6)
    decoder = MaskedDecoder(width_in=384, leads=12, patches=20, patch=50, width=256)
    ecg = torch.randn(8, 12, 1000)
    visible = torch.stack([torch.randperm(240)[:60].sort().values for _ in range(len(ecg))])

    def step(tokens: torch.Tensor) -> float:
        encoder.zero_grad()
        decoder.zero_grad()
        loss = decoder(tokens, visible, 20).square().mean()
        torch.autograd.backward(loss)
        return float(loss.detach())

    def all_tokens() -> torch.Tensor:
        tokens: torch.Tensor = encoder(ecg)
        return tokens.gather(1, visible[..., None].expand(-1, -1, tokens.shape[-1]))

    return Prepared(
        {
            OURS: Way(lambda: step(encoder.forward_visible(ecg, visible))),
            USUAL: Way(lambda: step(all_tokens())),
        },
        0.0,  # the visible tokens see other tokens, so the losses are not the same
    )


MEASURES = (
    Measure(
        "read-wfdb",
        "Read 60 WFDB records of 12 leads x 5,000 samples (format 16), one process.",
        "wfdb.rdsamp",
        "",
        10.0,
        1e-9,
        _wfdb,
    ),
    Measure(
        "training-batch",
        "Order and gather a batch of 32 x 12 x 900, 640,000 records in the epoch, signals in memory.",
        "the order of the epoch drawn for each step, record by record, torch's default_collate",
        "one NumPy indexing of the memory map, without crop and float32",
        None,
        0.0,
        _batch,
    ),
    Measure(
        "bootstrap-auroc",
        "AUROC of 71 classes on 1,000 patient resamples of 2,158 records.",
        "scikit-learn's roc_auc_score for each class and resample (timed on 2 resamples)",
        "",
        300.0,
        1e-9,
        _bootstrap("auroc"),
    ),
    Measure(
        "bootstrap-auprc",
        "Average precision of 71 classes on 1,000 patient resamples of 2,158 records.",
        "scikit-learn's average_precision_score for each class and resample (timed on 2 resamples)",
        "",
        100.0,
        1e-9,
        _bootstrap("auprc"),
    ),
    Measure(
        "comparisons",
        "45 paired comparisons of 10 methods: macro-AUROC of 23 classes, 1,000 patient resamples.",
        "both methods scored again for each pair and resample (timed on one pair, 2 resamples)",
        "",
        300.0,
        1e-9,
        _comparisons,
    ),
    Measure(
        "probe",
        "497 logistic regressions (71 classes x 7 penalties), 1,442 records x 256 features.",
        "scikit-learn's LogisticRegression one by one at tolerance 1e-6 (timed on 3)",
        "",
        100.0,
        1e-4,
        _probe,
    ),
    Measure(
        "masked-step",
        "A training step of a ViT-S (12 x 384) and a decoder (4 x 256), 8 ECGs, 60 of 240 tokens visible.",
        "the same encoder on all tokens",
        "",
        3.5,
        0.0,
        _masked,
    ),
)
