"""The words of a text: what a report is compared by, and how a report without words is told."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Tokens of a text, the same for every metric.

    Runs of letters and digits of any script, compatibility-normalised, in lower case. rouge-score's own
    tokeniser keeps ASCII only, which would cut German words at each umlaut.

    >>> words("ST-Hebung, inferiore ISCHÄMIE.")
    ['st', 'hebung', 'inferiore', 'ischämie']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())
