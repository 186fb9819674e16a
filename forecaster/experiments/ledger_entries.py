"""Forecasts as entries of the ledger: their quantiles, and beside them those of baselines fitted on the same rows."""

import math
from typing import Any

import numpy as np

import forecaster
from forecaster.arrays import FloatArray
from forecaster.config import Config, DataConfig
from forecaster.data.series import Panel, PriceSeries
from forecaster.datasets.selection import Selection
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation import scored_steps
from forecaster.evaluation.splits import whole_history
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.run_selection import SelectedRun
from forecaster.pipeline import default_forecaster, fit, forecasts
from forecaster.pipeline_evaluation import scoring_quantiles

__all__ = ["LEDGER_BASELINES", "ledger_entry"]

LEDGER_BASELINES = ("garch", "har", "ewma", "random_walk")
"""Baselines that are logged beside a forecast, each fitted on the rows that the forecast has seen."""

DIGITS = 8  # of the largest quantile; a median return of a basis point has still six

_DATA_KEYS = ("start", "calendar", "differences", "splits", "drop", "keep", "options")
"""Keys of the section ``data`` that decide the rows of a history."""


def ledger_entry(prediction: Prediction, selected: SelectedRun, choice: Selection) -> dict[str, Any]:
    """The entry of a forecast, without number and issue time.

    Args:
        prediction: The forecast.
        selected: Its run and history.
        choice: Source of the history and its use.
    """
    forecast, run = prediction.forecast, selected.run
    steps = scored_steps(min(forecast.horizon, run.config.horizon))
    baselines = _baselines(selected.series, run.config, steps, prediction.instrument.sign)
    scale = _scale([forecast.values, *baselines.values()])
    return {
        "version": forecaster.__version__,
        "instrument": prediction.instrument.name,
        "kind": prediction.instrument.kind,
        "source": prediction.source,
        "frequency": prediction.frequency,
        "data": _data_facts(choice.corrected(run.config.data), {**run.config.data.options, **choice.options}),
        "data_sha256": prediction.data_sha256,
        "run_id": prediction.run_id,
        "model": prediction.model,
        "configuration": prediction.configuration,
        "calibration": prediction.calibration,
        "cutoff": forecast.cutoff,
        "last_price": forecast.last_price,
        "unit": "change" if forecast.changes else "log_return",
        "levels": list(forecast.quantile_levels),
        "dates": forecast.dates,
        "scale": scale,
        "quantiles": _integers(forecast.values, scale),
        "unchanged": None if forecast.unchanged is None else forecast.unchanged.round(DIGITS),
        "baseline_steps": steps,
        "baselines": {name: _integers(values, scale) for name, values in baselines.items()},
    }


def _data_facts(data: DataConfig, options: dict[str, Any]) -> dict[str, Any]:
    """Keys of the section ``data`` that decide the rows, where they are not the default."""
    document = {**data.model_dump(mode="json"), "options": options}
    defaults = DataConfig().model_dump(mode="json")
    return {key: document[key] for key in _DATA_KEYS if document[key] != defaults[key]}


def _baselines(series: PriceSeries, config: Config, steps: list[int], sign: int) -> dict[str, FloatArray]:
    """Baseline -> (S, 9) quantiles of the return at the scoring levels, in the user's orientation."""
    panel = Panel((series,))
    last = np.array([len(series) - 1])
    split = whole_history([series.dates[-1]])
    result: dict[str, FloatArray] = {}
    for name in LEDGER_BASELINES:
        model = default_forecaster(name, config, panel, split.validation_start)
        try:
            distributions = forecasts(fit(model, panel, split, config), series, last, max(steps))
        except NotEnoughDataError:  # the network needs fewer rows
            continue
        values = np.stack([scoring_quantiles(distributions, step)[0] for step in steps])
        result[name] = values if sign > 0 else 0.0 - values[:, ::-1]
    return result


def _scale(tables: list[FloatArray]) -> float:
    """Power of ten of which the largest of all numbers is `DIGITS` digits long."""
    largest = max(float(np.abs(values).max()) for values in tables)
    return float(f"1e{math.floor(math.log10(largest)) + 1 - DIGITS}") if largest > 0 else 1.0


def _integers(values: FloatArray, scale: float) -> list[list[int]]:
    """Multiples of the scale: a ledger of integers is read several times faster, and is a quarter smaller."""
    rows: list[list[int]] = np.rint(values / scale).astype(np.int64).tolist()
    return rows
