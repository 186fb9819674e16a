"""Questions about a coming price, their probabilities, and the record of the same questions in the past."""

import dataclasses
from typing import Literal

import numpy as np

from forecaster.arrays import BoolArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.evaluation.reliability import Reliability, reliability
from forecaster.features.outcomes import returns_after, rows_with_outcome
from forecaster.forecast import Forecast, Forecasts
from forecaster.quantiles import cumulative_probability
from forecaster.stats.first_passage import touch_probabilities

__all__ = ["PriceAnswer", "PriceQuestion", "QuestionKind", "answered", "past_answers"]

QuestionKind = Literal["above", "below", "between", "touch"]

TOUCHES_PER_SPAN = 4
"""Earlier cutoffs at which a touch is asked again, in the time that one of its spans takes: more would overlap."""


@dataclasses.dataclass(frozen=True)
class PriceQuestion:
    """A question about the price at one step, or up to it.

    Args:
        kind: ``above``, ``below`` or ``between`` at the step, or ``touch`` up to it.
        prices: The price, or the lower and the higher one.
        step: Rows after the cutoff.
    """

    kind: QuestionKind
    prices: tuple[float, ...]
    step: int


@dataclasses.dataclass(frozen=True)
class PriceAnswer:
    """Probability of a question.

    Args:
        question: The question.
        date: Day of the step.
        probability: Probability of yes.
        at: Probability of a price that equals the threshold; more than 0 for the last price of a series that often
            stands still, and never part of ``above`` or ``below``.
        record: Answers to the same question in the past; None where nothing is known about them.
    """

    question: PriceQuestion
    date: np.datetime64
    probability: float
    at: float
    record: Reliability | None = None

    @property
    def otherwise(self) -> float:
        """Probability of no."""
        return 1.0 - self.probability


def answered(forecast: Forecast, question: PriceQuestion) -> PriceAnswer:
    """The answer of a forecast to a question about one of its steps."""
    index = question.step - 1
    price = question.prices[0]
    probability = _probabilities(forecast, question)[index]
    at_last = question.kind in ("above", "below") and price == forecast.last_price
    at = float(forecast.probability_unchanged[index]) if at_last else 0.0
    return PriceAnswer(question, forecast.dates[index], float(probability), at)


def _probabilities(forecast: Forecast, question: PriceQuestion) -> FloatArray:
    """(H,) probabilities of a question at every step."""
    if question.kind == "touch":
        return forecast.probability_touch(question.prices[0])
    if question.kind == "between":
        low, high = question.prices
        return forecast.probability_between(low, high)
    if question.kind == "above":
        return forecast.probability_above(question.prices[0])
    at_last = question.prices[0] == forecast.last_price
    return forecast.probability_down if at_last else forecast.probability_below(question.prices[0])


def past_answers(
    scan: Forecasts, series: PriceSeries, forecast: Forecast, question: PriceQuestion, sign: int
) -> Reliability | None:
    """Answers at earlier cutoffs to the question about a price as far away as the one of today, and the outcomes.

    Args:
        scan: Forecasts at earlier cutoffs and the last row, none of them in-sample.
        series: History up to the cutoff.
        forecast: Forecast of today, in the orientation of the question.
        question: The question.
        sign: -1 where `forecast` is the inverse quotation of `scan`.

    Returns:
        None where no outcome is known yet, or where the price often stands still: its distribution has a point mass
        that the record would have to estimate again at each cutoff.
    """
    if forecast.unchanged is not None or (min(question.prices) <= 0 and not forecast.changes):
        return None
    stride = max(1, question.step // TOUCHES_PER_SPAN) if question.kind == "touch" else 1
    settled = rows_with_outcome(scan.rows, question.step, len(series))[::-1][::stride][::-1]
    if not len(settled):
        return None
    earlier = scan.take(np.searchsorted(scan.rows, settled))
    last = forecast.last_price
    changes = [price - last if forecast.changes else float(np.log(price / last)) for price in question.prices]
    distances = sorted(sign * change for change in changes)
    if question.kind == "touch":
        probabilities, happened = _touches(earlier, series, distances[0], question.step)
    else:
        probabilities, happened = _ends(earlier, series, distances, question, sign)
    return reliability(probabilities, happened, series.dates[settled], question.step, stride)


def _ends(
    earlier: Forecasts, series: PriceSeries, distances: list[float], question: PriceQuestion, sign: int
) -> tuple[FloatArray, BoolArray]:
    """(N,) probabilities of ending on the wanted side, and whether the price did."""
    values = earlier.extended_log_returns([question.step])[:, 0]
    outcomes = returns_after(series.log_price, earlier.rows, [question.step])[:, 0]
    below = [
        cumulative_probability(values, earlier.quantile_levels, np.full(len(values), distance))
        for distance in distances
    ]
    if question.kind == "between":
        inside = (distances[0] <= outcomes) & (outcomes <= distances[1])
        return np.asarray(below[1] - below[0]), np.asarray(inside)
    if (question.kind == "above") == (sign > 0):
        return 1 - below[0], outcomes > distances[0]
    return below[0], outcomes < distances[0]


def _touches(earlier: Forecasts, series: PriceSeries, distance: float, step: int) -> tuple[FloatArray, BoolArray]:
    """(N,) probabilities of reaching a level within `step` rows, and whether the price did."""
    steps = range(1, step + 1)
    values = earlier.extended_log_returns(steps)
    touched = touch_probabilities(values, earlier.quantile_levels, np.full(len(values), distance))[:, -1]
    paths = returns_after(series.log_price, earlier.rows, steps)
    reached = paths.max(axis=1) >= distance if distance > 0 else paths.min(axis=1) <= distance
    return touched, np.asarray(reached | (distance == 0))
