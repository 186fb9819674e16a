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
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, Int64Array
from forecaster.data.calendars import business_age, trading_weekdays
from forecaster.data.findings import OLD_DATA, Finding, Severity, merged_findings
from forecaster.data.series import PriceSeries
from forecaster.data.validation_checks import (
    DROPPED,
    MarketExpectations,
    Marks,
    RawRows,
    Subject,
    row_marks,
    structure_marks,
)
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

_SHOWN_DATES = 3
_MAX_TOLERATED_ROWS = 2  # bad rows that are no reason to refuse a history, however short
_BAD_PRICES_LIMIT = 0.01
_MISMATCH_LIMIT = 0.02
_MISSING_DAYS_LIMIT = {True: 0.03, False: 0.10}  # pairs; others, which have up to twenty holidays a year
_MAX_GAP_DAYS = 5
_EQUAL_LIMIT = 0.05
_MIN_ROWS_OF_A_YEAR = 20
_OLD_DAYS = 5
_MAX_RATIO_STEPS = 4
_RATIO_TOLERANCE = 1e-4

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
        return merged_findings(finding for summarise in _SUMMARIES for finding in summarise(self, by_code))

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
    return MarketExpectations(weekdays=trading_weekdays(series), is_pair=series.instrument.kind == "pair")


