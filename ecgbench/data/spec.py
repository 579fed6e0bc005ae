"""Catalogue entries of data sets, read from YAML files without reading any data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ecgbench.base.errors import ConfigError
from ecgbench.base.hashing import file_sha256
from ecgbench.data.leads import LEADS, canonical_lead
from ecgbench.data.processing import PROCESSINGS
from ecgbench.data.reading.yamls import read_yaml
from ecgbench.plugins.registry import Registry

Units = Literal["mV", "z-score per lead"]
Rate = Annotated[int | float, Field(gt=0, allow_inf_nan=False)]
"""Hz. A whole number stays one, because a float of the same value has another hash."""

_MOST_SAMPLES = 10_000_000  # of one lead: a day at 100 Hz; beyond, a number of the entry is wrong


class Generator(BaseModel):
    """How a simulated data set is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: int
    seed: int


class Splits(BaseModel):
    """Folds of each split and how records were put into folds.

    Attributes:
        by: In words, for readers and the leaderboard.
        train: Folds; 1 to 8 unless the entry says otherwise.
        val: Folds; 9.
        test: Folds; 10.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str
    train: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    val: tuple[int, ...] = (9,)
    test: tuple[int, ...] = (10,)

    @model_validator(mode="after")
    def _disjoint(self) -> Splits:
        folds = [*self.train, *self.val, *self.test]
        if len(set(folds)) != len(folds):
            raise ValueError(f"a fold stands in two splits: {folds}")
        return self

    def knows(self, fold: int) -> bool:
        """Whether a fold is one of the usual ten or is named by a split."""
        return 1 <= fold <= 10 or self.of_fold(fold) is not None

    def of_fold(self, fold: int) -> str | None:
        """``train``, ``val`` or ``test``; None for a fold that no split uses."""
        for split in ("train", "val", "test"):
            if fold in getattr(self, split):
                return split
        return None


class Remote(BaseModel):
    """Where a data set can be downloaded.

    Attributes:
        path: Path of this version below the base address, PhysioNet's layout.
        base: Base address; ``ECGBENCH_PHYSIONET_URL`` or an argument replaces it.
        include: Patterns of the files that belong; none: every file.
        metadata: Patterns of the files that hold no signal (``fetch --only metadata``).
        subset_files: For a data set that is a subset of what lies there: how the names of a record's
            files begin, e.g. ``records/{record:05d}_hr.``; ``{thousand}`` is the record rounded down.
        size: Size of the download in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    base: str = "https://physionet.org/files"
    include: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ("*.csv", "LICENSE*", "RECORDS")
    subset_files: str | None = None
    size: str = ""


