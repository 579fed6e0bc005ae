"""Strings that others wrote come out inert in every format."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lacking import lacking

from ecgbench.base.inert import for_csv, for_latex, for_markdown, plain
from ecgbench.leaderboard.build import build
from ecgbench.leaderboard.formats import to_csv, to_latex, to_markdown, to_terminal
from ecgbench.leaderboard.sheets import Sheet, brief_sheet
from ecgbench.leaderboard.show import tables_of
from ecgbench.results.store import read_results

from .made_up import put, put_reason, split

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J",
    "\x9b31m",
    "../../../etc/passwd",
    "a|b\nc\r\nd",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "`code` **bold** _em_ # head",
    "http://evil.example www.evil.example me@evil.example @maintainers",
    r"\input{/etc/passwd} \write18{rm -rf} $x$ % & _ # { } ~ ^",
    "[bold red]rich markup[/]",
    "\u202eesrever\u202c\u200b\ufeff",
    "{{ 7*7 }} {% for x in y %}",
    "x" * 5000,
    "&lt;b&gt; &#60;b&#62;",
    "[1pt] * [2]",
    "* starred",
    "Ωμέγα Київ 心电图 naïve é ß – “x” ĦħŀŦ",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile") / "board"
    of = split()
    for number, text in enumerate(HOSTILE):
        short = text[:200]
        changes = {"method.name": f"m{number} {short}"[:200], "method.title": short}
        put(made / "results", of, 1.0, number, **changes, **{"method.variant": short})
        changes["protocol.name"] = "other"
        put_reason(made / "results", "failed", text, **changes)
    build(made)
    return made


def test_nothing_is_written_outside_the_folder(folder: Path) -> None:
    assert sorted(path.name for path in folder.parent.iterdir()) == ["board"]
    assert {path.name for path in folder.iterdir()} == {"results", "tables", "version.json"}


def test_no_cell_of_a_csv_is_a_formula(folder: Path) -> None:
    seen = 0
    for path in (folder / "tables").rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                for cell in row:
                    number = re.fullmatch(r"-?\d+(\.\d+)?", cell)
                    assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
                    assert not set(map(ord, cell)) & {*range(32), *range(127, 160)}
                    seen += 1
    assert seen > 500


def test_markdown_becomes_no_tag_link_or_image(folder: Path) -> None:
    from markdown_it import MarkdownIt

    for path in (folder / "tables").rglob("*.md"):
        html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(path.read_text())
        tags = set(re.findall(r"<(/?\w+)", html))
        plain_tags = {
            "p",
            "h2",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "ul",
            "li",
            "a",
            "code",
        }
        assert {tag.strip("/") for tag in tags} <= plain_tags, path
        links = re.findall(r'href="([^"]*)"', html)
        assert all(link.endswith(".md") and "evil" not in link for link in links)
        for line in path.read_text().splitlines():
            assert "://" not in line
            assert "www." not in line


def test_every_row_of_a_markdown_table_has_the_same_columns(folder: Path) -> None:
    lines = (folder / "tables/sim-toy/toy-probe.md").read_text().splitlines()
    counts = {line.count("|") for line in lines if line.startswith("|")}
    assert len(counts) == 1


def test_a_terminal_gets_no_escape_and_no_markup(folder: Path) -> None:
    from rich.console import Console

    rows = tuple((text,) for text in HOSTILE)
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(to_terminal(Sheet("t", ("c",), rows)))
    assert "\x1b" not in out.getvalue()
    assert "\x9b" not in out.getvalue()
    assert "[bold red]rich markup[/]" in out.getvalue()


def test_what_commands_say_of_others_files_has_no_escape(tmp_path: Path) -> None:
    put(tmp_path / "v/results", split(), **{"method.name": "\x1b]0;t\x07m", "method.title": "m"})
    command = [sys.executable, "-m", "ecgbench", "leaderboard", "build", str(tmp_path / "v")]
    subprocess.run(command, check=True)
    (tmp_path / "v/tables/\x1b]0;t\x07.csv").write_text("")
    first = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert "made from no result" in first.stderr
    path = next((tmp_path / "v/results").rglob("*.json"))
    shutil.copy(path, path.with_name("again.json"))
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Two results for the cell" in second.stderr
    assert "\x1b" not in first.stderr + second.stderr


def test_an_escape_leaves_nothing_behind() -> None:
    assert plain("\x1b[31mred\x1b[0m \x1b]0;title\x07text") == "red text"
    assert plain("x" * 5000).endswith("…")


def test_latex_runs_no_command(folder: Path) -> None:
    rows = tuple((text,) for text in HOSTILE)
    text = to_latex(Sheet("t", ("c",), rows))
    commands = set(re.findall(r"\\([A-Za-z]+)", text))
    assert commands <= {
        "begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule",
        "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater",
        "textbar", "textquotedbl", "textasciigrave", "footnotesize", "setlength", "tabcolsep",
    }  # fmt: skip
    assert "$" not in text.replace(r"\$", "")


@given(st.text(max_size=80))
def test_any_text_is_inert(text: str) -> None:
    assert not set(plain(text)) & {chr(c) for c in [*range(32), *range(127, 160), 0x202E, 0x200B]}
    assert for_csv(text)[:1] not in ("=", "+", "-", "@")
    assert not set(for_markdown(text)) & set("<>|[]*`\\!$@")
    bare = re.sub(r"\\text\w+\{\}|\\[&%$#_{}]|\{[\[*]\}", "", for_latex(text))
    assert not set(bare) & set("\\$&%#_{}~^")


@given(st.text(max_size=40))
def test_markdown_shows_what_was_written(text: str) -> None:
    import html

    assert html.unescape(for_markdown(text)) == html.unescape(plain(text).replace("&", "&#38;"))


def test_tables_come_out_in_every_format() -> None:
    sheet = Sheet("T", ("name", "n"), (("a", "1"), ("b", "")), frozenset({"n"}), ("note",))
    assert to_csv(sheet) == "name,n\na,1\nb,\n"
    assert to_markdown(sheet).startswith("## T\n\n| name")
    assert "- note" in to_markdown(sheet)
    assert r"a & 1 \\" in to_latex(sheet)


@pytest.mark.slow
def test_latex_compiles_without_an_error(folder: Path, tmp_path: Path) -> None:
    """Hostile names as cells (the first of a row follows the end of the last), notes and captions."""
    if shutil.which("pdflatex") is None:
        lacking("no pdflatex on this machine (texlive-latex-base and -recommended)")
    rows = tuple((text, str(number), text) for number, text in enumerate(HOSTILE))
    every_sign = tuple((sign, "", sign) for sign in map(chr, range(0x20, 0x250)))
    sheets = [Sheet(HOSTILE[0], ("[1]", "n", "*"), rows, frozenset({"n"}), tuple(HOSTILE))]
    for start in range(0, len(every_sign), 40):
        sheets.append(Sheet("", ("a", "b", "c"), every_sign[start : start + 40]))
    found = [result for _, result in read_results(folder / "results")]
    sheets += [brief_sheet(table) for table in tables_of(found)]
    body = "\\clearpage".join(map(to_latex, sheets))
    source = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}"
    (tmp_path / "t.tex").write_text(f"{source}\\begin{{document}}{body}\\end{{document}}")
    command = ["pdflatex", "-interaction=nonstopmode", "-no-shell-escape", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    said = done.stdout.decode("utf-8", "replace").splitlines()
    assert [line for line in said if line.startswith("!")] == []
    assert done.returncode == 0
    assert (tmp_path / "t.pdf").is_file()
