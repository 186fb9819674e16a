"""Pictures to draw: a random walk, predictions that repeat the last price, and twenty days to come."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from forecaster.evaluation.splits import PARTS
from forecaster.forecast import Forecast
from forecaster.output.forecast_figure import draw_forecast
from forecaster.output.forecast_picture import ForecastPicture, PartScore, Predictions, ScoreSummary
from forecaster.quantiles import SCORING_LEVELS, normal_scores


def make_days(start: Any, count: int) -> np.ndarray:
    return np.busday_offset(np.datetime64(start, "D"), np.arange(count), roll="forward")


def make_forecast(date: np.datetime64, price: float, horizon: int = 20, own_steps: int = 20) -> Forecast:
    """A normal fan of one percent a day."""
    values = 0.01 * np.sqrt(np.arange(1, horizon + 1))[:, None] * normal_scores(SCORING_LEVELS)
    return Forecast("USDJPY", date, float(price), make_days(date + 1, horizon), SCORING_LEVELS, values, own_steps)


def make_summary(rmse: float, rmse_today: float, parts: Sequence[str] = PARTS) -> ScoreSummary:
    """The same scores for each part, and a verdict."""
    scores = {part: PartScore(rmse, rmse_today, 0.812, 749) for part in parts}
    verdict = (
        "point: same as the random walk, the median is the last price (minimum detectable RMSE ratio of returns 0.994)",
        "direction: not applicable: the median is the last price",
        "density: not significantly better than garch, the strongest baseline (CRPS 0.35 % lower, p = 0.153)",
        "coverage: consistent with nominal at steps 1, 5, 10 and 20 (80 % interval 81/80/79/78 %, p = 1.000)",
    )
    return ScoreSummary(scores, "scores of the run", verdict if "test" in parts else ())


def make_picture(prices: np.ndarray, validation: int = 60, test: int = 90, **changes: Any) -> ForecastPicture:
    """`prices` on business days from 2020 on, each predicted by the one before, one percent up and down."""
    rows = len(prices)
    dates = make_days("2020-01-01", rows)
    size = 0.01 * np.abs(prices[:-1])
    facts = {
        "instrument": "USDJPY",
        "unit": "JPY per USD",
        "dates": dates,
        "prices": prices,
        "predictions": Predictions(dates[1:], prices[:-1] - size, prices[:-1].copy(), prices[:-1] + size),
        "train_end": dates[rows - test - validation - 1],
        "test_start": dates[rows - test],
        "forecast": make_forecast(dates[-1], prices[-1]),
        "summary": make_summary(0.005, 0.005),
        "note": "source synthetic · 500 rows",
        "run_id": "run-0001",
    }
    return ForecastPicture(**(facts | changes))


def random_walk() -> np.ndarray:
    return 100 * np.exp(np.cumsum(0.007 * np.random.default_rng(7).standard_normal(500)))


@pytest.fixture(scope="session")
def business_days() -> Callable[..., np.ndarray]:
    return make_days


@pytest.fixture(scope="session")
def forecast_after() -> Callable[..., Forecast]:
    return make_forecast


@pytest.fixture(scope="session")
def picture_of() -> Callable[..., ForecastPicture]:
    return make_picture


@pytest.fixture(scope="session")
def summary_of() -> Callable[..., ScoreSummary]:
    return make_summary


@pytest.fixture
def prices() -> np.ndarray:
    return random_walk()


@pytest.fixture
def picture(prices: np.ndarray) -> ForecastPicture:
    return make_picture(prices)


@pytest.fixture(scope="session")
def figure() -> Figure:
    """The picture, drawn once for the tests that only look at it."""
    return draw_forecast(make_picture(random_walk()))
