"""Anomalous days: those of history are found, none beyond the nominal rate in simulated series, and none from later."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from forecaster.config import load_config
from forecaster.data.instruments import memory_instrument, parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.anomalies import AnomalousDay, anomalous_days, day_tests
from forecaster.evaluation.bad_ticks import cross_moves, kind_of_move
from forecaster.pipeline_walk_forward import walk_forward
from forecaster.workflows.anomalies import DEFAULT_MODEL

CONFIG = load_config(None, (), {"horizon": 1})
RATE = 0.05


def series_of(returns: np.ndarray, name: str = "simulated") -> PriceSeries:
    dates = np.busday_offset(np.datetime64("2005-01-03"), np.arange(len(returns) + 1))
    prices = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    return PriceSeries(memory_instrument(name), "memory", name, dates, {"close": prices})


def pair_of(name: str, log_price: np.ndarray) -> PriceSeries:
    dates = np.busday_offset(np.datetime64("2005-01-03"), np.arange(len(log_price)))
    return PriceSeries(parse_pair(name), "yahoo", name, dates, {"close": np.exp(log_price)})


def garch(count: int, seed: int, freedom: float = 5.0) -> np.ndarray:
    """Returns of a GARCH(1,1) with t innovations."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_t(freedom, count + 300) * np.sqrt((freedom - 2) / freedom)
    variance = 0.006**2
    returns = []
    for shock in shocks:
        returns.append(np.sqrt(variance) * shock)
        variance = 0.02 * 0.006**2 + 0.05 * returns[-1] ** 2 + 0.93 * variance
    return np.array(returns[300:])


def anomalies_of(series: PriceSeries, model: str = DEFAULT_MODEL) -> list[AnomalousDay]:
    return anomalous_days(series, day_tests(series, walk_forward(model, series, CONFIG)), RATE, {})


def fixings(pair: str) -> PriceSeries:
    """Fixings of the ECB up to the end of the development rows."""
    request = LoadRequest(parse_pair(pair), Path(), datetime.date(2021, 1, 1))
    return get_source("ecb").load(request).series.between(end=np.datetime64("2020-12-31"))


@pytest.mark.parametrize(("pair", "date"), [("EURCHF", "2015-01-15"), ("GBPUSD", "2016-06-24")])
def test_days_of_history_are_found_on_their_own_day(pair: str, date: str) -> None:
    days = {str(day.date): day for day in anomalies_of(fixings(pair))}
    assert days[date].kind == "event"
    assert days[date].at_once
    assert days[date].low > days[date].price or days[date].high < days[date].price


def test_a_planted_bad_tick_is_told_apart_from_an_event() -> None:
    returns = garch(2000, seed=3)
    returns[1200] += 0.15
    returns[1700] -= 0.15
    returns[1701] += 0.15
    days = {day.date: day for day in anomalies_of(series_of(returns))}
    dates = series_of(returns).dates
    assert days[dates[1201]].kind == "event"
    assert days[dates[1701]].kind == "bad tick"
    assert days[dates[1701]].known_from == dates[1702]
    assert dates[1702] not in days  # the way back belongs to the bad tick


def test_a_move_of_the_last_row_is_unconfirmed() -> None:
    returns = garch(1500, seed=4)
    returns[-1] = 0.15
    day = anomalies_of(series_of(returns))[-1]
    assert (day.kind, day.date) == ("unconfirmed", series_of(returns).dates[-1])


def test_a_move_that_comes_back_in_a_turbulent_week_is_no_bad_tick() -> None:
    moves = np.concatenate([garch(300, seed=5), [0.02, -0.03, 0.03, -0.025] * 5, [0.09, -0.085]])
    assert kind_of_move(moves, len(moves) - 2) == ("event", len(moves) - 2)
    calm = np.concatenate([garch(300, seed=5), [0.09, -0.085]])
    assert kind_of_move(calm, len(calm) - 2) == ("bad tick", len(calm) - 1)


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        ([], ("unconfirmed", 300)),
        ([0.01], ("unconfirmed", 301)),
        ([0.01, -0.002, 0.003], ("event", 303)),
        ([0.04], ("event", 301)),  # the price moves on
        ([0.01, -0.09], ("bad tick", 302)),  # two wrong rows
        ([0.01, 0.002, -0.1], ("bad tick", 303)),
        ([0.01, 0.002, 0.002, -0.1], ("event", 303)),  # nobody waits that long
        ([-0.03, -0.06], ("event", 301)),  # it comes back step by step
    ],
)
def test_up_to_three_wrong_rows_in_succession_are_a_bad_tick(after: list[float], kind: tuple[str, int]) -> None:
    moves = np.concatenate([garch(300, seed=5), [0.09], after])
    assert kind_of_move(moves, 300) == kind


