"""The folders of the simulated data sets, written when they are first asked for."""

from __future__ import annotations

from pathlib import Path

from ecgbench.base.code import code_address
from ecgbench.base.errors import DataError
from ecgbench.base.hashing import content_hash
from ecgbench.base.paths import make_once, stage_dir
from ecgbench.data.spec import DatasetSpec


def generated_source(spec: DatasetSpec, workers: int | None = None) -> Path:
    """The WFDB folder of a simulated set, written where it is not there yet.

    The folder's name holds the hash of the code that writes it, so that a changed simulator is never
    taken for the old one.

    Raises:
        DataError: The data set is not simulated by us.
    """
    if spec.generator is None:
        raise DataError(f"{spec.name} is not simulated.")
    generator = spec.generator

    def make(scratch: Path) -> None:
        from ecgbench.simulated import write_corpus

        write_corpus(
            scratch,
            n_records=generator.records,
            seed=generator.seed,
            workers=workers,
            rate=round(spec.rate),
        )

    return make_once(source_path(spec), make)


def source_path(spec: DatasetSpec) -> Path:
    """The place of :func:`generated_source`, whether it is written or not."""
    code = code_address(__name__)
    made_by = None if spec.generator is None else spec.generator.model_dump()
    key = content_hash([spec.name, spec.version, made_by, spec.rate, code])
    return stage_dir("sources") / f"{spec.name}-{spec.version}-{key[:12]}"
