"""A planned cell: which result on disk answers it, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from leaderboard.made_up import record
from pydantic import ValidationError

from ecgbench.base.hashing import content_hash
from ecgbench.results.schema import Draft, Result
from ecgbench.results.store import path_of

OTHER = content_hash("other")


def draft(**changes: Any) -> Draft:
    known = record(**changes)
    return Draft.model_validate({k: v for k, v in known.items() if k in Draft.model_fields})


def answer(**changes: Any) -> Result:
    return Result.model_validate(record(**{"status": "not-applicable", **changes}))


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        ({}, True),
        ({"method.parameters": 5, "method.title": "Masked"}, True),
        ({"data.n_train": 7, "data.n_val": 9, "costs.device": "gpu"}, True),
        ({"pretraining.fingerprint": OTHER, "pretraining.records": 5}, True),
        ({"status": "failed"}, False),
        ({"seed": 1}, False),
        ({"draw": 1}, False),
        ({"code.predictions": OTHER}, False),
        ({"method.config_hash": OTHER}, False),
        ({"method.version": 2}, False),
        ({"task.fingerprint": OTHER}, False),
        ({"protocol.fingerprint": OTHER}, False),
        ({"protocol.variant": "10%"}, False),
        ({"data": None}, False),
        ({"data.fingerprint": OTHER}, False),
        ({"data.source_fingerprint": OTHER}, False),
        ({"data.test_fingerprint": OTHER}, False),
        ({"pretraining.datasets": ["ptbxl"]}, False),
        ({"pretraining.sources": {"weights": OTHER}}, False),
    ],
)
def test_a_result_of_the_same_ingredients_answers_a_draft(
    changes: dict[str, Any], answers: bool
) -> None:
    assert draft().answered_by(answer(**changes)) is answers


def test_what_was_made_from_weights_that_are_gone_stands() -> None:
    made = answer(**{"pretraining.sources": {"weights": OTHER}})
    assert draft(**{"pretraining.sources": None}).answered_by(made)


def test_a_draft_has_the_key_and_the_file_of_its_result() -> None:
    planned = draft()
    made = planned.result("failed", "it broke")
    assert (made.key, path_of(Path(), made)) == (planned.key, path_of(Path(), planned))
    assert (made.status, made.reason, made.data) == ("failed", "it broke", planned.data)


def test_a_result_needs_figures_or_a_reason() -> None:
    with pytest.raises(ValidationError, match="has scores"):
        draft().result("ok")
    with pytest.raises(ValidationError, match="has a reason"):
        draft().result("failed")
