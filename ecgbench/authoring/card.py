"""A method's card: its ``README.md``."""

from __future__ import annotations

import re

from ecgbench.plugins.specs import MethodInfo

SECTIONS = {
    "what it needs (a heading or a table's entry with 'needs' or 'input')": r"needs?|inputs?",
    "what it was pre-trained on ('pre-training')": r"pre-?train",
    "its licence": r"licen[cs]e",
    "its known limits": r"limit",
}
SHORTEST = 60  # words
GAPS = re.compile(r"\bTODO\b|\bFIXME\b|\blorem ipsum\b", re.IGNORECASE)


def missing_from_card(info: MethodInfo) -> list[str]:
    """Descriptions of the missing parts of a card; empty for a complete card.

    Only headings and the first cells of table rows are searched.
    """
    path = info.folder / "README.md"
    if not path.is_file():
        return [f"itself: there is no {path.name} in {info.folder.name}"]
    text = path.read_text(encoding="utf-8", errors="replace")
    places = "\n".join(
        line.split("|")[1] if line.startswith("|") and line.count("|") > 1 else line
        for line in text.splitlines()
        if line.startswith(("#", "|", "**", "- **"))
    )
    missing = [
        what for what, pattern in SECTIONS.items() if not re.search(pattern, places, re.IGNORECASE)
    ]
    if len(text.split()) < SHORTEST:
        missing.append(f"words: it has fewer than {SHORTEST}")
    if gap := GAPS.search(text):
        missing.append(f"what stands at {gap.group()!r}")
    return missing
