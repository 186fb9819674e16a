"""The baselines on made-up series whose true distribution is known."""

import dataclasses
import functools

import numpy as np
import oracles
import pytest

from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.distribution_scores import crps
from forecaster.models import baseline_names, create
from forecaster.models.base import FitReport, FitRequest, Fitted
from forecaster.models.baselines.garch import GARCH, GARCHOptions
from forecaster.quantiles import SCORING_LEVELS

LEARNED, STEPS, FREEDOM = 5000, (1, 5, 10), 6.0
NORMAL = ("ewma", "ridge")  # have too light tails for a t
SYMMETRIC = (0.01, 0.08, 0.0, 0.9)  # omega (percent squared), alpha, gamma, beta
# Share of the variance of five days that the autoregression with weight 0.2 explains: with s_k = 1 + ... + 0.2^(k-1)
# the return is (0.2 s_5) r plus s_5 e_1 + ... + s_1 e_5, and the variance of r is that of e over 1 - 0.2^2.
_SUMS = np.cumsum(0.2 ** np.arange(5))
EXPLAINED = float((0.2 * _SUMS[-1]) ** 2 / ((0.2 * _SUMS[-1]) ** 2 + (1 - 0.2**2) * (_SUMS**2).sum()))
LEVERAGED = (0.02, 0.02, 0.14, 0.88)


@functools.cache
def garch_series(recursion: tuple[float, float, float, float], rows: int = 10_000, skewed: bool = False) -> PriceSeries:
    """A pair whose returns in percent follow a GJR-GARCH with innovations of a t, or of a turned exponential law."""
    rng = np.random.default_rng(5)
    omega, alpha, gamma, beta = recursion
    shocks = rng.standard_t(FREEDOM, rows - 1) * np.sqrt((FREEDOM - 2) / FREEDOM)
    shocks = 1 - rng.exponential(size=rows - 1) if skewed else shocks
    variance, returns = omega / (1 - alpha - gamma / 2 - beta), []
    for shock in shocks.tolist():
        returns.append(np.sqrt(variance) * shock)
        variance = omega + (alpha + gamma * (returns[-1] < 0)) * returns[-1] ** 2 + beta * variance
    series: PriceSeries = oracles.series_of(100 * np.exp(np.cumsum([0, *returns]) / 100))
    return series


@functools.cache
def volatile_bars(rows: int = 6000) -> tuple[PriceSeries, np.ndarray]:
    """A ticker whose log volatility follows an autoregression, traded in 100 moves a day, and its daily volatility."""
    rng = np.random.default_rng(6)
    log_volatility, logs = 0.0, []
    for shock in rng.normal(size=rows).tolist():
        log_volatility = 0.96 * log_volatility + 0.14 * shock
        logs.append(log_volatility)
    volatility = 0.01 * np.exp(np.array(logs))
    gaps = rng.normal(size=rows) * volatility * 0.5
    days = rng.normal(size=(rows, 100)) * (volatility * np.sqrt(0.75) / 10)[:, None]
    ends = 4 + np.cumsum(gaps + days.sum(axis=1))
    opened = (ends - days.sum(axis=1))[:, None]
    paths = np.concatenate([opened, opened + np.cumsum(days, axis=1)], axis=1)
    parts = {"open": paths[:, 0], "high": paths.max(axis=1), "low": paths.min(axis=1), "close": paths[:, -1]}
    series = oracles.series_of(np.exp(ends), "SPX")
    return dataclasses.replace(series, columns={name: np.exp(part) for name, part in parts.items()}), volatility


@functools.cache
def fitted(name: str, series: PriceSeries) -> Fitted:
    request = FitRequest(Panel((series,)), {series.instrument.name: LEARNED}, {}, STEPS[-1])
    return create(name, STEPS[-1]).fit(request)


