"""Forecasts as entries of the ledger: their quantiles, and beside them those of baselines fitted on the same rows."""

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

DIGITS = 6  # significant ones of a quantile of the return: a ten-thousandth of a basis point

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
        "quantiles": _rounded(forecast.values),
        "unchanged": None if forecast.unchanged is None else _rounded(forecast.unchanged[None])[0],
        "baseline_steps": steps,
        "baselines": _baselines(selected.series, run.config, steps, prediction.instrument.sign),
    }


def _data_facts(data: DataConfig, options: dict[str, Any]) -> dict[str, Any]:
    """Keys of the section ``data`` that decide the rows, where they are not the default."""
    document = {**data.model_dump(mode="json"), "options": options}
    defaults = DataConfig().model_dump(mode="json")
    return {key: document[key] for key in _DATA_KEYS if document[key] != defaults[key]}


def _baselines(series: PriceSeries, config: Config, steps: list[int], sign: int) -> dict[str, Any]:
    """Baseline -> (S, 9) quantiles of the return at the scoring levels, in the user's orientation."""
    panel = Panel((series,))
    last = np.array([len(series) - 1])
    split = whole_history([series.dates[-1]])
    result: dict[str, Any] = {}
    for name in LEDGER_BASELINES:
        model = default_forecaster(name, config, panel, split.validation_start)
        try:
            distributions = forecasts(fit(model, panel, split, config), series, last, max(steps))
        except NotEnoughDataError:  # the network needs fewer rows
            continue
        values = np.stack([scoring_quantiles(distributions, step)[0] for step in steps])
        result[name] = _rounded(values if sign > 0 else 0.0 - values[:, ::-1])
    return result


def _rounded(values: FloatArray) -> list[list[float]]:
    return [[float(f"{value:.{DIGITS}g}") for value in row] for row in values.tolist()]
