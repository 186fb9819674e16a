"""Difference between two histories, or two versions of one."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.series import COLUMNS, PriceSeries

__all__ = ["ColumnChange", "Difference", "difference"]

_RATIO_TOLERANCE = 1e-4  # prices come through 32-bit floats, and some sources round them to the cent


@dataclasses.dataclass(frozen=True, eq=False)
class ColumnChange:
    """The rows of both histories whose values in one column differ.

    Args:
        dates: (N,) of these rows, increasing.
        old: (N,) values of the first history, NaN where it has none.
        new: (N,) values of the second.
    """

    dates: DateArray
    old: FloatArray
    new: FloatArray

    @property
    def ratio(self) -> float | None:
        """New over old, where it is the same on at least two rows: a split or a dividend; else None."""
        usable = np.isfinite(self.old) & np.isfinite(self.new) & (self.old != 0)
        if len(self.dates) < 2 or not usable.all():
            return None
        ratios = self.new / self.old
        middle = float(np.median(ratios))
        return middle if (np.abs(ratios - middle) <= _RATIO_TOLERANCE * abs(middle)).all() else None


@dataclasses.dataclass(frozen=True, eq=False)
class Difference:
    """Changes that turn the first history into the second.

    Args:
        added: Dates that only the second has.
        removed: Dates that only the first has.
        revised: Dates that both have, with other values in any column.
        columns: Column -> where it changed, in the order of `COLUMNS`; those that did not are left out.
    """

    added: DateArray
    removed: DateArray
    revised: DateArray
    columns: Mapping[str, ColumnChange]

    @property
    def is_empty(self) -> bool:
        """True if the histories, and so their hashes, are the same."""
        return not (len(self.added) or len(self.removed) or len(self.revised))


def difference(old: PriceSeries, new: PriceSeries) -> Difference:
    """Compare dates and values; a missing value equals a missing value, and 0 equals -0.

    Args:
        old: The first history.
        new: The second, of whatever source or instrument.
    """
    dates, in_old, in_new = np.intersect1d(old.dates, new.dates, assume_unique=True, return_indices=True)
    revised = np.zeros(len(dates), dtype=bool)
    columns = {}
    for name in COLUMNS:
        before, after = _column(old, name)[in_old], _column(new, name)[in_new]
        changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
        if changed.any():
            columns[name] = ColumnChange(dates[changed], before[changed], after[changed])
            revised |= changed
    return Difference(
        added=np.setdiff1d(new.dates, old.dates, assume_unique=True),
        removed=np.setdiff1d(old.dates, new.dates, assume_unique=True),
        revised=dates[revised],
        columns=columns,
    )


def _column(series: PriceSeries, name: str) -> FloatArray:
    return series.columns.get(name, np.full(len(series), np.nan))
