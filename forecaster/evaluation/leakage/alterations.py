"""Alterations of the rows after a day: scrambled, thinned, trending, reversing, cut off, shifted, or adjusted.

A statistic of a whole column, or of its first rows, may be of values or of dates: their scale, decimals, frequency or
weekdays. Rows that are scrambled and thinned from an early day on change all of these.

A trending or reversing future is an alteration for choices: a choice that looks ahead would fit it.
"""

import dataclasses
import itertools
from typing import Literal

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries

__all__ = ["ALTERATIONS", "EARLY_ROWS", "TEMPTING", "THINNING", "Alteration"]

Kind = Literal["scramble", "thin", "trend", "reversal", "truncate", "shift", "adjust"]
ALTERATIONS: tuple[Kind, ...] = ("scramble", "truncate", "shift", "adjust")
TEMPTING: tuple[Kind, ...] = ("trend", "reversal")

EARLY_ROWS = (25, 250)
"""Rows after which a history is thinned: few enough for a statistic of the first rows of a column to reach beyond."""

THINNING = 3
"""One of so many later rows is left when they are thinned: days stay days."""

_MAX_GAP_OF_DAYS = 1.5  # median, in days; rows of weeks are not thinned to rows of months
_AUTOCORRELATION = {"scramble": 0.0, "thin": 0.0, "trend": 0.95, "reversal": -0.95}  # of daily returns

_TEXTS = {
    "scramble": "rows after {} scrambled",
    "thin": "rows after {} scrambled, and two of three left out",
    "trend": "rows after {} replaced by a walk with trending returns",
    "reversal": "rows after {} replaced by a walk with reversing returns",
    "truncate": "rows after {} cut off",
    "shift": "rows after {} moved a day earlier",
    "adjust": "adjusted prices up to {} halved, as by a later split",
}
_MIN_VOLATILITY = 0.002  # daily, of a scrambled future: that of a constant price would otherwise not change
_VOLATILITY_FACTOR = 3
_PRICES = ("open", "high", "low", "close", "adj_close")


@dataclasses.dataclass(frozen=True)
class Alteration:
    """One alteration of the rows after a day.

    Args:
        kind: Kind of the alteration.
        cut: Last day that stays unchanged.
        seed: Seed of the random numbers.
    """

    kind: Kind
    cut: np.datetime64
    seed: int = 0

    @property
    def text(self) -> str:
        """Description for findings."""
        return _TEXTS[self.kind].format(self.cut)

    def __call__(self, series: PriceSeries) -> PriceSeries:
        """Raw `series` with altered rows after the cut; at least its first two rows stay unchanged."""
        unchanged = max(int(np.searchsorted(series.dates, self.cut, side="right")), 2)
        if self.kind == "truncate":
            return series.between(end=series.dates[min(unchanged, len(series)) - 1])
        if self.kind == "adjust":
            return self._adjusted(series, unchanged)
        if self.kind == "shift":
            return self._shifted(series, unchanged)
        walked = self._walked(series, unchanged)
        return _thinned(walked, unchanged) if self.kind == "thin" else walked

    def _walked(self, series: PriceSeries, unchanged: int) -> PriceSeries:
        """Another walk from the last price on, three times as volatile; bars and volumes of days drawn at random.

        The days of the walk are plausible: the validation would remove implausible ones.
        """
        count = len(series) - unchanged
        if count <= 0:
            return series
        rng = np.random.default_rng(self.seed)
        returns = np.diff(series.close[:unchanged] if series.differences else np.log(series.close[:unchanged]))
        volatility = _VOLATILITY_FACTOR * max(float(np.std(returns)), _MIN_VOLATILITY)
        memory = _AUTOCORRELATION[self.kind]
        shocks = rng.normal(0, volatility, count)
        shocks = np.clip(shocks, -3 * volatility, 3 * volatility) * np.sqrt(1 - memory**2)
        moves = list(itertools.accumulate(shocks, lambda last, shock: memory * last + shock))
        close = series.moved(np.full(count, unchanged - 1), np.cumsum(moves))
        days = rng.integers(0, len(series), count)
        columns = {name: values.copy() for name, values in series.columns.items()}
        for name, values in series.columns.items():
            shape = values[days] / series.close[days]
            columns[name][unchanged:] = close * shape if name in _PRICES else values[days]
        columns["close"][unchanged:] = close
        if "adj_close" in columns:
            factor = series.columns["adj_close"][unchanged - 1] / series.close[unchanged - 1]
            columns["adj_close"][unchanged:] = close * factor
        return self._with(series, columns, unchanged, days)

    def _shifted(self, series: PriceSeries, unchanged: int) -> PriceSeries:
        """Every later day gets the values of the day after it."""
        count = len(series) - unchanged
        following = np.minimum(np.arange(unchanged + 1, unchanged + 1 + count), len(series) - 1)
        columns = {name: values.copy() for name, values in series.columns.items()}
        for name, values in series.columns.items():
            columns[name][unchanged:] = values[following]
        return self._with(series, columns, unchanged, following)

    def _adjusted(self, series: PriceSeries, unchanged: int) -> PriceSeries:
        """Adjusted prices times a power of two, so that every ratio of them stays the same to the last bit."""
        if "adj_close" not in series.columns:
            return series
        adjusted = series.columns["adj_close"].copy()
        adjusted[:unchanged] *= 0.5
        adjusted[unchanged:] *= 0.5
        return dataclasses.replace(series, columns={**series.columns, "adj_close": adjusted})

    @staticmethod
    def _with(series: PriceSeries, columns: dict[str, FloatArray], unchanged: int, days: IntArray) -> PriceSeries:
        rounding = None if series.rounding is None else series.rounding.copy()
        if rounding is not None:
            rounding[unchanged:] = rounding[days]
        return dataclasses.replace(series, columns=columns, rounding=rounding)


def _thinned(series: PriceSeries, unchanged: int) -> PriceSeries:
    """One of three rows after the first `unchanged` ones, of a history of days."""
    gaps = np.diff(series.dates).astype("timedelta64[D]").astype(np.int64)
    if series.frequency != "1d" or not len(gaps) or np.median(gaps) > _MAX_GAP_OF_DAYS:
        return series
    later = np.arange(len(series)) - unchanged
    rows = np.flatnonzero((later < 0) | (later % THINNING == 0))
    return dataclasses.replace(
        series,
        dates=series.dates[rows],
        columns={name: values[rows] for name, values in series.columns.items()},
        rounding=None if series.rounding is None else series.rounding[rows],
        inputs={name: values[rows] for name, values in series.inputs.items()},
        unit_factors=None if series.unit_factors is None else series.unit_factors[rows],
    )
