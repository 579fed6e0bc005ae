"""Resamples of patients: which records of a test split are drawn how often.

A patient's recordings resemble each other, so patients are drawn and bring all their records along;
drawing records would give intervals that are too narrow.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import MetricError
from ecgbench.base.hashing import content_hash

BLOCK_ELEMENTS = 8_000_000
"""Weights held at a time (32 MB); a larger split is worked through in more blocks."""


@dataclass(frozen=True)
class Design:
    """What is drawn: equal designs draw equal resamples, so their draws can be paired.

    Attributes:
        patient_of: [records] number of each record's patient; patients are numbered in the order
            of their names, so that the order of records does not matter.
        patients: How many patients there are.
        resamples: How many resamples are drawn.
        seed: Where the random numbers start.
    """

    patient_of: NDArray[np.int64]
    patients: int
    resamples: int
    seed: int

    @classmethod
    def of(cls, patients: Sequence[str], resamples: int = 1000, seed: int = 0) -> Design:
        """Number the patients of a split.

        Args:
            patients: [records] the patient of each record.
            resamples: How many resamples to draw.
            seed: Where the random numbers start.

        Raises:
            MetricError: Fewer than two patients or resamples.
        """
        names, patient_of = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
        if len(names) < 2 or resamples < 2:
            raise MetricError(
                f"a bootstrap of {len(names)} patients and {resamples} resamples says nothing",
                "It needs two patients and two resamples at the least.",
            )
        return cls(patient_of.astype(np.int64), len(names), resamples, seed)

    @property
    def key(self) -> str:
        """Hash of the design: draws with equal keys are of the same resamples."""
        records = np.bincount(self.patient_of, minlength=self.patients).tolist()
        return content_hash([records, self.resamples, self.seed])

    def effective_patients(self, chosen: NDArray[np.bool_] | None = None) -> float:
        """Effective number of patients behind some records; many records of one count for less.

        Args:
            chosen: ``[records]``; all records where it is None.
        """
        patient_of = self.patient_of if chosen is None else self.patient_of[chosen]
        records = np.bincount(patient_of, minlength=self.patients).astype(np.float64)
        return float(records.sum() ** 2 / max((records**2).sum(), 1.0))

    def weights(self) -> Iterator[NDArray[np.float32]]:
        """Draw the resamples, some at a time.

        Yields:
            [records, resamples of this block] how often each record is drawn.
        """
        # Raw bits and whole numbers only: NumPy freezes the stream of a bit generator, not that of
        # the distributions made from it, and a published interval must come out the same for ever.
        bits = np.random.PCG64(self.seed)
        size = max(1, BLOCK_ELEMENTS // max(len(self.patient_of), self.patients))
        for start in range(0, self.resamples, size):
            count = min(size, self.resamples - start)
            draws = (bits.random_raw((count, self.patients)) >> 32) * self.patients >> 32
            cells = draws.astype(np.int64) + self.patients * np.arange(count)[:, None]
            drawn = np.bincount(cells.ravel(), minlength=count * self.patients)
            by_patient = drawn.reshape(count, self.patients).T.astype(np.float32)
            yield by_patient[self.patient_of]


@dataclass(frozen=True)
class SharedDesign(Design):
    """Resamples that every split of a data set shares: the name of a patient decides its weights.

    The patients of a group are then drawn as they are drawn in the whole split, and a figure of the
    group can be paired with one of the whole. Weights are Poisson with mean 1, independent by patient
    (Hanley and MacGibbon 2006), because a fixed number of draws would tie a patient to the split.

    Attributes:
        names: Of the patients, in the order of their numbers.
    """

    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, patients: Sequence[str], resamples: int = 1000, seed: int = 0) -> SharedDesign:
        """As :meth:`Design.of`."""
        plain = Design.of(patients, resamples, seed)
        names = tuple(str(name) for name in np.unique(np.asarray(patients, dtype=np.str_)))
        return cls(plain.patient_of, plain.patients, resamples, seed, names)

    @property
    def key(self) -> str:
        """Hash of the design."""
        return content_hash(["shared", super().key, list(self.names)])

    def weights(self) -> Iterator[NDArray[np.float32]]:
        """All resamples in one block, ``[records, resamples]``; the bits are frozen as above."""
        drawn = [_bits(f"{self.seed}:{name}", self.resamples) for name in self.names]
        counts = np.searchsorted(_POISSON, np.array(drawn), side="right")
        yield counts.astype(np.float32)[self.patient_of]


_POISSON = np.floor(
    2.0**32 * np.cumsum([math.exp(-1) / math.factorial(k) for k in range(13)])
).astype(np.uint64)
"""Of 2^32 equally likely numbers those below the k-th entry are drawn at most k times."""


def _bits(name: str, count: int) -> NDArray[np.uint64]:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.PCG64(seed).random_raw(count) >> np.uint64(32)
