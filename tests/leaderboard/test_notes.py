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


def test_pre_trained_rows_near_an_untrained_encoder_are_named(tmp_path: Path) -> None:
    of = split(400)
    put(tmp_path, of, 0.5, 1, **{"method.name": "random_init", **UNTRAINED})
    put(tmp_path, of, 0.3, 2, **{"method.name": "random_init_resnet", **UNTRAINED})
    put(tmp_path, of, 0.55, 3, **{"method.name": "near"})
    put(tmp_path, of, -1.0, 4, **{"method.name": "below"})
    put(tmp_path, of, 3.0, 5, **{"method.name": "far"})
    put(tmp_path, of, 0.5, 6, **{"method.name": "classical", **UNTRAINED})
    (said,) = untrained_notes(table(tmp_path))
    assert said == (
        "Not clear of an untrained encoder (random_init@none) by 95 % intervals: near@sim (paired test: "
        "not separated), below@sim (paired test: worse)."
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
    assert said.endswith("alike@sim (paired test: separated).")


def test_clear_rows_are_said_to_be_clear_and_others_say_nothing(tmp_path: Path) -> None:
    of = split(400)
    put(tmp_path, of, 3.0, 1, **{"method.name": "far"})
    assert untrained_notes(table(tmp_path)) == []
    put(tmp_path, of, 0.1, 2, **{"method.name": "random_init", **UNTRAINED})
    (said,) = untrained_notes(table(tmp_path))
    assert said == "Clear of an untrained encoder (random_init@none) by 95 % intervals: all."


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_note_of_the_protocol_stands_below_the_table_once(tmp_path: Path, seeds: int) -> None:
    for name in ("one", "two", "three"):
        for seed in range(seeds):
            notes = ["The head did not converge."] if name != "two" else []
            changes = {"method.name": name, "seed": seed, "notes": [*notes, "Same for all."]}
            put(tmp_path, split(), 1.0, len(name), **changes)
    made = table(tmp_path)
    said = [note for note in notes_of(made) if "split" not in note and "intervals" not in note]
    assert sorted(said) == [
        "Every row: Same for all.",
        *[note for note in said if note.endswith("@sim: The head did not converge.")],
    ]
    assert len(said) == 2
    assert "two@sim" not in said[0] + said[1]