def outcomes(series: PriceSeries, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Cutoffs after the training rows, and the returns over the `step` days after them."""
    rows = np.arange(LEARNED, len(series) - step)
    return rows, series.log_price[rows + step] - series.log_price[rows]


def losses(model: Fitted, series: PriceSeries) -> np.ndarray:
    """(3,) mean CRPS at `STEPS` of the cutoffs after the training rows."""
    result = []
    for step in STEPS:
        rows, moved = outcomes(series, step)
        result.append(crps(model.forecast(series, rows).log_returns([step])[:, 0], SCORING_LEVELS, moved).mean())
    return np.array(result)


def truth(series: PriceSeries, recursion: tuple[float, float, float, float]) -> Fitted:
    """The model that made `series`."""
    arrays = {"USDJPY": np.array([*recursion, FREEDOM, 0.5])}
    return GARCH(GARCHOptions(), STEPS[-1]).restore(arrays, FitReport(learned={"seed": 0}))


@pytest.mark.parametrize("name", ["garch", "gjr_garch", "fhs"])
def test_on_garch_data_a_garch_is_as_good_as_the_truth(name: str) -> None:
    series = garch_series(SYMMETRIC)
    best = losses(truth(series, SYMMETRIC), series)
    found = losses(fitted(name, series), series)
    assert (found / best < 1.002).all()
    assert (losses(fitted("ewma", series), series) / best > 1.003).all(), "or the bound above shows nothing"


@pytest.mark.parametrize("name", baseline_names())
def test_intervals_cover_what_they_say(name: str) -> None:
    series = garch_series(SYMMETRIC)
    for step in (1, 10):
        rows, moved = outcomes(series, step)
        values = fitted(name, series).forecast(series, rows).log_returns([step])[:, 0]
        for inner, level in ((0, 0.95), (1, 0.9), (2, 0.8), (3, 0.5)):
            found = np.mean((values[:, inner] <= moved) & (moved <= values[:, -1 - inner]))
            allowed = (0.045 if name in NORMAL else 0.03) if step == 1 else 0.06
            assert found == pytest.approx(level, abs=allowed), (step, level)


def test_gjr_garch_finds_the_asymmetry_and_gains_by_it() -> None:
    series = garch_series(LEVERAGED)
    model = fitted("gjr_garch", series)
    omega, alpha, gamma, beta, freedom, _ = model.arrays()["USDJPY"]
    assert (omega, alpha, gamma, beta) == pytest.approx(LEVERAGED, abs=0.03)
    assert freedom == pytest.approx(FREEDOM, rel=0.2)
    found, best = losses(model, series), losses(truth(series, LEVERAGED), series)
    assert (found / best < 1.002).all()
    assert (found / losses(fitted("garch", series), series) < 0.9975).all()
    lower, upper = model.forecast(series, np.arange(LEARNED, 6000)).scaled[:, -1, [0, -1]].T
    assert (-lower > upper * 1.03).all(), "a fall makes further falls larger"


def test_gjr_garch_finds_no_asymmetry_where_there_is_none() -> None:
    gamma = fitted("gjr_garch", garch_series(SYMMETRIC)).arrays()["USDJPY"][2]
    assert abs(gamma) < 0.02


def test_fhs_keeps_the_shape_of_the_shocks() -> None:
    series = garch_series(SYMMETRIC, skewed=True)
    rows, moved = outcomes(series, 1)
    shares = {}
    for name in ("fhs", "garch"):
        values = fitted(name, series).forecast(series, rows).log_returns([1])[:, 0]
        shares[name] = (moved[:, None] <= values).mean(axis=0)
    assert np.abs(shares["fhs"] - SCORING_LEVELS).max() < 0.02
    assert np.abs(shares["garch"] - SCORING_LEVELS).max() > 0.05
    assert (losses(fitted("fhs", series), series) < losses(fitted("garch", series), series)).all()


def test_har_sees_volatility_in_ranges() -> None:
    series, volatility = volatile_bars()
    model = fitted("har", series)
    assert (model.report.learned["ranges"], model.report.learned["returns"]) == (["SPX"], [])
    found = losses(model, series)
    for name in ("ewma", "ewma_t", "garch", "gjr_garch"):
        assert (found / losses(fitted(name, series), series) < [0.99, 0.995, 0.998]).all(), name
    closes = dataclasses.replace(series, columns={"close": series.close})
    assert (found / losses(fitted("har", closes), closes) < 1).all()
    rows = np.arange(LEARNED, len(series) - 1)
    scale = model.forecast(series, rows).scale
    assert np.corrcoef(np.log(scale), np.log(volatility[rows + 1]))[0, 1] > 0.85


def test_har_goes_by_returns_where_there_are_no_ranges_and_says_so() -> None:
    series, _ = volatile_bars()
    closes = dataclasses.replace(series, columns={"close": series.close})
    model = fitted("har", closes)
    assert model.report.learned == {"ranges": [], "returns": ["SPX"]}
    assert model.report.fallbacks == ()
    found = losses(model, closes)
    assert (found / losses(fitted("ewma_t", closes), closes) < 0.999).all()
    assert (found / losses(fitted("random_walk", closes), closes) < 0.99).all()


def autoregressive(weight: float) -> PriceSeries:
    rng = np.random.default_rng(7)
    returns = [0.0]
    for shock in (0.006 * rng.normal(size=9999)).tolist():
        returns.append(weight * returns[-1] + shock)
    series: PriceSeries = oracles.series_of(100 * np.exp(np.cumsum(returns)))
    return series


def test_ridge_finds_a_linear_point_forecast() -> None:
    series = autoregressive(0.2)
    model = fitted("ridge", series)
    weights = model.arrays()["USDJPY"]
    assert weights[0] == pytest.approx(0.2, abs=0.04)
    assert np.abs(weights[1:]).max() < 0.05
    for step, explained in ((1, 0.04), (5, EXPLAINED)):
        rows, moved = outcomes(series, step)
        error = model.forecast(series, rows).median(step) - moved
        assert 1 - (error**2).sum() / (moved**2).sum() == pytest.approx(explained, abs=0.012)


def test_ridge_finds_next_to_nothing_in_a_random_walk() -> None:
    series = autoregressive(0.0)
    model = fitted("ridge", series)
    rows, moved = outcomes(series, 1)
    error = model.forecast(series, rows).median(1) - moved
    assert np.sqrt((error**2).mean() / (moved**2).mean()) < 1.0015
    assert np.abs(model.arrays()["USDJPY"]).max() < 0.02