class DatasetSpec(BaseModel):
    """A catalogue entry.

    Attributes:
        name: Name on the command line.
        title: Full name.
        version: Version of the data, as its authors count.
        licence: Name of the licence.
        citation: How to cite it.
        url: Where it is described.
        layout: Name of the module of :mod:`ecgbench.data.layouts` that reads the folder.
        simulated: Whether the signals were made by a model, not recorded.
        generator: For the embedded simulated sets: how to make one.
        origin: Data sets of the same origin share record and patient ids: the same id is the same
            person. Contamination is judged by it.
        rate: Sampling rate in Hz of the best signals of the source.
        seconds: Length of a stored record; longer ones are cut at this length.
        min_seconds: A shorter record is quarantined.
        leads: Stored leads, in order.
        derive_limb_leads: Compute III, aVR, aVL and aVF from I and II where a file lacks them; the
            manifest counts such records. Otherwise they are quarantined.
        lead_names: What the files call a lead, where neither the usual spelling nor a usual other
            name (``DI``, ``Lead I``, ``MDC_ECG_LEAD_I``): their name -> the lead.
        units: Physical unit of the stored signals.
        unit_names: What the files call a unit: their name -> ``mV``, ``uV``, ``V`` ... An entry for
            ``mV`` says that values that claim to be mV, or claim nothing (``.npy``), are not.
        label_sets: Names of the label sets.
        labels: File beside the YAML that says which codes make which class (layouts that need it).
        reports: Whether records carry free-text reports.
        splits: Folds.
        records: Number of records that this version has (None: any).
        other_versions: Number of records of other versions, to recognise one by.
        subset: CSV file beside the YAML with the record ids that belong (column ``record_id``).
        processing: Name of a processing of :mod:`ecgbench.data.processing` that is part of the
            data set's definition.
        remote: Where to download it.
        options: Options of this layout only.
        folder: Folder of the YAML file; not part of the identity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    version: str
    licence: str
    citation: str
    url: str = ""
    layout: str
    simulated: bool = False
    generator: Generator | None = None
    origin: str = ""
    rate: Rate
    seconds: float = Field(gt=0, allow_inf_nan=False)
    min_seconds: float = Field(default=5.0, ge=0, allow_inf_nan=False)
    leads: tuple[str, ...] = LEADS
    derive_limb_leads: bool = False
    lead_names: dict[str, str] = {}
    units: Units = "mV"
    unit_names: dict[str, str] = {}
    label_sets: tuple[str, ...] = ()
    labels: str | None = None
    reports: bool = False
    splits: Splits
    records: int | None = None
    other_versions: dict[str, int] = {}
    subset: str | None = None
    processing: str | None = None
    remote: Remote | None = None
    options: dict[str, Any] = {}
    folder: Path = Field(default=Path(), exclude=True, repr=False)

    @field_validator("leads")
    @classmethod
    def _usual_names(cls, leads: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonical_lead(lead) for lead in leads)

    @model_validator(mode="after")
    def _coherent(self) -> DatasetSpec:
        if not self.leads or len(set(self.leads)) != len(self.leads):
            raise ValueError(f"leads must be named once each: {', '.join(self.leads)}")
        if not 1 <= self.seconds * self.rate <= _MOST_SAMPLES:
            raise ValueError(f"{self.seconds:g} s at {self.rate:g} Hz is no length of a record")
        if self.derive_limb_leads and self.units != "mV":
            raise ValueError("limb leads can be derived from amplitudes in mV alone")
        if self.processing is not None and self.processing not in PROCESSINGS:
            raise ValueError(f"there is no processing {self.processing!r}")
        if self.generator is not None and not self.simulated:
            raise ValueError("a data set with a generator is simulated: say `simulated: true`")
        return self

    @property
    def family(self) -> str:
        """The origin of ids: :attr:`origin`, or the data set itself."""
        return self.origin or self.name

    def identity(self) -> dict[str, Any]:
        """The JSON-able identity of the data set, stored in a store.

        Descriptive fields (title, citation ...) are left out, because correcting them changes no data.
        """
        words = {"title", "licence", "citation", "url", "remote", "other_versions"}
        return self.model_dump(mode="json", exclude=words)

    def state(self) -> dict[str, Any]:
        """:meth:`identity` and the content of the files beside the YAML: what a store follows."""
        files = [name for name in (self.labels, self.subset) if name is not None]
        found = {name: self.folder / name for name in files}
        sums = {name: file_sha256(file) for name, file in found.items() if file.is_file()}
        return {**self.identity(), "files": sums}

    def changes_since(self, made_from: dict[str, Any]) -> list[str]:
        """The keys of :meth:`state` that differ from those that a store was made from.

        A key that the store's version of ecgbench did not have counts with its default.
        """
        defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in DatasetSpec.model_fields.items()
            if not field.is_required()
        }
        now = self.state()
        if "files" not in made_from:
            del now["files"]
        return sorted(
            key for key, value in now.items() if made_from.get(key, defaults.get(key)) != value
        )


def load_spec(path: Path) -> tuple[str, DatasetSpec]:
    """Read a catalogue entry.

    Raises:
        ConfigError: The file is not YAML, or a key or value does not fit; names the first one.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is not a catalogue entry.", "See docs/data.md.")
    try:
        spec = DatasetSpec.model_validate({**content, "folder": path.parent.resolve()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {where}: {first['msg']}.", "See docs/data.md.") from error
    return spec.name, spec


datasets: Registry[DatasetSpec] = Registry(
    kind="data set",
    group="ecgbench.datasets",
    builtin=Path(__file__).parent / "catalogue",
    find=lambda folder: sorted(folder.glob("*.yaml")),
    load=load_spec,
)
