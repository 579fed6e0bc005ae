"""Opening, preparing and verifying the data sets of this machine."""

from __future__ import annotations

from pathlib import Path

from ecgbench.base.errors import DataError
from ecgbench.base.hashing import content_hash
from ecgbench.base.paths import atomic_write, stage_dir
from ecgbench.data.dataset import Dataset
from ecgbench.data.generated import generated_source
from ecgbench.data.prepare import check_source, find_store, outdated_store, prepare_store
from ecgbench.data.sources import preparing_code
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
        DataError: It has not been prepared, or its entry was edited since; names the commands that
            help.
    """
    spec = datasets.get(name)
    if source is not None:
        return prepare(name, source)
    if spec.generator is not None:
        return _open_generated(spec)
    store = find_store(spec)
    if store is None:
        raise not_prepared(spec)
    return Dataset(spec, store)


def prepare(
    name: str,
    source: Path,
    *,
    workers: int | None = None,
    rate: float | None = None,
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


def verify(name: str) -> tuple[Store, bool]:
    """Hash every file of the newest store of a data set again, and the source where that is there.

    Returns:
        The store, and whether its source was there to compare with.

    Raises:
        DataError: It has not been prepared, a file is not what it was, or the source has other
            content now.
    """
    dataset = open_dataset(name)
    verify_store(dataset.store)
    return dataset.store, check_source(dataset.spec, dataset.store)


def not_prepared(spec: DatasetSpec) -> DataError:
    """Why no store of a data set can be opened, and the commands that help."""
    old = outdated_store(spec)
    if old is None:
        return DataError(
            f"There is no prepared data of {spec.name} {spec.version}.",
            f"Download it with `ecgbench data fetch {spec.name}`, or prepare a folder that you have "
            f"with `ecgbench data prepare {spec.name} --source DIR`.",
        )
    store, changed = old
    folder = store.manifest["source"].get("folder", "DIR")
    return DataError(
        f"The prepared data of {spec.name} {spec.version} is out of date "
        f"(changed: {', '.join(changed)}).",
        f"Run `ecgbench data prepare {spec.name} --source {folder}`; signals are read again only "
        f"where that is needed.",
    )


def _open_generated(spec: DatasetSpec) -> Dataset:
    folder = generated_source(spec)
    # saves reading the folder's metadata each time, as long as the code that reads it is the same
    note = folder / f"store-{content_hash([spec.state(), preparing_code(spec)])[:12]}.txt"
    if note.is_file():
        path = stage_dir("stores") / note.read_text(encoding="utf-8").strip()
        if (path / "manifest.json").is_file():
            return Dataset(spec, open_store(path))
    store = prepare_store(spec, folder)
    atomic_write(note, store.path.name)
    return Dataset(spec, store)
