"""What the features of the daily bar mean; that each is its slow loop and causal is tested with all features."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import oracles
import pytest

from forecaster.data.series import Panel, PriceSeries
from forecaster.features import FEATURES, RETURN_FEATURES, feature_matrix, ranges, suitable_features
from forecaster.features.history import History

AVERAGE_FEATURES = ("absolute_5", "absolute_22", "absolute_66")
RANGE_FEATURES = ("range_day", "range_fast", "range_slow", "overnight_gap", "overnight_share")
VOLUME_FEATURES = ("volume_ratio",)
BAR_FEATURES = (*RANGE_FEATURES, *VOLUME_FEATURES)
SIGMA, GAP = 0.008, 0.005  # of `oracles.bars`: from open to close, and overnight


def changed(series: PriceSeries, **columns: Any) -> PriceSeries:
    return dataclasses.replace(series, columns={**series.columns, **columns})


def without(series: PriceSeries, *names: str) -> PriceSeries:
    return dataclasses.replace(series, columns={name: one for name, one in series.columns.items() if name not in names})


@pytest.mark.parametrize(
    ("estimate", "efficiency"), [(ranges.parkinson_variance, 4.9), (ranges.garman_klass_variance, 7.4)]
)
def test_a_range_recovers_the_variance_of_a_brownian_motion(
    estimate: Callable[[History], Any], efficiency: float
) -> None:
    """The figures of the papers: both are unbiased, and so many times as precise as the square of a return."""
    history = History.of(oracles.bars(3000, holes=False, moves=2000))
    found, squares = estimate(history), np.log(history.close / history.open) ** 2
    # 2000 moves a day miss a little of the range that a continuous path would have.
    assert found.mean() == pytest.approx(SIGMA**2, rel=0.06)
    assert squares.var() / found.var() == pytest.approx(efficiency, rel=0.15)


def test_ratios_and_shares_are_those_of_the_simulation() -> None:
    history = History.of(oracles.bars(3000, holes=False, moves=2000))
    whole = np.hypot(SIGMA, GAP)
    slow = FEATURES["range_slow"].compute(history)[300:]
    assert slow.mean() == pytest.approx(np.log(SIGMA / whole), abs=0.05)
    share = FEATURES["overnight_share"].compute(history)[300:] + 0.25
    assert share.mean() == pytest.approx((GAP / whole) ** 2, abs=0.03)
    assert FEATURES["overnight_gap"].compute(history)[300:].std() == pytest.approx(GAP / whole, rel=0.1)


def test_a_dividend_makes_no_gap_and_moves_no_feature() -> None:
    series = oracles.bars(400, holes=False)
    falls = np.where(np.arange(400) >= 300, np.exp(-0.05), 1.0)  # the price falls by what is paid
    paid = changed(series, **{name: series.columns[name] * falls for name in ("open", "high", "low", "close")})
    found, expected = (feature_matrix(History.of(one), tuple(FEATURES)) for one in (paid, series))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    price_only = without(paid, "adj_close")
    assert FEATURES["overnight_gap"].compute(History.of(price_only))[300] < -3


def test_the_level_of_the_adjusted_price_does_not_matter() -> None:
    """A dividend to come scales all adjusted prices before it; the features of the days before stay as they are."""
    series = oracles.bars(400)
    scaled = changed(series, adj_close=series.columns["adj_close"] * 0.9231)
    found, expected = (feature_matrix(History.of(one), tuple(FEATURES)) for one in (scaled, series))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "bar",
    [
        {"high": np.nan},
        {"open": np.nan},
        {"low": 0.0},
        {"low": -1.0},
        {"high": np.inf},
        {"high": 1e-3},
        {"low": 1e3},
        {"open": 1e3},
        {"open": 0.0},
    ],
)
def test_an_impossible_bar_leaves_the_state_as_it_was(bar: dict[str, float]) -> None:
    series = oracles.bars(300, holes=False)
    columns = {name: np.where(np.arange(300) == 250, value, series.columns[name]) for name, value in bar.items()}
    history = History.of(changed(series, **columns))
    assert not ranges.usable_ranges(history)[250]
    assert ranges.usable_ranges(history).sum() == 299
    for name in RANGE_FEATURES:
        assert np.isfinite(FEATURES[name].compute(history)).all()
    for name in ("range_day", "range_fast", "range_slow"):
        volatility = np.exp(FEATURES[name].compute(history)) * history.volatility
        assert volatility[250] == pytest.approx(volatility[249], rel=1e-12)
        assert volatility[251] != pytest.approx(volatility[249], rel=1e-6)


def test_a_bar_without_width_is_no_range() -> None:
    series = oracles.bars(300, holes=False)
    still = {
        name: np.where(np.arange(300) == 250, series.close, series.columns[name]) for name in ("high", "low", "open")
    }
    assert np.flatnonzero(~ranges.usable_ranges(History.of(changed(series, **still)))).tolist() == [250]


@pytest.mark.parametrize("volume", [0.0, np.nan, -5.0])
def test_a_day_without_volume_is_neutral_and_changes_no_other(volume: float) -> None:
    series = oracles.bars(300, holes=False)
    traded = series.columns["volume"]
    found = FEATURES["volume_ratio"].compute(
        History.of(changed(series, volume=np.where(np.arange(300) == 250, volume, traded)))
    )
    assert found[250] == 0
    skipped = np.delete(traded, 250)
    means = np.array(oracles.ewma(np.log(skipped).tolist(), 0.99))
    np.testing.assert_allclose(np.delete(found, 250), np.clip(np.log(skipped) - means, -3, 3), atol=1e-9)


@pytest.mark.parametrize("rows", [1, 2, 300])
def test_a_series_of_closes_alone_is_neutral(rows: int) -> None:
    history = History.of(without(oracles.bars(rows), "open", "high", "low", "volume"))
    assert (feature_matrix(history, BAR_FEATURES) == 0).all()


def test_features_suit_what_every_series_has() -> None:
    whole, other = oracles.bars(300, holes=False), oracles.bars(300, 1, "NDX", holes=False)
    closes = (*RETURN_FEATURES, *AVERAGE_FEATURES)
    assert suitable_features(Panel((whole, other))) == tuple(FEATURES)
    assert suitable_features(Panel((whole, without(other, "volume")))) == (*closes, *RANGE_FEATURES)
    assert suitable_features(Panel((whole, without(other, "open")))) == (*closes, *VOLUME_FEATURES)
    assert suitable_features(Panel((whole, oracles.walk(300)))) == closes
    assert suitable_features(Panel(())) == closes
    for gaps, names in ((30, tuple(FEATURES)), (31, closes)):
        early = np.arange(300) < gaps
        patchy = changed(other, **{name: np.where(early, np.nan, other.columns[name]) for name in ("low", "volume")})
        assert suitable_features(Panel((whole, patchy))) == names


def test_rows_from_a_day_on_have_no_say_in_the_features() -> None:
    whole = oracles.bars(300, holes=False)
    late = np.arange(300) < 100
    columns = ("open", "high", "low", "volume")
    later = changed(whole, **{name: np.where(late, np.nan, whole.columns[name]) for name in columns})
    ended = changed(whole, **{name: np.where(~late, np.nan, whole.columns[name]) for name in columns})
    closes, day = (*RETURN_FEATURES, *AVERAGE_FEATURES), whole.dates[100]
    assert suitable_features(Panel((later,)), day) == closes
    assert suitable_features(Panel((ended,)), day) == tuple(FEATURES)
    assert suitable_features(Panel((ended,)), whole.dates[0]) == closes


def test_the_features_of_returns_are_the_eight_that_older_runs_name() -> None:
    assert (
        *("scaled_return", "momentum_5", "momentum_20", "absolute_return"),
        *("volatility_fast", "volatility_slow", "volatility_slowest", "volatility_anchor"),
    ) == RETURN_FEATURES
