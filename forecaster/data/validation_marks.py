"""Types of the validation: raw rows, expectations of a market, marks of a check and its subject."""

import dataclasses
import datetime
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array
from forecaster.data.corrections import Corrections
from forecaster.data.series import COLUMNS, PriceSeries

__all__ = ["FOREVER", "MarketExpectations", "Marks", "RawRows", "Subject"]

FOREVER = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True, eq=False)
class RawRows:
    """Rows as a source gives them, before anything is known about their quality.

    Args:
        dates: (T,) datetime64 of any unit, in the order of the source; may be out of order, twice, or NaT.
        columns: Name of `COLUMNS` -> (T,) float64; may be NaN, zero, negative or infinite.
    """

    dates: DateArray
    columns: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        columns = {name: np.asarray(self.columns[name], dtype=np.float64) for name in COLUMNS if name in self.columns}
        if any(values.shape != self.dates.shape for values in columns.values()):
            raise ValueError(f"columns have {[values.shape for values in columns.values()]}, dates {self.dates.shape}")
        object.__setattr__(self, "columns", columns)

    @classmethod
    def of(cls, series: PriceSeries) -> "RawRows":
        """The rows of a series, to be looked at again: at another cutoff, or beside another version."""
        return cls(series.dates, series.columns)

    def __len__(self) -> int:
        return len(self.dates)

    def until(self, cutoff: np.datetime64) -> "RawRows":
        """The rows dated up to and including `cutoff`."""
        return self.select(self.dates <= cutoff)

    def select(self, rows: BoolArray) -> "RawRows":
        """The rows where `rows` (T,) is true."""
        return RawRows(self.dates[rows], {name: values[rows] for name, values in self.columns.items()})


@dataclasses.dataclass(frozen=True)
class MarketExpectations:
    """Expectations of the rows of one market.

    Args:
        price: Column that is modelled.
        weekdays: Days on which it trades, seven digits from Monday as in ``numpy.busday_count``; None if that is
            unknown: then weekends and missing days are not checked.
        is_observed: The weekdays are those of the recent rows; an earlier row is judged by the rows up to it.
        is_pair: Two currencies: few holidays, and a close that is also the next open.
        last_finished: Rows after this date are still changing and are dropped; None when all are final.
        is_given: The user gives the rows: splits may be missing, and days without trading may be filled in.
        signed: Prices may be zero or negative, such as those of a spread.
        days_per_row: Days that a row spans.
    """

    price: str = "close"
    weekdays: str | None = "1111100"
    is_observed: bool = False
    is_pair: bool = False
    last_finished: datetime.date | None = None
    is_given: bool = False
    signed: bool = False
    days_per_row: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """Rows in which one check found something, by index into the raw rows.

    Args:
        code: Code of the finding.
        rows: (N,) the rows it is about.
        known_from: (N,) the first row at which it is known.
        known_until: (N,) the first row at which it is no longer believed.
        values: (N,) a number that belongs to each: days of a gap, ratio of a revision.
    """

    code: str
    rows: Int64Array
    known_from: Int64Array
    known_until: Int64Array
    values: FloatArray

    @classmethod
    def at(cls, code: str, rows: npt.ArrayLike, values: npt.ArrayLike | None = None) -> "Marks":
        """Marks that are known on their own row, and stay."""
        places = np.asarray(rows, dtype=np.int64)
        numbers = np.zeros(len(places)) if values is None else np.asarray(values, dtype=np.float64)
        return cls(code, places, places, np.full(len(places), FOREVER), numbers)

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, which: BoolArray) -> "Marks":
        """The marks where `which` (N,) is true."""
        return Marks(self.code, self.rows[which], self.known_from[which], self.known_until[which], self.values[which])


@dataclasses.dataclass(eq=False)
class Subject:
    """Input of the checks.

    Args:
        rows: Dates in order, each once.
        market: Expectations of the rows.
        reference: An independent price of the same thing, such as the ECB's fixing.
        previous: The version of this history that was loaded before.
        corrections: Decisions of the user.
    """

    rows: RawRows
    market: MarketExpectations
    reference: PriceSeries | None = None
    previous: PriceSeries | None = None
    corrections: Corrections = Corrections()

    def __post_init__(self) -> None:
        self.dates: DateArray = self.rows.dates.astype("datetime64[D]")
        self.price: FloatArray = self.rows.columns[self.market.price]
        self.alive: BoolArray = np.ones(len(self.rows), dtype=bool)
        """(T,) rows that no check has dropped so far for what was known on their own day."""

    def column(self, name: str) -> FloatArray:
        """(T,) a column, NaN where the source has none."""
        return self.rows.columns.get(name, np.full(len(self.rows), np.nan))
