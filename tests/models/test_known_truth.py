"""Histories whose truth is known: what there is to learn is learned, and nothing is learned where there is nothing."""

import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.data.instruments import parse_ticker
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
from forecaster.models.base import FitRequest, Fitted
from forecaster.models.quantile.forecaster import FittedQuantileModel

pytestmark = pytest.mark.slow
ROWS, VALIDATION, TEST = 4000, 2400, 3200


def history(name: str, **options: object) -> PriceSeries:
    request = LoadRequest(parse_ticker(name), Path("."), datetime.date(2021, 1, 1), {"rows": ROWS, **options})
    return get_source("synthetic").load(request).series


def fitted(helpers: SimpleNamespace, series: PriceSeries, seed: int = 0) -> Fitted:
    options = helpers.lstm_options(
        units=(8,), training={"steps": 150, "max_passes": 1000, "batch_size": 8, "learning_rate": 0.01}
    )
    name = series.instrument.name
    request = FitRequest(Panel((series,)), {name: VALIDATION - 5}, {name: np.arange(VALIDATION, TEST - 5)}, 5, seed)
    return LSTM(options, 5).fit(request)


def alone(series: PriceSeries) -> FittedQuantileModel:
    """The default model of one series, whose training ends after some 50 steps."""
    name = series.instrument.name
    request = FitRequest(Panel((series,)), {name: VALIDATION - 5}, {name: np.arange(VALIDATION, TEST - 5)}, 5)
    return LSTM(LSTMOptions(), 5).fit(request)


@pytest.mark.parametrize("phi", [0.3, -0.3])
def test_an_autocorrelated_series_alone_is_learned(phi: float) -> None:
    series = history("ar1", phi=phi, seed=1)
    model = alone(series)
    assert 1 in model.report.chosen["location_steps"]
    rows, moves = np.arange(TEST, ROWS - 1), np.diff(np.log(series.close), prepend=np.nan)
    moved = moves[rows + 1]
    best = np.mean((moved - phi * moves[rows]) ** 2) / np.mean(moved**2)
    found = np.mean((moved - model.forecast(series, rows).median(1)) ** 2) / np.mean(moved**2)
    assert best < 0.95
    assert found < best + 0.015


def test_the_median_of_a_random_walk_alone_stays_at_the_last_price() -> None:
    opened = [alone(history("random_walk", seed=seed)).report.chosen["location_steps"] for seed in range(3)]
    assert sum(bool(steps) for steps in opened) == 0


def test_the_location_opens_where_returns_are_predictable(helpers: SimpleNamespace) -> None:
    series = history("ar1", phi=0.5, seed=1)
    model = fitted(helpers, series)
    assert 1 in model.report.chosen["location_steps"]
    rows = np.arange(TEST, ROWS - 1)
    moved = np.log(series.close[rows + 1] / series.close[rows])
    error = model.forecast(series, rows).median(1) - moved
    ratio = np.sqrt(np.mean(error**2) / np.mean(moved**2))
    assert ratio < 0.93, "the best that can be done is sqrt(1 - 0.5^2) = 0.866"


def test_the_location_stays_shut_on_random_walks(helpers: SimpleNamespace) -> None:
    opened = [
        fitted(helpers, history("random_walk", seed=seed), seed).report.chosen["location_steps"] for seed in range(5)
    ]
    assert sum(bool(steps) for steps in opened) <= 1


def test_quantiles_cover_what_they_say_on_garch(helpers: SimpleNamespace) -> None:
    series = history("garch", alpha=0.1, beta=0.85, seed=2)
    rows = np.arange(TEST, ROWS - 5)
    made = fitted(helpers, series).forecast(series, rows)
    for step in (1, 5):
        moved = np.log(series.close[rows + step] / series.close[rows])
        values = made.log_returns([step])[:, 0]
        for low, high, share in ((2, 6, 0.8), (3, 5, 0.5), (0, 8, 0.95)):
            inside = np.mean((values[:, low] <= moved) & (moved <= values[:, high]))
            assert inside == pytest.approx(share, abs=0.05)
