"""Widths of coming days: a simulated calendar is found again, and nothing but dates and training rows decides them."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

from forecaster.data.calendars import future_dates, trading_days
from forecaster.data.events import KnownEvent
from forecaster.data.instruments import Instrument
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.universes import PANEL_CURRENCIES
from forecaster.features.day_features import FEATURE_NAMES, day_features
from forecaster.models.base import FitReport, FitRequest
from forecaster.models.coming_days import ComingDays, days_between
from forecaster.models.volatility_calendar import VolatilityCalendar

CURRENCIES = tuple(sorted(PANEL_CURRENCIES[:8]))
BIG, USD_ONLY = 2.0, 1.5  # sizes of a move on the day of a Fed meeting, and of the dollar on top of it
EVENTS = tuple(KnownEvent(np.datetime64(f"{year}-07-{15 + year % 3}"), "summit", ()) for year in range(2000, 2026))


def market(first: str = "2001-01-01", last: str = "2018-12-31") -> np.ndarray:
    pair = PriceSeries(
        Instrument("pair", "EURUSD"), "ecb", "EURUSD", np.array(["2001-01-02"], "datetime64[D]"), {"close": np.ones(1)}
    )
    days = trading_days(pair, np.datetime64(first), np.datetime64(last))
    assert days is not None
    return days


def simulated(seed: int = 0, events: tuple[KnownEvent, ...] = (), growth: float = 1.0) -> Panel:
    """All crosses of eight currencies that move more on the days of Fed meetings."""
    days = market()
    padded = market("2000-10-01", "2019-04-01")
    features = day_features(padded, at_fixing=True)
    fed = np.isin(days, features.days[features.common[:, FEATURE_NAMES.index("fed_meeting")]])
    happened = np.isin(days, [event.day for event in events])
    rng = np.random.default_rng(seed)
    levels = {}
    for currency in CURRENCIES:
        size = 0.004 * np.where(fed, BIG * (USD_ONLY if currency == "USD" else 1.0), 1.0)
        levels[currency] = np.cumsum(rng.normal(0, 1, len(days)) * size * np.where(happened, growth, 1.0))
    series = []
    for base, quote in itertools.combinations(CURRENCIES, 2):
        pair = Instrument("pair", base + quote).canonical
        close = np.exp(levels[str(pair.quote)] - levels[str(pair.base)])
        series.append(PriceSeries(pair, "ecb", pair.name, days, {"close": close}, events=events))
    return Panel(tuple(series))


def fit(panel: Panel, rows: int, has_calendar: bool = True) -> ComingDays:
    return ComingDays.fit(FitRequest(panel, dict.fromkeys(panel.names, rows), {}, 20), has_calendar)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return simulated()


@pytest.fixture(scope="module")
def fitted(panel: Panel) -> ComingDays:
    return fit(panel, 4000)


def size_on(coming: ComingDays, series: PriceSeries, date: str) -> float:
    (day,) = coming.known_days(series, np.array([date], "datetime64[D]"))
    assert day.size is not None
    return day.size


def test_the_sizes_of_known_days_are_found_again(panel: Panel, fitted: ComingDays) -> None:
    fed, ordinary = "2018-09-27", "2018-10-17"
    others = size_on(fitted, panel["EURJPY"], fed) / size_on(fitted, panel["EURJPY"], ordinary)
    dollar = size_on(fitted, panel["USDJPY"], fed) / size_on(fitted, panel["USDJPY"], ordinary)
    assert others == pytest.approx(BIG, rel=0.15)
    assert others < dollar < BIG * USD_ONLY
    assert "Fed" in fitted.known_days(panel["USDJPY"], np.array([fed], "datetime64[D]"))[0].names


def test_a_step_has_the_mean_variance_of_its_days(panel: Panel, fitted: ComingDays) -> None:
    series = panel["USDJPY"]
    rows = np.array([3500, 3507, len(series) - 1])
    widths = fitted.widths(series, rows, 25)
    assert widths is not None
    for row, computed_widths in zip(rows, widths, strict=True):
        cut = series.between(end=series.dates[row])
        sizes = np.array([day.size for day in fitted.known_days(cut, future_dates(cut, 25))])
        np.testing.assert_allclose(computed_widths, np.sqrt(np.cumsum(sizes**2) / np.arange(1, 26)), rtol=1e-12)


def test_later_rows_change_nothing(panel: Panel, fitted: ComingDays) -> None:
    series = panel["USDJPY"]
    rows = np.array([3000, 3100])
    expected = fitted.widths(series, rows, 60)
    missing = np.delete(np.arange(len(series)), [3101, 3105, 3120])
    sparse = dataclasses.replace(series, dates=series.dates[missing], columns={"close": series.close[missing]})
    for altered in (series.between(end=series.dates[3100]), sparse):
        np.testing.assert_array_equal(fitted.widths(altered, rows, 60), expected)
    np.testing.assert_array_equal(fitted.widths(series, rows[1:], 60), expected[1:])
    again = fit(Panel(tuple(one.between(end=one.dates[4100]) for one in panel)), 4000)
    for name, array in fitted.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)


def test_an_ordinary_forecast_keeps_its_width(panel: Panel, fitted: ComingDays) -> None:
    widths = fitted.widths(panel["EURJPY"], np.arange(300, 4000), 1)
    assert np.log(widths).mean() == pytest.approx(0, abs=0.01)


def test_a_currency_that_was_not_learned_has_the_effects_of_all(panel: Panel, fitted: ComingDays) -> None:
    other = dataclasses.replace(panel["USDJPY"], instrument=Instrument("pair", "CHFMXN"))
    own = np.log(size_on(fitted, panel["USDJPY"], "2018-09-27"))
    assert 0 < np.log(size_on(fitted, other, "2018-09-27")) < own


def test_events_are_shrunk_and_one_that_never_happened_has_no_effect() -> None:
    coming = (*EVENTS, KnownEvent(np.datetime64("2018-11-14"), "first of its kind", ()))
    panel = simulated(3, coming, growth=3.0)
    fitted = fit(panel, 4000, has_calendar=False)
    assert fitted.events is not None
    assert fitted.calendar is None
    effects = dict(zip(fitted.events.names, np.exp(fitted.events.effects), strict=True))
    assert 1.3 < effects["summit"] < 3.0
    assert effects["first of its kind"] == 1.0
    assert [line.split(":")[0] for line in fitted.event_lines()] == ["event first of its kind", "event summit"]
    assert "nothing to learn from" in fitted.event_lines()[0]
    day = str(next(event.day for event in EVENTS if event.day.astype(str).startswith("2018")))
    assert size_on(fitted, panel["USDJPY"], day) == pytest.approx(effects["summit"])
    assert size_on(fitted, panel["USDJPY"], "2018-11-14") == 1.0


def test_members_with_unknown_days_or_few_rows_teach_nothing_about_events() -> None:
    panel = simulated(3, EVENTS, growth=3.0)
    unknown = dataclasses.replace(panel["USDJPY"], instrument=Instrument("ticker", "X"), source="test")
    short = panel["EURUSD"].between(end=panel["EURUSD"].dates[199])
    rest = [series for series in panel if series.instrument.name != "EURUSD"]
    learned = ComingDays.fit(
        FitRequest(Panel(tuple(rest)), {series.instrument.name: 4000 for series in rest}, {}, 20), False
    )
    members = Panel((*rest, unknown, short))
    rows = {series.instrument.name: min(len(series), 4000) for series in members}
    again = ComingDays.fit(FitRequest(members, rows, {}, 20), False)
    np.testing.assert_array_equal(again.arrays()["events/effects"], learned.arrays()["events/effects"])


def test_later_events_do_not_change_what_was_learned() -> None:
    panel = simulated(3, EVENTS, growth=3.0)
    later = tuple(dataclasses.replace(one, events=one.events[:17]) for one in panel)
    first, second = fit(panel, 4000), fit(Panel(later), 4000)
    np.testing.assert_array_equal(first.arrays()["events/effects"], second.arrays()["events/effects"])


def test_what_is_stored_is_restored(panel: Panel, fitted: ComingDays) -> None:
    report = FitReport(learned=fitted.facts())
    weights, restored = ComingDays.restore({"kernel": np.ones(2), **fitted.arrays()}, report, True)
    assert list(weights) == ["kernel"]
    rows = np.arange(3000, 3010)
    np.testing.assert_array_equal(restored.widths(panel["USDJPY"], rows, 60), fitted.widths(panel["USDJPY"], rows, 60))
    assert ComingDays.restore({"kernel": np.ones(2)}, FitReport(), False)[1].widths(panel["USDJPY"], rows, 9) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("calendar/effects", lambda array: array[:, 1:]),
        ("calendar/effects", lambda array: array[1:]),
        ("calendar/effects", lambda array: array.astype(np.float32)),
        ("calendar/variance", lambda array: -array),
        ("calendar/variance", lambda array: array[:-1]),
        ("calendar/variance", None),
    ],
)
def test_forged_numbers_are_refused(fitted: ComingDays, name: str, change: Any) -> None:
    arrays = dict(fitted.arrays())
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    with pytest.raises(ValueError, match=r"expected|holds|missing"):
        ComingDays.restore(arrays, FitReport(learned=fitted.facts()), True)


def test_numbers_without_facts_or_options_are_refused(fitted: ComingDays) -> None:
    for report, has_calendar in ((FitReport(), True), (FitReport(learned=fitted.facts()), False)):
        with pytest.raises(ValueError, match="coming days"):
            ComingDays.restore(fitted.arrays(), report, has_calendar)
    facts = fitted.facts()
    facts["calendar"]["features"] = facts["calendar"]["features"][::-1]
    with pytest.raises(ValueError, match="other features"):
        ComingDays.restore(fitted.arrays(), FitReport(learned=facts), True)


def test_a_market_whose_trading_days_are_unknown_has_no_calendar(panel: Panel) -> None:
    ticker = dataclasses.replace(panel["USDJPY"], instrument=Instrument("ticker", "X"), source="test")
    assert VolatilityCalendar.fit([ticker], days_between) is None
    assert VolatilityCalendar.fit([panel["USDJPY"].between(end=np.datetime64("2002-01-01"))], days_between) is None
