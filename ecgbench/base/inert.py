"""Escaping of text from others (names, variants, reasons, reports): it is shown and never interpreted.

There is one function per format. Each first removes characters that no table needs: control characters,
terminal escapes, invisible marks and marks that change the direction of the text.
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
    # After the end of a row LaTeX would read these as its options.
    "[": "{[}",
    "*": "{*}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}
_LATEX_KNOWS = (
    {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x180))} | set("–—‘’“”…€")
) - set("ĦħĸĿŀŉŦŧſ")
_MARKDOWN = re.compile(r"[\\`*{}\[\]#!|<>~$&@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.")
LONGEST = 300


@functools.lru_cache(maxsize=4096)  # tables repeat the same words
def plain(text: str, longest: int = LONGEST) -> str:
    """One line of visible characters; an ellipsis marks a cut."""
    bare = _ESCAPES.sub("", unicodedata.normalize("NFC", text))
    spaced = re.sub(r"\s+", " ", bare).strip()
    seen = "".join(
        c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return seen if len(seen) <= longest else seen[: longest - 1] + "…"


def for_csv(text: str) -> str:
    """A cell that no spreadsheet interprets as a formula."""
    shown = plain(text)
    return "'" + shown if shown[:1] in ("=", "+", "-", "@") else shown


def for_markdown(text: str) -> str:
    """Text without Markdown, HTML or automatic links."""
    return _MARKDOWN.sub(_entity, plain(text))


def for_latex(text: str) -> str:
    """Text without LaTeX commands; characters that pdfTeX's T1 fonts lack become their code points."""
    known = (s if s in _LATEX_KNOWS else f"U+{ord(s):04X}" for s in plain(text))
    return "".join(_LATEX.get(sign, sign) for sign in known)


def _entity(match: re.Match[str]) -> str:
    """A numeric entity: every Markdown renderer shows the character, and it cannot start any markup."""
    return "".join(f"&#{ord(sign)};" for sign in match.group())