def validate(
    rows: RawRows,
    *,
    today: datetime.date,
    market: MarketExpectations = MarketExpectations(),  # noqa: B008 - immutable
    reference: PriceSeries | None = None,
    previous: PriceSeries | None = None,
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

    Returns:
        Findings and repairs; a history without findings may still be wrong.
    """
    structure = tuple(structure_marks(rows, market, today))
    dates = rows.dates.astype("datetime64[D]")
    if any(len(marks) for marks in structure):
        return Report(dates, market, today, structure)
    marks = tuple(row_marks(Subject(rows, market, reference, previous)))
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
        if finding.severity is Severity.REPAIR and finding.code != "reverting_spike"
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
        chosen = marks.rows[which(marks)]
        if marks.code in _DROPPED_AT_ALL:
            remaining[chosen] = False
        for name in report.blanked(marks.code):
            if name in columns:
                columns[name][chosen] = np.nan
    return RawRows(rows.dates, columns).select(remaining)


_DROPPED_AT_ALL = DROPPED | {"reverting_spike"}


ByCode = Mapping[str, Marks]

_PLAIN = {
    "missing_date": (Severity.ERROR, "{} without a date; expected one row for each date"),
    "time_of_day": (Severity.ERROR, "{} with a time of day; expected one row for each date"),
    "dates_not_increasing": (Severity.ERROR, "{} out of order or there twice; expected each date once, in order"),
    "future_date": (Severity.ERROR, "{} in the future"),
    "unfinished_bar": (Severity.REPAIR, "{} not finished yet; dropped"),
    "bad_price": (Severity.REPAIR, "{} without a price, or with one that is zero, negative or beyond 1e100; dropped"),
    "bad_adjusted_price": (Severity.REPAIR, "{} without a positive adjusted price; that price is ignored"),
    "impossible_range": (Severity.REPAIR, "{} with a high or a low beyond the other prices; that range is ignored"),
    "flat_weekend_row": (Severity.REPAIR, "{} on days without trading, prices unmoved; dropped"),
    "reference_mismatch": (Severity.REPAIR, "{} that the fixings of the ECB contradict; dropped"),
    "reverting_spike": (Severity.REPAIR, "{} whose price jumps and comes back on the next row; dropped from then on"),
    "weekend_row": (Severity.WARNING, "{} on days without trading, with moving prices; kept"),
    "large_move": (Severity.WARNING, "{} with an unusually large move; kept, it may be real"),
    "stale_run": (Severity.WARNING, "{} from which five or more prices are the same; a feed may have stood still"),
}
"""Findings that say no more than their rows; {} is the count and its noun."""


def finding_about(
    code: str, severity: Severity, text: str, dates: DateArray | Sequence[object], count: int | None = None
) -> Finding:
    """A finding about `dates`; {} in the text becomes their number."""
    total = len(dates) if count is None else count
    first = tuple(str(date) for date in dates[:_SHOWN_DATES])
    text = text.format(f"{total} row{'s' if total != 1 else ''}")
    if first:
        text += f" ({', '.join(first)}{', ...' if len(dates) > _SHOWN_DATES else ''})"
    return Finding(code, severity, total, first, text)


def _plain(report: Report, by_code: ByCode) -> Iterator[Finding]:
    for code, (severity, text) in _PLAIN.items():
        if code in by_code and len(by_code[code]):
            dates = report.dates[by_code[code].rows]
            yield finding_about(code, severity, text, dates[~np.isnat(dates)], len(dates))


def _too_many(report: Report, by_code: ByCode) -> Iterator[Finding]:
    """Bad rows that are too many to be dropped."""
    dates = report.dates
    if not len(dates):
        yield finding_about("no_rows", Severity.ERROR, "there are no rows", ())
        return
    bad, wrong, compared = (by_code.get(code) for code in ("bad_price", "reference_mismatch", "compared"))
    if bad is not None and len(bad) > max(_MAX_TOLERATED_ROWS, _BAD_PRICES_LIMIT * len(dates)):
        text = f"{{}} of {len(dates)} without a usable price; expected at most {_BAD_PRICES_LIMIT:.0%}"
        yield finding_about("many_bad_prices", Severity.ERROR, text, dates[bad.rows])
    if (
        wrong is not None
        and compared is not None
        and len(wrong) > max(_MAX_TOLERATED_ROWS, _MISMATCH_LIMIT * len(compared))
    ):
        text = (
            f"{{}} of {len(compared)} disagree with the fixings of the ECB; expected at most {_MISMATCH_LIMIT:.0%}: "
            "this is another symbol, or the pair the other way round"
        )
        yield finding_about("wrong_symbol", Severity.ERROR, text, dates[wrong.rows])


def _gaps(report: Report, by_code: ByCode) -> Iterator[Finding]:
    missing = by_code.get("missing_days")
    if missing is None or not len(missing) or report.market.weekdays is None:
        return
    long = missing.values > _MAX_GAP_DAYS
    if long.any():
        text = f"{{}} after gaps of more than {_MAX_GAP_DAYS} trading days, the longest {missing.values.max():.0f} days"
        yield finding_about("gap", Severity.WARNING, text, report.dates[missing.rows[long]])
    total = int(np.busday_count(report.dates[0], report.dates[-1] + 1, weekmask=report.market.weekdays))
    count = int(missing.values.sum())
    limit = _MISSING_DAYS_LIMIT[report.market.is_pair]
    if count > limit * total:
        text = f"{count} of {total} trading days have no row; expected at most {limit:.0%}"
        yield finding_about("missing_days", Severity.WARNING, text, report.dates[missing.rows], count)


def _equal_prices(report: Report, by_code: ByCode) -> Iterator[Finding]:
    equal = by_code.get("close_equals_open")
    if equal is None or not len(equal):
        return
    first = int(report.dates[0].astype("datetime64[Y]").astype(int))
    rows, same = (np.bincount(_years(dates) - first) for dates in (report.dates, report.dates[equal.rows]))
    same = np.pad(same, (0, len(rows) - len(same)))
    many = np.flatnonzero((same > _EQUAL_LIMIT * rows) & (rows >= _MIN_ROWS_OF_A_YEAR))
    if len(many):
        worst = many[np.argmax(same[many] / rows[many])]
        harmless = report.market.price == "open"
        text = (
            f"{len(many)} years in which the close often equals the open of the day, most often in "
            f"{1970 + first + worst}: {same[worst]} of {rows[worst]} rows; "
            + ("the open is used" if harmless else "the open is better")
        )
        severity = Severity.INFO if harmless else Severity.WARNING
        yield finding_about("close_equals_open", severity, text, (1970 + first + many).tolist(), len(many))


def _years(dates: DateArray) -> Int64Array:
    return np.asarray(dates.astype("datetime64[Y]").astype(np.int64))


def _changes(report: Report, by_code: ByCode) -> Iterator[Finding]:
    """Against the version before: whole stretches rescaled are splits or dividends, single rows are revisions."""
    for code, what in (("price_changed", "prices"), ("adjustment_changed", "adjusted prices")):
        changed = by_code.get(code)
        if changed is None or not len(changed):
            continue
        dates = report.dates[changed.rows]
        steps = int((np.abs(np.diff(np.log(changed.values))) > _RATIO_TOLERANCE).sum())
        contiguous = len(changed) > 1 and steps <= min(_MAX_RATIO_STEPS, len(changed) // 10)
        if contiguous:
            text = f"{{}} whose {what} were rescaled since the last version, the newest by {changed.values[-1]:.6g}"
            yield finding_about(f"{code}_by_factor", Severity.INFO, text + ": a split or a dividend", dates)
        else:
            text = f"{{}} whose {what} were revised since the last version"
            yield finding_about(code, Severity.WARNING, text, dates)
    gone = by_code.get("rows_gone")
    if gone is not None and len(gone):
        text = "{} of the last version are no longer there"
        yield finding_about("rows_gone", Severity.WARNING, text, gone.values.astype("datetime64[D]"))


def _age(report: Report, by_code: ByCode) -> Iterator[Finding]:
    if "bad_price" not in by_code:
        return  # the dates are wrong, and nothing else was looked at
    alive = np.ones(len(report.dates), dtype=bool)
    for code in DROPPED & by_code.keys():
        alive[by_code[code].rows] = False
    if alive.any():
        last = report.dates[alive][-1]
        age = business_age(last, report.today)
        if age > _OLD_DAYS:
            text = f"the last row is {age} business days old"
            yield finding_about(OLD_DATA, Severity.WARNING, text, (last,), age)


_SUMMARIES = (_plain, _too_many, _gaps, _equal_prices, _changes, _age)
