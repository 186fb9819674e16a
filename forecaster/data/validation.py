"""Validation: faults of a history, each reported once, and repaired where a repair is certain.

A report never looks ahead. Every repair has a row from which it is known. Most repairs are known on their own row: a
price of zero is wrong on its day. One kind is not: a price that jumps and comes back is known to be wrong only when it
comes back, and a forecast made in between would have used it. So that training and backtests see what a user would
have seen on each day:

* a source returns `cleaned` rows, with the repairs that were known on their own day;
* a forecast from a cutoff uses rows `repaired` at that cutoff, without later knowledge;
* the two differ at few rows, `Report.late_repairs`: elsewhere one repaired history serves every cutoff.

Validating a history that was cut at a row gives the same report as `Report.known_at` for that row.
"""

import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array
from forecaster.data.calendars import DAYS_PER_ROW, is_observed, trading_weekdays
from forecaster.data.corrections import Corrections
from forecaster.data.findings import Finding, Severity, merged_findings
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.data.validation_checks import DROPPED, MERGED, row_marks, structure_marks
from forecaster.data.validation_findings import finding_about, summarised
from forecaster.data.validation_marks import MarketExpectations, Marks, RawRows, Subject
from forecaster.errors import ForecasterError

__all__ = [
    "MarketExpectations",
    "RawRows",
    "Repair",
    "Report",
    "cleaned",
    "finding_about",
    "market_expectations",
    "repaired",
    "source_findings",
    "validate",
]

_BLANKED = {"impossible_range": ("open", "high", "low"), "bad_adjusted_price": ("adj_close",)}


