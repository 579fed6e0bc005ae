"""The page: what is in it, and how it behaves in a real browser."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lacking import lacking

from ecgbench.base.errors import ResultError
from ecgbench.base.inert import plain
from ecgbench.evaluation.ground_truth import Truth
from ecgbench.leaderboard.build import build
from ecgbench.leaderboard.page import svg
from ecgbench.leaderboard.page.ecg import on_paper
from ecgbench.leaderboard.page.render import write_page
from ecgbench.leaderboard.reported import COLUMNS, reported_sheets

from .made_up import put, split
from .make_demo import demo
from .test_hostile import HOSTILE

TABLE = "section[data-task='sim-toy-sub'][data-protocol='toy-probe'] table.sortable"
SOURCE = "https://arxiv.org/abs/2403.06659"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    boards = tmp_path_factory.mktemp("page")
    folder = demo(boards / "v0")
    for number, text in enumerate(HOSTILE):
        changes = {"task.name": "sim-hostile", "method.name": f"m{number}"}
        put(folder / "results", split(), 1.0, number, **changes, **{"method.title": text[:200]})
    seen = {"task.name": "sim-seen", "pretraining.contaminated": "trained on 12 test records"}
    put(folder / "results", split(), 2.0, 0, **seen)
    for draw in range(2):
        changes = {"method.name": "mae", "method.title": "MAE", "draw": draw}
        control = {"protocol.name": "toy-control", "protocol.chance": 0.5}
        put(folder / "results", named(HOSTILE[:4]), 0.0, 0, **changes, **control)
    (boards / "reported").mkdir()
    rows = [",".join(COLUMNS), f"MERL,zero-shot mean,zero-shot,AUROC,75.2,%,the authors,{SOURCE}"]
    (boards / "reported/papers.csv").write_text("# note\n" + "\n".join(rows) + "\n")
    target = boards / "page.html"
    write_page(folder, target, with_examples="none")
    return target


def named(classes: Sequence[str]) -> Truth:
    """A split whose classes have these names."""
    return replace(split(classes=len(classes)), classes=tuple(classes))


class Reader(HTMLParser):
    """Collects tags, addresses and identifiers."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.identifiers: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "srcset"):
                self.addresses.append(value or "")
            if name == "id":
                self.identifiers.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)


def test_it_asks_no_address_and_runs_no_ones_code(page: Path) -> None:
    reader = Reader()
    reader.feed(page.read_text())
    assert reader.addresses == ["#main"]
    assert reader.handlers == []
    assert reader.tags.count("script") == 2  # ours, and data that nothing runs
    assert page.read_text().count('<script type="application/json" id="classes">') == 1
    assert not {"img", "iframe", "object", "embed", "link"} & set(reader.tags)
    assert len(reader.identifiers) == len(set(reader.identifiers))


def test_it_says_that_figures_are_simulated_and_shows_failures(page: Path) -> None:
    text = page.read_text()
    assert "Every figure on this page is of <strong>simulated</strong>" in text
    assert "out of memory" in text
    assert "incomplete" in text
    assert SOURCE in text


