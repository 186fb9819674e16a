"""Forecast and Forecasts: predictive distributions as quantiles of the log return.

Quantiles are given at a few levels and become a whole distribution by one rule: between two levels
the value is linear in the normal score of the level, beyond the outermost level it follows the tail
of a Student t with four degrees of freedom through the two outermost values. With quantiles of a
normal distribution the rule is exact between the levels.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.quantiles import (
    cumulative_probability,
    level_weights,
    probability_below_mass,
    step_weights,
    widths_at,
)
from forecaster.stats.first_passage import touch_probabilities

__all__ = [
    "MAX_SCALING",
    "Forecast",
    "Forecasts",
    "PriceTargets",
]


MAX_SCALING = 3
"""Longest horizon that is scaled, in horizons of the run: volatility has changed its level beyond it."""

_MEAN_NODES = 1000  # equally likely points that stand for the distribution in its mean


@dataclasses.dataclass(frozen=True)
class Forecasts:
    """Distributions of one model for one series at many cutoffs, at a few steps.

    Args:
        model: Registry key of the model.
        rows: (N,) row numbers of the cutoffs in the series.
        scale: (N,) daily volatility of the log return, known at the cutoff.
        knots: (K,) steps, increasing.
        quantile_levels: (Q,).
        scaled: (N, K, Q) quantiles of the log return over `knots` days, in units of
            ``scale * sqrt(step)``, times the width of the step, non-decreasing along the last axis.
        widths: (N, M) factors of the widths of the steps 1 to M, which the days ahead of each cutoff decide, such as
            that of a known announcement; the days after step M are ordinary. None where all days are alike.
    """

    model: str
    rows: IntArray
    scale: FloatArray
    knots: tuple[int, ...]
    quantile_levels: tuple[float, ...]
    scaled: FloatArray
    widths: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def units(self, steps: Sequence[int]) -> FloatArray:
        """(N, S) units of the scaled quantiles at each of `steps`."""
        units = np.asarray(self.scale[:, None] * np.sqrt(np.asarray(steps, dtype=float)))
        return units if self.widths is None else units * widths_at(self.widths, steps)

    def log_returns(self, steps: Sequence[int]) -> FloatArray:
        """(N, S, Q) quantiles of the log return over each of `steps` days."""
        between = np.einsum("sk,nkq->nsq", step_weights(self.knots, steps), self.scaled)
        return np.asarray(between * self.units(steps)[..., None])

    def extended_log_returns(self, steps: Sequence[int]) -> FloatArray:
        """(N, S, Q) as `log_returns`; beyond the last knot its scaled quantiles stay, and grow with their units."""
        within = [min(step, self.knots[-1]) for step in steps]
        between = np.einsum("sk,nkq->nsq", step_weights(self.knots, within), self.scaled)
        return np.asarray(between * self.units(steps)[..., None])

    def at_levels(self, levels: Sequence[float]) -> "Forecasts":
        """The same distributions by their quantiles at other `levels` in (0, 1), increasing."""
        scaled = self.scaled @ level_weights(self.quantile_levels, levels)
        return dataclasses.replace(self, quantile_levels=tuple(levels), scaled=scaled)

    def median(self, step: int) -> FloatArray:
        """(N,) medians of the log return over `step` days."""
        weights = level_weights(self.quantile_levels, [0.5])
        return np.asarray((self.log_returns([step])[:, 0] @ weights)[:, 0])

    def take(self, positions: IntArray) -> "Forecasts":
        """The forecasts at `positions` (M,) along the first axis."""
        return dataclasses.replace(
            self,
            rows=self.rows[positions],
            scale=self.scale[positions],
            scaled=self.scaled[positions],
            widths=None if self.widths is None else self.widths[positions],
        )


@dataclasses.dataclass(frozen=True)
class Forecast:
    """The distribution of one instrument's price over the coming days, as seen at one cutoff.

    Args:
        instrument: Name such as ``"USDJPY"``.
        cutoff: Date of the last row that the forecast may see.
        last_price: Price at the cutoff, in units of the quote currency.
        dates: (H,) datetime64[D] of the coming days.
        quantile_levels: (Q,) increasing.
        values: (H, Q) quantiles of the log return from the cutoff to each date.
        own_steps: Steps that the model forecasts itself; later ones are recursive.
        unchanged: (H,) probabilities that the price equals the last one; None where that has no probability of its
            own. `values` contain this point mass as a steep part of the distribution; probabilities, prices and
            returns resolve it around the last price, and leave what is farther away as it is.
        changes: True if `values` are quantiles of the change of the price instead of the log return.
        scaled_from: First step beyond the horizon of the model, whose distribution is that of the horizon, scaled by
            the square root of time; None where there is none.
    """

    instrument: str
    cutoff: np.datetime64
    last_price: float
    dates: DateArray
    quantile_levels: tuple[float, ...]
    values: FloatArray
    own_steps: int
    unchanged: FloatArray | None = None
    changes: bool = False
    scaled_from: int | None = None

    @property
    def horizon(self) -> int:
        """Number of steps H."""
        return len(self.dates)

    def log_returns(self, levels: Sequence[float]) -> FloatArray:
        """(H, M) quantiles of the log return at any `levels` in (0, 1); 0 within the probability of standing still."""
        values = self.values @ level_weights(self.quantile_levels, levels)
        if self.unchanged is None:
            return values
        wanted = np.asarray(levels, dtype=float)
        still = (self.probability_down[:, None] <= wanted) & (wanted <= 1 - self.probability_up[:, None])
        return np.where(still, 0.0, values)

    def prices(self, levels: Sequence[float]) -> FloatArray:
        """(H, M) quantiles of the price at any `levels` in (0, 1)."""
        values = self.log_returns(levels)
        return np.asarray(self.last_price + values if self.changes else self.last_price * np.exp(values))

    @property
    def median(self) -> FloatArray:
        """(H,) median prices."""
        return self.prices([0.5])[:, 0]

    @property
    def mean(self) -> FloatArray:
        """(H,) mean prices, over 1000 equally likely points of the distribution."""
        levels = (np.arange(_MEAN_NODES) + 0.5) / _MEAN_NODES
        return np.asarray(self.prices(tuple(levels)).mean(axis=1))

    @property
    def probability_up(self) -> FloatArray:
        """(H,) probabilities that the price ends above the last price."""
        if self.unchanged is None:
            return np.asarray(1 - cumulative_probability(self.values, self.quantile_levels, np.zeros(self.horizon)))
        return np.asarray(np.maximum(1 - self.unchanged - self.probability_down, 0.0))

    @property
    def probability_unchanged(self) -> FloatArray:
        """(H,) probabilities that the price ends at the last price."""
        return np.zeros(self.horizon) if self.unchanged is None else self.unchanged

    @property
    def probability_down(self) -> FloatArray:
        """(H,) probabilities that the price ends below the last price."""
        if self.unchanged is None:
            return np.asarray(1 - self.probability_up)
        return probability_below_mass(self.values, self.quantile_levels, self.unchanged)

    def probability_below(self, price: float) -> FloatArray:
        """(H,) probabilities that the price ends at or below `price`."""
        if price <= 0 and not self.changes:  # a price that is modelled by its log returns is positive
            return np.zeros(self.horizon)
        change = self._change_to(price)
        below = cumulative_probability(self.values, self.quantile_levels, np.full(self.horizon, change))
        if self.unchanged is None:
            return below
        if change < 0:
            return np.minimum(below, self.probability_down)
        return np.maximum(below, 1 - self.probability_up) if change > 0 else 1 - self.probability_up

    def probability_above(self, price: float) -> FloatArray:
        """(H,) probabilities that the price ends above `price`."""
        return np.asarray(1 - self.probability_below(price))

    def probability_between(self, low: float, high: float) -> FloatArray:
        """(H,) probabilities that the price ends from `low` to `high`, both included."""
        below = self.probability_down if low == self.last_price else self.probability_below(low)
        return np.asarray(np.maximum(self.probability_below(high) - below, 0.0))

    def probability_touch(self, price: float) -> FloatArray:
        """(H,) probabilities that a price of the days up to each date reaches `price`; 1 for the last price.

        See `forecaster.stats.first_passage.touch_probabilities` for the joint distribution of the days.
        """
        if price == self.last_price:
            return np.ones(self.horizon)
        if price <= 0 and not self.changes:
            return np.zeros(self.horizon)
        touched = touch_probabilities(self.values[None], self.quantile_levels, np.array([self._change_to(price)]))[0]
        beyond = self.probability_above(price) if price > self.last_price else self.probability_below(price)
        return np.asarray(np.maximum(touched, np.maximum.accumulate(beyond)))

    def _change_to(self, price: float) -> float:
        """The change, or the log return, from the last price to `price`."""
        return float(price - self.last_price if self.changes else np.log(price / self.last_price))

    def mirrored(self, instrument: str) -> "Forecast":
        """The same distribution for the inverse quotation: prices become their reciprocals, up becomes down."""
        return dataclasses.replace(
            self,
            instrument=instrument,
            last_price=1 / self.last_price,
            quantile_levels=tuple(round(1 - level, 12) for level in reversed(self.quantile_levels)),
            values=0.0 - self.values[:, ::-1],  # a plain minus would make -0.0 of the median
        )


@dataclasses.dataclass(frozen=True)
class PriceTargets:
    """Prices and ranges of prices whose probabilities are wanted.

    Args:
        above: Prices to end above.
        below: Prices to end below.
        between: Ranges to end in.
    """

    above: tuple[float, ...] = ()
    below: tuple[float, ...] = ()
    between: tuple[tuple[float, float], ...] = ()

    def probabilities(self, forecast: Forecast) -> dict[str, FloatArray]:
        """Name such as ``above_160`` -> (H,) probabilities."""
        return {
            **{f"above_{_exact(price)}": forecast.probability_above(price) for price in self.above},
            **{f"below_{_exact(price)}": _ending_below(forecast, price) for price in self.below},
            **{
                f"between_{_exact(low)}_{_exact(high)}": forecast.probability_between(low, high)
                for low, high in self.between
            },
        }


def _ending_below(forecast: Forecast, price: float) -> FloatArray:
    return forecast.probability_down if price == forecast.last_price else forecast.probability_below(price)


def _exact(price: float) -> str:
    return format(price, ".12g")
