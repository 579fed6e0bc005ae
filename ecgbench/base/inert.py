"""Strings that others wrote (names, variants, reasons, reports) are shown, never obeyed.

One function a format. Each first drops what no table needs: control characters, terminal escapes,
marks that turn the direction of the text or are invisible.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    # After the end of a row these would be its options.
    "[": "{[}",
    "*": "{*}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}
_LATEX_KNOWS = (
    {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x180))} | set("–—‘’“”…€")
) - set("ĦħĸĿŀŉŦŧſ")
_MARKDOWN = re.compile(r"[\\`*{}\[\]#!|<>~$&@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.")
LONGEST = 300


@functools.lru_cache(maxsize=4096)  # tables say the same words again and again
def plain(text: str, longest: int = LONGEST) -> str:
    """One line of visible characters; what was cut is shown by an ellipsis."""
    bare = _ESCAPES.sub("", unicodedata.normalize("NFC", text))
    spaced = re.sub(r"\s+", " ", bare).strip()
    seen = "".join(
        c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return seen if len(seen) <= longest else seen[: longest - 1] + "…"


def for_csv(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    shown = plain(text)
    return "'" + shown if shown[:1] in ("=", "+", "-", "@") else shown


def for_markdown(text: str) -> str:
    """Text without meaning to Markdown, HTML within it, or automatic links."""
    return _MARKDOWN.sub(_entity, plain(text))


def for_latex(text: str) -> str:
    """Text without commands; a sign that pdfTeX's T1 fonts lack is given by its code point."""
    known = (s if s in _LATEX_KNOWS else f"U+{ord(s):04X}" for s in plain(text))
    return "".join(_LATEX.get(sign, sign) for sign in known)


def _entity(match: re.Match[str]) -> str:
    """A numeric entity: shown as the sign by every reader of Markdown, and able to start nothing."""
    return "".join(f"&#{ord(sign)};" for sign in match.group())
