from types import SimpleNamespace
from typing import Any

import numpy as np
import oracles
import pytest
from arch import arch_model
from arch.univariate.base import ARCHModel
from arch.univariate.distribution import SkewStudent
from raw_rows import fixings
from scipy import stats

from forecaster.data.series import Panel, PriceSeries
from forecaster.models import create
from forecaster.models.base import FitReport, FitRequest, Fitted
from forecaster.models.baselines.fhs import FHS, FHSOptions
from forecaster.models.baselines.garch import GARCH, GARCHOptions
from forecaster.models.baselines.garch_fit import START_VALUES, fit_or_fallback
from forecaster.models.baselines.gjr_garch_skewt import GJRGARCHSkewT, GJRGARCHSkewTOptions
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.skewed_student import skewed_student_quantiles, skewed_student_shocks

OMEGA, ALPHA, BETA, FREEDOM = 0.01, 0.08, 0.9, 6.0


def garch(horizon: int = 20, typical: float = 0.5, paths: int = 4000) -> Fitted:
    arrays = {"USDJPY": np.array([OMEGA, ALPHA, 0, BETA, FREEDOM, typical])}
    return GARCH(GARCHOptions(paths=paths), horizon).restore(arrays, FitReport(learned={"seed": 0}))


def simulated(rows: int, seed: int = 0) -> PriceSeries:
    """A pair whose returns in percent follow the GARCH(1,1)-t above."""
    rng = np.random.default_rng(seed)
    variance, returns = OMEGA / (1 - ALPHA - BETA), []
    for shock in rng.standard_t(FREEDOM, rows - 1) * np.sqrt((FREEDOM - 2) / FREEDOM):
        returns.append(np.sqrt(variance) * shock)
        variance = OMEGA + ALPHA * returns[-1] ** 2 + BETA * variance
    series: PriceSeries = oracles.series_of(100 * np.exp(np.cumsum([0, *returns]) / 100))
    return series


def test_the_variance_is_its_recursion() -> None:
    series = oracles.walk(200)
    forecasts = garch().forecast(series, np.arange(1, 200))
    variance = 0.5
    for row in range(1, 200):
        move = 100 * np.log(series.close[row] / series.close[row - 1])
        variance = OMEGA + ALPHA * move**2 + BETA * variance
        assert forecasts.scale[row - 1] == pytest.approx(np.sqrt(variance) / 100, rel=1e-12)


def test_one_day_ahead_is_exactly_student() -> None:
    scaled = garch(1).forecast(oracles.walk(200), np.array([150])).scaled
    unit = stats.t(FREEDOM).ppf(SCORING_LEVELS) / stats.t(FREEDOM).std()
    np.testing.assert_allclose(scaled[0, 0], unit, rtol=1e-9, atol=1e-12)


def test_further_ahead_is_what_simple_simulation_gives() -> None:
    series = oracles.walk(200)
    forecasts = garch(10, paths=40_000).forecast(series, np.array([150]))
    rng, count = np.random.default_rng(1), 100_000
    variance, total = np.full(count, (100 * forecasts.scale[0]) ** 2), np.zeros(count)
    for _ in range(10):
        move = np.sqrt(variance) * rng.standard_t(FREEDOM, count) * np.sqrt((FREEDOM - 2) / FREEDOM)
        total += move
        variance = OMEGA + ALPHA * move**2 + BETA * variance
    expected = np.quantile(np.concatenate([total, -total]), SCORING_LEVELS)
    np.testing.assert_allclose(100 * forecasts.log_returns([10])[0, 0], expected, rtol=0.03, atol=1e-9)


def test_the_width_goes_back_to_its_mean() -> None:
    calm, wild = oracles.walk(200, volatility=1e-4), oracles.walk(200, volatility=5e-2)
    for series, wider in ((calm, True), (wild, False)):
        scaled = garch(20).forecast(series, np.array([199])).scaled[0, :, -1]
        assert (scaled[-1] > scaled[0]) is np.bool_(wider)


def test_a_fit_that_cannot_be_made_falls_back_and_says_so() -> None:
    flat, short = oracles.series_of([7.0] * 300), oracles.walk(300, name="EURUSD")
    rows = {"USDJPY": 280, "EURUSD": 0}
    fitted = GARCH(GARCHOptions(), 5).fit(FitRequest(Panel((flat, short)), rows, {}, 5))
    assert list(fitted.report.fallbacks) == ["EURUSD", "USDJPY"]
    for series in (flat, short):
        assert np.isfinite(fitted.forecast(series, np.array([250])).scaled).all()


