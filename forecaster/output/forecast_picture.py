"""Content of the picture of a forecast, as plain arrays."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray
from forecaster.forecast import Forecast

__all__ = ["ForecastPicture", "PartScore", "Predictions", "ScoreSummary", "Window"]

Window = tuple[np.datetime64, np.datetime64]


@dataclasses.dataclass(frozen=True)
class Predictions:
    """One-step-ahead predictions, each dated by the day that it is for and made on the day before.

    Args:
        dates: (N,) datetime64[D], increasing.
        lower: (N,) lower ends of the 80 % band, as prices; NaN where there is no prediction.
        median: (N,) medians.
        upper: (N,) upper ends of the 80 % band.
    """

    dates: DateArray
    lower: FloatArray
    median: FloatArray
    upper: FloatArray

    def take(self, rows: BoolArray) -> "Predictions":
        """The predictions at the rows (N,) that are True."""
        return Predictions(self.dates[rows], self.lower[rows], self.median[rows], self.upper[rows])


@dataclasses.dataclass(frozen=True)
class PartScore:
    """Scores of the forecasts one step ahead of one part of the history, as a training records them.

    Args:
        rmse: Root mean squared error of the median, of the log return, or of the change of the price where changes are
            modelled.
        rmse_today: The same of "tomorrow = today".
        coverage: Share of outcomes inside the 80 % band.
        n: Number of cutoffs.
    """

    rmse: float
    rmse_today: float
    coverage: float
    n: int


@dataclasses.dataclass(frozen=True)
class ScoreSummary:
    """Scores of the parts, their origin, and the verdict.

    Args:
        scores: ``"train"``, ``"validation"``, ``"test"`` -> scores; a part without scores is left out.
        origin: Origin of the scores, such as ``scores of the run``.
        verdict: The verdict that the run recorded on this instrument, a sentence for each kind; empty where there is
            none.
    """

    scores: Mapping[str, PartScore]
    origin: str
    verdict: Sequence[str]


@dataclasses.dataclass(frozen=True)
class ForecastPicture:
    """Content of the picture of a forecast.

    Args:
        instrument: Name such as ``"USDJPY"``.
        unit: Unit of the prices, such as ``"JPY per USD"``.
        dates: (T,) datetime64[D], increasing.
        prices: (T,) actual prices.
        predictions: One-step-ahead predictions.
        train_end: Last day that the weights were fitted to.
        test_start: First day of the test; the days in between are validation.
        forecast: The coming days, or None.
        summary: Scores and verdict.
        note: Small print: source, rows, last date, hash.
        run_id: The run that made the predictions.
        model: Registry key of the model.
        span: Length of a row: day, week or month.
    """

    instrument: str
    unit: str
    dates: DateArray
    prices: FloatArray
    predictions: Predictions
    train_end: np.datetime64
    test_start: np.datetime64
    forecast: Forecast | None
    summary: ScoreSummary
    note: str
    run_id: str
    model: str = "lstm"
    span: str = "day"

    @property
    def in_percent(self) -> bool:
        """True if moves are shown relative to the price; prices at or below zero allow only differences."""
        return bool(np.min(self.prices) > 0)

    def cut(self, window: Window) -> "ForecastPicture":
        """The part from the first to the last day of `window`; the coming days stay if their cutoff does."""
        start, end = window
        rows = (self.dates >= start) & (self.dates <= end)
        predicted = (self.predictions.dates >= start) & (self.predictions.dates <= end)
        keeps_forecast = self.forecast is not None and start <= self.forecast.cutoff <= end
        return dataclasses.replace(
            self,
            dates=self.dates[rows],
            prices=self.prices[rows],
            predictions=self.predictions.take(predicted),
            forecast=self.forecast if keeps_forecast else None,
        )

    def spans(self) -> dict[str, Predictions]:
        """The predictions of the train, validation and test days; spans without any are left out."""
        dates = self.predictions.dates
        predicted = np.isfinite(self.predictions.median)
        test = dates >= self.test_start
        train = (dates <= self.train_end) & ~test
        masks = {"train": train, "validation": ~train & ~test, "test": test}
        return {name: self.predictions.take(mask) for name, mask in masks.items() if predicted[mask].any()}

    def lag(self) -> dict[str, float]:
        """Share of the days of each span whose prediction is nearer to the price of the day before than to its own.

        It is 1 where a model repeats the last price. Days without a move are not counted.
        """
        shares = {}
        for name, span in self.spans().items():
            _, rows, days = np.intersect1d(self.dates[1:], span.dates, return_indices=True)
            before = self.prices[rows]
            own = self.prices[rows + 1]
            median = span.median[days]
            counted = np.isfinite(median) & (before != own)
            if counted.any():
                shares[name] = float(np.mean((np.abs(median - before) < np.abs(median - own))[counted]))
        return shares

    def moves(self) -> tuple[DateArray, FloatArray]:
        """Dates (T - 1,) and sizes of the moves since the day before: in percent, or in `unit`."""
        sizes = np.abs(np.diff(self.prices))
        return self.dates[1:], 100 * sizes / self.prices[:-1] if self.in_percent else sizes

    def half_widths(self, span: Predictions) -> FloatArray:
        """(N,) halves of the 80 % bands of `span`, in the same unit as the moves; NaN where that has no meaning."""
        with np.errstate(invalid="ignore", divide="ignore"):
            half = (span.upper - span.lower) / 2
            return np.where(span.median > 0, 100 * half / span.median, np.nan) if self.in_percent else half
