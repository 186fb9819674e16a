"""Forecasts of others, checked row by row: those that can be scored, and the reasons why the rest cannot."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.forecast_files import ForecastFile
from forecaster.data.series import PriceSeries, is_price
from forecaster.features.outcomes import returns_after
from forecaster.quantiles import MEDIAN, SCORING_LEVELS, central, level_weights, normal_scores
from forecaster.stats.student import student_quantiles

__all__ = ["MIN_ROWS", "ExternalForecasts", "Foresight", "Rejection", "Units", "external_forecasts", "rejections"]

Units = Literal["price", "return"]

MIN_ROWS = 30
"""Fewest forecasts of one forecaster for an instrument and step that are scored: no test works on fewer."""

MAX_MOVE = 20.0
"""Farthest median from the last price, in usual moves over the step: beyond it the number is no price of that day."""

_MAX_TYPICAL_MOVE = 10.0  # the same for the typical row of a forecaster
_MAX_TYPICAL_WIDTH = 10.0  # 80 % interval at the first step over that of usual moves: a yearly sigma gives 16 at step 1
_MIN_TYPICAL_WIDTH = 0.02  # a variance in place of a standard deviation gives 0.006 for a currency
_MAX_PRICE_GAP = 5.0  # daily moves between two prices of one day, such as a fixing and a close
_MIN_FORESIGHT = 0.25  # correlation with the next return, far above that of honest forecasts of daily prices
_MIN_FORESIGHT_T = 4.0  # its t statistic
_ROUNDING = 1e-3  # a median closer to the last price, in usual moves, is the last price, written with fewer digits
_NORMAL_WIDTH = 2.5631  # width of the 80 % interval of a standard normal distribution

_REASONS = {
    "step": "the step is not a whole number from 1",
    "empty": "a value is missing or not finite",
    "repeated": "another row has the same cutoff and step",
    "future": "the cutoff lies after the last price",
    "no_trading_day": "the cutoff is no trading day of the history",
    "crossing": "quantiles decrease, or sigma or df is not positive",
    "not_positive": "a price is zero or negative: forecasts of returns need --units return",
    "last_price": "the last price is not that of the cutoff",
    "adjusted": "prices have dividends or splits: expected a column last_price, or --units return",
    "unit": "the median is farther from the last price than any market moves: another unit, day or quotation",
    "scale": "the width is that of another unit, such as percent, a yearly sigma or a variance",
    "unknown": "the outcome is not known yet",
}
"""Key of a reason -> text; a row has the first reason that holds."""


@dataclasses.dataclass(frozen=True)
class Rejection:
    """Rows of a file that are not scored, for one reason.

    Args:
        model: Forecaster.
        instrument: Instrument as the file names it.
        reason: Key of the reason, which programs can rely on.
        text: The reason in words.
        n: Number of rows.
        first: First of their cutoffs.
    """

    model: str
    instrument: str
    reason: str
    text: str
    n: int
    first: np.datetime64


@dataclasses.dataclass(frozen=True)
class Foresight:
    """A sign that forecasts were made after their cutoffs.

    Args:
        model: Forecaster.
        instrument: Instrument as the file names it.
        correlation: Correlation of their last prices and medians with the return of the next row.
        n: Number of cutoffs.
    """

    model: str
    instrument: str
    correlation: float
    n: int


@dataclasses.dataclass(frozen=True, eq=False)
class ExternalForecasts:
    """Forecasts of one forecaster for one instrument that can be scored.

    Args:
        model: Forecaster.
        instrument: Instrument as the file names it.
        rows: (N,) row numbers of the cutoffs, increasing.
        steps: (N,) rows ahead.
        quantiles: (N, 9) quantiles of the log return at `SCORING_LEVELS`.
        foresight: A sign that the cutoffs are too early; None without one.
    """

    model: str
    instrument: str
    rows: IntArray
    steps: IntArray
    quantiles: FloatArray
    foresight: Foresight | None = None

    def at(self, step: int) -> tuple[IntArray, FloatArray]:
        """Cutoffs (M,) and quantiles (M, 9) at a step."""
        chosen = self.steps == step
        return self.rows[chosen], self.quantiles[chosen]


def rejections(
    model: str, instrument: str, cutoffs: DateArray, by_reason: Mapping[str, BoolArray], texts: Mapping[str, str]
) -> list[Rejection]:
    """One entry for each reason that holds for any row.

    Args:
        model: Forecaster.
        instrument: Instrument as the file names it.
        cutoffs: (N,) cutoffs of the rows.
        by_reason: Reason -> (N,) True for the rows that have it.
        texts: Reason -> text.
    """
    return [
        Rejection(model, instrument, reason, texts[reason], int(rows.sum()), cutoffs[rows].min())
        for reason, rows in by_reason.items()
        if rows.any()
    ]


def external_forecasts(
    file: ForecastFile, places: IntArray, series: PriceSeries, units: Units, *, mirrored: bool = False
) -> tuple[ExternalForecasts, list[Rejection]]:
    """Read the rows of one forecaster for one instrument.

    Args:
        file: The file.
        places: (N,) numbers of the rows.
        series: History of the instrument, in canonical orientation.
        units: Units of the values.
        mirrored: True if the file has the inverse quotation.

    Returns:
        The forecasts that can be scored, sorted by cutoff and step, and the reasons for the others.
    """
    model, instrument = file.models[places[0]], file.instruments[places[0]]
    check = _Check(file, places, series, units, mirrored)
    reasons, quantiles = check.judged()
    accepted = np.flatnonzero(reasons == "")
    order = accepted[np.lexsort((file.steps[places[accepted]], check.rows[accepted]))]
    cutoffs = file.cutoffs[places]
    rejected = rejections(model, instrument, cutoffs, {key: reasons == key for key in _REASONS}, _REASONS)
    steps = file.steps[places[order]].astype(np.intp)
    rows = check.rows[order]
    shifts = quantiles[order, MEDIAN] + check.base_shift[order]
    foresight = None
    if len(rows):
        first = steps == steps.min()
        following = returns_after(series.log_price, rows[first], [1])[:, 0]
        foresight = _foresight(model, instrument, shifts[first], following)
    return ExternalForecasts(model, instrument, rows, steps, quantiles[order], foresight), rejected


def _foresight(model: str, instrument: str, shifts: FloatArray, following: FloatArray) -> Foresight | None:
    """A sign that the cutoffs are a day early, or that the forecaster saw prices of the hours after the price of ours.

    Args:
        model: Forecaster.
        instrument: Instrument as the file names it.
        shifts: (N,) medians over the price of the cutoff.
        following: (N,) returns of the next row.
    """
    if len(shifts) < MIN_ROWS or not (np.std(shifts) > 0 and np.std(following) > 0):
        return None
    correlation = float(np.corrcoef(shifts, following)[0, 1])
    is_sign = correlation > max(_MIN_FORESIGHT, _MIN_FORESIGHT_T / np.sqrt(len(shifts)))
    return Foresight(model, instrument, correlation, len(shifts)) if is_sign else None


class _Check:
    """Rows of one forecaster and instrument, and what is wrong with each."""

    def __init__(self, file: ForecastFile, places: IntArray, series: PriceSeries, units: Units, mirrored: bool) -> None:
        self.series = series
        self.units = units
        self.mirrored = mirrored
        self.cutoffs = file.cutoffs[places]
        self.steps = file.steps[places]
        self.values = file.values[places]
        self.levels = file.levels
        self.degrees_of_freedom = None if file.degrees_of_freedom is None else file.degrees_of_freedom[places]
        self.last_prices = None if file.last_prices is None else file.last_prices[places]
        self.repeated = file.repeated[places]
        self.rows = np.minimum(np.searchsorted(series.dates, self.cutoffs), len(series) - 1)
        self.reasons = np.full(len(places), "", dtype="U16")
        self.base_shift = np.zeros(len(places))  # from the price of the cutoff to the last price of the file

    def judged(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.str_]], FloatArray]:
        """(N,) key of the first reason against each row, empty for a good one, and (N, 9) quantiles."""
        self._mark("step", ~((self.steps >= 1) & (self.steps == np.round(self.steps)) & np.isfinite(self.steps)))
        self._mark("empty", ~np.asarray(np.isfinite(self.values).all(axis=1)) | self._lacks_last_price())
        self._mark("repeated", self.repeated | _is_repeated(self.cutoffs, self.steps))
        self._mark("future", self.cutoffs > self.series.dates[-1])
        self._mark("no_trading_day", self.series.dates[self.rows] != self.cutoffs)
        with np.errstate(all="ignore"):  # rows that are wrong may hold anything
            self._mark("crossing", self._is_crossing())
            quantiles = self._log_returns()
        self._mark("unknown", self.rows + np.where(self.reasons == "", self.steps, 0) >= len(self.series))
        return self.reasons, quantiles

    def _mark(self, reason: str, wrong: BoolArray) -> None:
        self.reasons[(self.reasons == "") & wrong] = reason

    def _lacks_last_price(self) -> BoolArray:
        return np.zeros(len(self.rows), dtype=bool) if self.last_prices is None else ~np.isfinite(self.last_prices)

    def _is_crossing(self) -> BoolArray:
        if self.degrees_of_freedom is None:
            return np.asarray((np.diff(self.values, axis=1) < 0).any(axis=1))
        # A standard deviation needs more than two degrees of freedom.
        return np.asarray((self.values[:, 1] <= 0) | ~(self.degrees_of_freedom > 2))

    def _log_returns(self) -> FloatArray:
        """(N, 9) quantiles of the log return of the canonical series at `SCORING_LEVELS`."""
        values = self.values
        levels = self.levels
        if self.degrees_of_freedom is not None:
            values = _parametric_quantiles(values, self.degrees_of_freedom)
            levels = SCORING_LEVELS
        if self.units == "price":
            values = self._from_prices(values)
        if self.mirrored:
            values = -values[:, ::-1]
            levels = tuple(round(1 - level, 12) for level in reversed(levels))
        quantiles = values.copy() if levels == SCORING_LEVELS else values @ level_weights(levels, SCORING_LEVELS)
        self._check_size(quantiles)
        return quantiles

    def _from_prices(self, prices: FloatArray) -> FloatArray:
        """(N, Q) log returns, or changes of the price, from prices."""
        series, rows = self.series, self.rows
        if not series.differences:
            self._mark("not_positive", ~np.asarray(is_price(prices).all(axis=1)))
        total_return = series.total_return_price[rows]
        if self.last_prices is None:
            is_adjusted = not np.array_equal(series.total_return_price, series.close)
            self._mark("adjusted", np.full(len(rows), is_adjusted))
            base = total_return
        else:
            base = 1 / self.last_prices if self.mirrored else self.last_prices
            candidates = (total_return, series.close[rows], series.close[rows] * series.current_unit[rows])
            shifts = np.array([self._shift(price, base) for price in candidates])
            self.base_shift = shifts[np.abs(shifts).argmin(axis=0), np.arange(len(rows))]
            self._mark("last_price", ~(np.abs(self.base_shift) <= _MAX_PRICE_GAP * self._daily_move))
        own_base = (1 / base if self.mirrored else base)[:, None]
        return np.asarray(prices - own_base if series.differences else np.log(prices / own_base))

    def _shift(self, price: FloatArray, base: FloatArray) -> FloatArray:
        return np.asarray(base - price if self.series.differences else np.log(base / price))

    @property
    def _daily_move(self) -> float:
        """Standard deviation of the daily return, or change of the price."""
        return max(float(np.std(np.diff(self.series.log_price))), 1e-12)

    def _check_size(self, quantiles: FloatArray) -> None:
        """Mark medians and widths that no forecast of this instrument can have, and make a rounded last price exact."""
        usual = self._daily_move * np.sqrt(np.maximum(self.steps, 1))
        move = np.abs(quantiles[:, MEDIAN]) / usual
        low, high = central(0.8)
        width = (quantiles[:, high] - quantiles[:, low]) / (_NORMAL_WIDTH * usual)
        good = self.reasons == ""
        if good.any():
            good &= self.steps == self.steps[good].min()  # a yearly sigma is farthest from that of the first step
            self._mark("unit", np.full(len(move), np.median(move[good]) > _MAX_TYPICAL_MOVE))
            is_strange = not _MIN_TYPICAL_WIDTH <= np.median(width[good]) <= _MAX_TYPICAL_WIDTH
            self._mark("scale", np.full(len(move), is_strange))
        self._mark("unit", ~(move <= MAX_MOVE))
        around = (quantiles[:, MEDIAN - 1] <= 0) & (quantiles[:, MEDIAN + 1] >= 0)
        quantiles[around & (move < _ROUNDING), MEDIAN] = 0.0


def _is_repeated(cutoffs: DateArray, steps: FloatArray) -> BoolArray:
    """(N,) True for every row whose cutoff and step another row has: none of them can be trusted."""
    keys = np.stack([cutoffs.astype(np.int64).astype(float), steps], axis=1)
    _, inverse, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse.ravel()] > 1)


def _parametric_quantiles(values: FloatArray, degrees_of_freedom: FloatArray) -> FloatArray:
    """(N, 9) quantiles of normal or Student's t distributions.

    Args:
        values: (N, 2) mean and standard deviation.
        degrees_of_freedom: (N,), infinite for a normal distribution.
    """
    scores = np.tile(normal_scores(SCORING_LEVELS), (len(values), 1))
    for number in np.unique(degrees_of_freedom[np.isfinite(degrees_of_freedom) & (degrees_of_freedom > 2)]).tolist():
        # A t has a variance of df / (df - 2).
        scores[degrees_of_freedom == number] = student_quantiles(np.sqrt((number - 2) / number), number)
    return np.asarray(values[:, :1] + values[:, 1:] * scores)
