"""Effects of the user's own events on the size of a move, learned from past events of the same name."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, DateArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import relative_sizes
from forecaster.models.size_regression import log_size, weighted
from forecaster.models.stored_weights import require_shapes

__all__ = ["EVENT_ARRAY", "EventEffects", "SizedDays"]

EVENT_ARRAY = "events/effects"
RIDGE = 8.0  # in past events: an effect that eight events show is halved
MAX_EFFECT = 2.0  # on the log of the size


@dataclasses.dataclass(frozen=True, eq=False)
class SizedDays:
    """Moves of a series on trading days that follow one another.

    Args:
        series: The series.
        days: (M,) days at whose end the moves are known.
        sizes: (M,) sizes relative to those expected without events, NaN where that has not settled.
    """

    series: PriceSeries
    days: DateArray
    sizes: FloatArray

    @classmethod
    def of(cls, series: PriceSeries, trading: DateArray, variances: FloatArray) -> Self:
        """The moves of all rows of `series`.

        Args:
            series: The series.
            trading: (T,) trading days of its market, through all its rows.
            variances: (T,) variances of these days relative to an ordinary one.
        """
        place = np.searchsorted(trading, series.dates)
        on_time = trading[place] == series.dates
        follows = on_time[1:] & on_time[:-1] & (np.diff(place) == 1)
        moves = np.diff(series.log_price)[follows]
        sizes = relative_sizes(moves) / np.sqrt(variances[place[1:][follows]])
        return cls(series, series.dates[1:][follows], sizes)


@dataclasses.dataclass(frozen=True, eq=False)
class EventEffects:
    """Fitted effects.

    Args:
        names: (E,) names of the events.
        effects: (E,) on the log of the size of a move; 0 for an event without a past day to learn from.
        counts: (E,) number of days that an effect was learned from.
    """

    names: tuple[str, ...]
    effects: FloatArray
    counts: tuple[int, ...]

    @classmethod
    def fit(cls, panel: Sequence[PriceSeries], sized: Callable[[PriceSeries], SizedDays | None]) -> Self:
        """The effects that the rows of `panel`, all of which may be learned from, show.

        Each day of an event counts once, with the mean size of the series that it concerns.

        Args:
            panel: Histories with their events, those that are still to come among them.
            sized: Function that gives the moves of a series; None where its trading days are not known.
        """
        concerned = [series for series in panel if series.events]
        names = tuple(sorted({event.name for series in concerned for event in series.events}))
        days: dict[tuple[np.datetime64, bytes], list[float]] = {}
        for series in concerned:
            moves = sized(series)
            if moves is None:
                continue
            rows = event_rows(names, series, moves.days)
            ordinary = moves.sizes[np.isfinite(moves.sizes) & ~rows.any(axis=1)]
            if not len(ordinary):
                continue
            sizes = moves.sizes / max(float(ordinary.mean()), 1e-12)
            for row in np.flatnonzero(rows.any(axis=1) & np.isfinite(sizes)).tolist():
                days.setdefault((moves.days[row], rows[row].tobytes()), []).append(float(sizes[row]))
        if not days:
            return cls(names, np.zeros(len(names)), (0,) * len(names))
        patterns = np.stack([np.frombuffer(row, dtype=bool) for _, row in days])
        sizes_of_days = np.array([np.mean(values) for values in days.values()])
        effects = log_size(patterns, np.ones(len(patterns)), sizes_of_days, np.full(len(names), RIDGE))
        return cls(names, np.clip(effects, -MAX_EFFECT, MAX_EFFECT), tuple(patterns.sum(axis=0).tolist()))

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], facts: Mapping[str, Any]) -> Self:
        """The effects that `arrays` and `facts` were taken from.

        Raises:
            ValueError: Names, shapes, types or values cannot be those of effects.
        """
        names = tuple(map(str, facts["names"]))
        counts = tuple(map(int, facts["counts"]))
        require_shapes(arrays, {EVENT_ARRAY: (len(names),)}, dtype=np.float64)
        effects = arrays[EVENT_ARRAY]
        if len(counts) != len(names) or (np.abs(effects) > MAX_EFFECT).any():
            raise ValueError("the effects of events are beyond any that are learned")
        return cls(names, effects, counts)

    def arrays(self) -> dict[str, AnyArray]:
        """The numbers to store."""
        return {EVENT_ARRAY: self.effects}

    def facts(self) -> dict[str, Any]:
        """Names of the stored numbers and what they were learned from, as JSON values."""
        return {"names": list(self.names), "counts": list(self.counts)}

    def log_sizes(self, series: PriceSeries, days: DateArray) -> FloatArray:
        """(T,) effects of the events of a series on the log of the size of its moves, on `days` (T,)."""
        return weighted(event_rows(self.names, series, days), self.effects)


def event_rows(names: Sequence[str], series: PriceSeries, days: DateArray) -> BoolArray:
    """(T, E) True on the trading days of the events of a series; an event between them belongs to the next one."""
    rows = np.zeros((len(days), len(names)), dtype=bool)
    for event in series.events:
        row = int(np.searchsorted(days, event.day))
        first_day = len(days) and (row > 0 or days[0] == event.day)
        if event.name in names and row < len(days) and first_day:
            rows[row, names.index(event.name)] = True
    return rows
