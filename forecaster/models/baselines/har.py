"""Log-HAR: volatility from its own averages over a day, a week and a month (Corsi 2009, J. Fin. Econometrics 7)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.history import History
from forecaster.features.outcomes import returns_over
from forecaster.features.ranges import parkinson_variance
from forecaster.features.volatility import VOLATILITY_PER_ABSOLUTE_RETURN, trailing_mean
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions
from forecaster.models.baselines.base import SeriesForecaster, knots_up_to
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.student import MIN_VALUES, fit_student, student_quantiles

__all__ = ["HAR", "HARFit", "HAROptions", "StepRegression"]

_RANGE_DAYS = (1, 5, 22)  # a day, a week, a month, as Corsi has them
_RETURN_DAYS = (5, 22, 66)  # the return of one day is too noisy: a quarter in place of the day
_MIN_RETURN_TARGET = 10  # least number of days over which absolute returns are averaged as a target
_MIN_SPANS = 5  # targets that do not overlap; with fewer the slopes are those of one or two episodes
_MIN_RANGE_SHARE = 0.5  # share of days with a range from which on ranges are used
_FIRST_ROW = 66
_MIN_STILL_VOLATILITY = 0.5  # of a day without a range, in EWMA volatilities: a quotation may have stood still
_MARGIN = 2.0  # how far the log of a predicted volatility may lie outside those of the training rows


class StepRegression(NamedTuple):
    """Regression of the log volatility of one step, and the t of the returns over it.

    Args:
        intercept: Intercept of the log volatility.
        short: Slope of the log of the shortest average.
        middle: Slope of the log of the middle average.
        long: Slope of the log of the longest average.
        lowest: Lower bound of the log volatility.
        highest: Upper bound of the log volatility.
        scale: Scale of the t, in units of the predicted volatility.
        freedom: Degrees of freedom of the t.
    """

    intercept: float
    short: float
    middle: float
    long: float
    lowest: float
    highest: float
    scale: float
    freedom: float

    def volatility(self, averages: Sequence[FloatArray]) -> FloatArray:
        """(N,) volatility of a coming day from the logs of the three `averages`, each (N,)."""
        logs = np.full(len(averages[0]), self.intercept)
        for slope, average in zip((self.short, self.middle, self.long), averages, strict=True):
            logs += slope * average  # number by number: the bits do not depend on the number of rows
        return np.asarray(np.exp(np.clip(logs, self.lowest, self.highest)))


_FALLBACK = StepRegression(0.0, 0.2, 0.4, 0.4, lowest=-20.0, highest=5.0, scale=0.8, freedom=6.0)


class HARFit(NamedTuple):
    """Regressions of one series.

    Args:
        uses_ranges: True where the volatility of a day comes from its range, False where it comes from its return.
        regressions: (K,) one for each knot.
    """

    uses_ranges: bool
    regressions: tuple[StepRegression, ...]

    def to_array(self) -> FloatArray:
        """(K, 8) the regressions, a row for each knot."""
        return np.array(self.regressions)

    @classmethod
    def from_array(cls, array: AnyArray, uses_ranges: bool) -> Self:
        """The parameters that `to_array` returned."""
        return cls(uses_ranges, tuple(StepRegression(*row) for row in array.tolist()))


class HAROptions(ModelOptions):
    """Options of the baseline ``har``; it has none."""

    kind: Literal["har"] = "har"


class HAR(SeriesForecaster[HARFit]):
    """Forecaster: for each series and each of a few steps h, least squares of the log volatility of the h coming days.

    The volatility of a day is the root of its Parkinson variance plus its squared overnight gap, where most training
    rows have open, high and low; else it is the absolute return. The report names the series of both kinds. Returns
    over h days, divided by the predicted volatility, follow a Student t fitted by maximum likelihood, step by step. A
    step that cannot be fitted takes the parameters of the step before it, or typical ones where there is none.
    """

    Options = HAROptions
    name = "har"
    first_row = _FIRST_ROW

    def least_training_rows(self) -> int:
        """A year of outcomes, or more of them where the longest step is long."""
        span = max(self.horizon, _MIN_RETURN_TARGET)
        return _FIRST_ROW + span + max(250, _MIN_SPANS * span)

    def fit_series(self, series: PriceSeries, rows: int) -> tuple[HARFit, bool]:
        """See `SeriesForecaster`."""
        knots = knots_up_to(self.horizon)
        history = History.of(series)
        bars = np.isfinite(_range_volatility(history)[1:rows])
        uses_ranges = bool(len(bars) and bars.mean() >= _MIN_RANGE_SHARE)
        fitted = _fit_steps(history, uses_ranges, rows, knots)
        last = fitted[-1] if fitted else _FALLBACK
        missing = len(knots) - len(fitted)
        return HARFit(uses_ranges, (*fitted, *[last] * missing)), missing > 0

    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> HARFit:
        """See `SeriesForecaster`."""
        return HARFit.from_array(array, name in learned["ranges"])

    def learned_facts(self, parameters: Mapping[str, HARFit], seed: int) -> Mapping[str, Any]:
        """See `SeriesForecaster`."""
        ranges = [name for name, fit in parameters.items() if fit.uses_ranges]
        return {"ranges": ranges, "returns": sorted(set(parameters) - set(ranges))}

    def forecast_series(self, parameters: HARFit, series: PriceSeries, rows: IntArray, seed: int) -> Forecasts:
        """See `SeriesForecaster`."""
        daily = _daily_volatility(History.of(series), parameters.uses_ranges)
        averages = [log[rows] for log in _log_averages(daily, parameters.uses_ranges)]
        volatilities = [regression.volatility(averages) for regression in parameters.regressions]
        scaled = [
            (volatility / volatilities[0])[:, None] * student_quantiles(regression.scale, regression.freedom)
            for volatility, regression in zip(volatilities, parameters.regressions, strict=True)
        ]
        knots = knots_up_to(self.horizon)
        return Forecasts(self.name, rows, volatilities[0], knots, SCORING_LEVELS, np.stack(scaled, axis=1))


def _range_volatility(history: History) -> FloatArray:
    """(T,) volatility of each day from its range and the gap before it; NaN where it has no usable bar."""
    variance = parkinson_variance(history)
    usable = np.isfinite(variance)
    gap = history.log_return[usable] - np.log(history.close[usable] / history.open[usable])
    variance[usable] += gap**2
    return np.sqrt(variance)


def _daily_volatility(history: History, uses_ranges: bool) -> FloatArray:
    """(T,) volatility of each day: from its range where `uses_ranges`, else from its return; positive."""
    result = np.abs(history.log_return) * VOLATILITY_PER_ABSOLUTE_RETURN
    if uses_ranges:
        day = _range_volatility(history)
        result = np.where(np.isfinite(day), day, np.maximum(result, _MIN_STILL_VOLATILITY * history.volatility))
    return np.asarray(np.maximum(result, history.floor))


def _log_averages(daily: FloatArray, uses_ranges: bool) -> list[FloatArray]:
    """Logs (T,) of the averages of `daily` (T,), from row 1 on, over three numbers of last days."""
    days = _RANGE_DAYS if uses_ranges else _RETURN_DAYS
    logs = [np.zeros(len(daily)) for _ in days]
    for log, count in zip(logs, days, strict=True):
        log[1:] = np.log(trailing_mean(daily, count)[1:])
    return logs


def _fit_steps(history: History, uses_ranges: bool, rows: int, knots: Sequence[int]) -> list[StepRegression]:
    """Regressions of `knots`, learned from the first `rows` rows; the knots from the first failure on are missing."""
    daily = _daily_volatility(history, uses_ranges)[:rows]
    averages = _log_averages(daily, uses_ranges)
    log_price = history.log_price[:rows]
    fitted: list[StepRegression] = []
    for step in knots:
        span = step if uses_ranges else max(step, _MIN_RETURN_TARGET)
        if rows - span - _FIRST_ROW < max(MIN_VALUES, _MIN_SPANS * span):
            break
        inputs = [average[_FIRST_ROW : rows - span] for average in averages]
        target = np.log(trailing_mean(daily, span)[_FIRST_ROW + span :])
        if not np.ptp(target):
            break
        weights = np.linalg.lstsq(np.column_stack([np.ones(len(target)), *inputs]), target, rcond=None)[0]
        intercept, short, middle, long = weights.tolist()
        lowest = float(target.min() - _MARGIN)
        highest = float(target.max() + _MARGIN)
        regression = StepRegression(intercept, short, middle, long, lowest, highest, _FALLBACK.scale, _FALLBACK.freedom)
        volatility = regression.volatility([average[_FIRST_ROW : rows - step] for average in averages])
        returns = returns_over(log_price[_FIRST_ROW:], step) / np.sqrt(step)
        student = fit_student(returns / volatility)
        if student is None:
            break
        scale, freedom = student
        fitted.append(regression._replace(scale=scale, freedom=freedom))
    return fitted
