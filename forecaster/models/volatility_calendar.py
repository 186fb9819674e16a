"""Calendar of volatility: factors of the widths of coming days, from their dates alone.

The size of a currency's move on a day, relative to its recent size, has the mean ``exp(x b)``, with the features x of
the day. First b is estimated for all currencies together, then a deviation for each, both with a ridge. A pair's
variance is the mean of those of its two currencies, weighted by their usual sizes; a step of h days has the mean
variance of its h days.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.data.universes import PANEL_CURRENCIES
from forecaster.features.currency_moves import currency_moves
from forecaster.features.day_features import EVENT_FEATURES, FEATURE_NAMES, day_features
from forecaster.features.volatility import ewma, relative_sizes
from forecaster.models.size_regression import log_size, weighted
from forecaster.models.stored_weights import require_shapes

__all__ = ["CALENDAR_ARRAYS", "VolatilityCalendar", "subjects_of"]

MIN_SIZES = 250  # of all subjects together; fewer prove nothing
WEIGHT_DECAY = 0.99  # of the variances that weigh the currencies of a pair
POOLED_RIDGE = {"season": 100.0, "event": 5.0}
OWN_RIDGE = {"season": 400.0, "event": 50.0}
CONSTANT_RIDGE = 0.01
MAX_LOG_FACTOR = 2.0  # of the size of a day
MIN_VARIANCE = 1e-12

POOLED = "pooled"
"""Subject of the estimates for all currencies together, in place of a currency without its own."""

_EFFECTS = "calendar/effects"
_VARIANCE = "calendar/variance"

CALENDAR_ARRAYS = (_EFFECTS, _VARIANCE)
"""Names of the stored arrays."""

TradingDays = Callable[[PriceSeries, np.datetime64, np.datetime64], DateArray | None]
"""Series, first and last day -> trading days of its market, and `PADDING` around them."""


@dataclasses.dataclass(frozen=True, eq=False)
class VolatilityCalendar:
    """A fitted calendar.

    Args:
        subjects: (N,) currencies, or names of series that are no pairs; the first is `POOLED`.
        effects: (N, 1 + F) constant and effects of the features on the log of the size of a move.
        variance: (N,) usual variance of a day.
    """

    subjects: tuple[str, ...]
    effects: FloatArray
    variance: FloatArray

    @classmethod
    def fit(cls, panel: Sequence[PriceSeries], trading_days: TradingDays) -> Self | None:
        """The calendar of the rows of `panel`, all of which may be learned from.

        Returns:
            None where the trading days of a series are not known, or there are too few rows.
        """
        subjects = _subject_days(panel, trading_days)
        if sum(np.isfinite(subject.sizes).sum() for subject in subjects) < MIN_SIZES:
            return None
        patterns, places = _patterns([subject.features for subject in subjects])
        totals = [subject.totals(place, len(patterns)) for subject, place in zip(subjects, places, strict=True)]
        counts, sums = np.sum(totals, axis=0)
        pooled = log_size(patterns, counts, sums, _ridge(POOLED_RIDGE))
        expected = np.exp(weighted(patterns, pooled))
        effects = [_centred(pooled, patterns, counts)]
        for subject, (count, total) in zip(subjects, totals, strict=True):
            own = np.zeros(len(pooled))
            if subject.has_own_effects:
                own = log_size(patterns, count, total / expected, _ridge(OWN_RIDGE))
            effects.append(_centred(pooled + own, patterns, count))
        variances = [
            subject.variance(weighted(patterns, row)[place])
            for subject, row, place in zip(subjects, effects[1:], places, strict=True)
        ]
        names = (POOLED, *(subject.name for subject in subjects))
        return cls(names, np.stack(effects), np.array([float(np.mean(variances)), *variances]))

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], facts: Mapping[str, Any]) -> Self:
        """The calendar that `arrays` and `facts` were taken from.

        Raises:
            ValueError: Names, shapes, types or values cannot be those of a calendar.
        """
        subjects = facts["subjects"]
        if tuple(facts["features"]) != FEATURE_NAMES or not subjects or subjects[0] != POOLED:
            raise ValueError("the calendar of volatility has other features or currencies than this version")
        shapes = {_EFFECTS: (len(subjects), 1 + len(FEATURE_NAMES)), _VARIANCE: (len(subjects),)}
        require_shapes(arrays, shapes, dtype=np.float64)
        if not (arrays[_VARIANCE] > 0).all():
            raise ValueError(f"{_VARIANCE!r} holds a variance that is not positive")
        return cls(tuple(map(str, subjects)), arrays[_EFFECTS], arrays[_VARIANCE])

    def arrays(self) -> dict[str, AnyArray]:
        """The numbers to store."""
        return {_EFFECTS: self.effects, _VARIANCE: self.variance}

    def facts(self) -> dict[str, Any]:
        """Names of the rows and columns of the stored numbers, as JSON values."""
        return {"subjects": list(self.subjects), "features": list(FEATURE_NAMES)}

    def day_variances(self, series: PriceSeries, days: DateArray) -> FloatArray:
        """(T - 2 `PADDING`,) variances of trading days (T,) but the outer ones, relative to an ordinary day."""
        features = day_features(days, source_traits(series.source).one_fixing)
        places = [self._place(subject) for subject in subjects_of(series)]
        weights = self.variance[places] / self.variance[places].sum()
        total = np.zeros(len(features.days))
        for place, weight, subject in zip(places, weights, subjects_of(series), strict=True):
            effects = self.effects[place]
            log_sizes = effects[0] + weighted(features.of(subject), effects[1:])
            total += weight * np.exp(2 * np.clip(log_sizes, -MAX_LOG_FACTOR, MAX_LOG_FACTOR))
        return total

    def _place(self, subject: str) -> int:
        return self.subjects.index(subject) if subject in self.subjects else 0


def _own_moves(series: PriceSeries) -> list[tuple[str, tuple[DateArray, FloatArray]]]:
    moves = np.diff(series.log_price, prepend=np.nan)
    return [(series.instrument.name, (series.dates, moves))] if len(series) else []


def subjects_of(series: PriceSeries) -> tuple[str, ...]:
    """The two currencies of a pair, or the name of any other series."""
    instrument = series.instrument
    if instrument.kind == "pair":
        return str(instrument.base), str(instrument.quote)
    return (instrument.name,)


@dataclasses.dataclass(frozen=True, eq=False)
class _SubjectDays:
    """Moves of one subject on trading days that follow one another.

    Args:
        name: Currency or name of a series.
        moves: (M,) log moves.
        features: (M, F) features of their days.
        has_own_effects: False for a currency that learns from the others alone.
    """

    name: str
    moves: FloatArray
    features: BoolArray
    has_own_effects: bool

    @functools.cached_property
    def sizes(self) -> FloatArray:
        """(M,) relative sizes, NaN at the start."""
        return relative_sizes(self.moves)

    def totals(self, place: IntArray, patterns: int) -> tuple[FloatArray, FloatArray]:
        """Number of sizes and their sum, for each pattern of features, of which `place` (M,) are those of the days."""
        settled = np.isfinite(self.sizes)
        count = np.bincount(place[settled], minlength=patterns)
        total = np.bincount(place[settled], self.sizes[settled], minlength=patterns)
        return count.astype(float), total.astype(float)

    def variance(self, log_sizes: FloatArray) -> float:
        """Usual variance after the last move, without the effects (M,) of the calendar."""
        if not len(self.moves):
            return MIN_VARIANCE
        return max(float(ewma((self.moves * np.exp(-log_sizes)) ** 2, WEIGHT_DECAY)[-1]), MIN_VARIANCE)


def _subject_days(panel: Sequence[PriceSeries], trading_days: TradingDays) -> list[_SubjectDays]:
    """Moves of every currency, and of every series that is no pair; none where trading days are not known."""
    pairs = [series for series in panel if series.instrument.kind == "pair"]
    others = [series for series in panel if series.instrument.kind != "pair"]
    groups = [(series, {name: moves}) for series in others for name, moves in _own_moves(series)]
    groups += [(pairs[0], moves) for moves in currency_moves(pairs)]
    subjects = []
    for market, moves in groups:
        dates = next(iter(moves.values()))[0]
        days = trading_days(market, dates[0], dates[-1])
        if days is None:
            return []
        features = day_features(days, source_traits(market.source).one_fixing)
        place = np.searchsorted(features.days, dates)
        on_time = features.days[place] == dates
        follows = np.concatenate([[False], on_time[1:] & on_time[:-1] & (np.diff(place) == 1)])
        for name, (_, changes) in moves.items():
            rows = follows & np.isfinite(changes)
            has_own_effects = market.instrument.kind != "pair" or name in PANEL_CURRENCIES
            subjects.append(_SubjectDays(name, changes[rows], features.of(name)[place[rows]], has_own_effects))
    return sorted(subjects, key=lambda subject: subject.name)


def _patterns(features: Sequence[BoolArray]) -> tuple[BoolArray, list[IntArray]]:
    """Distinct rows (P, 1 + F) of all `features` (M, F), with a constant, and the row (M,) of each day."""
    stacked = np.concatenate(features)
    packed = np.packbits(stacked, axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).reshape(-1)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    patterns = np.concatenate([np.ones((len(first), 1), dtype=bool), stacked[first]], axis=1)
    return patterns, np.split(inverse.reshape(-1), np.cumsum([len(rows) for rows in features])[:-1])


def _centred(effects: FloatArray, patterns: BoolArray, count: FloatArray) -> FloatArray:
    """(1 + F,) effects whose mean over the days of the training is 0, so that an ordinary forecast keeps its width."""
    mean = (weighted(patterns[:, 1:], effects[1:]) * count).sum() / max(count.sum(), 1)
    return np.concatenate([[-mean], effects[1:]])


def _ridge(strengths: Mapping[str, float]) -> FloatArray:
    """(1 + F,) of the constant and the features."""
    kinds = ["event" if name in EVENT_FEATURES else "season" for name in FEATURE_NAMES]
    return np.array([CONSTANT_RIDGE, *(strengths[kind] for kind in kinds)])
