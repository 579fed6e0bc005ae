"""Opening, preparing and verifying the data sets of this machine."""

from __future__ import annotations

from pathlib import Path

from ecgbench.base.errors import DataError
from ecgbench.base.paths import stage_dir
from ecgbench.data.dataset import Dataset
from ecgbench.data.generated import generated_source
from ecgbench.data.prepare import find_store, prepare_store
from ecgbench.data.spec import DatasetSpec, datasets
from ecgbench.data.store import Store, open_store, verify_store


def open_dataset(name: str, source: Path | None = None) -> Dataset:
    """Open the newest prepared store of a data set.

    The embedded simulated sets are generated and prepared when they are first asked for.

    Args:
        name: A name of the catalogue.
        source: A folder with the data as downloaded: prepares it first where that was not done.

    Raises:
        UnknownNameError: No such data set.
        DataError: It has not been prepared; names the two commands that help.
    """
    spec = datasets.get(name)
    if source is not None:
        return prepare(name, source)
    if spec.generator is not None:
        return _open_generated(spec)
    store = find_store(spec)
    if store is None:
        raise DataError(
            f"There is no prepared data of {name} {spec.version}.",
            f"Download it with `ecgbench data fetch {name}`, or prepare a folder that you have with "
            f"`ecgbench data prepare {name} --source DIR`.",
        )
    return Dataset(spec, store)


def prepare(
    name: str,
    source: Path,
    *,
    workers: int | None = None,
    rate: int | None = None,
    stream: str | None = None,
) -> Dataset:
    """Make the store of a data set from its folder, or open the one made from it before.

    Args:
        name: A name of the catalogue.
        source: The data as downloaded.
        workers: Processes; None: one per core.
        rate: Sampling rate to take where the folder holds several; None: the highest.
        stream: Base address of a server to download signals from chunk by chunk, keeping none of
            them; ``source`` then needs what ``fetch(name, only=["metadata"])`` brings.

    Raises:
        UnknownNameError: No such data set.
        DataError: The folder is not what the catalogue says.
    """
    spec = datasets.get(name)
    return Dataset(spec, prepare_store(spec, source, workers=workers, rate=rate, stream=stream))


def verify(name: str) -> Store:
    """Hash every file of the newest store of a data set again.

    Raises:
        DataError: It has not been prepared, or a file is not what it was.
    """
    store = open_dataset(name).store
    verify_store(store)
    return store


def _open_generated(spec: DatasetSpec) -> Dataset:
    folder = generated_source(spec)
    note = folder / "store.txt"  # saves reading the folder's metadata each time
    if note.is_file():
        path = stage_dir("stores") / note.read_text(encoding="utf-8").strip()
        if (path / "manifest.json").is_file():
            return Dataset(spec, open_store(path))
    store = prepare_store(spec, folder)
    note.write_text(store.path.name, encoding="utf-8")
    return Dataset(spec, store)
