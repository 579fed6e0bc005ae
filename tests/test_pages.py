"""A page that the code, the catalogue or another page sends its reader to is there."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_page_that_is_named_exists(project_root: Path) -> None:
    named: dict[str, Path] = {}
    for folder in ("ecgbench", "methods", "tasks", "docs", "."):
        pattern = "*.md" if folder == "." else "**/*"
        for file in (project_root / folder).glob(pattern):
            if file.suffix in {".py", ".md", ".yaml", ".j2"}:
                pages = re.findall(r"\bdocs/[\w-]+\.md\b", file.read_text(encoding="utf-8"))
                named |= dict.fromkeys(pages, file)
    assert len(named) > 5
    assert not {page: file for page, file in named.items() if not (project_root / page).is_file()}
