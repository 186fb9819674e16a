"""Rows for training, validation and test, and the folds of a backtest: by date, purged by the horizon.

Row arithmetic on splits and folds is in this file. A cutoff belongs to a part when the forecast is made from a row of
that part *and* its outcome falls into the same part, so no outcome is used twice. A fold's model reads only rows
whose outcomes lie before the fold's first cutoff.

A training reserves the last rows of a history for the test and the rows before these for the validation:

>>> dates = np.arange("2020-01-01", "2020-04-10", dtype="datetime64[D]")  # 100 rows
>>> split = split_by_rows(dates, test_rows=20, validation_rows=10, min_training_rows=50)
>>> print(split.validation_start, split.test_start)
2020-03-11 2020-03-21
>>> split.training_rows(dates, horizon=5)  # rows 0 to 64; their outcomes end at row 69
65
>>> split.cutoffs(dates, "validation", step=5).tolist()  # rows 70 to 79; their outcomes end there, too
[70, 71, 72, 73, 74]

A backtest fits the model again at the start of each fold, here once a month:

>>> for fold in folds(dates, np.datetime64("2020-02-15"), "monthly"):
...     rows = fold.rows(dates, stride=5)
...     print(fold.start, fold.split.training_rows(dates, horizon=5), rows.tolist())
2020-02-15 40 [45, 50, 55]
2020-03-01 55 [60, 65, 70, 75, 80, 85, 90]
2020-04-01 86 [95]
"""

import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from forecaster.arrays import DateArray, IntArray
from forecaster.errors import NotEnoughDataError, UsageError

__all__ = ["PARTS", "Fold", "Part", "Split", "folds", "parse_refit", "search_folds", "split_by_rows", "whole_history"]


Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

_MAX_TEST_SHARE = 1 / 5
_MAX_VALIDATION_SHARE = 1 / 7
_REFIT_UNITS = {"yearly": "Y", "monthly": "M"}


@dataclasses.dataclass(frozen=True)
class Split:
    """Two dates that cut every series of a panel into train, validation and test.

    Args:
        validation_start: First date that the weights may not see.
        test_start: First date of the test.
    """

    validation_start: np.datetime64
    test_start: np.datetime64

    def training_rows(self, dates: DateArray, horizon: int) -> int:
        """Number of leading rows whose outcomes up to `horizon` days ahead lie before the validation."""
        return max(int(np.searchsorted(dates, self.validation_start)) - horizon, 0)

    def cutoffs(self, dates: DateArray, part: Part, step: int) -> IntArray:
        """Rows of `part` whose outcome `step` days later lies in `part` as well."""
        first, end = self._bounds(dates, part)
        return np.arange(first, max(end - step, first))

    def parts(self, dates: DateArray) -> dict[Part, DateArray]:
        """The dates of each part."""
        return {part: dates[slice(*self._bounds(dates, part))] for part in PARTS}

    def last_cutoff(self, dates: DateArray, part: Part, step: int) -> int:
        """Last row of `part` whose outcome `step` days later lies in `part` too; before its first row if none does."""
        return self._bounds(dates, part)[1] - step - 1

    def _bounds(self, dates: DateArray, part: Part) -> tuple[int, int]:
        bounds = [0, *np.searchsorted(dates, [self.validation_start, self.test_start]).tolist(), len(dates)]
        index = PARTS.index(part)
        return bounds[index], bounds[index + 1]


def split_by_rows(
    dates: DateArray,
    test_rows: int,
    validation_rows: int,
    min_training_rows: int,
    settings_for: Callable[[int], Mapping[str, Any]] | None = None,
) -> Split:
    """Reserve the last rows for the test and the rows before these for the validation.

    A short history gives at most a fifth of its rows to the test and a seventh to the validation.

    Args:
        dates: (T,) dates of the history, increasing.
        test_rows: Rows of the test.
        validation_rows: Rows of the validation.
        min_training_rows: Rows that the model needs.
        settings_for: Maps a number of training rows to settings with which they are enough, for the message.

    Raises:
        NotEnoughDataError: Fewer than `min_training_rows` would be left.
    """

    def cut(count: int) -> tuple[int, int, bool]:
        """Rows for training and for validation, and whether `count` rows are enough for all parts."""
        test = min(test_rows, int(count * _MAX_TEST_SHARE))
        validation = min(validation_rows, int(count * _MAX_VALIDATION_SHARE))
        training = count - test - validation
        return training, validation, training >= min_training_rows and min(test, validation) > 0

    training, validation, enough = cut(len(dates))
    if not enough:
        shortest = next(count for count in itertools.count(len(dates)) if cut(count)[2])
        settings = {} if settings_for is None else settings_for(training)
        flags = " ".join(f"--set {key}={'null' if value is None else value}" for key, value in settings.items())
        raise NotEnoughDataError(
            f"{len(dates)} rows leave {training} for training; the model needs {min_training_rows}, "
            f"that is a history of about {shortest} rows; use a longer history{f', or add {flags}' if flags else ''}"
        )
    return Split(dates[training], dates[training + validation])


