import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.data.instruments import SYNTHETIC_NAMES, parse_pair, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.errors import ConfigError, UsageError

names = pytest.mark.parametrize("name", SYNTHETIC_NAMES)


def make(name: str, **options: object) -> PriceSeries:
    return (
        get_source("synthetic")
        .load(LoadRequest(parse_ticker(name), Path("."), datetime.date(2026, 11, 20), options))
        .series
    )


def log_returns(series: PriceSeries) -> np.ndarray:
    return np.diff(np.log(series.close))


@names
def test_same_seed_same_bits(name: str) -> None:
    assert make(name, seed=3, noise=0.01).sha256 == make(name, seed=3, noise=0.01).sha256
    assert make(name, seed=3, noise=0.01).sha256 != make(name, seed=4, noise=0.01).sha256


@names
def test_dates_are_business_days_up_to_the_fixed_last(name: str) -> None:
    series = make(name)
    assert (len(series), str(series.dates[-1])) == (2000, "2020-12-31")
    assert np.is_busday(series.dates).all()
    assert (np.busday_count(series.dates[:-1], series.dates[1:]) == 1).all()
    assert str(make(name, last_date="2024-06-16").dates[-1]) == "2024-06-14"


@names
def test_a_longer_history_begins_with_the_same_prices(name: str) -> None:
    short, long = make(name, rows=100, noise=0.01), make(name, rows=300, noise=0.01)
    np.testing.assert_array_equal(long.close[:100], short.close)
    moved = make(name, rows=100, noise=0.01, last_date="2023-01-05")
    np.testing.assert_array_equal(moved.close, short.close)
    assert moved.dates[0] != short.dates[0]


@settings(max_examples=30)
@given(st.sampled_from(SYNTHETIC_NAMES), st.integers(2, 500), st.integers(0, 2**64), st.floats(1e-4, 0.2))
def test_prices_are_positive_and_as_many_as_asked(name: str, rows: int, seed: int, volatility: float) -> None:
    series = make(name, rows=rows, seed=seed, volatility=volatility)
    assert len(series) == rows
    assert (series.close > 0).all()


def test_the_sine_is_a_sine() -> None:
    series = make("sine", rows=101, period=50, amplitude=0.2, level=10)
    np.testing.assert_allclose(series.close, 10 + 2 * np.sin(2 * np.pi * np.arange(101) / 50), rtol=1e-14)


def test_noise_lies_on_the_log_price_of_the_sine() -> None:
    noise = np.log(make("sine", rows=20_000, noise=0.02).close / make("sine", rows=20_000).close)
    assert noise.std() == pytest.approx(0.02, rel=0.03)


def test_the_random_walk_has_the_volatility_asked_for_and_no_memory() -> None:
    series = make("random_walk", rows=40_000, volatility=0.004)
    returns = log_returns(series)
    assert series.close[0] == pytest.approx(100.0)
    assert returns.std() == pytest.approx(0.004, rel=0.02)
    assert np.corrcoef(returns[1:], returns[:-1])[0, 1] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("phi", [-0.5, 0.3])
def test_ar1_returns_have_the_correlation_and_volatility_asked_for(phi: float) -> None:
    returns = log_returns(make("ar1", rows=40_000, phi=phi))
    assert np.corrcoef(returns[1:], returns[:-1])[0, 1] == pytest.approx(phi, abs=0.02)
    assert returns.std() == pytest.approx(0.006, rel=0.03)


def test_garch_returns_have_memory_in_their_size_alone() -> None:
    returns = log_returns(make("garch", rows=100_000, alpha=0.1, beta=0.8))
    squares = returns**2
    assert returns.std() == pytest.approx(0.006, rel=0.03)
    assert np.corrcoef(returns[1:], returns[:-1])[0, 1] == pytest.approx(0, abs=0.02)
    # Theory: first autocorrelation of squares is alpha (1 - beta (alpha + beta)) / (1 - 2 alpha beta - beta^2).
    assert np.corrcoef(squares[1:], squares[:-1])[0, 1] == pytest.approx(0.1 * (1 - 0.72) / (1 - 0.16 - 0.64), abs=0.04)


def test_garch_follows_its_recursion() -> None:
    returns = log_returns(make("garch", rows=50, omega=1e-5, alpha=0.2, beta=0.7, seed=7))
    shocks = np.random.Generator(np.random.PCG64(7)).standard_normal(49)
    variance = [1e-5 / (1 - 0.2 - 0.7)]
    for value in returns[:-1]:
        variance.append(1e-5 + 0.2 * value**2 + 0.7 * variance[-1])
    np.testing.assert_allclose(returns, np.sqrt(variance) * shocks, rtol=1e-9, atol=1e-12)


def test_meta_holds_every_option() -> None:
    assert '"seed":5' in make("ar1", seed=5).meta["options"]


def test_all_mistakes_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        make("sine", rows=1, peroid=3, volatility="high")
    assert len(caught.value.messages) == 3
    assert "source synthetic: rows: Input should be greater than or equal to 2 (got '1')" in caught.value.messages
    assert any("option 'peroid' is unknown" in one and "did you mean period?" in one for one in caught.value.messages)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.5, "beta": 0.5}, r"^source synthetic: alpha \+ beta must be less than 1"),
        ({"seed": -1}, r"seed: Input should be greater than or equal to 0"),
        ({"level": float("nan")}, r"level: Input should be"),
        ({"last_date": "soon"}, r"last_date: Input should be a valid date"),
        ({"phi": 1}, r"phi: Input should be less than 1"),
    ],
)
def test_options_out_of_range(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("garch", **options)


def test_prices_that_leave_the_range_of_numbers() -> None:
    with pytest.raises(ConfigError, match=r"prices leave the range of numbers within 500000 rows"):
        make("ar1", rows=500_000, volatility=0.2, phi=0.99)


def test_unknown_names_and_kinds() -> None:
    for one in (parse_ticker("AAPL"), parse_pair("USDJPY")):
        with pytest.raises(
            UsageError, match=r"source 'synthetic' has no (ticker|pair) .*expected --ticker sine\|random_walk"
        ):
            get_source("synthetic").load(LoadRequest(one, Path("."), datetime.date(2026, 1, 1)))
