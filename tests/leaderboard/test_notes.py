from __future__ import annotations

from pathlib import Path

import pytest

from ecgbench.leaderboard.notes import notes_of, untrained_notes
from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.tables import Table, table_of
from ecgbench.results.store import read_results

from .made_up import put, split

UNTRAINED = {"pretraining": {}, "method.family": "baseline"}


def table(folder: Path) -> Table:
    (question,) = questions(result for _, result in read_results(folder))
    return table_of(question)


def test_pre_trained_rows_that_do_not_clear_the_bar_are_named(tmp_path: Path) -> None:
    of = split(400)
    put(tmp_path, of, 0.5, 1, **{"method.name": "random_init", **UNTRAINED})
    put(tmp_path, of, 0.3, 2, **{"method.name": "random_init_resnet", **UNTRAINED})
    put(tmp_path, of, 0.55, 3, **{"method.name": "near"})
    put(tmp_path, of, -1.0, 4, **{"method.name": "below"})
    put(tmp_path, of, 3.0, 5, **{"method.name": "far"})
    put(tmp_path, of, 0.5, 6, **{"method.name": "classical", "method.parameters": 0, **UNTRAINED})
    (said,) = untrained_notes(table(tmp_path))
    assert said == (
        "The bar is the best untrained encoder, random_init@none. Pre-trained rows that are not above "
        "it: near@sim (not separated (weights)), below@sim (below (weights))."
    )
    assert said in notes_of(table(tmp_path))


def test_intervals_that_touch_though_the_paired_test_separates(tmp_path: Path) -> None:
    """Two rows whose scores err alike: each interval is wide, their difference is sure."""
    of = split(400)
    put(tmp_path, of, 0.6, 1, **{"method.name": "random_init", **UNTRAINED})
    put(tmp_path, of, 0.8, 1, **{"method.name": "alike"})  # the same noise
    made = table(tmp_path)
    spans = [row.summaries["auroc"].span for row in made.rows]
    assert spans[0].low < spans[1].high
    (said,) = untrained_notes(made)
    assert said.endswith("Every pre-trained row is above it.")


def test_a_table_without_an_untrained_encoder_says_so(tmp_path: Path) -> None:
    of = split(400)
    put(tmp_path, of, 3.0, 1, **{"method.name": "far"})
    assert untrained_notes(table(tmp_path)) == ["No untrained encoder stands in this table."]
    (tmp_path / "other").mkdir()
    put(tmp_path / "other", of, 0.1, 2, **{"method.name": "random_init", **UNTRAINED})
    assert untrained_notes(table(tmp_path / "other")) == []


def test_notes_say_which_statement_a_letter_makes(tmp_path: Path) -> None:
    for name, seeds in (("one", 1), ("three", 3), ("more", 3)):
        for seed in range(seeds):
            put(tmp_path, split(), 1.0, len(name), **{"method.name": name, "seed": seed})
    said = notes_of(table(tmp_path))
    procedure = "Rank and letters are of the procedure, over test patients and seeds"
    assert any(s.startswith(procedure) for s in said)
    assert any(
        s.startswith("Rank and letters of weights are of these trained models") for s in said
    )
    assert any(s.endswith("as a procedure: one@sim.") for s in said)
    assert any(s.startswith("Equivalent procedures (differ by less than 0.01") for s in said)


def test_equivalent_rows_are_named_apart_from_rows_that_are_not_separated(tmp_path: Path) -> None:
    of = split(3000)
    for name, skill in (("one", 3.0), ("same", 3.0001)):
        put(tmp_path, of, skill, 4, **{"method.name": name})
    put(tmp_path, of, 2.0, 5, **{"method.name": "other"})
    made = table(tmp_path)
    said = next(note for note in notes_of(made) if note.startswith("Equivalent weights"))
    assert said.endswith(": one@sim and same@sim.")


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_note_of_the_protocol_stands_below_the_table_once(tmp_path: Path, seeds: int) -> None:
    for number, name in enumerate(("one", "two", "three")):
        for seed in range(seeds):
            notes = ["The head did not converge."] if name != "two" else []
            changes = {"method.name": name, "seed": seed, "notes": [*notes, "Same for all."]}
            put(tmp_path, split(), 1.0, 10 * number, **changes)
    made = table(tmp_path)
    said = [note for note in notes_of(made) if "all." in note or "converge." in note]
    assert sorted(said) == [
        "Every row: Same for all.",
        *[note for note in said if note.endswith("@sim: The head did not converge.")],
    ]
    assert len(said) == 2
    assert "two@sim" not in said[0] + said[1]
