"""The simulated corpus on disk: a folder shaped like PTB-XL.

Every record has its own random stream, defined by the seed of the corpus and the number of the record
or patient, so the number of workers changes no byte. Signals are
rounded to 1 uV after all arithmetic: a different BLAS or vector unit moves a value by 1e-15 mV,
which moves a rounded one with a chance of some 1e-12 a sample.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import DataError
from ecgbench.base.progress import track
from ecgbench.simulated.cohort import PATIENT, RECORD, TEXT, Visit, draw_visits, stream
from ecgbench.simulated.files import quantise, write_record
from ecgbench.simulated.geometry import draw_anatomy
from ecgbench.simulated.heart import draw_heart
from ecgbench.simulated.metadata import COLUMNS, database_row, record_name
from ecgbench.simulated.morphology import apply
from ecgbench.simulated.noise import Noise, draw_noise
from ecgbench.simulated.statements import COLUMNS as STATEMENT_COLUMNS
from ecgbench.simulated.statements import rows as statement_rows
from ecgbench.simulated.synthesis import MODEL_RATE, Measures, record

#: Length of every record, in seconds.
SECONDS = 10.0

_CHUNK = 50


def write_corpus(
    out: Path,
    n_records: int = 2000,
    seed: int = 0,
    workers: int | None = None,
    rate: int = 100,
) -> None:
    """Write the simulated corpus; the same arguments give the same bytes.

    The folder has PTB-XL's layout: ``records100/NNNNN/NNNNN_lr.{hea,dat}`` (or ``records500`` and
    ``_hr``), ``ptbxl_database.csv`` and ``scp_statements.csv``. It is either complete or absent.

    Args:
        out: The folder to make; it must not exist, or be empty.
        n_records: Number of records.
        seed: Random seed of the corpus.
        workers: Processes; by default one for each core that this process may use.
        rate: Samples per second, 100 or 500.

    Raises:
        DataError: If `out` is not empty, or an argument is invalid.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty", "Choose another folder, or remove it first.")
    if n_records < 1:
        raise DataError(f"cannot write {n_records} records", "Ask for one or more.")
    if rate not in (100, MODEL_RATE):
        raise DataError(f"no corpus at {rate} samples per second", "The rate is 100 or 500.")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _write(draft, n_records, seed, workers, rate)
        draft.chmod(0o755)
        if out.exists():
            out.rmdir()
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(folder: Path, n_records: int, seed: int, workers: int | None, rate: int) -> None:
    visits = draw_visits(seed, n_records)
    for sub in sorted({record_name(visit.id, rate).rsplit("/", 1)[0] for visit in visits}):
        (folder / sub).mkdir(parents=True)
    rows: list[list[str]] = []
    for written in track(
        _run(folder, visits, seed, workers, rate), "Simulating", -(-len(visits) // _CHUNK)
    ):
        rows += written
    _write_csv(folder / "ptbxl_database.csv", list(COLUMNS), rows)
    _write_csv(folder / "scp_statements.csv", list(STATEMENT_COLUMNS), statement_rows())


def _run(
    folder: Path, visits: list[Visit], seed: int, workers: int | None, rate: int
) -> Iterator[list[list[str]]]:
    """Write the records in chunks and yield each chunk's rows, in order."""
    from joblib import Parallel, cpu_count, delayed

    chunks = [visits[i : i + _CHUNK] for i in range(0, len(visits), _CHUNK)]
    count = min(workers or cpu_count(), len(chunks))
    jobs = (delayed(write_chunk)(folder, chunk, seed, rate) for chunk in chunks)
    yield from Parallel(n_jobs=count, return_as="generator")(jobs)


def write_chunk(folder: Path, visits: list[Visit], seed: int, rate: int) -> list[list[str]]:
    """Simulate and write some records; return their rows of ptbxl_database.csv."""
    rows = []
    for visit in visits:
        signal, measures, noise = simulate(visit, seed, rate)
        write_record(folder / record_name(visit.id, rate), quantise(signal), rate)
        rows.append(database_row(visit, measures, noise, stream(seed, TEXT, visit.id)))
    return rows


def simulate(visit: Visit, seed: int, rate: int) -> tuple[NDArray[np.float64], Measures, Noise]:
    """Simulate one record: leads [12, samples] in mV, its measures, and the noise in it."""
    patient = visit.patient
    own = stream(seed, PATIENT, patient.id, 1)
    healthy = draw_heart(own, patient.age, patient.female)
    anatomy = draw_anatomy(own, patient.age)
    # The effects draw from the patient's streams: a scar looks the same at every visit.
    heart = apply(healthy, visit.findings, partial(stream, seed, PATIENT, patient.id, 2))
    rng = stream(seed, RECORD, visit.id)
    noise = draw_noise(rng, visit.clean, SECONDS)
    return *record(heart, anatomy, visit.findings, noise, rng, SECONDS, rate), noise


def _write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream_:
        writer = csv.writer(stream_, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
