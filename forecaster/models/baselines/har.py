"""Log-HAR: volatility from its own averages over a day, a week and a month (Corsi 2009, J. Fin. Econometrics 7)."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.history import History
from forecaster.features.outcomes import returns_over
from forecaster.features.ranges import parkinson_variance
from forecaster.features.volatility import VOLATILITY_PER_ABSOLUTE_RETURN, trailing_mean
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, ModelOptions, check_rows
from forecaster.models.baselines.base import FittedEach, knots_up_to
from forecaster.models.traits import Traits
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.student import LEAST_VALUES, fit_student, student_quantiles

__all__ = ["HAR", "FittedHAR", "HAROptions"]


_RANGE_DAYS = (1, 5, 22)  # Corsi's day, week, month
_RETURN_DAYS = (5, 22, 66)  # one return says next to nothing about its day: no day, but a quarter
_LEAST_RETURN_TARGET = 10  # days over which absolute returns are averaged at least, to be predicted
_LEAST_SPANS = 5  # targets that do not overlap; with fewer the slopes are those of one or two episodes
_LEAST_SHARE = 0.5  # of days with a range, for ranges to be used
_FIRST_ROW = 66
_STILL = (
    0.5  # least volatility of a day without a range, in EWMA volatilities: a quotation that stood still says little
)
_MARGIN = 2.0  # how far the log of a predicted volatility may lie outside those of the training rows
# Intercept and slopes of the logs, their bounds, scale and degrees of freedom of the t.
_FALLBACK = (0.0, 0.2, 0.4, 0.4, -20.0, 5.0, 0.8, 6.0)


class HAROptions(ModelOptions):
    """Options of the baseline ``har``; it has none."""

    kind: Literal["har"] = "har"


class HAR:
    """Forecaster: for each series and each of a few steps h, least squares of the log volatility of the h coming days.

    The volatility of a day is the root of its Parkinson variance plus its squared overnight gap, where most training
    rows have open, high and low; else it is the absolute return, which `FittedHAR.report` records. Returns over h days,
    divided by the predicted volatility, follow a Student t fitted by maximum likelihood, step by step.

    Args:
        options: None.
        horizon: Longest step H.
    """

    Options = HAROptions
    traits: ClassVar[Traits] = Traits()

    def __init__(self, options: HAROptions, horizon: int) -> None:
        self.options, self.horizon = options, horizon

    def least_training_rows(self) -> int:
        """A year of outcomes, or more of them where the longest step is long."""
        span = max(self.horizon, _LEAST_RETURN_TARGET)
        return _FIRST_ROW + span + max(250, _LEAST_SPANS * span)

    def fit(self, request: FitRequest) -> "FittedHAR":
        """See `forecaster.models.base.Forecaster`."""
        knots = knots_up_to(self.horizon)
        fits, fallbacks, ranges = {}, [], []
        for number, series in enumerate(request.panel, start=1):
            name = series.instrument.name
            rows = request.training_rows[name]
            history = History.of(series)
            bars = np.isfinite(_range_volatility(history)[1:rows])
            uses_ranges = bool(len(bars) and bars.mean() >= _LEAST_SHARE)
            found = _fit(history, uses_ranges, rows, knots)
            fallbacks += [name] if len(found) < len(knots) else []
            ranges += [name] if uses_ranges else []
            found = found or [np.array(_FALLBACK)]
            fits[name] = np.array(found + [found[-1]] * (len(knots) - len(found)))
            request.progress("har", number, len(request.panel))
        return FittedHAR(fits, fallbacks, ranges, self.horizon)

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedHAR":
        """See `forecaster.models.base.Forecaster`."""
        return FittedHAR(arrays, report.fallbacks, report.learned["ranges"], self.horizon)


def _range_volatility(history: History) -> FloatArray:
    """(T,) volatility of each day from its range and the gap before it; NaN where it has no usable bar."""
    variance = parkinson_variance(history)
    usable = np.isfinite(variance)
    gap = history.log_return[usable] - np.log(history.close[usable] / history.open[usable])
    variance[usable] += gap**2
    return np.sqrt(variance)


def _daily_volatility(history: History, uses_ranges: bool) -> FloatArray:
    """(T,) what is averaged: the range of each day where `uses_ranges`, else its return; positive."""
    result = np.abs(history.log_return) * VOLATILITY_PER_ABSOLUTE_RETURN
    if uses_ranges:
        day = _range_volatility(history)
        result = np.where(np.isfinite(day), day, np.maximum(result, _STILL * history.volatility))
    return np.asarray(np.maximum(result, history.floor))


def _log_averages(daily: FloatArray, days: Sequence[int]) -> list[FloatArray]:
    """Logs (T,) of the averages of `daily` (T,), from row 1 on, over each number of last days."""
    logs = [np.zeros(len(daily)) for _ in days]
    for log, count in zip(logs, days, strict=True):
        log[1:] = np.log(trailing_mean(daily, count)[1:])
    return logs


def _predicted(fit: FloatArray, averages: Sequence[FloatArray]) -> FloatArray:
    """(N,) volatility of a coming day from `averages`, each (N,), by the parameters `fit` (8,)."""
    logs = np.full(len(averages[0]), fit[0])
    for slope, average in zip(fit[1:4], averages, strict=True):
        logs += slope * average  # number by number: the bits do not depend on how many rows are asked for
    return np.asarray(np.exp(np.clip(logs, fit[4], fit[5])))


def _fit(history: History, uses_ranges: bool, rows: int, knots: Sequence[int]) -> list[FloatArray]:
    """Parameters (8,) for each of `knots`, learned from the first `rows` rows; fewer where these are too few."""
    daily = _daily_volatility(history, uses_ranges)[:rows]
    averages = _log_averages(daily, _RANGE_DAYS if uses_ranges else _RETURN_DAYS)
    price = history.log_price[:rows]
    found: list[FloatArray] = []
    for step in knots:
        span = step if uses_ranges else max(step, _LEAST_RETURN_TARGET)
        inputs = [one[_FIRST_ROW : rows - span] for one in averages]
        if rows - span - _FIRST_ROW < max(LEAST_VALUES, _LEAST_SPANS * span):
            break
        target = np.log(trailing_mean(daily, span)[_FIRST_ROW + span :])
        if not np.ptp(target):
            break
        weights = np.linalg.lstsq(np.column_stack([np.ones(len(target)), *inputs]), target, rcond=None)[0]
        fit = np.array([*weights, target.min() - _MARGIN, target.max() + _MARGIN])
        volatility = _predicted(fit, [one[_FIRST_ROW : rows - step] for one in averages])
        moved = returns_over(price[_FIRST_ROW:], step) / np.sqrt(step)
        student = fit_student(moved / volatility)
        if student is None:
            break
        found.append(np.array([*fit, *student]))
    return found


class FittedHAR(FittedEach):
    """Regressions of each series.

    Args:
        fits: Name -> (K, 8) for each knot: intercept and slopes of the logs of the three averages, least and most
            log volatility, scale and degrees of freedom of the standardised return.
        fallbacks: Names of series too short or too still for some knot, which takes the parameters of the knot
            before it, or usual ones where there is none.
        ranges: Names of the series whose ranges are used; the others have too few, and returns stand in for them.
        horizon: Longest step H.
    """

    first_row = _FIRST_ROW

    def __init__(
        self, fits: Mapping[str, FloatArray], fallbacks: Sequence[str], ranges: Sequence[str], horizon: int
    ) -> None:
        super().__init__("har", fits, fallbacks, horizon)
        self.ranges = list(ranges)

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        fits = self.fit_of(series)
        uses_ranges = series.instrument.name in self.ranges
        daily = _daily_volatility(History.of(series), uses_ranges)
        averages = [one[rows] for one in _log_averages(daily, _RANGE_DAYS if uses_ranges else _RETURN_DAYS)]
        volatility = [_predicted(fit, averages) for fit in fits]
        shapes = [student_quantiles(*fit[6:].tolist()) for fit in fits]
        scaled = np.stack(
            [(one / volatility[0])[:, None] * shape for one, shape in zip(volatility, shapes, strict=True)], axis=1
        )
        return Forecasts(self.name, rows, volatility[0], knots_up_to(self.own_steps), SCORING_LEVELS, scaled)

    @property
    def report(self) -> FitReport:
        """See `forecaster.models.base.Fitted`; names the series that are forecast from ranges and from returns."""
        returns = sorted(set(self.fits) - set(self.ranges))
        return FitReport(learned={"ranges": self.ranges, "returns": returns}, fallbacks=self.fallbacks)
