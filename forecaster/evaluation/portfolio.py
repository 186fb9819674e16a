"""Portfolios: the joint distribution of several prices, and the risk of positions in them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.evaluation.position_risk import LossRecord
from forecaster.forecast import Forecast
from forecaster.stats.first_passage import variance_clock
from forecaster.stats.joint_walks import values_at_scores, walk_scores

__all__ = ["JointPrices", "PortfolioRisk", "PositionShare", "joint_prices", "least_risk_amount", "portfolio_risk"]

_NEAR = 0.005  # share of the paths around the value at risk whose mean losses are its contributions


@dataclasses.dataclass(frozen=True, eq=False)
class JointPrices:
    """Paths of several prices in one currency.

    Args:
        names: (K,) currencies or symbols.
        base: Currency of the prices; None for stocks, in units of their prices.
        last: (K,) last prices.
        steps: (S,) steps of the paths.
        prices: (N, S, K).
    """

    names: tuple[str, ...]
    base: str | None
    last: FloatArray
    steps: tuple[int, ...]
    prices: FloatArray

    def cross(self, first: str, second: str) -> FloatArray:
        """(N, S) prices of one unit of `first` in units of `second`, on the same paths; the base is priced at 1.

        All crosses come from prices in one currency, so EURJPY is EURUSD times USDJPY on every path.
        """
        return np.asarray(self._price(first) / self._price(second))

    def _price(self, name: str) -> FloatArray:
        if name == self.base:
            return np.ones(self.prices.shape[:2])
        return np.asarray(self.prices[..., self.names.index(name)])


def joint_prices(
    forecasts: Sequence[Forecast], correlation: FloatArray, steps: Sequence[int], count: int, rng: np.random.Generator
) -> FloatArray:
    """Paths of several prices: the distribution of each day is that of its forecast, the days are joined by a copula.

    The copula is that of correlated random walks, each on the clock of its forecast; see
    `forecaster.stats.first_passage.variance_clock`.

    Args:
        forecasts: K forecasts of at least as many steps.
        correlation: (K, K) correlations of the moves of a day.
        steps: (S,) wanted steps, increasing.
        count: Even number of paths N.
        rng: Source of randomness.

    Returns:
        (N, S, K) prices.
    """
    clocks = np.concatenate([variance_clock(each.values[None], each.quantile_levels) for each in forecasts])
    scores = walk_scores(correlation, clocks, steps, count, rng)
    prices = np.empty(scores.shape)
    for place, step in enumerate(steps):
        for column, forecast in enumerate(forecasts):
            values = forecast.values[step - 1]
            changes = values_at_scores(values, forecast.quantile_levels, scores[:, place, column])
            last = forecast.last_price
            prices[:, place, column] = last + changes if forecast.changes else last * np.exp(changes)
    return prices


@dataclasses.dataclass(frozen=True)
class PositionShare:
    """Part of a position in the risk of its portfolio.

    Args:
        name: Currency or symbol.
        amount: Units.
        value: Value at the last price.
        value_at_risk: Contribution to the value at risk: the mean loss of the position where that of the portfolio
            is the value at risk. Contributions sum to the value at risk, and may be negative.
        expected_shortfall: Contribution to the expected shortfall likewise: the mean loss where the loss of the
            portfolio exceeds the value at risk.
        least_risk_amount: Units with which the portfolio would have the least variance, if all others stay.
    """

    name: str
    amount: float
    value: float
    value_at_risk: float
    expected_shortfall: float
    least_risk_amount: float


@dataclasses.dataclass(frozen=True)
class PortfolioRisk:
    """Risk of a portfolio at one step and confidence level.

    Args:
        step: Rows after the cutoff.
        date: Day of the step.
        level: Confidence level.
        value_at_risk: Loss that is exceeded with the probability 1 - level.
        expected_shortfall: Mean of the losses beyond it.
        undiversified: Sum of the values at risk of the positions alone.
        shares: Contributions of the positions.
        record: Earlier days whose loss was within the value at risk; None where that is not measured.
    """

    step: int
    date: np.datetime64
    level: float
    value_at_risk: float
    expected_shortfall: float
    undiversified: float
    shares: tuple[PositionShare, ...]
    record: LossRecord | None = None


def portfolio_risk(
    joint: JointPrices, amounts: FloatArray, place: int, level: float, date: np.datetime64
) -> PortfolioRisk:
    """Risk at the step at `place` of the paths.

    Args:
        joint: Paths of the prices.
        amounts: (K,) units of each; negative for a short position.
        place: Place of the step among those of the paths.
        level: Confidence level.
        date: Day of the step.
    """
    losses = amounts * (joint.last - joint.prices[:, place])
    total = losses.sum(axis=1)
    order = np.argsort(total, kind="stable")
    count = len(total)
    beyond = min(max(1, round(count * (1 - level))), count - 1)
    first = count - beyond
    value_at_risk = float(total[order[first - 1]])
    near = max(1, round(_NEAR * count))
    around = order[max(0, first - near) : first + near]
    shares_of_var = losses[around].mean(axis=0)
    shares_of_var = _summing_to(shares_of_var, value_at_risk)
    shares_of_es = losses[order[first:]].mean(axis=0)
    return PortfolioRisk(
        step=joint.steps[place],
        date=date,
        level=level,
        value_at_risk=value_at_risk,
        expected_shortfall=float(shares_of_es.sum()),
        undiversified=float(np.sort(losses, axis=0)[first - 1].sum()),
        shares=tuple(
            PositionShare(
                name=name,
                amount=float(amounts[column]),
                value=float(amounts[column] * joint.last[column]),
                value_at_risk=float(shares_of_var[column]),
                expected_shortfall=float(shares_of_es[column]),
                least_risk_amount=least_risk_amount(joint.prices[:, place], amounts, column),
            )
            for column, name in enumerate(joint.names)
        ),
    )


def _summing_to(shares: FloatArray, total: float) -> FloatArray:
    """`shares` with their small difference from `total` spread in proportion to their sizes."""
    sizes = np.abs(shares)
    if not sizes.sum():
        return shares
    return np.asarray(shares + (total - shares.sum()) * sizes / sizes.sum())


def least_risk_amount(prices: FloatArray, amounts: FloatArray, column: int) -> float:
    """Units of one price with which the variance of the portfolio is least, if all other amounts stay.

    Args:
        prices: (N, K) prices on the paths.
        amounts: (K,) units.
        column: The price.
    """
    rest = amounts.copy()
    rest[column] = 0.0
    moves = prices - prices.mean(axis=0)
    variance = float(moves[:, column] @ moves[:, column])
    return float(-(moves @ rest) @ moves[:, column] / variance) + 0.0 if variance > 0 else 0.0
