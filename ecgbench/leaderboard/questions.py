"""Results sorted into questions: only results of one question share a table.

A question is a task, a protocol and its variant, as certain fingerprints pin them. Results that answer
another question under the same name (another version of the task, other test records or labels, other
resamples) are told apart here, before anything is averaged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ecgbench.base.errors import ResultError
from ecgbench.base.hashing import content_hash
from ecgbench.results.schema import Result

Identity = dict[str, str | int | float]

OWN_TEXT_TOWER = "own text tower"
ALIGNED = "aligned post hoc"


@dataclass
class QuestionResults:
    """The results that answer one question.

    Attributes:
        name: ``TASK/PROTOCOL@VARIANT``.
        identity: What pins it, by the name of what is pinned.
        results: Of whatever status.
        part: What tells its rows from those of another table on the same question; see :func:`parts`.
    """

    name: str
    identity: Identity
    results: list[Result] = field(default_factory=list)
    part: str = ""

    @property
    def first(self) -> Result:
        """Any of its results, for what they all share."""
        return self.results[0]

    @property
    def chance(self) -> float | None:
        """For a control what its leading figure is when nothing leaks; None for other questions."""
        known = (result.protocol.chance for result in self.results)
        return next((value for value in known if value is not None), None)

    @property
    def rows(self) -> dict[str, list[Result]]:
        """Its results by leaderboard row, rows by name, runs by seed and draw."""
        grouped: defaultdict[str, list[Result]] = defaultdict(list)
        for result in sorted(self.results, key=lambda r: (r.row, r.seed, r.draw)):
            grouped[result.row].append(result)
        return dict(grouped)


def identity(result: Result) -> Identity:
    """What pins the question that a result answers, as far as the result knows."""
    known: Identity = {
        "task": result.task.fingerprint,
        "task version": result.task.version,
        "data set": result.task.dataset,
        "protocol": result.protocol.fingerprint,
        "protocol version": result.protocol.version,
        "track": result.protocol.track,
        "simulated": int(result.task.simulated),
    }
    if result.protocol.chance is not None:
        known["chance"] = result.protocol.chance
    if result.data is not None:
        known["data"] = result.data.fingerprint
        known["test records and labels"] = result.data.test_fingerprint
    if result.scores is not None:
        known["metric version"] = result.scores.metric_version
        known["resamples"] = result.scores.design or "unknown"
    return known


def questions(results: Iterable[Result]) -> list[QuestionResults]:
    """Sort results into questions, by name; one name has as many as there are identities.

    Raises:
        ResultError: Two results for one cell.
    """
    found: dict[str, list[QuestionResults]] = {}
    seen: set[tuple[str, str]] = set()
    for result in sorted(results, key=_order):
        known = identity(result)
        same_name = found.setdefault(result.cell, [])
        question = next((q for q in same_name if agrees(q.identity, known)), None)
        if question is None:
            question = QuestionResults(result.cell, {})
            same_name.append(question)
        question.identity = {**question.identity, **known}
        cell = (result.key, content_hash(question.identity["task"]))
        if cell in seen:
            raise ResultError(f"Two results for the cell {result.key}.", "Delete one of them.")
        seen.add(cell)
        question.results.append(result)
    return [question for name in sorted(found) for question in found[name]]


def parts(question: QuestionResults) -> list[QuestionResults]:
    """What may be compared in one table: zero-shot by an own text tower, and by post-hoc alignment.

    Aligned rows have learnt from the reports of the tested data set, rows with a text tower may not have
    seen one of them. A row without any figure stands with the text towers.
    """
    aligned = {r.row for r in question.results if "alignment_penalty" in r.choices}
    if not aligned:
        return [question]
    found = []
    for part, here in ((OWN_TEXT_TOWER, False), (ALIGNED, True)):
        results = [result for result in question.results if (result.row in aligned) == here]
        if results:
            found.append(QuestionResults(question.name, question.identity, results, part))
    return found


def agrees(one: Identity, other: Identity) -> bool:
    """Whether two identities pin the same, as far as both know."""
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def refuse_mixtures(asked: Sequence[QuestionResults]) -> None:
    """Check that no name has two questions.

    Raises:
        ResultError: A name has two; says what differs and names a result of each.
    """
    by_name: dict[str, QuestionResults] = {}
    for question in asked:
        other = by_name.setdefault(question.name, question)
        if other is not question:
            shared = other.identity.keys() & question.identity.keys()
            differing = sorted(n for n in shared if other.identity[n] != question.identity[n])
            raise ResultError(
                f"Results of {question.name} differ in: {', '.join(differing)}. "
                f"Compare {other.first.key} with {question.first.key}.",
                "Run the older ones again, or put them into another version of the leaderboard.",
            )


def _order(result: Result) -> tuple[bool, str]:
    """Complete results first, so that a failed cell that knows little joins what is known."""
    return result.scores is None, result.key
