"""Rolling origin: when a backtest fits anew, and which cutoffs each fit answers for.

All arithmetic on the rows of folds is in this file. A fold's models see rows before its first cutoff alone, and of
these only such whose outcomes lie before it too (purged by the horizon, see `forecaster.evaluation.splits`).
"""

import dataclasses
import itertools
import re

import numpy as np

from forecaster.arrays import DateArray, IntArray
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.evaluation.splits import Split

__all__ = ["Fold", "folds", "parse_refit"]


_UNITS = {"yearly": "Y", "monthly": "M"}


@dataclasses.dataclass(frozen=True)
class Fold:
    """The cutoffs that one fit answers for.

    Args:
        start: First date on which a forecast is made.
        end: First date after the last one.
    """

    start: np.datetime64
    end: np.datetime64

    @property
    def split(self) -> Split:
        """What a fit for this fold may see: everything before its start, nothing held back."""
        return Split(self.start, self.start)

    def rows(self, dates: DateArray, stride: int = 1) -> IntArray:
        """Rows of a series with `dates` (T,) that are cutoffs of this fold, every `stride`-th of them.

        A stride counts the rows of the series from its first one, so that it does not begin anew with each fold.
        """
        first, last = np.searchsorted(dates, [self.start, self.end]).tolist()
        rows = np.arange(first, last)
        return np.asarray(rows[rows % stride == 0])

    def settled_rows(self, dates: DateArray, horizon: int) -> IntArray:
        """Rows of this fold whose outcomes up to `horizon` rows ahead lie in it: known before the next fold begins."""
        first, last = np.searchsorted(dates, [self.start, self.end]).tolist()
        return np.arange(first, max(last - horizon, first))


def parse_refit(text: str) -> str | int:
    """``never``, ``yearly``, ``monthly``, or after how many rows to fit anew.

    Raises:
        UsageError: It is none of these.
    """
    if text in ("never", *_UNITS):
        return text
    if re.fullmatch(r"[1-9]\d{0,5}", text):
        return int(text)
    raise UsageError(f"--refit is {text!r:.40}; expected never, yearly, monthly or up to 999999 rows, such as 250")


def folds(dates: DateArray, start: np.datetime64, refit: str | int) -> tuple[Fold, ...]:
    """Cut the cutoffs from `start` to the last of `dates` (T,) into folds.

    Args:
        dates: (T,) of the history that decides, increasing.
        start: First cutoff.
        refit: As `parse_refit` gives it; years and months begin with the calendar's.

    Raises:
        NotEnoughDataError: No row is left, or each fold would have less than one.
    """
    cutoffs = dates[dates >= start]
    if len(cutoffs) < 2:
        raise NotEnoughDataError(
            f"{len(cutoffs)} rows from {start} to {dates[-1]}; a backtest needs at least 2; change --start or --end"
        )
    if refit == "never":
        firsts = cutoffs[:1]
    elif isinstance(refit, int):
        firsts = cutoffs[::refit]
    else:
        periods = cutoffs.astype(f"datetime64[{_UNITS[refit]}]")
        firsts = cutoffs[np.concatenate([[True], periods[1:] != periods[:-1]])]
    beyond = cutoffs[-1] + np.timedelta64(1, "D")
    return tuple(Fold(first, end) for first, end in itertools.pairwise([*firsts, beyond]))
