"""Which rows train, which validate, which test: by date, purged by the horizon.

All arithmetic on row offsets of splits is in this file. A cutoff belongs to a part when the forecast is
made from a row of that part *and* its outcome falls into the same part, so no outcome is used twice.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from forecaster.arrays import DateArray, IntArray
from forecaster.errors import NotEnoughDataError

__all__ = ["PARTS", "Part", "Split", "split_by_rows", "whole_history"]


Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

_LARGEST_TEST_SHARE, _LARGEST_VALIDATION_SHARE = 1 / 5, 1 / 7


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
        """Last row of `part` whose outcome `step` days later lies in `part` as well; less than its first where none."""
        return self._bounds(dates, part)[1] - step - 1

    def _bounds(self, dates: DateArray, part: Part) -> tuple[int, int]:
        bounds = [0, *np.searchsorted(dates, [self.validation_start, self.test_start]).tolist(), len(dates)]
        place = PARTS.index(part)
        return bounds[place], bounds[place + 1]


def split_by_rows(dates: DateArray, test_rows: int, validation_rows: int, least_training_rows: int) -> Split:
    """Reserve the last rows of `dates` (T,) for the test and those before for the validation.

    A short history gives up no more than a fifth of its rows to the test and a seventh to the validation.

    Raises:
        NotEnoughDataError: Fewer than `least_training_rows` would be left.
    """

    def cut(count: int) -> tuple[int, int, bool]:
        """Rows for training and for validation, and whether `count` rows are enough for all parts."""
        test = min(test_rows, int(count * _LARGEST_TEST_SHARE))
        validation = min(validation_rows, int(count * _LARGEST_VALIDATION_SHARE))
        training = count - test - validation
        return training, validation, training >= least_training_rows and min(test, validation) > 0

    training, validation, enough = cut(len(dates))
    if not enough:
        shortest = next(count for count in itertools.count(len(dates)) if cut(count)[2])
        raise NotEnoughDataError(
            f"{len(dates)} rows leave {training} for training; the model needs {least_training_rows} of them, "
            f"which takes a history of about {shortest} rows; "
            "give a longer one, or lower what the model reads first: model.windows or model.context_length"
        )
    return Split(dates[training], dates[training + validation])


def whole_history(last_dates: Sequence[np.datetime64]) -> Split:
    """A split that leaves every row of series with these last dates to the training, for the refit after the test."""
    beyond = max(last_dates) + np.timedelta64(1, "D")
    return Split(beyond, beyond)
