"""JSON document of a forecast."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from forecaster.arrays import FloatArray
from forecaster.errors import UsageError
from forecaster.experiments.predictions import CoverageRecord, Prediction
from forecaster.forecast import Forecast, PriceTargets

__all__ = ["Units", "forecast_document", "path_rows"]


Units = Literal["price", "return", "pips"]


def forecast_document(
    prediction: Prediction,
    intervals: Sequence[float] = (),
    units: Units = "price",
    targets: PriceTargets | None = None,
) -> dict[str, Any]:
    """The document ``forecast/1`` of a forecast.

    Args:
        prediction: The forecast.
        intervals: Probabilities of central intervals whose bounds are added to the quantiles.
        units: Units of mean, median and quantiles.
        targets: Prices whose probabilities are added.

    Raises:
        UsageError: Pips are wanted of an instrument that has none.
    """
    forecast = prediction.forecast
    bounds = {round(edge, 12) for share in intervals for edge in ((1 - share) / 2, (1 + share) / 2)}
    levels = sorted({format(level, "g"): level for level in (*bounds, *forecast.quantile_levels)}.values())
    prices = _in_units(prediction, forecast.prices(levels), units)
    columns = _columns(prediction, units)
    odds = (targets or PriceTargets()).probabilities(forecast)
    return {
        "schema": "forecast/1",
        "instrument": prediction.instrument.name,
        **{key: getattr(prediction, key) for key in ("run_id", "model", "source", "data_sha256")},
        **{key: getattr(prediction, key) for key in ("in_sample", "calibrated", "refit")},
        "cutoff": str(forecast.cutoff),
        "last_price": forecast.last_price,
        "differences": forecast.changes,
        "units": units,
        "horizon": forecast.horizon,
        "interval": prediction.frequency,
        "calendar": prediction.calendar,
        "median_is_last_price": not prediction.median_moves,
        "drift": prediction.drift,
        "quantile_levels": levels,
        "steps": [
            {
                "step": k + 1,
                "date": str(forecast.dates[k]),
                **{name: values[k] for name, values in columns.items()},
                "fed_back": k >= forecast.own_steps and not _is_scaled(forecast, k),
                "scaled": _is_scaled(forecast, k),
                **_day_facts(prediction, k),
                "quantiles": {format(level, "g"): prices[k, q] for q, level in enumerate(levels)},
                "odds": {name: values[k] for name, values in odds.items()},
            }
            for k in range(forecast.horizon)
        ],
        "skill": None if prediction.skill is None else [dataclasses.asdict(skill) for skill in prediction.skill],
        "coverage": None if prediction.coverage is None else _coverage_document(prediction.coverage),
        **{key: getattr(prediction, key) for key in ("configuration", "calibration", "age_days", "past_steps")},
    }


def path_rows(prediction: Prediction, units: Units = "price") -> list[dict[str, Any]]:
    """A row for each sampled path and step: ``instrument``, ``path``, ``step``, ``date``, and the value in `units`.

    Raises:
        UsageError: Pips are wanted of an instrument that has none.
    """
    forecast = prediction.forecast
    if prediction.paths is None:
        return []
    values = _in_units(prediction, prediction.paths, units).tolist()
    return [
        {
            "instrument": prediction.instrument.name,
            "path": path + 1,
            "step": step + 1,
            "date": str(forecast.dates[step]),
            units: value,
        }
        for path, steps in enumerate(values)
        for step, value in enumerate(steps)
    ]


def _day_facts(prediction: Prediction, index: int) -> dict[str, Any]:
    """Facts that the run knows about a day, of a forecast with or without such knowledge."""
    day = prediction.days[index] if prediction.days else None
    return {"events": [] if day is None else list(day.names), "day_size": None if day is None else day.size}


def _columns(prediction: Prediction, units: Units) -> dict[str, FloatArray]:
    """Key of a step -> (H,) values."""
    forecast = prediction.forecast
    return {
        "mean": _in_units(prediction, forecast.mean, units),
        "median": _in_units(prediction, forecast.median, units),
        "probability_up": forecast.probability_up,
        "probability_unchanged": forecast.probability_unchanged,
        "probability_down": forecast.probability_down,
    }


def _is_scaled(forecast: Forecast, index: int) -> bool:
    return forecast.scaled_from is not None and index + 1 >= forecast.scaled_from


def _coverage_document(record: CoverageRecord) -> dict[str, Any]:
    """Coverage of earlier forecasts, by step."""
    keys = ("step", "n", "coverage", "outcome")
    steps = [{key: value for key, value in step.to_json().items() if key in keys} for step in record.steps]
    return {"since": str(record.since), "steps": steps}


def _in_units(prediction: Prediction, prices: FloatArray, units: Units) -> FloatArray:
    last = prediction.forecast.last_price
    if units == "return" and prediction.forecast.changes:
        raise UsageError(
            f"{prediction.instrument.name} is modelled by changes of the price, which has no returns; use --units price"
        )
    if units == "pips":
        pip = prediction.instrument.pip_size
        if pip is None:
            raise UsageError(f"{prediction.instrument.name} is not a currency pair and has no pips; use --units return")
        return (prices - last) / pip
    return prices / last - 1 if units == "return" else prices
