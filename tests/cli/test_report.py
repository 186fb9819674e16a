"""`forecast report`: the page as a file. What a browser makes of it is in test_report_in_a_browser.py."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Forecast

import forecaster
from forecaster.environment import Environment

HOSTILE = "<img src=x onerror=alert(1)>\"'&"


class Page(HTMLParser):
    """Text, tags, identifiers, links and numbers of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(self.source)
        blocks = re.findall(r'<script type="application/json">(.*?)</script>', self.source)
        self.charts: list[dict[str, Any]] = [json.loads(block) for block in blocks]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def decoded(steps: list[int | None], count: int, decimals: int) -> np.ndarray:
    """Values as the script of the page decodes them."""
    values = np.full(count, np.nan)
    total = 0
    for place, step in enumerate(steps[1:]):
        if step is not None:
            total += step
            values[place - (steps[0] or 0)] = total / 10**decimals
    return values


@pytest.fixture(scope="module")
def written(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Path]:
    """The page of the small run of USDJPY on a day of its test, and its file."""
    path = tmp_path_factory.mktemp("page") / "usdjpy.html"
    environment = Environment(home=trained_once)
    out = forecaster.report(pair="USDJPY", as_of="2024-03-01", above=160.0, out=path, environment=environment)
    assert out == path
    return Page(path), path


def test_the_sections_come_in_order_and_links_lead_to_them(written: tuple[Page, Path]) -> None:
    page, _ = written
    heads = ["verdict", "overlay", "coming", "odds", "skill", "coverage", "inputs", "anomalies", "data"]
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == heads
    links = [link for tag, attributes in page.tags if tag == "a" and (link := attributes["href"]) is not None]
    assert {link[1:] for link in links} <= set(sections)
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2")] == ["h1", *["h2"] * 9]
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))


def test_the_numbers_are_those_of_predict(written: tuple[Page, Path], trained_once: Path) -> None:
    page, _ = written
    (prediction,) = forecaster.predict(pair="USDJPY", as_of="2024-03-01", home=trained_once)
    forecast = prediction.forecast
    low, high = forecast.prices([0.1, 0.9])[0]
    assert f"{low:.3f} to {high:.3f}" in page.text
    assert f"{forecast.probability_above(160.0)[-1]:.1%}" in page.text
    assert "above 160" in page.text
    overlay, close_up = page.charts
    count = len(overlay["dates"])
    dates = np.array(overlay["dates"]).cumsum().astype("datetime64[D]")
    assert (dates[-forecast.horizon :] == forecast.dates).all()
    actual = decoded(overlay["lines"][0]["values"], count, overlay["decimals"])
    series = forecaster.load_history(pair="USDJPY", end="2024-03-01")
    assert np.abs(actual[: len(series)] - series.close).max() <= 0.5001 / 10 ** overlay["decimals"]
    band = next(band for band in close_up["bands"] if band["name"] == "80 % range")
    ends = [decoded(band[end], len(close_up["dates"]), close_up["decimals"])[-1] for end in ("low", "high")]
    assert ends == pytest.approx(forecast.prices([0.1, 0.9])[-1], abs=0.00051)


def test_predictions_are_split_into_train_validation_and_test(written: tuple[Page, Path], trained_once: Path) -> None:
    overlay = written[0].charts[0]
    names = [line["name"] for line in overlay["lines"]]
    assert names[:4] == ["actual", "predicted, train", "predicted, validation", "predicted, test"]
    assert [line["tone"] for line in overlay["lines"]][:4] == ["actual", "train", "validation", "test"]
    dates = np.array(overlay["dates"]).cumsum().astype("datetime64[D]")
    starts = {name: dates[row] for row, name in overlay["marks"]}
    run = forecaster.load_run(home=trained_once)
    assert starts["test"] == run.split.test_start
    assert starts["validation"] == run.split.validation_start


def test_a_page_without_a_backtest_names_the_command_and_shows_no_line_over_time(written: tuple[Page, Path]) -> None:
    page, _ = written
    assert page.text.count("no backtest of USDJPY") == 2
    assert "forecast backtest --pair USDJPY --config runs/" in page.text
    assert len(page.charts) == 2


def test_the_page_is_small_and_names_nothing_of_the_machine(written: tuple[Page, Path], trained_once: Path) -> None:
    page, path = written
    assert path.stat().st_size < 600_000
    assert str(trained_once) not in page.source
    assert "http" not in page.source.replace('http-equiv="Content-Security-Policy"', "")
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]


def test_every_chart_has_text_a_picture_and_one_stop_of_the_keyboard(written: tuple[Page, Path]) -> None:
    page, _ = written
    stops = [attributes for _, attributes in page.tags if attributes.get("tabindex") == "0"]
    assert len(stops) == len(page.charts)
    assert all("Arrow keys read day by day" in str(attributes["aria-label"]) for attributes in stops)
    assert sum(attributes.get("class") == "static" for _, attributes in page.tags) == len(page.charts)
    assert page.values("aria-live") == ["polite"] * len(page.charts)
    tables = [tag for tag, _ in page.tags if tag in ("table", "caption")]
    assert tables == ["table", "caption"] * (len(tables) // 2)


def test_two_reports_of_a_run_and_its_data_are_equal(
    written: tuple[Page, Path], trained_once: Path, tmp_path: Path, forecast: Forecast
) -> None:
    _, path = written
    again = tmp_path / "again.html"
    arguments = ("USDJPY", "--as-of", "2024-03-01", "--above", "160", "--home", trained_once, "--out", again)
    result = forecast("report", *arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(again)
    assert again.read_bytes() == path.read_bytes()
