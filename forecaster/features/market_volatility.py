"""Market-wide volatility: one measure a day from all currencies, given to each pair as features.

Volatility rises and falls for all currencies together: the moves of sixteen currencies today say more about the
coming days of a pair than its own single return does.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import ewma, trailing_mean

__all__ = ["MARKET_FEATURES", "MarketActivity", "market_activity"]

MARKET_FEATURES = ("market:week", "market:month", "market:anchor")

_DECAY = 0.97  # of the recent activity, as for the volatility that divides every feature
_WEEK, _MONTH = 5, 22
_MAX_RATIO = 6.0  # of a move to its usual size; beyond it a currency that breaks its peg would be the whole market
_MIN_ACTIVITY = 0.05  # on a holiday hardly anything moves
_MAX_AGE_DAYS = 10  # for which the newest value is used


@dataclasses.dataclass(frozen=True, eq=False)
class MarketActivity:
    """Activity of a market on each day: mean size of its members' moves, each relative to that member's usual size.

    Args:
        dates: (N,) datetime64[D], increasing.
        activity: (N,) about 1 on an ordinary day; row n uses prices up to ``dates[n]`` only.
    """

    dates: DateArray
    activity: FloatArray

    @functools.cached_property
    def _features(self) -> tuple[FloatArray, ...]:
        """(N,) each: logs of week and month over the recent activity, and of that over the whole past."""

        def mean(days: int) -> FloatArray:
            padded = np.concatenate([[0.0], self.activity])  # `trailing_mean` leaves row 0 out
            return np.asarray(np.maximum(trailing_mean(padded, days)[1:], _MIN_ACTIVITY))

        recent = np.maximum(ewma(self.activity, _DECAY), _MIN_ACTIVITY)
        return (
            np.log(mean(_WEEK) / recent),
            np.log(mean(_MONTH) / recent),
            np.log(recent / mean(len(self.dates))),
        )

    def features_on(self, dates: DateArray) -> Mapping[str, FloatArray]:
        """`MARKET_FEATURES` of a history with `dates` (T,) that is fixed at the same time of day: name -> (T,).

        A row holds the newest value known on its day, 0 where none is known or it is older than `_MAX_AGE_DAYS`.
        """
        newest = np.searchsorted(self.dates, dates, side="right") - 1
        index = np.maximum(newest, 0)
        too_old = dates - self.dates[index] > np.timedelta64(_MAX_AGE_DAYS, "D")
        return {
            name: np.where((newest < 0) | too_old, 0.0, values[index])
            for name, values in zip(MARKET_FEATURES, self._features, strict=True)
        }

    def known_hash(self, until: np.datetime64) -> str:
        """SHA-256 of dates and activity up to `until`, to a millionth."""
        rows = self.dates <= until
        days = self.dates[rows].astype("datetime64[D]").astype("<i8")
        return hashlib.sha256(days.tobytes() + np.round(self.activity[rows], 6).astype("<f8").tobytes()).hexdigest()


def market_activity(members: Sequence[PriceSeries]) -> MarketActivity:
    """The activity of the currencies quoted against one base currency, the base included.

    A currency's move is measured against the mean of all, so that a move of the base currency alone counts once. Its
    usual size is the mean of all its moves so far.

    Args:
        members: Pairs that share a currency, each fixed at the same time of day.

    Raises:
        ValueError: The pairs share no currency.
    """
    days = np.sort(np.concatenate([series.dates for series in members]), kind="stable")
    dates = days[np.append(True, days[1:] != days[:-1])]  # np.unique would load numpy.ma, which takes 7 ms
    moves = np.full((len(members) + 1, len(dates)), np.nan)
    for row, series in enumerate(members):
        moves[row, np.searchsorted(dates, series.dates[1:])] = np.diff(series.log_price)
    shared = _shared_currency(members)
    signs = [1.0 if series.instrument.quote == shared else -1.0 for series in members]
    moves[:-1] *= np.array(signs)[:, None]
    quoted = np.isfinite(moves)
    quoted[-1] = quoted[:-1].any(axis=0)  # the base currency itself, whose move is zero
    moves = np.where(quoted, np.nan_to_num(moves), 0.0)
    count = np.maximum(quoted.sum(axis=0), 1)
    size = np.where(quoted, np.abs(moves - moves.sum(axis=0) / count), 0.0)
    usual_size = np.cumsum(size, axis=1) / np.maximum(np.cumsum(quoted, axis=1), 1)
    ratio = np.divide(size, usual_size, out=np.zeros_like(size), where=usual_size > 0)
    return MarketActivity(dates, np.minimum(ratio, _MAX_RATIO).sum(axis=0) / count)


def _shared_currency(members: Sequence[PriceSeries]) -> str:
    sides = [{series.instrument.base, series.instrument.quote} for series in members]
    shared = set.intersection(*sides) - {None}
    if len(shared) != 1:
        names = [series.instrument.name for series in members]
        raise ValueError(f"expected pairs that share one currency; got {names}")
    return str(shared.pop())
