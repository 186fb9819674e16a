"""The checks of a history before its use: a span of rows, validated, repaired and aggregated."""

import dataclasses
import datetime

import numpy as np

from forecaster.config import DataConfig
from forecaster.data.calendars import calendar_code
from forecaster.data.corrections import Corrections
from forecaster.data.findings import Finding, Note, merged_findings
from forecaster.data.frequency import finished_rows, require_frequency
from forecaster.data.resampling import resampled
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded
from forecaster.data.sources.registry import source_traits
from forecaster.data.store_versions import Version
from forecaster.data.validation import Report, market_expectations, repaired, validate
from forecaster.data.validation_marks import MarketExpectations, RawRows
from forecaster.errors import InputFileError, NotEnoughDataError, SourceError

__all__ = ["Checked", "HistoryChecker"]

MIN_CHANGE = 1e-4  # a hundred times the smallest volatility


@dataclasses.dataclass(frozen=True, eq=False)
class Checked:
    """A history that may be used.

    Args:
        loaded: All daily rows, with the findings of their source.
        series: The rows up to the cutoff, repaired, one for each period of the frequency.
        report: Findings in the daily rows behind it.
        newest: Date of the newest row, whatever the cutoff.
        stored: The newest version in the store, where it was put there.
        is_new: True if that version was not there before.
    """

    loaded: Loaded
    series: PriceSeries
    report: Report
    newest: np.datetime64
    stored: Version | None = None
    is_new: bool = False

    @property
    def whole(self) -> PriceSeries:
        """All daily rows."""
        return self.loaded.series

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Repairs of the source and findings in the rows afterwards, errors first."""
        return merged_findings(self.loaded.findings, self.report.findings)

    @property
    def notes(self) -> list[Note]:
        """The findings as notes, those of the source first; `data_line` states the age of the newest row."""
        findings = [*self.loaded.findings, *self.report.findings]
        notes = [Note("data", finding.text, finding.severity) for finding in findings if not finding.is_about_age]
        return list(dict.fromkeys(notes))


@dataclasses.dataclass(frozen=True)
class HistoryChecker:
    """Cuts a history to a span, validates and repairs it, and aggregates its rows.

    Args:
        today: The current date.
        start: First row to use; the oldest when None.
        end: Last row to use; the newest when None.
        frequency: Length of a row of the result; None for that of the rows themselves.
        strict: True if warnings are errors.
        calendar: Code of the trading calendar; None for that of the source.
        corrections: Decisions of the user about rows.
        differences: True if changes of the price are modelled instead of returns.
    """

    today: datetime.date
    start: datetime.date | None = None
    end: datetime.date | None = None
    frequency: str | None = "1d"
    strict: bool = False
    calendar: str | None = None
    corrections: Corrections = Corrections()
    differences: bool = False

    @classmethod
    def of_section(cls, data: DataConfig, today: datetime.date) -> "HistoryChecker":
        """The checks that the section ``data`` of a configuration describes."""
        return cls(
            today,
            data.start,
            data.end,
            data.frequency,
            data.strict,
            None if data.calendar is None else calendar_code(data.calendar),
            Corrections.of_texts(data.splits, data.drop, data.keep),
            data.differences,
        )

    def check(self, loaded: Loaded, until: datetime.date | None = None, previous: PriceSeries | None = None) -> Checked:
        """Rows from `start` to `until`, validated as they would have been on that day.

        Args:
            loaded: All daily rows, as `Histories.whole` returns them.
            until: Last date that may be used; `end` when None.
            previous: The version that was used before, for reporting what has changed.

        Raises:
            NotEnoughDataError: No row is left.
            InputFileError, SourceError: A finding forbids the use of the rows.
        """
        whole = loaded.series
        end = until or self.end
        span = self._with_calendar(self._cut(whole, end))
        if self.frequency is not None and source_traits(whole.source).is_given:
            require_frequency(whole.symbol, span.dates, span.frequency, self.frequency)
        _require_size(span)
        today = min(self.today, end) if end else self.today
        before = None if previous is None else previous.between(end=span.dates[-1])
        report = validate(
            RawRows.of(span),
            today=today,
            market=_expectations(span, today),
            previous=before,
            corrections=self.corrections,
        )
        kind = InputFileError if source_traits(whole.source).is_given else SourceError
        report.require_good(whole.symbol, kind, strict=self.strict)
        repaired_span = _repaired(span, report)
        if not len(repaired_span):
            raise NotEnoughDataError(
                f"{whole.symbol} has no row left after its repairs; change --drop, --start or --end"
            )
        series = repaired_span if self.frequency is None else resampled(repaired_span, self.frequency, today)
        newest = whole.dates[-1] if self.frequency == "1d" else series.dates[-1]
        return Checked(loaded, series, report, newest)

    def _with_calendar(self, series: PriceSeries) -> PriceSeries:
        if self.calendar is None:
            return series
        return dataclasses.replace(series, meta={**series.meta, "calendar": self.calendar})

    def _cut(self, series: PriceSeries, end: datetime.date | None) -> PriceSeries:
        first, last = (None if day is None else np.datetime64(day) for day in (self.start, end))
        span = series.between(first, last)
        if not len(span):
            raise NotEnoughDataError(
                f"{series.symbol} has no rows from {self.start or 'the first'} to {end or 'the last'}; "
                f"it runs from {series.dates[0]} to {series.dates[-1]}; change --start, --end or --as-of"
            )
        return span


def _expectations(span: PriceSeries, today: datetime.date) -> MarketExpectations:
    """Expectations of rows; of weeks and months, those whose period is not over on `today` are not finished."""
    market = market_expectations(span)
    if span.frequency == "1d":
        return market
    finished = finished_rows(span.dates, span.frequency, today)
    last = span.dates[max(finished - 1, 0)]
    return dataclasses.replace(market, last_finished=last.astype(datetime.date))


def _require_size(series: PriceSeries) -> None:
    """Refuse changes so small that the floors of the volatility, which are meant for returns, would widen forecasts."""
    if not series.differences or len(series) < 2:
        return
    size = float(np.sqrt(np.mean(np.diff(series.close) ** 2)))
    if 0 < size < MIN_CHANGE:
        raise InputFileError(
            f"{series.symbol} changes by {size:.2g} a row; --differences expects changes of at least {MIN_CHANGE:g}; "
            "multiply the prices, as from shares to basis points"
        )


def _repaired(span: PriceSeries, report: Report) -> PriceSeries:
    """`span` with the repairs of `report`: rows left out, values removed, returns without changes of the unit."""
    rows = repaired(RawRows.of(span), report)
    factors = report.unit_factors(rows.dates)
    if len(rows) < len(span):
        remaining = np.isin(span.dates, rows.dates)
        rounding = None if span.rounding is None else span.rounding[remaining]
        return dataclasses.replace(
            span, dates=rows.dates, columns=rows.columns, rounding=rounding, unit_factors=factors
        )
    if report.repairs or (factors != 1).any():
        return dataclasses.replace(span, columns=rows.columns, unit_factors=factors)
    return span
