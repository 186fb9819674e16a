"""What an audit does to the future of a history: scramble it, cut it off, move it, or adjust the past for it.

A future in which every move goes on, or turns back, is for choices: what peeks at it finds the past a good forecast.
"""

import dataclasses
import itertools
from typing import Literal

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries

__all__ = ["ALTERATIONS", "TEMPTING", "Alteration"]

Kind = Literal["scramble", "trend", "reversal", "truncate", "shift", "adjust"]
ALTERATIONS: tuple[Kind, ...] = ("scramble", "truncate", "shift", "adjust")
TEMPTING: tuple[Kind, ...] = ("trend", "reversal")

_MEMORY = {"scramble": 0.0, "trend": 0.95, "reversal": -0.95}  # share of a day's move in that of the next

_TEXTS = {
    "scramble": "rows after {} scrambled",
    "trend": "rows after {} replaced by a walk whose moves go on",
    "reversal": "rows after {} replaced by a walk whose moves turn back",
    "truncate": "rows after {} cut off",
    "shift": "rows after {} moved a day earlier",
    "adjust": "adjusted prices up to {} halved, as by a later split",
}
_LEAST_MOVE = 0.002  # daily, of a scrambled future; a series that stands still would else be scrambled into itself
_PRICES = ("open", "high", "low", "close", "adj_close")


@dataclasses.dataclass(frozen=True)
class Alteration:
    """One way in which the rows after a day might have been different.

    Args:
        kind: What is done.
        cut: Last day that stays as it is.
        seed: Of the scrambling.
    """

    kind: Kind
    cut: np.datetime64
    seed: int = 0

    @property
    def text(self) -> str:
        """In words."""
        return _TEXTS[self.kind].format(self.cut)

    def __call__(self, series: PriceSeries) -> PriceSeries:
        """`series`, raw, with another future; at least its first two rows stay."""
        kept = max(int(np.searchsorted(series.dates, self.cut, side="right")), 2)
        if self.kind == "truncate":
            return series.between(end=series.dates[min(kept, len(series)) - 1])
        if self.kind == "adjust":
            return self._adjusted(series, kept)
        return self._shifted(series, kept) if self.kind == "shift" else self._walked(series, kept)

    def _walked(self, series: PriceSeries, kept: int) -> PriceSeries:
        """Another walk from the last price on, of three times the size; bars and volumes of days drawn at random.

        The walk is made of plausible days: nonsense would be found by the validation, and left out.
        """
        count = len(series) - kept
        if count <= 0:
            return series
        rng = np.random.default_rng(self.seed)
        size = 3 * max(float(np.std(np.diff(np.log(series.close[:kept])))), _LEAST_MOVE)
        memory = _MEMORY[self.kind]
        news = np.clip(rng.normal(0, size, count), -3 * size, 3 * size) * np.sqrt(1 - memory**2)
        moves = list(itertools.accumulate(news, lambda last, new: memory * last + new))
        close = series.close[kept - 1] * np.exp(np.cumsum(moves))
        days = rng.integers(0, len(series), count)
        columns = {name: values.copy() for name, values in series.columns.items()}
        for name, values in series.columns.items():
            shape = values[days] / series.close[days]
            columns[name][kept:] = close * shape if name in _PRICES else values[days]
        columns["close"][kept:] = close
        if "adj_close" in columns:
            columns["adj_close"][kept:] = close * series.columns["adj_close"][kept - 1] / series.close[kept - 1]
        return self._with(series, columns, kept, days)

    def _shifted(self, series: PriceSeries, kept: int) -> PriceSeries:
        """Every later day gets the values of the day after it."""
        count = len(series) - kept
        following = np.minimum(np.arange(kept + 1, kept + 1 + count), len(series) - 1)
        columns = {name: values.copy() for name, values in series.columns.items()}
        for name, values in series.columns.items():
            columns[name][kept:] = values[following]
        return self._with(series, columns, kept, following)

    def _adjusted(self, series: PriceSeries, kept: int) -> PriceSeries:
        """A power of two, so that every ratio of adjusted prices stays what it was to the last bit."""
        if "adj_close" not in series.columns:
            return series
        adjusted = series.columns["adj_close"].copy()
        adjusted[:kept] *= 0.5
        adjusted[kept:] *= 0.5
        return dataclasses.replace(series, columns={**series.columns, "adj_close": adjusted})

    @staticmethod
    def _with(series: PriceSeries, columns: dict[str, FloatArray], kept: int, days: IntArray) -> PriceSeries:
        rounding = None if series.rounding is None else series.rounding.copy()
        if rounding is not None:
            rounding[kept:] = rounding[days]
        return dataclasses.replace(series, columns=columns, rounding=rounding)
