"""Sheets as CSV, Markdown, LaTeX and for a terminal; text is made inert in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ecgbench.base.inert import for_csv, for_latex, for_markdown, plain
from ecgbench.leaderboard.sheets import Sheet

if TYPE_CHECKING:
    from rich.table import Table as TerminalTable

Format = Literal["csv", "md", "latex"]


def to_csv(sheet: Sheet) -> str:
    """RFC 4180 with plain newlines, so that Git shows what changed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([for_csv(name) for name in sheet.columns])
    writer.writerows(_cells(sheet, row, for_csv) for row in sheet.rows)
    return buffer.getvalue()


def to_markdown(sheet: Sheet, level: int = 2) -> str:
    """A heading, the table and its notes."""
    from tabulate import tabulate

    align = ["right" if name in sheet.numeric else "left" for name in sheet.columns]
    body = tabulate(
        [_cells(sheet, row, for_markdown) for row in sheet.rows],
        headers=[for_markdown(name) for name in sheet.columns],
        tablefmt="pipe",
        colalign=align if sheet.rows else None,
        disable_numparse=True,
    )
    notes = "".join(f"\n- {for_markdown(note)}" for note in sheet.notes)
    heading = f"{'#' * level} {for_markdown(sheet.title)}\n\n{body}\n"
    return heading + (notes + "\n" if notes else "")


def to_latex(sheet: Sheet) -> str:
    """A table for a paper; needs the package booktabs, and T1 fonts for names with accents."""
    align = "".join("r" if name in sheet.numeric else "l" for name in sheet.columns)
    head = " & ".join(for_latex(name) for name in sheet.columns)
    body = [" & ".join(_cells(sheet, row, for_latex)) + r" \\" for row in sheet.rows]
    notes = [rf"{for_latex(note)}\par" for note in sheet.notes]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{for_latex(sheet.title)}}}",
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            head + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *([r"\par\medskip", *notes] if notes else []),
            r"\end{table}",
            "",
        ]
    )


def to_terminal(sheet: Sheet) -> TerminalTable:
    """A rich table; no cell is read as markup."""
    from rich.table import Table as TerminalTable
    from rich.text import Text

    caption = Text("\n".join(plain(note) for note in sheet.notes), justify="left")
    table = TerminalTable(title=Text(plain(sheet.title)), caption=caption, caption_justify="left")
    for name in sheet.columns:
        table.add_column(Text(plain(name)), justify="right" if name in sheet.numeric else "left")
    for row in sheet.rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


def _cells(sheet: Sheet, row: tuple[str, ...], inert: Callable[[str], str]) -> list[str]:
    """The cells of a row; a number is ours and stays as it is."""
    return [
        cell if name in sheet.numeric else inert(cell)
        for name, cell in zip(sheet.columns, row, strict=True)
    ]


WRITERS: dict[Format, Callable[[Sheet], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "latex": to_latex,
}