def whole_history(last_dates: Sequence[np.datetime64]) -> Split:
    """A split for the refit after the test: every row of series with these last dates belongs to the training."""
    end = max(last_dates) + np.timedelta64(1, "D")
    return Split(end, end)


@dataclasses.dataclass(frozen=True)
class Fold:
    """The cutoffs that one fit of a backtest forecasts from.

    Args:
        start: First date on which a forecast is made.
        end: First date after the last one.
    """

    start: np.datetime64
    end: np.datetime64

    @property
    def split(self) -> Split:
        """The rows that a fit for this fold may read: all before its start, without a validation."""
        return Split(self.start, self.start)

    def rows(self, dates: DateArray, stride: int = 1) -> IntArray:
        """Rows of a series with `dates` (T,) that are cutoffs of this fold.

        Args:
            dates: (T,) dates of the series, increasing.
            stride: Rows from one cutoff to the next, counted from the first row of the series, not of the fold.
        """
        first, last = np.searchsorted(dates, [self.start, self.end]).tolist()
        rows = np.arange(first, last)
        return np.asarray(rows[rows % stride == 0])

    def settled_rows(self, dates: DateArray, horizon: int) -> IntArray:
        """Rows of this fold whose outcomes up to `horizon` rows ahead are known before the next fold begins."""
        first, last = np.searchsorted(dates, [self.start, self.end]).tolist()
        return np.arange(first, max(last - horizon, first))


def parse_refit(text: str) -> str | int:
    """Parse when a backtest fits again: ``never``, ``yearly``, ``monthly``, or a number of rows.

    Raises:
        UsageError: The text is not one of these.
    """
    if text in ("never", *_REFIT_UNITS):
        return text
    if re.fullmatch(r"[1-9]\d{0,5}", text):
        return int(text)
    raise UsageError(f"--schedule is {text!r:.40}; expected never, yearly, monthly or up to 999999 rows, such as 250")


def folds(dates: DateArray, start: np.datetime64, refit: str | int) -> tuple[Fold, ...]:
    """Cut the cutoffs from `start` to the last date into folds.

    Args:
        dates: (T,) dates of the history that decides, increasing.
        start: First cutoff.
        refit: Result of `parse_refit`; years and months are those of the calendar.

    Raises:
        NotEnoughDataError: There are fewer than two cutoffs.
    """
    cutoffs = dates[dates >= start]
    if len(cutoffs) < 2:
        raise NotEnoughDataError(
            f"{len(cutoffs)} rows from {start} to {dates[-1]}; a backtest needs at least 2; change --start or --end"
        )
    if refit == "never":
        starts = cutoffs[:1]
    elif isinstance(refit, int):
        starts = cutoffs[::refit]
    else:
        periods = cutoffs.astype(f"datetime64[{_REFIT_UNITS[refit]}]")
        starts = cutoffs[np.concatenate([[True], periods[1:] != periods[:-1]])]
    end = cutoffs[-1] + np.timedelta64(1, "D")
    return tuple(Fold(first, after) for first, after in itertools.pairwise([*starts, end]))


def search_folds(dates: DateArray, count: int, rows: int, lockbox_rows: int, training_rows: int) -> tuple[Fold, ...]:
    """Cut the end of a history into folds of a search and, as the last one, its lockbox.

    Args:
        dates: (T,) dates of the history, increasing.
        count: Number of folds before the lockbox.
        rows: Cutoffs of each.
        lockbox_rows: Last rows, which no fold sees.
        training_rows: Rows that are needed before the first fold.

    Raises:
        NotEnoughDataError: The history is too short.

    Example:
        >>> dates = np.arange("2020-01-01", "2020-04-10", dtype="datetime64[D]")  # 100 rows
        >>> [str(fold.start) for fold in search_folds(dates, 2, 20, 30, 25)]
        ['2020-01-31', '2020-02-20', '2020-03-11']
    """
    needed = training_rows + count * rows + lockbox_rows
    if len(dates) < needed:
        raise NotEnoughDataError(
            f"{len(dates)} rows are too few for {count} folds of {rows} rows, a lockbox of {lockbox_rows} and "
            f"{training_rows} rows before them; expected {needed}; use a longer history, or lower --folds or --lockbox"
        )
    first = len(dates) - lockbox_rows - count * rows
    starts = [dates[first + number * rows] for number in range(count + 1)]
    return tuple(Fold(start, end) for start, end in itertools.pairwise([*starts, dates[-1] + np.timedelta64(1, "D")]))
