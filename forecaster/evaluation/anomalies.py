"""Anomalies of a history: days beyond what was thought possible the day before, and changes of volatility.

Every number of a day follows from forecasts and outcomes before it. Only the adjusted p-value compares the day with all
others, later ones included; `AnomalousDay.at_once` says whether the day alone was enough.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.bad_ticks import DayKind, kind_of_move
from forecaster.forecast import Forecasts
from forecaster.frames import Row, Tabular
from forecaster.quantiles import level_weights
from forecaster.stats.false_discoveries import adjusted_p_values, online_discoveries
from forecaster.stats.student_tails import MIN_OUTCOMES, StudentTails

__all__ = ["RANGE_LEVEL", "Anomalies", "AnomalousDay", "DayTests", "RegimeChange", "anomalous_days", "day_tests"]

RANGE_LEVEL = 0.999
"""Coverage of the range that is shown for each day."""

_MIDDLE = (0.1, 0.5, 0.9)
_NORMAL_80 = 1.2816  # half of an 80 % interval in standard deviations
_REFIT_ROWS = 250  # outcomes after which the tails are fitted again
_LEFT_OUT = 1e-5  # p-value below which an outcome does not count for later tails: a break is no sample of ordinary days
_MIN_SIDE = 50  # outcomes of one sign; with fewer the tails are those of all outcomes
_MIN_SCALE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class DayTests:
    """A test of each day against the forecast of the day before.

    Args:
        rows: (N,) the days, as rows of the series.
        moves: (N,) log returns.
        pit: (N,) probability integral transform: forecast probability of a smaller return.
        p_values: (N,) forecast probability of a return at least as far from the median.
        low: (N,) lower end of the range with the coverage `RANGE_LEVEL`, a log return.
        high: (N,) upper end.
    """

    rows: IntArray
    moves: FloatArray
    pit: FloatArray
    p_values: FloatArray
    low: FloatArray
    high: FloatArray

    def since(self, row: int) -> "DayTests":
        """The tests from `row` on."""
        fields = [field.name for field in dataclasses.fields(self)]
        return DayTests(*(getattr(self, name)[self.rows >= row] for name in fields))


@dataclasses.dataclass(frozen=True)
class AnomalousDay:
    """One anomalous day.

    Args:
        date: The day.
        move: Log return.
        price: Price of the day.
        low: Lower end of the range of prices that was forecast, with the coverage `RANGE_LEVEL`; None for a row that
            the validation has repaired, as the fields up to `at_once`.
        high: Upper end.
        pit: See `DayTests`.
        p_value: See `DayTests`.
        adjusted_p_value: That of Benjamini and Hochberg, over all days.
        at_once: True if the p-values up to the day alone were enough, by LORD++.
        kind: ``event``, ``bad tick``, ``unconfirmed``, or ``unit change`` as by a split that the prices do not adjust.
        known_from: Day from which the kind is known.
        names: Announcements, holidays and events of the day.
    """

    date: np.datetime64
    move: float
    price: float
    low: float | None
    high: float | None
    pit: float | None
    p_value: float | None
    adjusted_p_value: float | None
    at_once: bool | None
    kind: DayKind
    known_from: np.datetime64
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class RegimeChange:
    """A change of the regime of volatility.

    Args:
        date: First day of the new regime, as estimated on the day on which it was known.
        known_from: Day after which it was known.
        direction: ``up`` for a rise of volatility, ``down`` for a fall.
        before: Standard deviation of a row's log return in the regime before.
        after: Standard deviation from `date` to `known_from`.
    """

    date: np.datetime64
    known_from: np.datetime64
    direction: Literal["up", "down"]
    before: float
    after: float


@dataclasses.dataclass(frozen=True)
class Anomalies(Tabular):
    """Anomalies of one instrument.

    Args:
        instrument: Instrument in the user's orientation.
        series: Its history in canonical orientation.
        model: Registry key of the model whose forecasts are the standard.
        rate: Largest expected share of false discoveries among the days.
        tested: First and last day that was tested.
        tests: Number of days that were tested.
        refits: Number of fits of the model.
        days: Anomalous days, by date.
        regimes: Changes of volatility, by date.
    """

    instrument: Instrument
    series: PriceSeries
    model: str
    rate: float
    tested: tuple[np.datetime64, np.datetime64]
    tests: int
    refits: int
    days: tuple[AnomalousDay, ...]
    regimes: tuple[RegimeChange, ...]

    @property
    def title(self) -> str:
        """Instrument and span."""
        return f"{self.instrument.name}: anomalies from {self.tested[0]} to {self.tested[1]}"

    def table_rows(self) -> list[Row]:
        """A row for each anomalous day and each change of volatility, by date."""
        columns = (
            "date",
            "known_from",
            "move",
            "price",
            "low",
            "high",
            "pit",
            "p_value",
            "adjusted_p_value",
            "at_once",
        )
        empty: dict[str, Any] = dict.fromkeys(("instrument", "kind", *columns, "before", "after"))
        name = {"instrument": self.instrument.name}
        days = [
            empty | name | {"kind": day.kind} | {column: getattr(day, column) for column in columns}
            for day in self.days
        ]
        changes = [
            empty
            | name
            | {"kind": f"volatility {change.direction}", "date": change.date, "known_from": change.known_from}
            | {"before": change.before, "after": change.after}
            for change in self.regimes
        ]
        return sorted([*days, *changes], key=lambda row: row["date"])


def day_tests(series: PriceSeries, forecasts: Sequence[Forecasts]) -> DayTests:
    """Test each day with `MIN_OUTCOMES` forecasts before it.

    A forecast gives the median and the width on each side of it; how likely an outcome beyond is, follows from the
    outcomes of earlier forecasts: see `StudentTails`. So a model whose tails are too thin gives no false anomalies.

    Args:
        series: The history.
        forecasts: Forecasts one step ahead at consecutive rows, each from a fit on the rows before.

    Raises:
        NotEnoughDataError: There are not more than `MIN_OUTCOMES` outcomes.
    """
    cutoffs = np.concatenate([each.rows for each in forecasts])
    quantiles = np.concatenate(
        [each.log_returns([1])[:, 0] @ level_weights(each.quantile_levels, _MIDDLE) for each in forecasts]
    )
    has_outcome = cutoffs + 1 < len(series)
    rows = cutoffs[has_outcome] + 1
    lower, median, upper = quantiles[has_outcome].T
    if len(rows) <= MIN_OUTCOMES:
        raise NotEnoughDataError(
            f"{series.instrument.name}: {len(rows)} forecasts to learn the tails from; anomalies need "
            f"{MIN_OUTCOMES + 1}; use a longer history"
        )
    moves = np.diff(series.log_price)[rows - 1]
    error = moves - median
    below = np.maximum(median - lower, _MIN_SCALE) / _NORMAL_80
    above = np.maximum(upper - median, _MIN_SCALE) / _NORMAL_80
    p_values, bounds = _walk_forward(np.where(moves == 0, 0.0, error / np.where(error < 0, below, above)))
    pit = np.where(error < 0, p_values / 2, 1 - p_values / 2)
    return DayTests(rows, moves, pit, p_values, median - bounds[:, 0] * below, median + bounds[:, 1] * above).since(
        int(rows[MIN_OUTCOMES])
    )


def _walk_forward(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(N,) p-values of scores by the earlier ones of the same sign, and (N, 2) bounds of the range; NaN at first.

    Falls and rises have tails of their own: with one for both, large falls of negatively skewed returns would be found
    too often. Unchanged prices, whose score is 0, belong to neither: many of them would make any move look impossible.
    """
    p_values = np.where(scores == 0, 1.0, np.nan)
    bounds = np.full((len(scores), 2), np.nan)
    for column, is_side in enumerate((scores < 0, scores > 0)):
        tails = None
        usable = is_side.copy()
        for start in range(MIN_OUTCOMES, len(scores), _REFIT_ROWS):
            same = usable[:start]
            tails = StudentTails.fit(scores[:start][same] if same.sum() >= _MIN_SIDE else scores[:start], tails)
            block = slice(start, start + _REFIT_ROWS)
            tested = is_side[block]
            p_values[block][tested] = tails.p_values(scores[block][tested])
            bounds[block, column] = tails.bound(1 - RANGE_LEVEL)
            usable[block] &= ~(p_values[block] < _LEFT_OUT)
    return p_values, bounds


