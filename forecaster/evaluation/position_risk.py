"""Risk of a position by a forecast: value at risk, expected shortfall, and the hit rate that pays for a spread."""

import dataclasses

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.series import PriceSeries
from forecaster.evaluation.step_coverage import CoverageOutcome, step_coverage
from forecaster.features.outcomes import returns_after, rows_with_outcome
from forecaster.forecast import Forecast, Forecasts
from forecaster.quantiles import level_weights
from forecaster.stats.coverage_tests import coverage_error

__all__ = ["BreakEven", "LossRecord", "PositionRisk", "break_even", "loss_record", "position_risk", "recorded_losses"]

_TAIL_NODES = 1000  # equally likely points that stand for the tail in its mean


@dataclasses.dataclass(frozen=True)
class LossRecord:
    """Earlier days whose loss was within the value at risk of their day.

    Args:
        n: Number of days.
        within: Share of them whose loss was within it.
        error: Standard error of the share, which allows for overlapping spans; None where it cannot be estimated.
        outcome: Judgement of the level.
    """

    n: int
    within: float
    error: float | None
    outcome: CoverageOutcome


@dataclasses.dataclass(frozen=True)
class PositionRisk:
    """Risk of a position at one step and confidence level.

    Args:
        step: Rows after the cutoff.
        date: Day of the step.
        level: Confidence level, such as 0.95.
        price: Price at which the loss is the value at risk.
        value_at_risk: Loss that is exceeded with the probability 1 - level, in the currency of the price; negative
            where even that outcome is a gain.
        expected_shortfall: Mean of the losses beyond it.
        value_at_risk_own: The value at risk in the currency of the position, at the last price; None for shares.
        expected_shortfall_own: The expected shortfall likewise.
        record: Earlier days whose loss was within the value at risk; None where that is not measured.
    """

    step: int
    date: np.datetime64
    level: float
    price: float
    value_at_risk: float
    expected_shortfall: float
    value_at_risk_own: float | None
    expected_shortfall_own: float | None
    record: LossRecord | None = None


def position_risk(forecast: Forecast, amount: float, step: int, level: float, *, is_currency: bool) -> PositionRisk:
    """Risk of `amount` units of what the price of `forecast` is the price of; a negative amount is sold short.

    The expected shortfall is the mean over 1000 equally likely points of the tail, as the mean of a forecast is: the
    mean of a price whose log return has the tail of a Student t would not exist.

    Args:
        forecast: Prices of one unit.
        amount: Number of units.
        step: Rows after the cutoff.
        level: Confidence level.
        is_currency: True if the unit is a currency, in which a loss can be counted.
    """
    tail = (np.arange(_TAIL_NODES) + 0.5) / _TAIL_NODES * (1 - level)
    levels = np.concatenate([[1 - level], tail])
    prices = forecast.prices(levels.tolist() if amount > 0 else (1 - levels).tolist())[step - 1]
    losses = amount * (forecast.last_price - prices)
    shortfall = float(losses[1:].mean())
    loss = float(losses[0])
    return PositionRisk(
        step=step,
        date=forecast.dates[step - 1],
        level=level,
        price=float(prices[0]),
        value_at_risk=loss,
        expected_shortfall=shortfall,
        value_at_risk_own=loss / forecast.last_price if is_currency else None,
        expected_shortfall_own=shortfall / forecast.last_price if is_currency else None,
    )


def loss_record(scan: Forecasts, series: PriceSeries, step: int, level: float, *, falling: bool) -> LossRecord | None:
    """Earlier days whose loss was within the value at risk; None where no outcome is known.

    Args:
        scan: Forecasts at earlier cutoffs, none of them in-sample.
        series: History up to the cutoff.
        step: Rows ahead.
        level: Confidence level.
        falling: True if a fall of the price of `series` is a loss.
    """
    rows = rows_with_outcome(scan.rows, step, len(series))
    if not len(rows):
        return None
    earlier = scan.take(np.searchsorted(scan.rows, rows))
    weights = level_weights(scan.quantile_levels, [1 - level if falling else level])
    bounds = (earlier.extended_log_returns([step])[:, 0] @ weights)[:, 0]
    outcomes = returns_after(series.log_price, rows, [step])[:, 0]
    inside = ((outcomes >= bounds) if falling else (outcomes <= bounds)).astype(float)
    return recorded_losses(inside, step, level, moves=bool(outcomes.any()))


def recorded_losses(inside: FloatArray, step: int, level: float, *, moves: bool = True) -> LossRecord:
    """The record of losses within (1) or beyond (0) the value at risk, in order of time (N,)."""
    key = format(level, "g")
    judged = step_coverage(step, {key: inside}, step, moves=moves)
    return LossRecord(judged.n, judged.coverage[key], coverage_error(inside, level, step), judged.outcome)


@dataclasses.dataclass(frozen=True)
class BreakEven:
    """Hit rate at which trades in the direction of a forecast pay for their spread.

    Args:
        step: Rows for which a trade is held.
        date: Day of the step.
        spread: Cost of a trade, in and out, in units of the price.
        mean_move: Mean absolute move of the price, in units of the price.
        hit_rate: Share of trades that must end in the right direction, if right and wrong moves are equally large;
            more than 1 where the spread exceeds the mean move.
    """

    step: int
    date: np.datetime64
    spread: float
    mean_move: float
    hit_rate: float


def break_even(forecast: Forecast, spread: float, step: int) -> BreakEven:
    """The hit rate p with ``p (m - s) = (1 - p) (m + s)``, of a mean absolute move m and a spread s.

    Args:
        forecast: The coming days.
        spread: Cost of a trade, in and out, in units of the price.
        step: Rows for which a trade is held.
    """
    levels = ((np.arange(_TAIL_NODES) + 0.5) / _TAIL_NODES).tolist()
    move = float(np.abs(forecast.prices(levels)[step - 1] - forecast.last_price).mean())
    rate = 0.5 + spread / (2 * move) if move > 0 else float("inf")
    return BreakEven(step, forecast.dates[step - 1], spread, move, rate)
