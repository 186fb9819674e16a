"""Content of the picture of a forecast, as plain arrays."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray
from forecaster.forecast import Forecast

__all__ = ["ForecastPicture", "Predictions", "Window"]

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
        rmse: ``"train"``, ``"validation"``, ``"test"`` -> root mean squared error of the model and of
            "tomorrow = today", in `unit`.
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
    rmse: Mapping[str, tuple[float, float]]
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

    def coverage(self) -> dict[str, float]:
        """Share of the predicted days of each span on which the price was inside the 80 % band."""
        shares = {}
        for name, span in self.spans().items():
            _, rows, days = np.intersect1d(self.dates, span.dates, return_indices=True)
            price, lower, upper = self.prices[rows], span.lower[days], span.upper[days]
            predicted = np.isfinite(lower) & np.isfinite(upper)
            if predicted.any():
                shares[name] = float(np.mean(((lower <= price) & (price <= upper))[predicted]))
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
