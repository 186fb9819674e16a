"""Ties: prices that equal an earlier price, as in coarse units or where a price is fixed for days."""

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.series import PriceSeries

__all__ = ["MIN_TIE_SHARE", "unchanged_probabilities"]

MIN_TIE_SHARE = 0.05
"""Share of unmoved rows from which a price has its own probability of standing still."""

_RECENT_ROWS = 1000
_MIN_PAIRS = 100


def unchanged_probabilities(series: PriceSeries, horizon: int) -> FloatArray | None:
    """Probabilities that the coming prices equal the last one, from the last 1000 rows.

    The probability at a step is the share of the recent rows whose price was the same that many rows later. Where
    fewer than 100 pairs of rows are that far apart, the share shrinks with the square root of the step, as the
    probability of one unit of a random walk does.

    Args:
        series: History up to the cutoff.
        horizon: Number of steps H.

    Returns:
        (H,) probabilities; None if fewer than 5 % of the rows repeat the price before, or fewer than 100 rows exist.
    """
    price = series.first_unit_close[-_RECENT_ROWS:]
    longest = len(price) - _MIN_PAIRS
    if longest < 1 or np.mean(price[1:] == price[:-1]) < MIN_TIE_SHARE:
        return None
    steps = np.arange(1, horizon + 1)
    counted = np.minimum(steps, longest)
    shares = np.array([np.mean(price[step:] == price[:-step]) for step in counted.tolist()])
    return np.asarray(shares * np.sqrt(counted / steps))