def test_the_fallback_has_the_volatility_of_the_returns() -> None:
    series = oracles.walk(45)
    fitted = GARCH(GARCHOptions(), 1).fit(FitRequest(Panel((series,)), {"USDJPY": 45}, {}, 1))
    omega, alpha, _, beta, _, typical = fitted.arrays()["USDJPY"]
    assert fitted.report.fallbacks == ("USDJPY",)
    assert omega / (1 - alpha - beta) == pytest.approx(typical)
    assert typical == pytest.approx(np.mean((100 * np.diff(np.log(series.close))) ** 2))


def test_a_fit_reads_training_rows_only() -> None:
    series = simulated(900)
    found, expected = (
        GARCH(GARCHOptions(), 5).fit(FitRequest(Panel((one,)), {"USDJPY": 700}, {}, 5)).arrays()["USDJPY"]
        for one in (series, oracles.scrambled(series, 699))
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_a_fit_recovers_the_truth() -> None:
    fitted = GARCH(GARCHOptions(), 5).fit(FitRequest(Panel((simulated(20_000),)), {"USDJPY": 20_000}, {}, 5))
    assert fitted.report.fallbacks == ()
    omega, alpha, gamma, beta, freedom, _ = fitted.arrays()["USDJPY"]
    assert gamma == 0
    assert omega == pytest.approx(OMEGA, rel=0.3)
    assert alpha == pytest.approx(ALPHA, abs=0.015)
    assert beta == pytest.approx(BETA, abs=0.02)
    assert freedom == pytest.approx(FREEDOM, rel=0.15)


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("failures", [0, 1, 99])
def test_an_optimiser_that_fails_starts_again(monkeypatch: pytest.MonkeyPatch, failures: int, asymmetric: bool) -> None:
    fit, starts = ARCHModel.fit, []

    def unwilling(model: ARCHModel, **options: Any) -> Any:
        starts.append(options["starting_values"])
        result = fit(model, **options)
        return SimpleNamespace(
            params=result.params,
            convergence_flag=int(len(starts) <= failures),
            loglikelihood=result.loglikelihood,
            optimization_result=result.optimization_result,
        )

    monkeypatch.setattr(ARCHModel, "fit", unwilling)
    series, name = simulated(1500), "gjr_garch" if asymmetric else "garch"
    fitted = create(name, 5).fit(FitRequest(Panel((series,)), {"USDJPY": 1500}, {}, 5))
    assert [start is None for start in starts] == [number == 0 for number in range(len(starts))]
    assert len(starts) == {0: 1, 1: 1 + len(START_VALUES), 99: 1 + 2 * len(START_VALUES)}[failures]
    assert list(fitted.report.fallbacks) == (["USDJPY"] if failures == 99 else [])
    monkeypatch.undo()
    usual = create(name, 5).fit(FitRequest(Panel((series,)), {"USDJPY": 1500}, {}, 5))
    np.testing.assert_allclose(fitted.arrays()["USDJPY"], usual.arrays()["USDJPY"], rtol=0.02, atol=2e-3)


@pytest.mark.parametrize(("pair", "rows"), [("EURCHF", 5875), ("EURHUF", 5875)])
def test_an_optimiser_that_stops_on_its_way_is_detected(pair: str, rows: int) -> None:
    series = fixings(pair)
    returns = 100 * np.diff(series.log_price[:rows])
    garch, replaced = fit_or_fallback(series, rows)
    omega, alpha, _, beta, freedom = *garch.recursion, garch.freedom
    assert not replaced
    model = arch_model(returns, mean="Zero", vol="GARCH", dist="t", rescale=False)
    reached = model.fix([omega, alpha, beta, freedom]).loglikelihood
    typical = float(returns @ returns) / len(returns)
    for start_alpha, start_beta, start_freedom in START_VALUES:
        start = [(1 - start_alpha - start_beta) * typical, start_alpha, start_beta, start_freedom]
        assert model.fix(start).loglikelihood < reached - 20
        stopped = model.fit(disp="off", show_warning=False, starting_values=start)
        assert stopped.loglikelihood < reached + 0.5


def test_a_fit_that_reaches_no_maximum_is_reported_and_better_than_its_starts() -> None:
    series = fixings("EURCZK")
    returns = 100 * np.diff(series.log_price[:5875])
    garch, replaced = fit_or_fallback(series, 5875)
    assert replaced
    omega, alpha, _, beta = garch.recursion
    assert omega > 0
    assert alpha + beta < 1.0001
    model = arch_model(returns, mean="Zero", vol="GARCH", dist="t", rescale=False)
    start_alpha, start_beta, freedom = START_VALUES[0]
    start = [(1 - start_alpha - start_beta) * garch.typical, start_alpha, start_beta, freedom]
    assert model.fix([omega, alpha, beta, garch.freedom]).loglikelihood > model.fix(start).loglikelihood + 100


def test_antithetic_ranks_of_symmetric_shocks_are_mirror_images() -> None:
    shocks = np.sort(np.r_[-2.0, -1.0, -0.3, 0.3, 1.0, 2.0])
    arrays = {"USDJPY": np.array([OMEGA, ALPHA, 0, BETA, 0.5, *shocks])}
    fitted = FHS(FHSOptions(paths=501), 7).restore(arrays, FitReport(learned={"seed": 0}))
    scaled = fitted.forecast(oracles.walk(200), np.array([150])).scaled
    np.testing.assert_allclose(scaled, -scaled[..., ::-1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("freedom", "skew"), [(5.0, -0.2), (8.0, 0.3), (2.1, -0.9), (300.0, 0.0)])
def test_the_skewed_t_is_that_of_arch(freedom: float, skew: float) -> None:
    expected = SkewStudent().ppf(np.array(SCORING_LEVELS), [freedom, skew])
    np.testing.assert_allclose(
        skewed_student_quantiles(SCORING_LEVELS, freedom, skew), expected, rtol=1e-12, atol=1e-12
    )


def test_skewed_shocks_have_the_quantiles_of_their_distribution() -> None:
    shocks = skewed_student_shocks(np.random.default_rng(0), (100, 5000), FREEDOM, -0.3)
    assert shocks.shape == (100, 10_000)
    assert shocks.mean() == pytest.approx(0, abs=0.003)
    assert shocks.var() == pytest.approx(1, abs=0.01)
    expected = skewed_student_quantiles(SCORING_LEVELS, FREEDOM, -0.3)
    np.testing.assert_allclose(np.quantile(shocks, SCORING_LEVELS), expected, atol=0.01)
    left, right = np.split(skewed_student_shocks(np.random.default_rng(0), (10, 500), FREEDOM, 0.0), 2, axis=1)
    np.testing.assert_allclose(left, -right, rtol=1e-12)


def test_mean_and_skew_are_found() -> None:
    rng = np.random.default_rng(2)
    shocks = skewed_student_shocks(rng, (1, 4000), FREEDOM, -0.25)[0, rng.permutation(8000)]
    variance, returns = 0.5, []
    for shock in shocks.tolist():
        returns.append(np.sqrt(variance) * shock)
        variance = 0.01 + (0.03 + 0.1 * (returns[-1] < 0)) * returns[-1] ** 2 + 0.9 * variance
    series = oracles.series_of(100 * np.exp(np.cumsum([0, *(np.array(returns) + 0.05)]) / 100), "SPX")
    fitted = create("gjr_garch_skewt", 5).fit(FitRequest(Panel((series,)), {"SPX": 8000}, {}, 5))
    assert fitted.report.fallbacks == ()
    omega, alpha, gamma, beta, freedom, _, mean, skew = fitted.arrays()["SPX"]
    assert (omega, alpha, gamma, beta, mean) == pytest.approx((0.01, 0.03, 0.1, 0.9, 0.05), abs=0.025)
    assert (freedom, skew) == (pytest.approx(FREEDOM, rel=0.2), pytest.approx(-0.25, abs=0.05))


def test_further_ahead_the_skewed_t_is_what_simple_simulation_gives() -> None:
    series = oracles.walk(200)
    mean, skew, steps = 0.2, -0.3, 10
    arrays = {"USDJPY": np.array([OMEGA, 0.03, 0.1, 0.85, FREEDOM, 0.5, mean, skew])}
    model = GJRGARCHSkewT(GJRGARCHSkewTOptions(paths=40_000), steps).restore(arrays, FitReport(learned={"seed": 0}))
    forecasts = model.forecast(series, np.array([150]))
    count = 100_000
    variance, total = np.full(count, (100 * forecasts.scale[0]) ** 2), np.zeros(count)
    draws = SkewStudent(seed=np.random.default_rng(1)).simulate([FREEDOM, skew])
    for _ in range(steps):
        change = np.sqrt(variance) * draws(count)
        total += mean + change
        variance = OMEGA + (0.03 + 0.1 * (change < 0)) * change**2 + 0.85 * variance
    expected = np.quantile(total, SCORING_LEVELS) / 100
    np.testing.assert_allclose(forecasts.log_returns([steps])[0, 0], expected, atol=0.02 * expected.std())


def test_a_combination_is_the_mean_of_its_parts() -> None:
    series, steps = oracles.walk(900), (1, 3, 5, 20)
    request = FitRequest(Panel((series,)), {"USDJPY": 800}, {}, 20)
    parts = [create(name, 20).fit(request) for name in ("garch", "har")]
    rows = np.array([100, 500, 899])
    values = [model.forecast(series, rows).log_returns(steps) for model in parts]
    combination = create("combination", 20).fit(request)
    forecasts = combination.forecast(series, rows).log_returns(steps)
    np.testing.assert_allclose(forecasts, (values[0] + values[1]) / 2, rtol=1e-12, atol=1e-15)
    assert combination.report.fallbacks == parts[1].report.fallbacks == ()
