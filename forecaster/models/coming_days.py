"""Widths of coming days: the calendar of volatility and the user's events, fitted, stored and applied together.

The coming days of a cutoff are those of the calendar of the market: a forecast never reads a row after its cutoff.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np

from forecaster.arrays import AnyArray, DateArray, FloatArray, IntArray
from forecaster.data.calendars import trading_days
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.features.day_features import PADDING, day_features, day_names
from forecaster.models.base import FitReport, FitRequest, Fitted
from forecaster.models.event_effects import EVENT_ARRAY, EventEffects, SizedDays, event_rows
from forecaster.models.volatility_calendar import CALENDAR_ARRAYS, VolatilityCalendar, subjects_of

__all__ = ["ComingDays", "KnownDay", "KnowsDays", "calendar_names", "days_between"]

CALENDAR_FACTS = "calendar"
EVENT_FACTS = "events"


def days_between(series: PriceSeries, first: np.datetime64, last: np.datetime64, count: int = 0) -> DateArray | None:
    """Trading days of the market of `series` from `first` to `count` days after `last`, and `PADDING` around them.

    None where only the weekdays of its rows are known.
    """
    before = np.timedelta64(4 * PADDING, "D")
    after = np.timedelta64(2 * count + 4 * PADDING, "D")
    return trading_days(series, first - before, last + after)


@dataclasses.dataclass(frozen=True)
class KnownDay:
    """Knowledge about a coming day.

    Args:
        date: The day.
        names: Names of announcements, holidays and events; none on an ordinary day.
        size: Size of its move relative to an ordinary day; None where nothing was learned.
    """

    date: np.datetime64
    names: tuple[str, ...] = ()
    size: float | None = None


def calendar_names(series: PriceSeries, days: DateArray) -> list[tuple[str, ...]]:
    """Names of announcements and holidays on trading days (T,); none on the first and last `PADDING` of them."""
    features = day_features(days, source_traits(series.source).one_fixing)
    outer: list[tuple[str, ...]] = [()] * PADDING
    return [*outer, *day_names(features, subjects_of(series)), *outer]


@dataclasses.dataclass(frozen=True, eq=False)
class ComingDays:
    """Knowledge of a model about coming days.

    Args:
        calendar: Calendar of volatility; None without one.
        events: Effects of the user's events; None without any.
    """

    calendar: VolatilityCalendar | None = None
    events: EventEffects | None = None

    @classmethod
    def fit(cls, request: FitRequest, has_calendar: bool) -> Self:
        """The knowledge that the training rows of a fit give.

        Args:
            request: Data of the fit.
            has_calendar: True if a calendar of volatility is fitted.
        """
        rows = request.training_rows
        panel = [
            series.between(end=series.dates[rows[series.instrument.name] - 1])
            for series in request.panel
            if rows[series.instrument.name] > 0
        ]
        calendar = VolatilityCalendar.fit(panel, days_between) if has_calendar else None
        if not any(series.events for series in panel):
            return cls(calendar)
        without_events = cls(calendar)
        return cls(calendar, EventEffects.fit(panel, without_events._sized))

    @classmethod
    def restore(
        cls, arrays: Mapping[str, AnyArray], report: FitReport, has_calendar: bool
    ) -> tuple[dict[str, AnyArray], Self]:
        """The stored arrays of a network, and what is stored with them about coming days.

        Args:
            arrays: All stored arrays.
            report: Report of the fit.
            has_calendar: True if the options of the model have a calendar of volatility.

        Raises:
            ValueError: Arrays, facts and options do not belong together.
        """
        parts = {facts: {name: arrays[name] for name in names if name in arrays} for facts, names in _ARRAYS.items()}
        weights = {name: array for name, array in arrays.items() if not any(name in part for part in parts.values())}
        facts = {name: report.learned.get(name) for name in _ARRAYS}
        for name, part in parts.items():
            if (facts[name] is None) != (not part) or (name == CALENDAR_FACTS and part and not has_calendar):
                raise ValueError(f"it does not hold what the training learned about coming days ({name})")
        calendar = facts[CALENDAR_FACTS]
        events = facts[EVENT_FACTS]
        return weights, cls(
            None if calendar is None else VolatilityCalendar.restore(parts[CALENDAR_FACTS], calendar),
            None if events is None else EventEffects.restore(parts[EVENT_FACTS], events),
        )

    @property
    def _parts(self) -> dict[str, VolatilityCalendar | EventEffects]:
        parts = {CALENDAR_FACTS: self.calendar, EVENT_FACTS: self.events}
        return {name: part for name, part in parts.items() if part is not None}

    def arrays(self) -> dict[str, AnyArray]:
        """The numbers to store."""
        return {name: array for part in self._parts.values() for name, array in part.arrays().items()}

    def facts(self) -> dict[str, Any]:
        """Facts about the stored numbers, for `FitReport.learned`."""
        return {name: part.facts() for name, part in self._parts.items()}

    def day_variances(self, series: PriceSeries, days: DateArray) -> FloatArray:
        """(T,) variances relative to an ordinary day, of trading days (T,); the first and last `PADDING` are 1."""
        variances = np.ones(len(days))
        inner = slice(PADDING, len(days) - PADDING)
        if self.calendar is not None:
            variances[inner] = self.calendar.day_variances(series, days)
        if self.events is not None:
            variances[inner] *= np.exp(2 * self.events.log_sizes(series, days)[inner])
        return variances

    def _sized(self, series: PriceSeries) -> SizedDays | None:
        days = days_between(series, series.dates[0], series.dates[-1])
        return None if days is None else SizedDays.of(series, days, self.day_variances(series, days))

    def widths(self, series: PriceSeries, rows: IntArray, count: int) -> FloatArray | None:
        """Factors (N, `count`) of the widths 1 to `count` trading days after the rows `rows` (N,).

        A step has the mean variance of its days. None where all days are alike.
        """
        if not self._parts or not len(rows):
            return None
        cutoffs = series.dates[rows]
        days = days_between(series, cutoffs.min(), cutoffs.max(), count)
        if days is None:
            return None
        first = np.searchsorted(days, cutoffs, side="right")
        coming = self.day_variances(series, days)[first[:, None] + np.arange(count)]
        return np.asarray(np.sqrt(np.cumsum(coming, axis=1) / np.arange(1, count + 1)))

    def event_lines(self) -> list[str]:
        """Messages about what was learned from the past events of each name."""
        if self.events is None:
            return []
        lines = []
        for name, effect, count in zip(self.events.names, self.events.effects, self.events.counts, strict=True):
            days = f"{count} past day{'s' if count > 1 else ''}"
            learned = (
                f"moves x{np.exp(effect):.2f}, learned from {days}" if count else "no effect, nothing to learn from"
            )
            lines.append(f"event {name}: {learned} in the training rows")
        return lines

    def known_days(self, series: PriceSeries, dates: DateArray) -> tuple[KnownDay, ...]:
        """Knowledge about the trading days `dates` (H,), increasing, of the market of `series`."""
        days = days_between(series, dates[0], dates[-1]) if len(dates) else None
        if days is None or not self._parts:
            return tuple(KnownDay(day) for day in dates)
        sizes = np.sqrt(self.day_variances(series, days))
        calendar = [()] * len(days) if self.calendar is None else calendar_names(series, days)
        events = () if self.events is None else self.events.names
        own = event_rows(events, series, days)
        result = []
        for day, place in zip(dates, np.searchsorted(days, dates).tolist(), strict=True):
            names = (*calendar[place], *(name for name, row in zip(events, own[place], strict=True) if row))
            result.append(KnownDay(day, tuple(dict.fromkeys(names)), float(sizes[place])))
        return tuple(result)


class KnowsDays(Fitted, Protocol):
    """A fitted model with the trait `known_days`."""

    @property
    def coming(self) -> ComingDays:
        """Its knowledge about coming days."""


_ARRAYS = {CALENDAR_FACTS: CALENDAR_ARRAYS, EVENT_FACTS: (EVENT_ARRAY,)}
