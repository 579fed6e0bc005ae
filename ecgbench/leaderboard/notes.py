"""The sentences below a table: its test split, what its tests say, what to know of its rows."""

from __future__ import annotations

import math
from collections import defaultdict

from ecgbench.leaderboard.controls import control_notes
from ecgbench.leaderboard.tables import Table
from ecgbench.stats.components import MIN_SEEDS, Statement
from ecgbench.stats.pairs import MARGIN


def notes_of(table: Table) -> tuple[str, ...]:
    """How to read a table."""
    return (
        *_data_notes(table),
        *control_notes(table),
        *_statement_notes(table),
        *untrained_notes(table),
        *_row_notes(table),
    )


def untrained_notes(table: Table) -> list[str]:
    """What a pre-trained row has to beat, and which rows do not."""
    pretrained = [r for r in table.rows if r.weights and r.first.pretraining.datasets]
    if not pretrained:
        return []
    if table.bar is None:
        return ["No untrained encoder stands in this table."]
    bar = f"The bar is the best untrained encoder, {table.bar.key}."
    short = [row for row in pretrained if not row.against_bar.startswith("above")]
    if not short:
        return [f"{bar} Every pre-trained row is above it."]
    named = ", ".join(f"{row.key} ({row.against_bar})" for row in short)
    return [f"{bar} Pre-trained rows that are not above it: {named}."]


def _data_notes(table: Table) -> list[str]:
    good = [run for row in table.rows for run in row.good if run.data is not None]
    if not good or good[0].data is None:
        return []
    data = good[0].data
    notes = [f"Test split: {data.n_test} records of {data.n_test_patients} patients."]
    variant = table.question.first.protocol.variant
    counts = sorted({run.data.n_train for run in good if run.data is not None})
    if variant.endswith("%") and variant != "100%":
        many = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1])))
        notes.append(f"{variant} of the training records are {many} records in each draw.")
    return notes


def _statement_notes(table: Table) -> list[str]:
    """Which statement a rank and a letter make."""
    compared = [row for row in table.rows if row.weights is not None]
    if not compared or table.lead is None:
        return []
    notes = []
    if table.procedures:
        runs = table.procedures[0].good
        draws = len({run.draw for run in runs})
        over = "test patients and seeds" if draws == 1 else "test patients, seeds and draws"
        notes.append(
            f"Rank and letters are of the procedure, over {over}: rows that share no letter are "
            f"separated at 5 % (Holm's correction over all pairs). {_reach(table, 'procedure')}"
        )
    notes.append(
        "Rank and letters of weights are of these trained models alone, over test patients. "
        f"{_reach(table, 'weights')}"
    )
    few = [row.key for row in compared if row.procedure is None]
    if few:
        who = "every row" if len(few) == len(compared) else ", ".join(few)
        notes.append(
            f"Fewer than {MIN_SEEDS} seeds, so not ranked and separated from nobody as a procedure: "
            f"{who}."
        )
    return [*notes, *_equivalence_notes(table)]


def _reach(table: Table, statement: Statement) -> str:
    reach = table.separable.get(statement, math.nan)
    if not math.isfinite(reach) or table.lead is None:
        return "No pair of rows can be compared."
    return (
        f"The smallest difference in {table.lead.title} that separates a pair is {reach:.4f} "
        "(uncorrected, median over pairs)."
    )


def _equivalence_notes(table: Table) -> list[str]:
    """Pairs that are shown to be alike, which is more than not being separated."""
    of_procedure = {row.key: row.procedure for row in table.rows if row.procedure}
    of_weights = {row.key: row.weights for row in table.rows if row.weights}
    notes = []
    for words, standing in (("procedures", of_procedure), ("weights", of_weights)):
        pairs = {
            (min(key, other), max(key, other))
            for key, found in standing.items()
            for other in found.equivalent
        }
        if len(standing) > 1:
            named = ", ".join(f"{one} and {other}" for one, other in sorted(pairs)) or "none"
            notes.append(
                f"Equivalent {words} (differ by less than {MARGIN:g}, two one-sided tests with Holm's "
                f"correction): {named}."
            )
    return notes


def _row_notes(table: Table) -> list[str]:
    """What rows have to say, once each."""
    said: defaultdict[str, list[str]] = defaultdict(list)
    for row in table.rows:
        for key, _ in row.twins:
            said[f"the same runs as {key}, by the hashes of their predictions"].append(row.key)
        for note in row.notes:
            said[note.rstrip(".")].append(row.key)
    return [
        f"{'Every row' if len(keys) == len(table.rows) > 1 else ', '.join(keys)}: {note}."
        for note, keys in said.items()
    ]
