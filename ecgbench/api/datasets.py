"""A data set in Python: arrays, a torch data set, tables of records and labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecgbench.data.dataset import Dataset
from ecgbench.data.opening import open_dataset

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from torch.utils.data import TensorDataset


class LoadedDataset:
    """A prepared data set.

    Args:
        dataset: The opened store with its catalogue entry.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset.store)

    def __repr__(self) -> str:
        kind = "simulated" if self.simulated else "recorded"
        return f"<{self.name}: {len(self)} {kind} ECGs, {len(self.leads)} leads, {self.rate:g} Hz>"

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        return self._dataset.spec.name

    @property
    def simulated(self) -> bool:
        """Whether the ECGs are simulated."""
        return self._dataset.simulated

    @property
    def leads(self) -> tuple[str, ...]:
        """Names of the leads, in the order of the signals."""
        return self._dataset.store.leads

    @property
    def rate(self) -> float:
        """Sampling rate in Hz."""
        return self._dataset.store.rate

    @property
    def label_sets(self) -> dict[str, tuple[str, ...]]:
        """The classes of each label set."""
        return {name: made.classes for name, made in self._dataset.store.label_sets.items()}

    @property
    def records(self) -> pd.DataFrame:
        """A table of the records, indexed by record id, in the order of the signals.

        Columns: see :attr:`ecgbench.data.dataset.Dataset.records`.
        """
        return self._dataset.records.copy()

    def signals(self, split: str | None = None) -> NDArray[np.float32]:
        """The signals in the unit of the data set (mV unless its documentation says otherwise).

        Args:
            split: ``train``, ``val`` or ``test``; None: all records.

        Returns:
            ``[records, leads, samples]``; zeros after the end of a shorter record.

        Raises:
            DataError: There is no such split.
        """
        return self._dataset.store.read(self._rows(split))

    def labels(self, label_set: str, split: str | None = None) -> pd.DataFrame:
        """The labels of one set: zeros and ones by record id and class.

        Records without any label of the set are left out.

        Args:
            label_set: A key of :attr:`label_sets`.
            split: ``train``, ``val`` or ``test``; None: all records.

        Raises:
            DataError: There is no such label set or split.
        """
        import pandas as pd

        table = self._dataset.labels(label_set, split)
        index = pd.Index(table.record_ids, name="record_id")
        return pd.DataFrame(table.values, index=index, columns=list(table.classes))

    def to_torch(self, label_set: str | None = None, split: str | None = None) -> TensorDataset:
        """A torch data set of signals, and of labels where a label set is named.

        Args:
            label_set: A key of :attr:`label_sets`; None: signals alone.
            split: ``train``, ``val`` or ``test``; None: all records.

        Returns:
            Items ``(signal,)`` or ``(signal, labels)``: float32 ``[leads, samples]`` and ``[classes]``.

        Raises:
            DataError: There is no such label set or split.
        """
        import torch
        from torch.utils.data import TensorDataset

        def tensor(values: NDArray[np.generic]) -> torch.Tensor:
            return torch.from_numpy(np.asarray(values, np.float32))

        if label_set is None:
            return TensorDataset(tensor(self.signals(split)))
        table = self._dataset.labels(label_set, split)
        return TensorDataset(tensor(self._dataset.store.read(table.rows)), tensor(table.values))

    def _rows(self, split: str | None) -> NDArray[np.int64]:
        return np.arange(len(self)) if split is None else self._dataset.rows(split)


def load_dataset(name: str, source: str | Path | None = None) -> LoadedDataset:
    """Load a data set of the catalogue; a simulated one is made when it is first loaded.

    Args:
        name: Name in the catalogue, e.g. ``sim`` or ``ptbxl`` (``ecgbench list datasets``).
        source: Folder with the data as downloaded, for a data set that is not prepared yet.

    Raises:
        UnknownNameError: The catalogue has no such data set; names the nearest.
        DataError: The data set is not prepared; names the commands that prepare it.

    Example:
        >>> import ecgbench
        >>> data = ecgbench.load_dataset("sim")  # doctest: +SKIP
        >>> data.signals("train").shape  # doctest: +SKIP
        (1600, 12, 1000)
    """
    return LoadedDataset(open_dataset(name, None if source is None else Path(source)))
