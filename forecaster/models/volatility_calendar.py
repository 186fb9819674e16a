"""Calendar of volatility: factors of the widths of coming days, from their dates alone.

The size of a currency's move on a day, relative to its recent size, has the mean ``exp(x b)``, with the features x of
the day. First b is estimated for all currencies together, then a deviation for each, both with a ridge. A pair's
variance is the mean of those of its two currencies, weighted by their usual sizes; a step of h days has the mean
variance of its h days.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, FloatArray, IntArray
from forecaster.data.calendars import trading_days
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.data.universes import PANEL_CURRENCIES
from forecaster.features.currency_moves import currency_moves
from forecaster.features.day_features import EVENT_FEATURES, FEATURE_NAMES, PADDING, DayFeatures, day_features
from forecaster.features.volatility import ewma
from forecaster.models.base import FitReport, FitRequest
from forecaster.models.stored_weights import require_shapes

__all__ = ["CALENDAR_FACTS", "VolatilityCalendar", "fit_calendar", "split_arrays"]

MAX_SIZE = 5.0  # of a move relative to the recent ones; beyond it a single day would be the whole estimate
SETTLED_RETURNS = 250  # of a currency at the start, after which sizes are compared
MIN_SIZES = 500  # fewer prove nothing
RECENT_DECAY = 0.97  # of the recent size
WEIGHT_DECAY = 0.99  # of the variances that weigh the currencies of a pair
POOLED_RIDGE = {"season": 100.0, "event": 5.0}
OWN_RIDGE = {"season": 400.0, "event": 50.0}
CONSTANT_RIDGE = 0.01
MAX_LOG_FACTOR = 2.0  # of the size of a day
_NEWTON_ROUNDS = 8
_NEWTON_TOLERANCE = 1e-6
_BLOCK = 32  # rows of one product; small enough that no BLAS library splits it over threads, which could change bits
_TINY = 1e-12

POOLED = "pooled"
"""Subject of the estimates for all currencies together, in place of a currency without its own."""

_EFFECTS = "calendar/effects"
_VARIANCE = "calendar/variance"


CALENDAR_FACTS = "calendar"
"""Key of the facts about a calendar in ``FitReport.learned``."""


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
    def fit(cls, panel: Sequence[PriceSeries]) -> Self | None:
        """The calendar of the rows of `panel`, all of which may be learned from.

        Returns:
            None where the trading days of a series are not known, or there are too few rows.
        """
        sizes = _sizes(panel)
        if sizes is None:
            return None
        patterns, subjects = sizes
        if sum(len(subject.size) for subject in subjects) < MIN_SIZES:
            return None
        counts, totals = zip(*(subject.totals(len(patterns)) for subject in subjects), strict=True)
        pooled = _log_size(patterns, np.sum(counts, axis=0), np.sum(totals, axis=0), _ridge(POOLED_RIDGE))
        effects = [pooled]
        for subject, count, total in zip(subjects, counts, totals, strict=True):
            own = pooled
            if subject.own_effects:
                rest = total * np.exp(-_weighted(patterns, pooled))
                own = pooled + _log_size(patterns, count, rest, _ridge(OWN_RIDGE))
            effects.append(own)
        # Centred on the days of the training, so that an ordinary forecast keeps its width.
        for row, count in zip(effects, (np.sum(counts, axis=0), *counts), strict=True):
            row[0] = -(_weighted(patterns[:, 1:], row[1:]) @ count) / max(count.sum(), 1)
        variance = [subject.variance(patterns, row) for subject, row in zip(subjects, effects[1:], strict=True)]
        names = (POOLED, *(subject.name for subject in subjects))
        return cls(names, np.stack(effects), np.array([float(np.mean(variance)), *variance]))

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

    def day_variances(self, series: PriceSeries, features: DayFeatures) -> FloatArray:
        """(T,) variances of the days of `features`, relative to an ordinary day of `series`."""
        places = [self._place(subject) for subject in subjects_of(series)]
        weights = self.variance[places] / self.variance[places].sum()
        total = np.zeros(len(features.days))
        for place, weight, subject in zip(places, weights, subjects_of(series), strict=True):
            effects = self.effects[place]
            log_size = effects[0] + _weighted(features.of(subject), effects[1:])
            total += weight * np.exp(2 * np.clip(log_size, -MAX_LOG_FACTOR, MAX_LOG_FACTOR))
        return total

    def _place(self, subject: str) -> int:
        return self.subjects.index(subject) if subject in self.subjects else 0

    def widths(self, series: PriceSeries, rows: IntArray, count: int) -> FloatArray:
        """Factors (N, `count`) of the widths 1 to `count` trading days after the rows `rows` (N,).

        The coming days are those of the calendar of the market; no row after the cutoff is read.
        """
        if not len(rows):
            return np.empty((0, count))
        cutoffs = series.dates[rows]
        features = features_between(series, cutoffs.min(), cutoffs.max(), count)
        if features is None:
            return np.ones((len(rows), count))
        first = np.searchsorted(features.days, cutoffs, side="right")
        coming = self.day_variances(series, features)[first[:, None] + np.arange(count)]
        return np.asarray(np.sqrt(np.cumsum(coming, axis=1) / np.arange(1, count + 1)))


def fit_calendar(request: FitRequest) -> VolatilityCalendar | None:
    """The calendar of the training rows of a fit; None where they are too few."""
    rows = request.training_rows
    panel = [series for series in request.panel if rows[series.instrument.name] > 0]
    return VolatilityCalendar.fit(
        [series.between(end=series.dates[rows[series.instrument.name] - 1]) for series in panel]
    )


def split_arrays(
    arrays: Mapping[str, AnyArray], report: FitReport, has_calendar: bool
) -> tuple[dict[str, AnyArray], VolatilityCalendar | None]:
    """The stored arrays of a network, and the calendar that is stored with them.

    Args:
        arrays: All stored arrays.
        report: Report of the fit.
        has_calendar: True if the options of the model have a calendar.

    Raises:
        ValueError: The arrays of the calendar, its facts and the options do not belong together.
    """
    of_calendar = {name: array for name, array in arrays.items() if name in (_EFFECTS, _VARIANCE)}
    weights = {name: array for name, array in arrays.items() if name not in of_calendar}
    facts = report.learned.get(CALENDAR_FACTS)
    if facts is None and not of_calendar:
        return weights, None
    if facts is None or not has_calendar:
        raise ValueError("it holds a calendar of volatility, which the training did not fit")
    return weights, VolatilityCalendar.restore(of_calendar, facts)


def subjects_of(series: PriceSeries) -> tuple[str, ...]:
    """The two currencies of a pair, or the name of any other series."""
    instrument = series.instrument
    if instrument.kind == "pair":
        return str(instrument.base), str(instrument.quote)
    return (instrument.name,)


def features_between(series: PriceSeries, first: np.datetime64, last: np.datetime64, count: int) -> DayFeatures | None:
    """Features of the trading days of the market of `series` from `first` to at least `count` days after `last`.

    None where only the weekdays of its rows are known.
    """
    before = np.timedelta64(4 * PADDING, "D")
    after = np.timedelta64(2 * count + 4 * PADDING, "D")
    days = trading_days(series, first - before, last + after)
    return None if days is None else day_features(days, source_traits(series.source).one_fixing)


@dataclasses.dataclass(frozen=True, eq=False)
class _SubjectSizes:
    """Sizes of the moves of one subject.

    Args:
        name: Currency or name of a series.
        moves: (M,) log moves, on trading days that follow one another.
        size: (M,) relative sizes, NaN at the start.
        pattern: (M,) row among the patterns of features.
        own_effects: True if the subject has effects of its own.
    """

    name: str
    moves: FloatArray
    size: FloatArray
    pattern: IntArray
    own_effects: bool

    def totals(self, patterns: int) -> tuple[FloatArray, FloatArray]:
        """Number of sizes and their sum, for each pattern."""
        settled = np.isfinite(self.size)
        pattern = self.pattern[settled]
        count = np.bincount(pattern, minlength=patterns)
        total = np.bincount(pattern, self.size[settled], minlength=patterns)
        return count.astype(float), total.astype(float)

    def variance(self, patterns: BoolArray, effects: FloatArray) -> float:
        """Usual variance after the last move, without the effects of the calendar."""
        ordinary = self.moves * np.exp(-_weighted(patterns, effects))[self.pattern]
        return max(float(ewma(ordinary**2, WEIGHT_DECAY)[-1]), _TINY) if len(ordinary) else _TINY


def _sizes(panel: Sequence[PriceSeries]) -> tuple[BoolArray, list[_SubjectSizes]] | None:
    """Distinct rows of features (P, 1 + F), with a constant, and the sizes of every subject."""
    pairs = [series for series in panel if series.instrument.kind == "pair" and len(series)]
    others = [series for series in panel if series.instrument.kind != "pair" and len(series)]
    moves = currency_moves(pairs)
    moves |= {series.instrument.name: (series.dates, np.diff(series.log_price, prepend=np.nan)) for series in others}
    if not moves:
        return None
    markets = {**dict.fromkeys(moves, panel[0]), **{series.instrument.name: series for series in others}}
    rows: list[BoolArray] = []
    parts = []
    for subject, (dates, changes) in moves.items():
        features = features_between(markets[subject], dates[0], dates[-1], 0)
        if features is None:
            return None
        place = np.searchsorted(features.days, dates)
        follows = np.zeros(len(dates), dtype=bool)
        follows[1:] = (
            (np.diff(place) == 1) & (features.days[place[1:]] == dates[1:]) & (features.days[place[:-1]] == dates[:-1])
        )
        follows &= np.isfinite(changes)
        rows.append(features.of(subject)[place[follows]])
        parts.append((subject, changes[follows]))
    stacked = np.concatenate(rows)
    packed = np.packbits(stacked, axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    patterns = np.concatenate([np.ones((len(first), 1), dtype=bool), stacked[first]], axis=1)
    bounds = np.cumsum([len(changes) for _, changes in parts])[:-1]
    subjects = [
        _SubjectSizes(name, changes, _relative_sizes(changes), pattern, len(name) != 3 or name in PANEL_CURRENCIES)
        for (name, changes), pattern in zip(parts, np.split(inverse.reshape(-1), bounds), strict=True)
    ]
    return patterns, subjects


def _relative_sizes(moves: FloatArray) -> FloatArray:
    """(M,) sizes of moves relative to the recent ones before; NaN until these have settled."""
    sizes = np.full(len(moves), np.nan)
    if len(moves) > SETTLED_RETURNS:
        recent = np.sqrt(ewma(moves**2, RECENT_DECAY))
        ratio = np.abs(moves[1:]) / np.maximum(recent[:-1], _TINY)
        sizes[SETTLED_RETURNS:] = np.minimum(ratio, MAX_SIZE)[SETTLED_RETURNS - 1 :]
    return sizes


def _ridge(strengths: Mapping[str, float]) -> FloatArray:
    """(1 + F,) of the constant and the features."""
    kinds = ["event" if name in EVENT_FEATURES else "season" for name in FEATURE_NAMES]
    return np.array([CONSTANT_RIDGE, *(strengths[kind] for kind in kinds)])


def _log_size(patterns: BoolArray, count: FloatArray, total: FloatArray, ridge: FloatArray) -> FloatArray:
    """(F,) b of the mean size ``exp(x b)``: the least of ``sum(x b + size exp(-x b)) + ridge b^2 / 2``, by Newton.

    It is convex, and the deviance of an exponential distribution.

    Args:
        patterns: (P, F) distinct rows x, the first column constant.
        count: (P,) number of sizes.
        total: (P,) their sum.
        ridge: (F,).
    """
    used = count > 0
    x = patterns[used].astype(float)
    b = np.zeros(x.shape[1])
    for _ in range(_NEWTON_ROUNDS):
        expected = total[used] * np.exp(-_weighted(patterns[used], b))
        gradient = _weighted(x.T, expected - count[used]) - ridge * b
        step = np.linalg.solve(_gram(x, expected) + np.diag(ridge), gradient)
        b = b + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < _NEWTON_TOLERANCE:
            break
    return b


def _gram(x: FloatArray, weights: FloatArray) -> FloatArray:
    """(F, F) sum of ``weights x x'`` in small blocks, whose bits do not depend on the number of threads."""
    padded = -(-len(x) // _BLOCK) * _BLOCK
    rows = np.zeros((padded, x.shape[1]))
    rows[: len(x)] = x
    scaled = np.zeros_like(rows)
    scaled[: len(x)] = x * weights[:, None]
    left = scaled.reshape(-1, _BLOCK, x.shape[1]).transpose(0, 2, 1)
    return np.asarray(np.matmul(left, rows.reshape(-1, _BLOCK, x.shape[1])).sum(axis=0))


def _weighted(rows: AnyArray, weights: FloatArray) -> FloatArray:
    """(N,) sum of each row of `rows` (N, F), weighted; no bit of a row depends on other rows."""
    return np.asarray((rows * weights).sum(axis=1))
