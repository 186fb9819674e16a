"""`forecast report`: the page as a file. What a browser makes of it is in test_report_in_a_browser.py."""

import dataclasses
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from conftest import Forecast
from report_pages import AS_OF, HOSTILE, Page, changed, decoded, hostile, walk_forward, written_report
from toy_searches import ToyFits

import forecaster
from forecaster.environment import Environment
from forecaster.output.report_charts import overlay_chart
from forecaster.output.report_content import InstrumentReport, Report, WalkForward
from forecaster.output.report_page import report_page

SECTIONS = ["verdict", "overlay", "coming", "odds", "skill", "coverage", "inputs", "anomalies", "data"]


@pytest.fixture(scope="module")
def written(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The page of the small run of USDJPY on a day of its test, and its content."""
    path = tmp_path_factory.mktemp("page") / "usdjpy.html"
    return path, written_report(trained_once, path, pair="USDJPY", as_of=AS_OF, above=160.0)


@pytest.fixture(scope="module")
def page(written: tuple[Path, Report]) -> Page:
    return Page(written[0].read_bytes())


def test_the_sections_come_in_order_and_links_lead_to_them(page: Page) -> None:
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == SECTIONS
    links = [link for tag, attributes in page.tags if tag == "a" and (link := attributes["href"]) is not None]
    assert {link[1:] for link in links} == set(sections)
    assert page.elements("h1", "h2", "h3") == ["h1", *["h2"] * 9]
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))


def test_the_numbers_are_those_of_predict(page: Page, trained_once: Path) -> None:
    (prediction,) = forecaster.predict(pair="USDJPY", as_of=AS_OF, home=trained_once)
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
    series = forecaster.load_history(pair="USDJPY", end=AS_OF)
    assert np.abs(actual[: len(series)] - series.close).max() <= 0.5001 / 10 ** overlay["decimals"]
    band = next(band for band in close_up["bands"] if band["name"] == "80 % range")
    ends = [decoded(band[end], len(close_up["dates"]), close_up["decimals"])[-1] for end in ("low", "high")]
    assert ends == pytest.approx(forecast.prices([0.1, 0.9])[-1], abs=0.00051)


def test_predictions_are_split_into_train_validation_and_test(page: Page, trained_once: Path) -> None:
    overlay = page.charts[0]
    names = [line["name"] for line in overlay["lines"]]
    assert names[:4] == ["actual", "predicted, train", "predicted, validation", "predicted, test"]
    assert [line["tone"] for line in overlay["lines"]][:4] == ["actual", "train", "validation", "test"]
    dates = np.array(overlay["dates"]).cumsum().astype("datetime64[D]")
    starts = {name: dates[row] for row, name in overlay["marks"]}
    split = forecaster.load_run(home=trained_once).split
    assert (starts["validation"], starts["test"]) == (split.validation_start, split.test_start)


def test_a_page_without_a_backtest_names_the_command_and_shows_no_line_over_time(page: Page) -> None:
    assert page.text.count("Not shown: no backtest of USDJPY.") == 2
    assert "forecast backtest --pair USDJPY --config runs/" in page.text
    assert len(page.charts) == 2


def test_the_test_of_the_run_is_shown_once_its_outcomes_were_known(
    page: Page, written: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "The run was tested on cutoffs from 20" in page.text
    assert "CRPS on the test rows" not in page.text
    assert "Tests of the run on" not in page.text
    monkeypatch.setattr(InstrumentReport, "was_known", lambda self, window: True)
    later = Page(report_page(written[1]))
    assert "CRPS on the test rows of the run" in later.text
    assert "Tests of the run on" in later.text
    assert "density: " in later.text


def test_predictions_of_a_refit_are_called_in_sample(
    page: Page, written: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the test days were not used" in page.text
    (report,) = written[1].instruments
    assert isinstance(report, InstrumentReport)
    monkeypatch.setitem(vars(report.selection.run.manifest.split), "refit", True)
    again = Page(report_page(written[1]))
    assert "the test days were not used" not in again.text
    assert "every prediction up to then is in-sample" in again.text


def test_skill_and_coverage_over_time_are_those_of_the_backtest(written: tuple[Path, Report]) -> None:
    past = walk_forward()
    page = Page(report_page(changed(written[1], {"walk_forward": past})))
    assert len(page.charts) == 6
    gains, later, coverage, _ = page.charts[2:]
    assert [line["name"] for line in gains["lines"]] == ["minus garch", "minus random_walk"]
    crps = past.losses[1].crps
    ratio = crps["lstm"].mean() / crps["garch"].mean()
    assert f"{ratio:.4f}" in page.text
    ends = [decoded(chart["lines"][0]["values"], 600, 2)[-1] for chart in (gains, later)]
    later_crps = past.losses[5].crps
    expected = [ratio, later_crps["lstm"].mean() / later_crps["garch"].mean()]
    assert ends == pytest.approx([100 * (value - 1) for value in expected], abs=0.0051)
    inside = past.losses[1].inside["0.8"]
    shares = decoded(coverage["lines"][0]["values"], 600, 1)
    assert np.isnan(shares[:249]).all()
    assert shares[249] == pytest.approx(100 * inside[:250].mean(), abs=0.051)
    assert shares[-1] == pytest.approx(100 * inside[-250:].mean(), abs=0.051)
    assert coverage["levels"] == [80, 95]
    alone = {
        step: dataclasses.replace(losses, crps={"lstm": losses.crps["lstm"]}) for step, losses in past.losses.items()
    }
    without = Page(report_page(changed(written[1], {"walk_forward": dataclasses.replace(past, losses=alone)})))
    assert "Not shown: no baseline has a loss to compare with." in without.text
    assert len(without.charts) == 4
    bars = re.findall(r'<rect [^>]*class="bar"', page.source)
    assert len(bars) == 20
    assert f"{100 * np.mean(past.pit < 0.05):.1f} %" in page.text


def test_a_recorded_backtest_of_the_model_is_shown_up_to_the_cutoff(
    forecast: Forecast, home: Path, toy_fits: ToyFits
) -> None:
    (config,) = home.glob("runs/*sine*/config.yaml")
    words = (
        "--home",
        home,
        "--start",
        "2020-06-01",
        "--models",
        "classic,ewma",
        "--step",
        "1,5",
        "--schedule",
        "never",
    )
    backtest = forecast("backtest", "--config", config, *words)
    assert backtest.exit_code == 0, backtest.output
    assert toy_fits.cells
    content = written_report(home, Path("sine.html"), run=config.parent.name)
    early = written_report(home, Path("early.html"), run=config.parent.name, as_of="2020-10-30")
    past, before = (report.details.walk_forward for report in (content.instruments[0], early.instruments[0]))
    assert isinstance(past, WalkForward)
    assert isinstance(before, WalkForward)
    result = forecaster.backtest(
        config=config, start="2020-06-01", models="classic,ewma", step=[1, 5], schedule="never", home=home
    )
    assert past.backtest_id == result.id
    for step, losses in past.losses.items():
        expected = result.losses[step]["sine"]
        assert (losses.dates == expected.dates).all()
        assert losses.crps["ewma"] == pytest.approx(expected.crps["ewma"])
        series = forecaster.load_history(ticker="sine", end="2020-10-30")
        assert before.losses[step].dates[-1] == series.dates[-1 - step]
    page = Page(Path("sine.html").read_bytes())
    assert len(page.charts) == 6
    assert result.id in page.text


def test_a_backtest_of_another_model_is_not_taken_for_that_of_the_run(
    forecast: Forecast, home: Path, toy_fits: ToyFits
) -> None:
    (config,) = home.glob("runs/*sine*/config.yaml")
    words = ("--home", home, "--start", "2020-06-01", "--models", "classic,ewma", "--schedule", "never")
    assert forecast("backtest", "--config", config, *words, "--set", "model.units=[5]").exit_code == 0
    assert forecast("report", config.parent.name, "--home", home, "--out", "sine.html").exit_code == 0
    assert "Not shown: no backtest of sine" in Page(Path("sine.html").read_bytes()).text


def test_the_page_is_small_and_names_nothing_of_the_machine(
    page: Page, written: tuple[Path, Report], trained_once: Path
) -> None:
    whole = report_page(changed(written[1], {"walk_forward": walk_forward(2500)}))
    assert len(whole) < 600_000
    assert str(trained_once) not in page.source
    assert "http" not in page.source.replace('http-equiv="Content-Security-Policy"', "")
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("style", "src")}


def test_every_chart_has_text_a_picture_and_one_stop_of_the_keyboard(page: Page) -> None:
    stops = [attributes for _, attributes in page.tags if attributes.get("tabindex") == "0"]
    assert len(stops) == len(page.charts)
    assert all("Arrow keys read day by day" in str(attributes["aria-label"]) for attributes in stops)
    assert page.values("class").count("static") == len(page.charts)
    assert page.values("aria-live") == ["polite"] * len(page.charts)
    tables = page.elements("table", "caption")
    assert tables == ["table", "caption"] * (len(tables) // 2)


def test_ranges_below_zero_keep_the_axis_linear(written: tuple[Path, Report]) -> None:
    (report,) = written[1].instruments
    assert isinstance(report, InstrumentReport)
    assert report.details is not None
    picture = report.details.picture
    wide = dataclasses.replace(report, prices=np.geomspace(1.0, 100.0, len(report.dates)))
    assert overlay_chart(wide, picture).is_log
    below = dataclasses.replace(picture.predictions, lower=-picture.predictions.lower)
    assert not overlay_chart(wide, dataclasses.replace(picture, predictions=below)).is_log


def test_a_price_that_often_stands_still_has_three_probabilities(written: tuple[Path, Report]) -> None:
    (report,) = written[1].instruments
    assert isinstance(report, InstrumentReport)
    forecast = dataclasses.replace(report.prediction.forecast, unchanged=np.full(20, 0.637))
    prediction = dataclasses.replace(report.prediction, forecast=forecast)
    page = Page(report_page(changed(written[1], {}, prediction=prediction)))
    assert "riseunchangedfall" in page.text
    assert page.text.count("63.7%") == 20


def test_texts_from_data_do_not_become_elements(page: Page, written: tuple[Path, Report]) -> None:
    attacked = Page(report_page(hostile(written[1])))
    assert attacked.text.count(HOSTILE[:28]) > 20
    assert attacked.elements("img") == []
    assert len(attacked.elements("script")) == len(page.elements("script"))
    assert not [name for _, attributes in attacked.tags for name in attributes if name.startswith("on")]
    assert "\u2028" not in attacked.source
    assert "\u202e" not in attacked.source


def test_the_scripts_make_no_markup_and_no_requests() -> None:
    folder = Path(forecaster.__file__).parent / "output" / "page"
    scripts = {path.name: path.read_text() for path in folder.glob("*.js")}
    assert set(scripts) == {"scales.js", "chart.js", "report.js"}
    words = r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(|fetch|XMLHttp|import|http"
    assert not [name for name, text in scripts.items() if re.search(rf"\b({words})", text)]


def test_two_reports_of_a_run_and_its_data_are_equal(
    written: tuple[Path, Report], trained_once: Path, tmp_path: Path, forecast: Forecast
) -> None:
    again = tmp_path / "again.html"
    (report,) = written[1].instruments
    assert isinstance(report, InstrumentReport)
    program, *words = shlex.split(report.commands["report"])  # the command that the page names
    assert program == "forecast"
    result = forecast(*words, "--home", trained_once, "--out", again)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(again)
    assert again.read_bytes() == written[0].read_bytes()


def test_an_overview_has_a_row_and_a_section_for_each_instrument(trained_once: Path) -> None:
    Path("mine.txt").write_text("USDJPY\nJPYUSD\nEURUSD\n")
    notes: list[str] = []
    environment = Environment(home=trained_once, note=notes.append)
    out = forecaster.report(universe="mine.txt", environment=environment)
    assert out == Path("mine-report.html")
    page = Page(out.read_bytes())
    assert "mine: forecasts" in page.text
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == ["#i1-USDJPY", "#i2-JPYUSD"]
    assert [attributes["id"] for tag, attributes in page.tags if tag == "details"] == ["i1-USDJPY", "i2-JPYUSD"]
    assert "EURUSD" in page.text
    assert "failed: 1 of 3 instruments, which the page lists" in notes
    yen, dollar = page.charts
    last = [decoded(chart["lines"][0]["values"], len(chart["dates"]), chart["decimals"]) for chart in (yen, dollar)]
    ends = [values[np.isfinite(values)][-1] for values in last]
    assert ends[0] * ends[1] == pytest.approx(1, abs=1e-4)
    assert page.values("class").count("small") == 2


def test_an_overview_of_different_horizons_says_which_ranges_it_shows(trained_once: Path) -> None:
    content = written_report(trained_once, Path("two.html"), pair=("USDJPY", "JPYUSD"), as_of=AS_OF)
    first, second = content.instruments
    assert isinstance(second, InstrumentReport)
    forecast = second.prediction.forecast
    short = dataclasses.replace(forecast, dates=forecast.dates[:2], values=forecast.values[:2])
    answers = [dataclasses.replace(answer, date=short.dates[-1]) for answer in second.answers]
    second = dataclasses.replace(
        second, prediction=dataclasses.replace(second.prediction, forecast=short), answers=answers
    )
    page = Page(report_page(Report([first, second])))
    assert "80 % range in a week80 % range in a month" in page.text
    low, high = short.prices([0.1, 0.9])[1]
    assert f"{low:.8f} to {high:.8f} in 2 days-" in page.text


def test_several_instruments_that_are_named_are_an_overview(trained_once: Path, forecast: Forecast) -> None:
    result = forecast("report", "USDJPY,JPYUSD", "--home", trained_once, "--as-of", AS_OF)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == "report.html"
    assert "USDJPY, JPYUSD: forecasts" in Page(Path("report.html").read_bytes()).text


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without the sections that take a second."""
    for name in ("_anomalies", "_importances"):
        monkeypatch.setattr(f"forecaster.workflows.report_parts.{name}", lambda *arguments: "not asked for")


@pytest.mark.usefixtures("brisk")
def test_without_a_backtest_the_coverage_is_that_of_the_run_since_it_was_fitted(trained_once: Path) -> None:
    content = written_report(trained_once, Path("usdjpy.html"), pair="USDJPY")
    (report,) = content.instruments
    assert isinstance(report, InstrumentReport)
    assert report.details is not None
    record = report.details.own_record
    assert record is not None
    assert set(record.losses) == {1, 20}
    for step, losses in record.losses.items():
        held = report.prediction.coverage.at(step)
        assert len(losses) == held.n
        assert {level: inside.mean() for level, inside in losses.inside.items()} == pytest.approx(held.coverage)
        assert losses.dates[0] >= forecaster.load_run(home=trained_once).seen_until
    page = Page(Path("usdjpy.html").read_bytes())
    assert len(page.charts) == 4
    assert page.text.count("Not shown: no backtest of USDJPY.") == 1
    assert "Forecasts of the run itself, after the rows that it has seen" in page.text
    assert "not asked for" in page.text


@pytest.mark.usefixtures("brisk")
def test_the_inverse_pair_shows_reciprocals(trained_once: Path, tmp_path: Path) -> None:
    content = written_report(trained_once, tmp_path / "jpyusd.html", pair="JPYUSD", as_of=AS_OF)
    (report,) = content.instruments
    assert isinstance(report, InstrumentReport)
    series = forecaster.load_history(pair="USDJPY", end=AS_OF)
    assert report.prices[: len(series)] == pytest.approx(1 / series.close)
    assert report.unit == "USD per JPY"


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("USDJPY", "--out", "page.pdf"), "a report is a page; expected a name that ends with .html", 2),
        (("USDJPY", "--universe", "currencies"), "a universe and an instrument are given", 2),
        (("USDJPY", "--out", "missing/page.html"), "missing", 1),
        (("USDJPY", "--out", "runs/page.html"), "belongs to what a project has recorded", 2),
        (("EURUSD",), "no run", 1),
        (("--universe", "eurusd.txt"), "EURUSD: no run", 1),
        (("20200101-000000",), "no run is called '20200101-000000'", 1),
        (("USDJPY", "--horizon", "200"), "looks 20 rows ahead", 1),
        (("USDJPY", "--above", "1.6"), "--above 1.6: USDJPY is at 157.25", 2),
        (("USDJPY,JPYUSD", "--above", "160"), "--above names prices of one instrument; got 2", 2),
        (("--universe", "currencies", "--above", "160"), "--above names prices of one instrument", 2),
        ((), "no instrument given", 2),
    ],
)
def test_a_report_that_cannot_be_made(
    forecast: Forecast, trained_once: Path, arguments: tuple[str, ...], message: str, code: int
) -> None:
    Path("eurusd.txt").write_text("EURUSD\n")
    words = [trained_once / name if name.startswith("runs/") else name for name in arguments]
    result = forecast("report", *words, "--home", trained_once)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) < 6
    assert not list(Path().glob("*.html"))