def test_crosses_tell_a_bad_tick_at_once_and_share_an_event() -> None:
    rng = np.random.default_rng(6)
    dollar, yen, pound = 0.005 * rng.standard_normal((3, 400)).cumsum(axis=1)
    yen[200:] += 0.1  # an event, which the crosses share
    eurjpy = yen + 1e-4 * rng.standard_normal(400)
    eurjpy[300] += 0.1  # a bad tick
    series = pair_of("EURJPY", eurjpy)
    others = [pair_of("EURUSD", dollar), pair_of("USDJPY", yen - dollar), pair_of("EURGBP", pound)]
    implied = cross_moves(series, [*others, pair_of("GBPJPY", yen - pound)])
    assert len(implied) == 399
    moves = np.diff(series.log_price)
    assert kind_of_move(moves, 199, implied[series.dates[200]]) == ("event", 199)
    assert kind_of_move(moves, 299, implied[series.dates[300]]) == ("bad tick", 299)
    assert cross_moves(series, others[:1]) == {}


def test_no_number_of_a_day_depends_on_a_later_row() -> None:
    returns = garch(1400, seed=7)
    altered = returns.copy()
    altered[1200:] = np.random.default_rng(0).normal(0, 0.05, 200)
    first, second = (
        day_tests(each, walk_forward(DEFAULT_MODEL, each, CONFIG)) for each in map(series_of, (returns, altered))
    )
    same = first.rows <= 1200
    for name in ("p_values", "pit", "low", "high"):
        assert np.array_equal(getattr(first, name)[same], getattr(second, name)[same])


def test_a_short_history_is_refused_in_one_line() -> None:
    with pytest.raises(NotEnoughDataError, match="a model that needs fewer rows"):
        walk_forward("panel_har", series_of(garch(100, seed=8)), CONFIG)
    series = series_of(garch(400, seed=8))
    with pytest.raises(NotEnoughDataError, match="anomalies need 251"):
        day_tests(series, walk_forward("ewma_t", series, CONFIG))


def share_with_false_day(count: int, rows: int) -> float:
    return float(np.mean([bool(anomalies_of(series_of(garch(rows, seed=100 + seed)))) for seed in range(count)]))


def test_simulated_series_have_anomalies_as_seldom_as_stated() -> None:
    count = 30
    assert share_with_false_day(count, 1500) <= RATE + 3 * np.sqrt(RATE * (1 - RATE) / count)


@pytest.mark.parametrize("tick", [0.0, 0.1])
def test_skewed_returns_and_coarse_prices_have_no_more(tick: float) -> None:
    """With one tail for falls and rises two of five skewed series have a false day."""
    detected = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        returns = 0.006 * (2 - rng.gamma(2.0, size=1500)) / np.sqrt(2)
        if tick:
            prices = np.round(100 * np.exp(np.cumsum(0.0008 * rng.standard_normal(1500))) / tick) * tick
            returns = np.diff(np.log(prices))
        detected += bool(anomalies_of(series_of(returns)))
    assert detected <= 3


def test_prices_that_never_fall_are_tested_against_their_rises() -> None:
    returns = np.abs(garch(1200, seed=9))
    returns[1000] = -0.08
    (day,) = anomalies_of(series_of(returns))
    assert day.date == series_of(returns).dates[1001]
    assert np.isfinite([day.low, day.high, day.p_value]).all()


@pytest.mark.slow
def test_many_simulated_series_have_anomalies_as_seldom_as_stated() -> None:
    count = 300
    assert share_with_false_day(count, 3000) <= RATE + 2 * np.sqrt(RATE * (1 - RATE) / count)
