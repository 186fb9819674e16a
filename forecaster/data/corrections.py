"""Corrections of a history that the user decides: splits, rows to leave out, rows that are right."""

import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray
from forecaster.data.spellings import parse_day
from forecaster.errors import UsageError

__all__ = ["Corrections", "Span", "parse_span", "parse_split"]

Span = tuple[datetime.date, datetime.date]
"""First and last day, both included."""

_MAX_RATIO = 1e9


@dataclasses.dataclass(frozen=True)
class Corrections:
    """Decisions of the user about rows, which take precedence over those of the validation.

    Args:
        splits: Day of the first price in the new unit -> old units per new one: 4 where a share became four.
        dropped: Days whose rows are left out.
        confirmed: Days whose rows are right, however unusual.
    """

    splits: Mapping[datetime.date, float] = dataclasses.field(default_factory=dict)
    dropped: tuple[Span, ...] = ()
    confirmed: tuple[Span, ...] = ()

    @classmethod
    def of_texts(
        cls, splits: Mapping[str, float], dropped: Sequence[str] = (), confirmed: Sequence[str] = ()
    ) -> "Corrections":
        """Corrections as a configuration writes them.

        Raises:
            ValueError: A text is not a day, or a ratio is not positive.
        """
        return cls(
            {_day(day): _checked_ratio(ratio) for day, ratio in splits.items()},
            tuple(map(parse_span, dropped)),
            tuple(map(parse_span, confirmed)),
        )

    def ratios(self, dates: DateArray) -> dict[int, float]:
        """Row of `dates` (T,) -> ratio of the split on that day; a split between two rows counts at the later one."""
        rows = {int(np.searchsorted(dates, np.datetime64(day))): ratio for day, ratio in self.splits.items()}
        return {row: ratio for row, ratio in rows.items() if 0 < row < len(dates)}

    def drops(self, dates: DateArray) -> BoolArray:
        """(T,) True for the days to leave out."""
        return _within(dates, self.dropped)

    def without_row(self, dates: DateArray) -> DateArray:
        """(N,) first days of the spans to drop or to confirm that begin within `dates` (T,) and have no row."""
        spans = (*self.dropped, *self.confirmed)
        empty = [first for first, last in spans if not _within(dates, [(first, last)]).any()]
        days = np.unique(np.array(empty, dtype="datetime64[D]"))
        return days[(days > dates[:1]) & (days < dates[-1:])] if len(dates) else days[:0]

    def confirms(self, dates: DateArray) -> BoolArray:
        """(T,) True for the days whose rows are right."""
        return _within(dates, self.confirmed)


def _within(dates: DateArray, spans: Sequence[Span]) -> BoolArray:
    inside = np.zeros(len(dates), dtype=bool)
    for first, last in spans:
        inside |= (dates >= np.datetime64(first)) & (dates <= np.datetime64(last))
    return inside


def parse_span(text: str) -> Span:
    """A day such as ``2024-03-01``, or days such as ``2024-03-01..2024-03-05``.

    Raises:
        ValueError: The text is neither.

    >>> parse_span("2024-03-01")[1].day
    1
    """
    start, dots, end = text.partition("..")
    try:
        first = _day(start)
        last = _day(end) if dots else first
    except ValueError as error:
        raise ValueError(f"{error}, or days such as 2024-03-01..2024-03-05") from None
    if last < first:
        raise ValueError(f"{last} lies before {first}")
    return first, last


def parse_split(text: str) -> tuple[str, float]:
    """A split such as ``2024-06-10=4``: its day, and the number of new shares for an old one.

    Raises:
        ValueError: The text is not a split.
    """
    day, _, ratio = text.partition("=")
    try:
        return _day(day).isoformat(), _checked_ratio(float(ratio))
    except ValueError:
        raise ValueError("expected DATE=RATIO such as 2024-06-10=4") from None


def _day(text: str) -> datetime.date:
    """A day in any common form; ValueError for another text."""
    try:
        return parse_day(text)
    except UsageError as error:
        raise ValueError(error.messages[0]) from None


def _checked_ratio(ratio: float) -> float:
    if not (math.isfinite(ratio) and 1 / _MAX_RATIO <= ratio <= _MAX_RATIO):
        raise ValueError(f"a split has a positive ratio, such as 4; got {ratio}")
    return ratio
