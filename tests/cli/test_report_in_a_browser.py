"""`forecast report` in a real browser: shown, read and operated; skipped where no Chromium is installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import MISSING, Browser, executable
from report_pages import AS_OF, changed, hostile, walk_forward, written_report

from forecaster.output.axis_ticks import date_ticks, value_ticks
from forecaster.output.report_content import InstrumentReport, Report
from forecaster.output.report_page import report_page

pytestmark = [pytest.mark.slow, pytest.mark.skipif(executable() is None, reason=MISSING)]

CONTRAST = """(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (node) => {
    for (let up = node; up; up = up.parentElement) {
      const color = parse(getComputedStyle(up).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || ["SCRIPT", "CANVAS"].includes(node.tagName) || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const ink = node.closest("svg") ? style.fill : style.color;
    const [a, b] = [light(parse(ink)), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)}`);
  }
  return weak;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def content(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    whole = written_report(trained_once, tmp_path_factory.mktemp("content") / "page.html", pair="USDJPY", as_of=AS_OF)
    return changed(whole, {"walk_forward": walk_forward()})


@pytest.fixture(scope="module")
def page(content: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "usdjpy.html"
    path.write_bytes(report_page(content))
    return path


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    browser.size(1280, 900)
    browser.open(page)
    return browser


def reading(browser: Browser, chart: int = 0) -> str:
    return str(browser.evaluate(f"document.querySelectorAll('.reading')[{chart}].textContent"))


def view(browser: Browser) -> list[int]:
    return list(browser.evaluate("charts[0].view"))


def box(browser: Browser) -> dict[str, float]:
    browser.evaluate("document.querySelector('canvas').scrollIntoView({behavior: 'instant'})")
    return dict(
        browser.evaluate("JSON.parse(JSON.stringify(document.querySelector('canvas').getBoundingClientRect()))")
    )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 768, 1280, 2560])
def test_the_page_fits_and_is_legible(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.size(width, 900, dark=dark)
    browser.open(page)
    assert browser.messages == []
    assert browser.requests == [page.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert browser.evaluate("document.querySelectorAll('figure.live').length") == 6
    assert browser.evaluate(CONTRAST) == []
    colors = browser.evaluate(
        "charts.map((chart) => new Set(new Uint32Array(chart.context.getImageData("
        "0, 0, chart.canvas.width, chart.canvas.height).data.buffer)).size)"
    )
    assert min(colors) > 5  # each canvas is drawn, in the colours of its lines


def test_a_keyboard_reads_zooms_and_leaves(opened: Browser, content: Report) -> None:
    (report,) = content.instruments
    assert isinstance(report, InstrumentReport)
    for _ in range(30):
        opened.key("Tab")
        if opened.evaluate("document.activeElement.tagName") == "CANVAS":
            break
    last = report.dates[report.cutoff_row :][-1]
    assert reading(opened).split(":")[0].endswith(str(last))
    opened.key("ArrowLeft")
    row = len(report.dates) - 2
    assert reading(opened).split(":")[0].endswith(str(report.dates[row]))
    assert f"actual {report.prices[row]:.3f}" in reading(opened)
    assert "median of the coming days" in reading(opened)
    opened.evaluate(f"charts[0].read({report.cutoff_row - 1})")
    opened.key("ArrowRight")
    assert "predicted, test" in reading(opened)
    assert "80 % band, test" in reading(opened)
    whole = view(opened)
    opened.key("+", "+")
    assert view(opened)[1] - view(opened)[0] < whole[1] - whole[0]
    opened.key("Home")
    assert str(report.dates[0]) in reading(opened)
    assert view(opened)[0] == 0
    opened.key("End")
    assert str(report.prediction.forecast.dates[-1]) in reading(opened)
    assert "95 % range" in reading(opened)
    opened.key("-", "-")
    opened.key("Escape")
    assert view(opened) == whole
    assert reading(opened) == f"{report.dates[0]} to {report.prediction.forecast.dates[-1]}"
    opened.key("Tab")
    assert opened.evaluate("document.activeElement === document.querySelectorAll('canvas')[1]")


def test_a_pointer_reads_zooms_and_moves_the_window(opened: Browser, content: Report) -> None:
    (report,) = content.instruments
    assert isinstance(report, InstrumentReport)
    place = box(opened)
    middle = place["y"] + place["height"] / 3
    opened.mouse("mouseMoved", place["x"] + 58, middle)
    assert str(report.dates[0]) in reading(opened)
    opened.mouse("mouseMoved", 2, 2)
    assert " to " in reading(opened)
    slider = place["y"] + place["height"] - 15
    left, right = place["x"] + 58, place["x"] + place["width"] - 10
    whole = view(opened)
    opened.drag((left, slider), (left + 0.8 * (right - left), slider))
    narrow = view(opened)
    assert narrow[1] == whole[1]
    assert narrow[0] == pytest.approx(0.8 * whole[1], rel=0.02)
    opened.drag((left + 0.9 * (right - left), slider), (left + 0.5 * (right - left), slider))
    assert view(opened)[1] - view(opened)[0] == narrow[1] - narrow[0]
    assert view(opened)[0] == pytest.approx(0.4 * whole[1], rel=0.04)
    first, last = view(opened)
    handle = left + first / whole[1] * (right - left)
    opened.drag((handle, slider), (left - 50, slider))
    assert view(opened) == [0, last]
    opened.drag((left, slider), (handle, slider))
    before = view(opened)
    opened.drag((left + 100, middle), (left + 300, middle))
    assert view(opened)[0] < before[0]
    opened.evaluate("document.querySelector('button[data-action=all]').click()")
    assert view(opened) == whole
    opened.evaluate("document.querySelector('button[data-rows]').click()")
    assert view(opened) == [whole[1] + 1 - 250, whole[1]]


def test_the_script_draws_the_numbers_and_ticks_of_the_program(opened: Browser, content: Report) -> None:
    (report,) = content.instruments
    assert isinstance(report, InstrumentReport)
    actual = np.array(opened.evaluate("[...charts[0].lines[0].values]")[: len(report.dates)], dtype=float)
    assert np.abs(actual - report.prices).max() < 0.00051
    for arguments in (
        (98.2, 107.9, 5),
        (0.2, 30.0, 6, True),
        (0.00949, 0.00991, 4),
        (-1.3, 0.4, 6),
        (1.0, 9e6, 6, True),
    ):
        script = f"valueTicks({', '.join(str(value).lower() for value in arguments)})"
        expected = value_ticks(*arguments)  # type: ignore[arg-type]
        ticks = opened.evaluate(script)
        assert [tick[0] for tick in ticks] == pytest.approx([value for value, _ in expected])
        assert [tick[1] for tick in ticks] == [text for _, text in expected]
    for rows in (30, 90, 700, 6000):
        dates = report.dates[:rows]
        ticks = opened.evaluate(f"dateTicks(charts[0].dates, 0, {rows - 1}, 8)")
        assert [tuple(tick) for tick in ticks] == date_ticks(dates, 8)


def test_hostile_texts_stay_texts(browser: Browser, content: Report, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_bytes(report_page(hostile(content)))
    browser.size(390, 844)
    browser.open(path)
    assert browser.messages == []
    assert browser.requests == [path.as_uri()]
    assert browser.evaluate("document.querySelectorAll('img').length") == 0
    assert browser.evaluate("document.scripts.length === charts.length + 1")
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert "alert(1)" in browser.evaluate("document.querySelector('h1').textContent")


def test_a_script_that_is_added_does_not_run(browser: Browser, page: Path, tmp_path: Path) -> None:
    path = tmp_path / "added.html"
    path.write_bytes(page.read_bytes().replace(b"</body>", b"<script>window.added = 1</script></body>"))
    browser.open(path)
    assert browser.evaluate("window.added === undefined && charts.length === 6")
    assert any("Content Security Policy" in message for message in browser.messages)


def test_static_pictures_stand_in_without_scripts_and_on_paper(browser: Browser, page: Path, tmp_path: Path) -> None:
    shown = "[...document.querySelectorAll('{}')].map((node) => getComputedStyle(node).display)"
    browser.size(1280, 900, dark=True, print_media=True)
    browser.open(page)
    assert set(browser.evaluate(shown.format("canvas, nav, .controls"))) == {"none"}
    assert set(browser.evaluate(shown.format(".static"))) == {"block"}
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.paper(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    browser.size(1280, 900)
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert set(browser.evaluate(shown.format("canvas, .controls"))) == {"none"}
    assert set(browser.evaluate(shown.format(".static"))) == {"block"}


def test_a_screen_reader_finds_headings_tables_and_charts(opened: Browser) -> None:
    nodes = opened.send("Accessibility.getFullAXTree")["nodes"]

    def names(role: str) -> list[Any]:
        return [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == role]

    assert len(names("heading")) == 11
    assert names("navigation") == ["Sections"]
    assert len(names("main")) == 1
    assert len(names("table")) == opened.evaluate("document.querySelectorAll('table').length - 1")  # one is closed
    unnamed = {role: names(role) for role in ("heading", "table", "button", "link", "application", "region")}
    assert not [role for role, texts in unnamed.items() if not texts or not all(texts)]
    charts = names("application")
    assert len(charts) == 6
    assert all("Arrow keys read day by day" in text for text in charts)


def test_a_row_of_an_overview_opens_its_section(browser: Browser, trained_once: Path, tmp_path: Path) -> None:
    path = tmp_path / "overview.html"
    written_report(trained_once, path, pair=("USDJPY", "JPYUSD"), as_of=AS_OF)
    browser.size(390, 844)
    browser.open(path)
    assert browser.messages == []
    is_open = "[...document.querySelectorAll('details.instrument')].map((node) => node.open)"
    assert browser.evaluate(is_open) == [False, False]
    browser.evaluate("document.querySelector('a[href=\"#i2-JPYUSD\"]').click()")
    browser.evaluate("new Promise((resolve) => setTimeout(resolve, 100))")
    assert browser.evaluate(is_open) == [False, True]
    assert browser.evaluate("charts.length === 1 && charts[0].canvas.width > 200 && Boolean(charts[0].context)")
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    browser.open(path, "#i1-USDJPY")
    assert browser.evaluate(is_open) == [True, False]
