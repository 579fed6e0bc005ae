"""A version of the leaderboard pins its questions: ``version.json`` beside its results.

The first build writes down what each question's results rest on (task, protocol, data, test records and
labels, metric definitions, resamples). Later builds add new questions and hold every result against what
is pinned; a changed task needs a new name or a new version of the leaderboard.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecgbench.base.errors import ResultError
from ecgbench.leaderboard.questions import Identity, QuestionResults, agrees

FILE = "version.json"
FORMAT = 1


def read_pins(folder: Path) -> dict[str, Identity]:
    """The pinned questions of a version, by name; none where nothing is pinned yet.

    Raises:
        ResultError: The file is not what it should be.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ResultError(
                f"{path} has format {content['format']}; this ecgbench reads {FORMAT}."
            )
        return {str(name): dict(pinned) for name, pinned in content["questions"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultError(f"{path} cannot be read: {type(error).__name__}: {error}.") from error


def pin(asked: Sequence[QuestionResults], pins: dict[str, Identity]) -> str:
    """Hold questions against what is pinned, and pin what is new.

    Returns:
        The content of ``version.json``.

    Raises:
        ResultError: A question is not the one that is pinned; names what differs.
    """
    complete = {name: dict(pinned) for name, pinned in pins.items()}
    for question in asked:
        pinned = complete.setdefault(question.name, {})
        if not agrees(pinned, question.identity):
            shared = pinned.keys() & question.identity.keys()
            differing = sorted(name for name in shared if pinned[name] != question.identity[name])
            raise ResultError(
                f"{question.name} is not the question that this version pins; "
                f"they differ in: {', '.join(differing)}.",
                "Put these results into a new version of the leaderboard.",
            )
        pinned.update(question.identity)
    content = {"format": FORMAT, "questions": complete}
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
