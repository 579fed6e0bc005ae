"""Clinical content of generated reports: which statements a text makes, and their F1.

Statements are found by the patterns of ``clinical_statements.yaml``, a versioned file; what a text
denies is not found, what it suspects is. Word overlap rewards a report that gets the phrases right and
the finding wrong; this does not.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import MetricError

Found = NDArray[np.bool_]
_BRACKETS = re.compile(r"\([^()]*\)")
PATTERNS = Path(__file__).with_name("clinical_statements.yaml")


@dataclass(frozen=True)
class Lexicon:
    """Compiled patterns.

    Attributes:
        version: Version of the file.
        codes: Statements in the order of columns; SCP-ECG codes where there is one.
        statements: Statement number and pattern, in the order of matching.
        before: Denies what follows.
        after: Denies what precedes.
        apart: Contains a denying word and denies nothing.
        ends: Ends a clause.
        comma: Separates the parts of a clause.
        joins: Joins the parts of a clause to a list, which is denied as a whole.
        words: How far a denial reaches, in words.
    """

    version: int
    codes: tuple[str, ...]
    statements: tuple[tuple[int, re.Pattern[str]], ...]
    before: re.Pattern[str]
    after: re.Pattern[str]
    apart: re.Pattern[str]
    ends: re.Pattern[str]
    comma: re.Pattern[str]
    joins: re.Pattern[str]
    words: int

    def find(self, text: str) -> Found:
        """Statements that a text makes, [statements]."""
        found = np.zeros(len(self.codes), dtype=np.bool_)
        plain = rest = _plain(text)
        # what is in brackets spells out the words before it, so a comma there ends nothing
        clauses = _BRACKETS.sub(lambda match: match.group().replace(",", " "), plain)
        for number, pattern in self.statements:
            for match in pattern.finditer(rest):
                if not self._denied(clauses, match.start(), match.end()):
                    found[number] = True
            # taken words become a mark that no pattern matches, so that nothing joins across them
            rest = pattern.sub(lambda match: "#" * len(match.group()), rest)
        return found

    def _denied(self, text: str, start: int, end: int) -> bool:
        """Whether the clause around a finding denies it.

        A comma ends a denial, except within a list that "or" joins: "no A, B or C" denies all three, and
        "no A, B" denies A alone.
        """
        ahead, behind = self.ends.split(text[:start])[-1], self.ends.split(text[end:])[0]
        own = self.comma.split(ahead)[-1]
        if not self.joins.search(f"{own} {behind}"):
            ahead, behind = own, self.comma.split(behind)[0]
        return any(
            sign.search(self.apart.sub(" ", " ".join(clause)))
            for sign, clause in (
                (self.before, ahead.split()[-self.words :]),
                (self.after, behind.split()[: self.words]),
            )
        )


@functools.lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Read the patterns that come with the package."""
    import yaml

    return _compile(yaml.safe_load(PATTERNS.read_text(encoding="utf-8")))


def statements(texts: Sequence[str]) -> Found:
    """Find what each text says.

    Args:
        texts: [records]; may be empty texts, which say nothing.

    Returns:
        [records, statements], columns as in ``lexicon().codes``.
    """
    if not texts:
        raise MetricError("no text to look for statements in")
    known = {text: lexicon().find(text) for text in dict.fromkeys(texts)}
    return np.stack([known[text] for text in texts])


def counts(references: Sequence[str], hypotheses: Sequence[str]) -> NDArray[np.float64]:
    """What the F1 of statements is made of, pair by pair; the counts of several pairs add up.

    Args:
        references: [pairs] what was written.
        hypotheses: [pairs] what was generated.

    Returns:
        [pairs, 2]: statements that both make, and statements of the one plus those of the other.

    >>> counts(["atrial fibrillation, LVH"], ["atrial fibrillation"]).tolist()
    [[1.0, 3.0]]
    """
    wanted, said = statements(references), statements(hypotheses)
    both, either = (wanted & said).sum(axis=1), wanted.sum(axis=1) + said.sum(axis=1)
    return np.column_stack([both, either]).astype(np.float64)


def f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Micro F1 over the statements of all reports together.

    Args:
        counts: [2, resamples] sums over pairs of :func:`counts`.

    Returns:
        [1, resamples]; NaN where no report makes a statement.

    >>> f1(np.array([[1.0, 0.0], [4.0, 0.0]])).tolist()
    [[0.5, nan]]
    """
    hits, together = counts
    values: NDArray[np.float64] = np.full((1, *np.shape(hits)), np.nan)
    np.divide(2 * hits, together, out=values[0], where=together > 0)
    return values


def _compile(source: dict[str, Any]) -> Lexicon:
    def pattern(text: str) -> re.Pattern[str]:
        for name, piece in source["pieces"].items():
            text = text.replace(f"{{{name}}}", piece)
        return re.compile(text)

    def any_of(texts: list[str]) -> re.Pattern[str]:
        return re.compile("|".join(texts))

    entries = source["statements"]
    return Lexicon(
        version=int(source["version"]),
        codes=tuple(entry["code"] for entry in entries),
        statements=tuple(
            (number, pattern(text))
            for number, entry in enumerate(entries)
            for text in entry["patterns"]
        ),
        before=any_of(source["negation"]["before"]),
        after=any_of(source["negation"]["after"]),
        apart=any_of(source["negation"]["apart"]),
        ends=any_of(source["negation"]["ends"]),
        comma=any_of(source["negation"]["comma"]),
        joins=any_of(source["negation"]["joins"]),
        words=int(source["negation"]["words"]),
    )


def _plain(text: str) -> str:
    """Lower case, single spaces, no accents; ae as a (ischaemia, ventrikulaer)."""
    bare = unicodedata.normalize("NFKD", text.lower()).replace("ß", "ss")
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return re.sub(r"\s+", " ", re.sub(r"(?<=\w)ae(?=\w)", "a", bare)).strip()
