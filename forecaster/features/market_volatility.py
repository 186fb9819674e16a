"""How lively the whole currency market is: one measure a day from all currencies, told to each pair as features.

Volatility comes to all currencies together. What sixteen others did today says more about the coming days of a pair
than its own single return does.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import ewma

__all__ = ["MARKET_FEATURES", "Market", "market_of"]


MARKET_FEATURES = ("market:week", "market:month", "market:anchor")

_DECAY = 0.97  # of the activity that the other spans are put over, as for the volatility that divides every feature
_WEEK, _MONTH = 5, 22
_LARGEST = 6.0  # times its usual move: so far a currency counts, or one that breaks its peg would be the market
_LEAST = 0.05  # of the usual activity: on a day of holidays hardly anything moves
_MOST_DAYS = 10  # for so long the newest value is believed


@dataclasses.dataclass(frozen=True, eq=False)
class Market:
    """Activity of a market on each day: the mean of its members' moves, each over the member's usual move.

    Args:
        dates: (N,) datetime64[D], increasing.
        activity: (N,) about 1 on a usual day; row n uses prices up to ``dates[n]`` alone.
    """

    dates: DateArray
    activity: FloatArray

    @functools.cached_property
    def _features(self) -> tuple[FloatArray, ...]:
        """(N,) each: logs of week and month over the usual recent activity, and of that over the whole past's."""
        total, place = np.cumsum(self.activity), np.arange(len(self.dates))

        def mean(days: int) -> FloatArray:
            start = np.maximum(place + 1 - days, 0)
            before = np.where(start > 0, total[np.maximum(start - 1, 0)], 0.0)
            return np.asarray(np.maximum((total - before) / (place + 1 - start), _LEAST))

        recent = np.maximum(ewma(self.activity, _DECAY), _LEAST)
        return (
            np.log(mean(_WEEK) / recent),
            np.log(mean(_MONTH) / recent),
            np.log(recent / mean(len(self.dates))),
        )

    def beside(self, dates: DateArray) -> Mapping[str, FloatArray]:
        """`MARKET_FEATURES` of a history with `dates` (T,) that is fixed at the same time of day: name -> (T,).

        A row holds what was known on its day; 0 where nothing was, or nothing for `_MOST_DAYS` days.
        """
        newest = np.searchsorted(self.dates, dates, side="right") - 1
        place = np.maximum(newest, 0)
        old = dates - self.dates[place] > np.timedelta64(_MOST_DAYS, "D")
        return {
            name: np.where((newest < 0) | old, 0.0, values[place])
            for name, values in zip(MARKET_FEATURES, self._features, strict=True)
        }

    def known_hash(self, until: np.datetime64) -> str:
        """SHA-256 of dates and activity up to `until`, to a millionth."""
        known = self.dates <= until
        days = self.dates[known].astype("datetime64[D]").astype("<i8")
        return hashlib.sha256(days.tobytes() + np.round(self.activity[known], 6).astype("<f8").tobytes()).hexdigest()


def market_of(members: Sequence[PriceSeries]) -> Market:
    """The activity of the currencies that are quoted against one base currency, that one among them.

    A currency's move is that against the mean of all: what only the base currency does moves none but itself. The
    usual move is the mean of all its moves so far.

    Args:
        members: Pairs that share a currency, each fixed at the same time of day.
    """
    dates = np.unique(np.concatenate([one.dates for one in members]))
    moves = np.full((len(members) + 1, len(dates)), np.nan)
    for row, one in enumerate(members):
        moves[row, np.searchsorted(dates, one.dates[1:])] = np.diff(one.log_price)
    shared = _shared_currency(members)
    signs = [1.0 if one.instrument.quote == shared else -1.0 for one in members]
    moves[:-1] *= np.array(signs)[:, None]
    known = np.isfinite(moves)
    known[-1] = known[:-1].any(axis=0)  # the base currency itself, which moves by nothing
    moves = np.where(known, np.nan_to_num(moves), 0.0)
    count = np.maximum(known.sum(axis=0), 1)
    size = np.where(known, np.abs(moves - moves.sum(axis=0) / count), 0.0)
    usual = np.cumsum(size, axis=1) / np.maximum(np.cumsum(known, axis=1), 1)
    ratio = np.divide(size, usual, out=np.zeros_like(size), where=usual > 0)
    return Market(dates, np.minimum(ratio, _LARGEST).sum(axis=0) / count)


def _shared_currency(members: Sequence[PriceSeries]) -> str:
    sides = [{one.instrument.base, one.instrument.quote} for one in members]
    shared = set.intersection(*sides) - {None}
    if len(shared) != 1:
        raise ValueError(f"expected pairs that share one currency; got {[one.instrument.name for one in members]}")
    return str(shared.pop())
