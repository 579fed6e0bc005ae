"""The pre-training corpus: the training folds of one or several data sets.

Validation folds are only used to monitor the loss. Test folds are never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ecgbench.base.errors import ConfigError, DataError
from ecgbench.base.hashing import content_hash
from ecgbench.config.sections import Config
from ecgbench.data.dataset import Dataset
from ecgbench.data.signals import SignalSpec, adapt
from ecgbench.plugins.specs import plain_validation_error


def signal_spec(config: Config) -> SignalSpec:
    """The input signal that a configuration defines.

    Raises:
        ConfigError: Section ``signal`` is invalid; the message states why.
    """
    band = config.signal.bandpass
    try:
        return SignalSpec(
            rate=config.signal.rate,
            seconds=config.signal.seconds,
            notch=config.signal.notch,
            bandpass=None if band is None else (float(band[0]), float(band[1])),
            baseline=config.signal.baseline,
            scaling=config.signal.scaling,
        )
    except ValidationError as error:
        raise ConfigError(
            f"The section 'signal' is invalid: {plain_validation_error(error)}.",
            "Set signal.rate, signal.seconds, signal.bandpass or signal.scaling.",
        ) from error


@dataclass(frozen=True)
class Part:
    """One split of one data set.

    Attributes:
        signals: ``[N, leads, samples]`` of the whole data set, memory-mapped.
        rows: Rows to use.
        reports: Their reports, ``""`` if there is none.
    """

    signals: NDArray[np.floating]
    rows: NDArray[np.intp]
    reports: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """Records for pre-training.

    Attributes:
        names: Data sets.
        simulated: Whether any of them is simulated.
        fingerprint: Hash of the records, their reports and their use.
        train: Training parts.
        val: Validation parts.
    """

    names: tuple[str, ...]
    simulated: bool
    fingerprint: str
    train: tuple[Part, ...]
    val: tuple[Part, ...]

    @property
    def reports(self) -> list[str]:
        """The distinct training reports, sorted."""
        return _distinct(self.train)

    @property
    def texts(self) -> list[str]:
        """The distinct reports of training and validation, sorted."""
        return _distinct((*self.train, *self.val))

    def count(self) -> tuple[int, int]:
        """Number of training records, and of those with a report."""
        texts = [text for part in self.train for text in part.reports]
        return len(texts), sum(bool(text) for text in texts)


def _distinct(parts: Sequence[Part]) -> list[str]:
    return sorted({text for part in parts for text in part.reports if text})


def corpus_fingerprint(datasets: Sequence[Dataset], config: Config, reports: str, seed: int) -> str:
    """Address of a corpus, computed without reading signals; arguments as in :func:`load_corpus`."""
    return content_hash(
        {
            "datasets": [dataset.fingerprint for dataset in datasets],
            "reports": reports,
            "shuffle_reports": ["dealt", seed] if config.pretrain.shuffle_reports else False,
        }
    )


def load_corpus(datasets: Sequence[Dataset], config: Config, reports: str, seed: int) -> Corpus:
    """Adapt the signals and gather the records.

    Args:
        datasets: The data sets.
        config: The effective configuration.
        reports: ``none``, ``some`` or ``all``, as in :class:`ecgbench.plugins.MethodInfo`.
        seed: Random seed of ``pretrain.shuffle_reports``, which shuffles reports among records. This
            control needs several seeds because a single permutation can be misleading.

    Raises:
        DataError: The method needs reports, and the data sets have none.
    """
    spec = signal_spec(config)
    parts: dict[str, list[Part]] = {"train": [], "val": []}
    for dataset in datasets:
        signals = adapt(dataset, spec)
        texts = dataset.records["report"].to_numpy(dtype=object)
        for split, found in parts.items():
            rows = dataset.rows(split)
            kept = texts[rows] if reports != "none" else np.full(len(rows), "", object)
            if reports == "all":
                rows, kept = rows[kept != ""], kept[kept != ""]
            if config.pretrain.shuffle_reports:
                kept = np.random.default_rng([seed, len(kept)]).permutation(kept)
            found.append(Part(signals, np.asarray(rows, np.intp), tuple(map(str, kept))))
    corpus = Corpus(
        names=tuple(dataset.spec.name for dataset in datasets),
        simulated=any(dataset.spec.simulated for dataset in datasets),
        fingerprint=corpus_fingerprint(datasets, config, reports, seed),
        train=tuple(parts["train"]),
        val=tuple(parts["val"]),
    )
    if reports != "none" and not corpus.reports:
        raise DataError(
            f"{' + '.join(corpus.names)} has no reports for training.",
            "Choose a corpus with reports: pretrain.data=[NAME] (see `ecgbench list datasets`).",
        )
    return corpus
