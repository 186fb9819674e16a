"""Forecasts of a backtest as rows, one for each instrument, model, cutoff and step, with the outcome if it is known."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.experiments.backtest_scores import BacktestResult, model_forecasts
from forecaster.frames import Row, Tabular
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["BacktestForecasts"]


@dataclasses.dataclass(frozen=True)
class BacktestForecasts(Tabular):
    """Forecasts that the scores of a backtest were computed from, in units of the price.

    The prices are those that the model has learned: with dividends and splits reinvested, where the source has them.

    Args:
        result: The backtest.
    """

    result: BacktestResult

    @property
    def title(self) -> str:
        """Name of the backtest."""
        return self.result.id

    def table_rows(self) -> list[Row]:
        """One for each instrument, model, cutoff and step.

        The columns are ``instrument``, ``model``, ``frequency``, ``cutoff``, ``step``, ``date`` and ``price`` of the
        outcome (None where it is not known yet), ``last_price``, ``calibrated``, and quantiles ``q0.025`` and so on.
        """
        plan = self.result.plan
        pairs = itertools.product(plan.named, plan.forecasters)
        return [row for name, model in pairs for row in _rows_of(self.result, plan.panel[name], model)]


def _rows_of(result: BacktestResult, series: PriceSeries, model: str) -> Iterator[Row]:
    plan = result.plan
    rows, quantiles = model_forecasts(plan, result.records, model, series, result.calibrated)
    log_price = series.log_price
    values = log_price[rows, None, None] + quantiles
    prices = values if series.differences else np.exp(values)
    about: dict[str, Any] = {
        "instrument": series.instrument.name,
        "model": model,
        "frequency": plan.config.data.frequency,
        "calibrated": result.calibrated and plan.forecasters[model].traits.calibrated,
    }
    names = [f"q{level:g}" for level in SCORING_LEVELS]
    for position, row in enumerate(rows.tolist()):
        for index, step in enumerate(plan.steps):
            yield {
                **about,
                "cutoff": str(series.dates[row]),
                "last_price": _price(series, row),
                "step": step,
                **_outcome(series, row + step),
                **dict(zip(names, prices[position, index].tolist(), strict=True)),
            }


def _price(series: PriceSeries, row: int) -> float:
    return float(series.total_return_price[row])


def _outcome(series: PriceSeries, row: int) -> dict[str, Any]:
    """Date and price of an outcome; both None where it is not known yet."""
    is_known = row < len(series)
    return {"date": str(series.dates[row]) if is_known else None, "price": _price(series, row) if is_known else None}