def test_the_same_results_make_the_same_bytes(page: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.html"
    write_page(page.parent / "v0", again, with_examples="none")
    assert again.read_bytes() == page.read_bytes()


def test_an_ecg_is_drawn_to_scale() -> None:
    rate, leads = 100.0, ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    signals = np.zeros((12, 1000), np.float32)
    signals[1, 100] = 1.0  # lead II, 1 mV after one second
    drawn = str(on_paper(signals, leads, rate, "<title>"))
    assert "&lt;title&gt;" in drawn
    assert drawn.count('class="trace"') == 12
    second = re.findall(r'class="trace" points="([^"]*)"', drawn)[4]
    points = [tuple(map(float, pair.split(","))) for pair in second.split()]
    x, y = points[100]
    assert x == pytest.approx(25 * 4, abs=0.1)  # 25 mm at 4 units a mm
    assert points[0][1] - y == pytest.approx(10 * 4, abs=0.1)  # 10 mm upwards


def test_an_axis_places_values_and_ticks() -> None:
    axis = svg.Axis(0, 1, 0, 100)
    assert axis.at(0.25) == 25
    assert axis.at(9) == 100  # nothing is drawn outside
    assert svg.Axis(1, 100, 0, 100, log=True).at(10) == pytest.approx(50)
    assert svg.Axis(1, 100, 0, 100, log=True).ticks() == [1, 10, 100]
    assert svg.Axis(0.7, 6, 0, 100, log=True).ticks() == [1, 2, 5]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("MERL,t,p,AUROC,high,%,authors,https://x", "no number"),
        ("MERL,t,p,AUROC,75,%,authors,somewhere", "no citation"),
        ("MERL,t,p", "3 columns"),
    ],
)
def test_a_reported_figure_has_a_number_and_a_source(
    tmp_path: Path, row: str, message: str
) -> None:
    (tmp_path / "x.csv").write_text(",".join(COLUMNS) + "\n" + row + "\n")
    with pytest.raises(ResultError, match=message):
        reported_sheets(tmp_path)


def test_the_reported_figures_that_are_committed_can_be_read(project_root: Path) -> None:
    sheets = reported_sheets(project_root / "leaderboards/reported")
    assert sum(len(sheet.rows) for sheet in sheets) > 20


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        lacking("no Chromium on this machine")
    with sync.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Any, page: Path) -> Iterator[Any]:
    """The page, opened; fails at its end on a console error or a request that left the page."""
    said: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append("dialog") or dialog.dismiss())
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    yield tab
    assert said == []
    assert asked == [page.as_uri()]
    context.close()


def column(table: Any, number: int) -> list[str]:
    return [
        cell.inner_text().split("\n")[0]
        for cell in table.locator(f"tr.row > :nth-child({number})").all()
        if cell.is_visible() and cell.inner_text()
    ]


def test_sorting(opened: Any) -> None:
    table = opened.locator(TABLE).first
    heading = table.locator("thead th", has_text="AUROC").first
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    falling = [float(value) for value in column(table, 4)]
    assert falling == sorted(falling, reverse=True)
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [float(value) for value in column(table, 4)] == falling[::-1]
    names = table.locator("thead th", has_text="Method")
    names.get_by_role("button").click()
    assert column(table, 2) == sorted(column(table, 2))
    assert heading.get_attribute("aria-sort") is None


def test_filtering_and_search(opened: Any) -> None:
    whole = opened.locator("tr.row:visible").count()
    opened.get_by_label("Protocol").select_option("toy-noise")
    assert 0 < opened.locator("tr.row:visible").count() < whole
    assert opened.locator("section[data-protocol='toy-probe']:visible").count() == 0
    opened.get_by_label("Protocol").select_option("")
    opened.get_by_label("Family").select_option("baseline")
    opened.get_by_label("Search").fill("random_init")
    rows = opened.locator("tr.row[data-family]:visible")
    assert rows.count() > 0
    assert all("RANDOM_INIT" in row.inner_text() for row in rows.all())
    opened.get_by_label("Search").fill("no such thing")
    assert opened.locator("tr.row:visible").count() == 0
    assert opened.locator("#count").inner_text().startswith("0 of")


def test_drill_down_by_keyboard(opened: Any) -> None:
    button = opened.locator("button.more").first
    button.focus()
    opened.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    detail = opened.locator(f"#{button.get_attribute('aria-controls')}")
    assert detail.is_visible()
    assert "Positives" in detail.inner_text()
    opened.keyboard.press("Space")
    assert not detail.is_visible()


