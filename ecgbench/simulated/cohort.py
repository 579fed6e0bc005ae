"""The patients, their records and the ten folds: everything except the signals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ecgbench.simulated.findings import Findings, draw_findings

#: Names of the independent streams of random numbers, as spawn keys.
PATIENT, RECORD, FOLDS, TEXT = 1, 2, 3, 4

#: Statements that come and go between two records of a patient.
_PASSING = ("PVC", "PAC", "STD_", "NT_", "LOWT", "INVT", "BIGU", "TRIGU", "NST_")

FOLD_COUNT = 10


@dataclass(frozen=True)
class Patient:
    """One simulated patient.

    Attributes:
        id: From 1.
        age: Years at the first record.
        female: PTB-XL's `sex` 1.
        height: Centimetres.
        weight: Kilograms.
        records: The findings at each visit.
    """

    id: int
    age: int
    female: bool
    height: int
    weight: int
    records: tuple[Findings, ...]


@dataclass(frozen=True)
class Visit:
    """One record of a patient: `id` from 1 through the corpus, `fold` 1..10, `number` from 0."""

    id: int
    patient: Patient
    number: int
    fold: int

    @property
    def findings(self) -> Findings:
        """Severity by statement."""
        return self.patient.records[self.number]

    @property
    def clean(self) -> bool:
        """Folds 9 and 10 have better recordings and validated labels, as in PTB-XL."""
        return self.fold > 8


def stream(seed: int, *key: int) -> np.random.Generator:
    """An independent random generator for one key, regardless of the order of use."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=key)
    return np.random.Generator(np.random.PCG64(sequence))


def draw_patient(seed: int, number: int) -> Patient:
    """Draw patient `number` of a corpus."""
    rng = stream(seed, PATIENT, number)
    first = draw_findings(rng)
    female = bool(rng.random() < 0.47)
    visits = 1 + int(rng.choice(4, p=[0.885, 0.090, 0.018, 0.007]))
    records = [first]
    for _ in range(visits - 1):
        records.append(_next_visit(records[-1], rng))
    height = rng.normal(163.0 if female else 175.0, 7.0)
    weight = rng.normal(25.5, 4.0) * (height / 100.0) ** 2
    return Patient(
        id=number,
        age=_age(first, rng),
        female=female,
        height=round(float(height)),
        weight=round(float(np.clip(weight, 40.0, 150.0))),
        records=tuple(records),
    )


def _age(findings: Findings, rng: np.random.Generator) -> int:
    """Sick hearts are older; atrial fibrillation and pacemakers come last, WPW early."""
    if "NORM" in findings:
        mean, spread = 51.0, 17.0
    elif {"AFIB", "AFLT", "PACE"} & set(findings):
        mean, spread = 73.0, 10.0
    elif "WPW" in findings or "SARRH" in findings:
        mean, spread = 45.0, 18.0
    else:
        mean, spread = 66.0, 12.5
    return int(np.clip(round(float(rng.normal(mean, spread))), 18, 95))


def _next_visit(before: Findings, rng: np.random.Generator) -> Findings:
    """Findings of a later record: severities drift, passing ones go, most of the rest stays."""
    after: Findings = {}
    for code, level in before.items():
        if code in _PASSING and rng.random() < 0.5:
            continue
        after[code] = float(np.clip(level + rng.normal(0.0, 0.12), 0.02, 0.98))
    rhythm = next((c for c in ("SR", "STACH", "SBRAD") if c in after), None)
    if rhythm and rng.random() < 0.25:
        after.pop(rhythm)
        after[str(rng.choice(["SR", "SR", "STACH", "SBRAD"]))] = float(rng.uniform(0.1, 0.7))
    if {"BIGU", "TRIGU"} & set(after) and "PVC" not in after:
        after = {code: level for code, level in after.items() if code not in ("BIGU", "TRIGU")}
    return dict(sorted(after.items()))


def draw_visits(seed: int, n_records: int) -> list[Visit]:
    """Draw the patients until they have `n_records` records, and put them into folds."""
    patients: list[Patient] = []
    total = 0
    while total < n_records:
        patient = draw_patient(seed, len(patients) + 1)
        kept = patient.records[: n_records - total]
        total += len(kept)
        patients.append(_with_records(patient, kept))
    folds = assign_folds(patients, stream(seed, FOLDS))
    visits: list[Visit] = []
    for patient in patients:
        for number in range(len(patient.records)):
            visits.append(Visit(len(visits) + 1, patient, number, folds[patient.id]))
    return visits


def _with_records(patient: Patient, records: tuple[Findings, ...]) -> Patient:
    return Patient(patient.id, patient.age, patient.female, patient.height, patient.weight, records)


def assign_folds(patients: list[Patient], rng: np.random.Generator) -> dict[int, int]:
    """Spread patients over ten folds so that each has its share of every statement.

    Iterative stratification (Sechidis, Tsoumakas, Vlahavas, ECML-PKDD 2011) by patient: the
    patients of the rarest statement are placed first, each where its statement is most wanting.
    """
    carries = {p.id: sorted({code for record in p.records for code in record}) for p in patients}
    remaining = Counter(code for codes in carries.values() for code in codes)
    wanted = {code: np.full(FOLD_COUNT, n / FOLD_COUNT) for code, n in remaining.items()}
    room = np.full(FOLD_COUNT, sum(len(p.records) for p in patients) / FOLD_COUNT)
    ties = rng.random((len(patients), FOLD_COUNT)) * 1e-3
    rarest = sorted(remaining, key=lambda code: (remaining[code], code))
    order = {code: i for i, code in enumerate(rarest)}
    queue = sorted(patients, key=lambda p: (min(order[c] for c in carries[p.id]), p.id))
    folds: dict[int, int] = {}
    for i, patient in enumerate(queue):
        code = min(carries[patient.id], key=order.__getitem__)
        score = np.round(wanted[code], 6) + 1e-2 * np.round(room, 6) / room.size + ties[i] * 1e-1
        fold = int(np.argmax(score))
        folds[patient.id] = fold + 1
        room[fold] -= len(patient.records)
        for other in carries[patient.id]:
            wanted[other][fold] -= 1.0
    return folds
