"""Drift of a single series: found where there is one, absent elsewhere, causal, negative for an inverse quotation."""

from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries
from forecaster.features.history import WARM_UP, History
from forecaster.models.architectures.lstm import LSTM
from forecaster.models.base import FitReport
from forecaster.models.quantile.drift import DECAY, MIN_ROWS, MIN_T, drift_locations, drift_statistics
from forecaster.models.quantile.forecaster import FittedQuantileModel

DAILY = 0.004


def series(drift: float, days: int = 2500, seed: int = 0, sign: int = 1) -> PriceSeries:
    """A price whose mean return is `drift` daily volatilities."""
    returns = DAILY * (np.random.default_rng(seed).standard_t(5, days) * 0.6**0.5 + drift)
    dates = np.datetime64("2000-01-03") + np.arange(days)
    return PriceSeries(
        parse_pair("USDJPY").canonical, "synthetic", "drift", dates, {"close": 100 * np.exp(sign * np.cumsum(returns))}
    )


def slow_statistics(history: History) -> tuple[float, float]:
    """Mean and t-statistic in the last row, from weighted sums over all rows."""
    scaled = [
        max(min(history.log_return[t] / history.volatility[t - 1], 6.0), -6.0) for t in range(WARM_UP, len(history))
    ]
    weights = [DECAY ** (len(scaled) - 1 - t) for t in range(len(scaled))]
    total = sum(weights)
    mean = sum(w * s for w, s in zip(weights, scaled, strict=True)) / total
    square = sum(w * s * s for w, s in zip(weights, scaled, strict=True)) / total
    sums = [sum(scaled[max(t - 4, 0) : t + 1]) for t in range(len(scaled))]
    together = sum(w * s * s for w, s in zip(weights, sums, strict=True)) / total
    variance = max(square - mean**2, together / 5 - 5 * mean**2)
    return mean, mean / (variance * sum(w * w for w in weights) / total**2) ** 0.5


def test_the_statistic_is_the_slow_loop() -> None:
    history = History.of(series(0.2, 500))
    mean, statistic = drift_statistics(history)
    assert (mean[-1], statistic[-1]) == pytest.approx(slow_statistics(history), rel=1e-9)
    assert not statistic[: WARM_UP + MIN_ROWS].any()
    assert statistic[WARM_UP + MIN_ROWS :].all()


@pytest.mark.parametrize("days", [2, 150, WARM_UP + MIN_ROWS])
def test_a_short_history_has_no_drift(days: int) -> None:
    assert not drift_locations(History.of(series(1.0, days)), (1, 20)).any()


def test_a_drift_is_found_and_shrunk() -> None:
    moved = drift_locations(History.of(series(0.35)), (1, 20))
    assert moved[-1, 0] == pytest.approx(0.35, rel=0.35)
    assert moved[-1, 1] == pytest.approx(moved[-1, 0] * 20**0.5)
    opened = np.flatnonzero(moved[:, 0])[0]
    assert WARM_UP + MIN_ROWS < opened < 1500
    assert 0 < moved[opened, 0] < 0.1  # it begins near 0


@pytest.mark.parametrize("seed", range(5))
def test_a_walk_has_none(seed: int) -> None:
    history = History.of(series(0.0, seed=seed))
    assert not drift_locations(history, (1,)).any()
    assert np.abs(drift_statistics(history)[1]).max() < MIN_T


def test_a_drift_that_ends_is_given_up() -> None:
    first = np.diff(np.log(series(0.5, 1500).close))
    then = np.diff(np.log(series(0.0, 1500, seed=1).close))
    close = 100 * np.exp(np.cumsum(np.concatenate([first, then])))
    dates = np.datetime64("2000-01-03") + np.arange(len(close))
    history = History.of(PriceSeries(parse_pair("USDJPY").canonical, "synthetic", "x", dates, {"close": close}))
    moved = drift_locations(history, (1,))[:, 0]
    assert moved[1400] > 0.3
    assert not moved[-500:].any()


def test_an_inverse_quotation_has_the_negative_drift() -> None:
    steps = (1, 5)
    up = drift_locations(History.of(series(0.4, 1200)), steps)
    down = drift_locations(History.of(series(0.4, 1200, sign=-1)), steps)
    assert up.any()
    np.testing.assert_allclose(up, -down, atol=1e-12)


def test_a_price_that_grows_by_the_same_ratio_is_a_drift_and_one_that_stands_still_is_none() -> None:
    dates = np.datetime64("2000-01-03") + np.arange(600)
    pair = parse_pair("USDJPY").canonical
    growing = PriceSeries(pair, "synthetic", "x", dates, {"close": 100 * 1.0001 ** np.arange(600)})
    assert drift_locations(History.of(growing), (1,))[-1, 0] == pytest.approx(1, abs=0.01)
    still = PriceSeries(pair, "synthetic", "x", dates, {"close": np.full(600, 100.0)})
    assert not drift_locations(History.of(still), (1,)).any()


@pytest.mark.parametrize("cutoff", [420, 640, 900])
def test_later_rows_change_no_bit(helpers: SimpleNamespace, cutoff: int) -> None:
    full_series = series(0.5, 1000)
    expected = drift_locations(History.of(full_series), (1, 20))[: cutoff + 1]
    scrambled = helpers.oracles.scrambled(full_series, cutoff)
    np.testing.assert_array_equal(drift_locations(History.of(scrambled), (1, 20))[: cutoff + 1], expected)
    short = helpers.oracles.truncated(full_series, cutoff)
    np.testing.assert_array_equal(drift_locations(History.of(short), (1, 20)), expected)


def model(helpers: SimpleNamespace, steps: list[int], location: str = "auto") -> FittedQuantileModel:
    arrays = helpers.oracles.lstm_arrays(8, (4,), 2)
    options = helpers.lstm_options(knots=(1,), location=location)
    return LSTM(options, 4).restore(arrays, FitReport({"location_steps": steps}))


def test_the_drift_moves_every_quantile_where_no_location_is_learned(helpers: SimpleNamespace) -> None:
    drifting, rows = series(0.5, 1200), np.array([300, 900, 1199])
    moved = drift_locations(History.of(drifting), (1, 4))[rows]
    fixed = model(helpers, [], "never").forecast(drifting, rows).scaled
    assert not fixed[..., 4].any()
    drifting_quantiles = model(helpers, []).forecast(drifting, rows).scaled
    np.testing.assert_array_equal(drifting_quantiles, fixed + moved[..., None])
    partly = model(helpers, [1]).forecast(drifting, rows).scaled
    np.testing.assert_array_equal(partly[:, 1], drifting_quantiles[:, 1])
    assert (partly[1:, 0, 4] != drifting_quantiles[1:, 0, 4]).all()
