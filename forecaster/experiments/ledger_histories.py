"""Logged forecasts beside the histories of today: which have come true, and what was revised since."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.errors import ForecasterError
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.drift import IssuedForecasts
from forecaster.experiments.ledger_columns import LedgerColumns, SeriesKey
from forecaster.features.outcomes import returns_after

__all__ = ["DueForecasts", "History", "LedgerLoader", "Ungraded", "issued_forecasts"]

PRICE_TOLERANCE = 1e-9
"""Relative difference from which a last price counts as revised."""


@dataclasses.dataclass(frozen=True)
class History:
    """The history of today behind logged forecasts.

    Args:
        series: Its rows, in canonical orientation.
        is_same: True if the rows up to a date, validated as they would have been on that day, have a hash.
    """

    series: PriceSeries
    is_same: Callable[[np.datetime64, str], bool]


@dataclasses.dataclass(frozen=True)
class Ungraded:
    """Logged forecasts that are not graded, for one reason.

    Args:
        instrument: Name.
        reason: Key: no_history, no_row, known or repeated.
        text: The reason in words.
        n: Number of forecasts.
    """

    instrument: str
    reason: str
    text: str
    n: int


@dataclasses.dataclass(frozen=True, eq=False)
class DueForecasts:
    """Forecasts of one model and history with the rows of today.

    Args:
        columns: The forecasts.
        label: Name of the instrument in the tables.
        series: The history of today.
        places: (N,) positions of forecasts whose cutoff is a row.
        rows: (N,) these rows.
        shifts: (N,) log of the price at the cutoff today over the logged one; 0 where prices are adjusted.
    """

    columns: LedgerColumns
    label: str
    series: PriceSeries
    places: IntArray
    rows: IntArray
    shifts: FloatArray

    def at(self, step: int) -> tuple[IntArray, IntArray]:
        """Positions and rows of the forecasts that have `step` and whose outcome is known."""
        if step not in self.columns.steps:
            return self.places[:0], self.rows[:0]
        has = self.columns.has[self.places, self.columns.steps.index(step)]
        settled = has & (self.rows + step < len(self.series))
        return self.places[settled], self.rows[settled]

    def graded(self) -> IntArray:
        """Positions of the forecasts with a step whose outcome is known."""
        places = [self.at(step)[0] for step in self.columns.steps]
        return np.unique(np.concatenate([np.empty(0, np.intp), *places]))

    def runs(self, places: IntArray) -> list[str]:
        """Ids of the runs of forecasts."""
        return [self.columns.entries[place]["run_id"] for place in places]

    def outcomes(self, step: int, rows: IntArray) -> FloatArray:
        """(M,) returns from the logged last prices to the prices `step` rows after `rows`."""
        shifts = self.shifts[np.searchsorted(self.rows, rows)]
        return np.asarray(returns_after(self.series.log_price, rows, [step])[:, 0] + shifts)


class LedgerLoader:
    """Histories of the logged forecasts, and what speaks against some of these."""

    def __init__(
        self, every: Sequence[LedgerColumns], history_of: Callable[[SeriesKey, Mapping[str, Any]], History]
    ) -> None:
        self.columns = every
        keys = {columns.key for columns in every}
        names = Counter(key.name for key in keys)
        self.labels = {key: key.name if names[key.name] == 1 else f"{key.name} ({key.source})" for key in keys}
        self.ungraded: list[Ungraded] = []
        self.revised: dict[str, int] = {}
        self.changed: dict[str, int] = {}
        self.checked = 0
        newest: dict[SeriesKey, Mapping[str, Any]] = {}
        for columns in every:
            last = max(
                (*columns.entries, newest.get(columns.key, columns.entries[0])), key=lambda entry: entry["number"]
            )
            newest[columns.key] = last
        self._histories: dict[SeriesKey, History | ForecasterError] = {}
        for key, entry in newest.items():
            try:
                self._histories[key] = history_of(key, entry)
            except ForecasterError as error:
                self._histories[key] = error

    def due(self, columns: LedgerColumns) -> DueForecasts | None:
        """The forecasts with the history of today; None where there is none."""
        label, history = self.labels[columns.key], self._histories[columns.key]
        if columns.repeated:
            text = "another forecast from the same row was logged before, and the first one counts"
            self.ungraded.append(Ungraded(label, "repeated", text, columns.repeated))
        if isinstance(history, ForecasterError):
            self.ungraded.append(Ungraded(label, "no_history", history.messages[0], len(columns.entries)))
            return None
        series = history.series
        rows = np.minimum(np.searchsorted(series.dates, columns.cutoffs), len(series) - 1)
        places = np.flatnonzero(series.dates[rows] == columns.cutoffs)
        if len(places) < len(rows):
            text = f"the history has no row of the day, such as {np.delete(columns.cutoffs, places)[0]}"
            self.ungraded.append(Ungraded(label, "no_row", text, len(rows) - len(places)))
        rows = rows[places]
        coming = ~_known_at_issue(columns, places, series, rows)
        if not coming.all():
            text = "the price of its first day was known when it was issued"
            self.ungraded.append(Ungraded(label, "known", text, int((~coming).sum())))
        places, rows = places[coming], rows[coming]
        return DueForecasts(
            columns, label, series, places, rows, self._shifts(label, columns.last_prices[places], series, rows)
        )

    def _shifts(self, label: str, logged: FloatArray, series: PriceSeries, rows: IntArray) -> FloatArray:
        """Differences that revisions of the last price make in the return; see `DueForecasts`."""
        today = series.close[rows]
        is_other = np.abs(today - logged) > PRICE_TOLERANCE * np.abs(today)
        if is_other.any():
            self.revised[label] = self.revised.get(label, 0) + int(is_other.sum())
        if not np.array_equal(series.total_return_price, series.close):  # dividends and splits change past prices
            return np.zeros(len(rows))
        shifts = today - logged if series.differences else np.log(today / logged)
        return np.where(is_other, shifts, 0.0)

    def compare_data(self, due: DueForecasts, places: IntArray) -> None:
        """Compare the hash of the data behind the last graded forecast of each month."""
        history = self._histories[due.columns.key]
        cutoffs = due.columns.cutoffs[places]
        months = cutoffs.astype("datetime64[M]")
        for place in places[np.flatnonzero(np.append(months[1:] != months[:-1], True))] if len(places) else ():
            self.checked += 1
            entry = due.columns.entries[place]
            cutoff = due.columns.cutoffs[place]
            if not isinstance(history, History) or not history.is_same(cutoff, entry["data_sha256"]):
                self.changed[due.label] = self.changed.get(due.label, 0) + 1


def _known_at_issue(columns: LedgerColumns, places: IntArray, series: PriceSeries, rows: IntArray) -> BoolArray:
    """(N,) True where the row after the cutoff is older than the issue, whatever days the forecast states."""
    issued = np.array([columns.entries[place]["issued"][:10] for place in places], dtype="datetime64[D]")
    after = np.minimum(rows + 1, len(series) - 1)
    return np.asarray((after > rows) & (series.dates[after] < issued))


def issued_forecasts(due: DueForecasts, step: int) -> tuple[OutOfSample, IssuedForecasts] | None:
    """Forecasts at a step with known outcomes, for scores and for the drift alarm; None without any."""
    places, rows = due.at(step)
    if not len(places):
        return None
    quantiles = due.columns.quantiles(step, places)
    outcomes = due.outcomes(step, rows)
    dates: DateArray = due.series.dates[rows]
    stride = int(np.diff(rows).min()) if len(rows) > 1 else 1
    return OutOfSample(due.label, step, dates, outcomes, quantiles, stride), IssuedForecasts(
        instrument=due.label,
        step=step,
        rows=rows,
        dates=dates,
        outcome_dates=due.series.dates[rows + step],
        outcomes=outcomes,
        quantiles=quantiles[due.columns.model],
        unchanged=due.columns.unchanged(step, places),
        runs=due.runs(places),
    )