def anomalous_days(
    series: PriceSeries, tests: DayTests, rate: float, crosses: Mapping[np.datetime64, float]
) -> list[AnomalousDay]:
    """The days whose adjusted p-value is at most `rate`, without the way back from a bad tick.

    Args:
        series: The history, in its own orientation.
        tests: The days to choose from.
        rate: Largest expected share of false discoveries among them.
        crosses: Date -> move that the crosses show; see `forecaster.evaluation.bad_ticks.cross_moves`.
    """
    adjusted = adjusted_p_values(tests.p_values)
    at_once = online_discoveries(tests.p_values, rate)
    every_move = np.diff(series.log_price)
    days: list[AnomalousDay] = []
    explained = -1  # last row that belongs to the bad tick before
    for place in np.flatnonzero(adjusted <= rate).tolist():
        row = int(tests.rows[place])
        if row <= explained:
            continue
        kind, decisive = kind_of_move(every_move, row - 1, crosses.get(series.dates[row]))
        if kind == "bad tick":
            explained = max(decisive, row) + 1
        ends = series.moved(np.array([row - 1]), np.array([[tests.low[place], tests.high[place]]]))[0]
        days.append(
            AnomalousDay(
                date=series.dates[row],
                move=float(tests.moves[place]),
                price=float(series.close[row]),
                low=float(ends[0]),
                high=float(ends[1]),
                pit=float(tests.pit[place]),
                p_value=float(tests.p_values[place]),
                adjusted_p_value=float(adjusted[place]),
                at_once=bool(at_once[place]),
                kind=kind,
                known_from=series.dates[decisive + 1],
            )
        )
    return days