def test_figures_by_class_are_those_of_the_table(opened: Any, page: Path) -> None:
    build(page.parent / "v0")
    file = page.parent / "v0/tables/sim-toy-sub/toy-probe-classes.csv"
    with file.open(newline="", encoding="utf-8") as lines:
        wanted = {
            (line["variant"], line["row"], line["class"]): line for line in csv.DictReader(lines)
        }
    title = opened.locator(f"{TABLE} caption").first.text_content()
    table = opened.locator(TABLE).first
    row = table.locator("tr.row", has_text="CLIP").first
    row.locator("button.more").click()
    shown = table.locator("tr.detail:visible table.classes tbody tr").all()
    assert len(shown) == 4
    for line in shown:
        name, positives, auroc, _, auprc, f1 = line.locator("th, td").all_inner_texts()
        figures = wanted[title.split(", ")[-1], "clip@sim", name]
        assert positives == figures["positives"]
        for one, key in ((auroc, "auroc"), (auprc, "auprc"), (f1, "f1")):
            assert float(one) == pytest.approx(float(figures[key]), abs=6e-4)
    assert line.locator("svg.bar line.interval").count() == 1


def test_a_control_shows_its_verdict_and_no_rank(opened: Any) -> None:
    section = opened.locator("section[data-protocol='toy-control']")
    headings = section.locator("table.sortable > thead th").all_inner_texts()
    assert "Holds 0.5" in headings
    assert not any("Rank" in heading or "Letters" in heading for heading in headings)
    assert section.locator("figure").count() == 0
    cells = section.locator("tr.row").first.locator("> th, > td")
    assert cells.count() == len(headings)
    assert cells.nth(headings.index("Holds 0.5")).inner_text() in ("yes", "NO")
    assert "nobody is ranked" in section.locator("ul.notes").inner_text()


def test_contamination_is_shown(opened: Any) -> None:
    section = opened.locator("section[data-task='sim-seen']")
    row = section.locator("tr.row").first
    assert row.locator(".status").inner_text() == "contaminated"
    headings = section.locator("table.sortable > thead th").all_inner_texts()
    of_row = row.locator("> th, > td").all_inner_texts()
    assert of_row[headings.index("Rank of weights")] == ""
    assert "trained on 12 test records" in section.locator("ul.notes").inner_text()
    row.locator("button.more").click()
    assert "trained on 12 test records" in section.locator("tr.detail p.note").inner_text()


def test_hostile_classes_are_text(opened: Any) -> None:
    section = opened.locator("section[data-protocol='toy-control']")
    section.locator("button.more").first.click()
    names = section.locator("table.classes tbody th").all_inner_texts()
    assert names == [plain(text) for text in HOSTILE[:4]]


def test_search_finds_classes(opened: Any) -> None:
    opened.get_by_label("Search").fill("onerror=alert")
    assert opened.locator("tr.row:visible").count() >= 1
    assert opened.locator("section[data-protocol='toy-control'] tr.row:visible").count() == 1


def test_a_heat_map_starts_from_clean_and_says_the_loss(opened: Any) -> None:
    heat = opened.locator("section[data-protocol='toy-noise'] table.heat")
    assert heat.locator("thead th").all_inner_texts()[:2] == ["Row", "clean"]
    first = heat.locator("tbody tr").first.locator("td").all_inner_texts()
    clean, other = first[0], first[1]
    value, loss = other.split(" ")
    assert float(value) - float(clean) == pytest.approx(float(loss.strip("()")), abs=1.1e-3)


def test_a_detail_follows_its_row_when_sorted(opened: Any) -> None:
    table = opened.locator(TABLE).first
    table.locator("thead th", has_text="Method").get_by_role("button").click()
    for button in table.locator("button.more").all():
        identifier = button.get_attribute("aria-controls")
        following = button.evaluate("b => b.closest('tr').nextElementSibling.id")
        assert following == identifier


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Any, page: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(page.as_uri())
    for button in tab.locator("button.more").all()[:2]:
        button.click()
    found = axe.Axe().run(tab).response["violations"]
    context.close()
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []


def test_a_phone_scrolls_tables_and_not_the_page(browser: Any, page: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    tab = context.new_page()
    tab.goto(page.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