@dataclasses.dataclass(frozen=True)
class Repair:
    """One row that is left out, or loses some of its values.

    Args:
        code: Code of the finding.
        date: The row.
        known_from: Date of the first row at which it is known.
        blanked: Columns that become NaN; the whole row is dropped if there are none.
    """

    code: str
    date: np.datetime64
    known_from: np.datetime64
    blanked: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """Result of `validate`: `findings`, and repairs to apply with `cleaned` or `repaired`.

    Args:
        dates: (T,) dates of the rows.
        market: Expectations of the rows.
        today: Date from which the age of the last row counts.
        marks: Marked rows of each check.
    """

    dates: DateArray
    market: MarketExpectations
    today: datetime.date
    marks: tuple[Marks, ...]

    @functools.cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, errors first."""
        last = len(self.dates) - 1
        by_code = {marks.code: marks.select(marks.known_until > last) for marks in self.marks}
        return merged_findings(summarised(self.dates, self.market, self.today, by_code))

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """Every repair, by date."""
        return tuple(sorted(self._repairs(), key=lambda repair: (repair.date, repair.code)))

    @property
    def late_repairs(self) -> tuple[Repair, ...]:
        """Repairs that were not known on their own day: a cutoff there uses a row that later cutoffs do not."""
        return tuple(repair for repair in self.repairs if repair.known_from > repair.date)

    def _repairs(self) -> Iterator[Repair]:
        for marks in self.marks:
            if marks.code in _BLANKED or marks.code in _DROPPED_AT_ALL:
                for row, known_from in zip(marks.rows.tolist(), marks.known_from.tolist(), strict=True):
                    yield Repair(marks.code, self.dates[row], self.dates[known_from], self.blanked(marks.code))

    def blanked(self, code: str) -> tuple[str, ...]:
        """Columns that a repair makes NaN; never the price itself."""
        return tuple(name for name in _BLANKED.get(code, ()) if name != self.market.price)

    def unit_factors(self, dates: DateArray) -> FloatArray:
        """(N,) factor that turns the price of each of `dates` into the unit of the first row."""
        factors = np.ones(len(self.dates))
        for marks in self.marks:
            if marks.code == "unit_change":
                current = marks.known_until > len(self.dates) - 1
                factors[marks.rows[current]] = marks.values[current]
        return np.asarray(np.cumprod(factors)[np.searchsorted(self.dates, dates)])

    def known_at(self, cutoff: np.datetime64) -> "Report":
        """The report of `validate` on `cutoff`, from the rows up to then. Needs dates in order."""
        rows = int(np.searchsorted(self.dates, cutoff, side="right"))
        today = min(self.today, cutoff.astype("datetime64[D]").astype(datetime.date))
        return Report(
            self.dates[:rows], self.market, today, tuple(marks.select(marks.known_from < rows) for marks in self.marks)
        )

    def problems(self, *, strict: bool = False) -> tuple[Finding, ...]:
        """Findings that forbid using the history: errors, and warnings too if `strict`."""
        bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return tuple(finding for finding in self.findings if finding.severity in bad)

    def require_good(self, name: str, error: type[ForecasterError], *, strict: bool = False) -> None:
        """Refuse a history with `problems`.

        Args:
            name: Name of the history in the message.
            error: Class of the error.
            strict: Treat warnings as errors.

        Raises:
            ForecasterError: An error of the given class, with one message per problem.
        """
        problems = self.problems(strict=strict)
        if problems:
            raise error(*(f"{name}: {finding.text}" for finding in problems))


def market_expectations(series: PriceSeries) -> MarketExpectations:
    """Expectations of a series whose rows are all final: its trading days, and whether it is a currency pair."""
    daily = series.frequency == "1d"
    return MarketExpectations(
        weekdays=trading_weekdays(series) if daily else None,
        is_observed=is_observed(series),
        is_pair=series.instrument.kind == "pair",
        is_given=source_traits(series.source).is_given,
        signed=series.differences,
        days_per_row=DAYS_PER_ROW[series.frequency],
    )


def validate(
    rows: RawRows,
    *,
    today: datetime.date,
    market: MarketExpectations = MarketExpectations(),
    reference: PriceSeries | None = None,
    previous: PriceSeries | None = None,
    corrections: Corrections = Corrections(),
) -> Report:
    """Check daily prices for all known kinds of faults.

    Nothing is changed: see `cleaned` and `repaired`. If dates are not in order, nothing else is checked.

    Args:
        rows: Rows of the source.
        today: The current date: later dates are errors, and the age of the last row counts from here.
        market: Expectations of the rows.
        reference: An independent price of the same instrument in the same orientation, such as the ECB's fixing.
            Cut it at the same date as the rows when looking back.
        previous: The version of this history that was loaded before, to report changes.
        corrections: Decisions of the user.

    Returns:
        Findings and repairs; a history without findings may still be wrong.
    """
    structure = tuple(structure_marks(rows, market, today))
    dates = rows.dates.astype("datetime64[D]")
    if any(len(marks) for marks in structure):
        return Report(dates, market, today, structure)
    marks = tuple(row_marks(Subject(rows, market, reference, previous, corrections)))
    return Report(dates, market, today, marks)


def cleaned(rows: RawRows, report: Report) -> RawRows:
    """The rows after the repairs that were known on their own day: the same at every cutoff."""
    return _apply(rows, report, lambda marks: marks.known_from == marks.rows)


def source_findings(report: Report, more: Sequence[Finding] = ()) -> tuple[Finding, ...]:
    """Repairs that a source has made with `cleaned`, after `more` findings of its own.

    Other findings depend on the last row that may be used: the user of the series cuts and validates it again.
    """
    repairs = [
        finding
        for finding in report.findings
        if finding.severity is Severity.REPAIR and finding.code not in _MADE_LATER
    ]
    return (*more, *repairs)


def repaired(rows: RawRows, report: Report, cutoff: np.datetime64 | None = None) -> RawRows:
    """The rows up to `cutoff` after the repairs known by then.

    Args:
        rows: The rows of the report.
        report: Report on the whole history, which serves every cutoff.
        cutoff: Last date that may be used; the last row when None.
    """
    last = len(rows) if cutoff is None else int(np.searchsorted(report.dates, cutoff, side="right"))
    seen = _apply(rows, report, lambda marks: marks.known_from < last)
    return seen if cutoff is None else seen.until(cutoff)


def _apply(rows: RawRows, report: Report, which: Callable[[Marks], BoolArray]) -> RawRows:
    remaining = np.ones(len(rows), dtype=bool)
    columns = {name: values.copy() for name, values in rows.columns.items()}
    for marks in report.marks:
        if marks.code == MERGED:
            _merge_bars(columns, marks.rows[which(marks)])
        chosen = marks.rows[which(marks)]
        if marks.code in _DROPPED_AT_ALL:
            remaining[chosen] = False
        for name in report.blanked(marks.code):
            if name in columns:
                columns[name][chosen] = np.nan
    return RawRows(rows.dates, columns).select(remaining)


def _merge_bars(columns: dict[str, FloatArray], rows: Int64Array) -> None:
    """Extend the bar after each of `rows` (N,) by the bar of that row; the close stays."""
    for row in rows.tolist():  # in order: a Saturday belongs to its Sunday, and both to Monday
        after = row + 1
        for name, values in columns.items():
            if after == len(values):
                continue
            if name == "open" and np.isfinite(values[row]):
                values[after] = values[row]
            elif name in _MERGED_BY:
                values[after] = _MERGED_BY[name](values[row], values[after])


def _total(first: float, second: float) -> float:
    return float(np.nansum([first, second]))


_MERGED_BY: dict[str, Callable[[float, float], float]] = {"high": np.fmax, "low": np.fmin, "volume": _total}

_DROPPED_AT_ALL = DROPPED | {"reverting_spike"}
_MADE_LATER = frozenset({"reverting_spike", "unit_change"})
"""Repairs that `cleaned` does not make."""
