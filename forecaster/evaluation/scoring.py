"""Scores of one series: the model beside the baselines, on the same rows, part by part and step by step."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.evaluation.metrics import coverage, crps, mae, rmse
from forecaster.evaluation.splits import Part
from forecaster.features.outcomes import prices_after
from forecaster.forecast import Forecasts
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["Score", "score"]

_COVERED = (0.8, 0.95)


@dataclasses.dataclass(frozen=True)
class Score:
    """How the model and the baselines did on one part of one series at one step, on the same cutoffs.

    Args:
        instrument: Name of the series.
        part: ``train``, ``validation`` or ``test``.
        step: Days ahead.
        n: Number of cutoffs.
        window: First and last cutoff.
        rmse: Of the model's median, in units of the price.
        rmse_naive: Of "tomorrow = today" (the last price), likewise.
        mae: Of the model's median.
        mae_naive: Of the last price.
        crps: Model -> mean CRPS of the log return.
        coverage: Level -> share of outcomes in the model's central interval.
    """

    instrument: str
    part: Part
    step: int
    n: int
    window: tuple[np.datetime64, np.datetime64]
    rmse: float
    rmse_naive: float
    mae: float
    mae_naive: float
    crps: Mapping[str, float]
    coverage: Mapping[str, float]

    def to_json(self, model: str) -> dict[str, Any]:
        """JSON values; `model` is the one whose CRPS is put over the others'."""
        ratios = {name: self.crps[model] / value for name, value in self.crps.items() if name != model and value}
        plain = dataclasses.asdict(self)
        return {**plain, "window": [str(day) for day in self.window], "crps_ratio": ratios}


def score(series: PriceSeries, part: Part, step: int, forecasts: Mapping[str, Forecasts]) -> Score:
    """Score forecasts `step` days ahead.

    Args:
        series: What was forecast.
        part: Where the cutoffs lie.
        step: Days ahead.
        forecasts: Model -> forecasts, all at the same rows; the first is the model that is judged.
    """
    judged = next(iter(forecasts))
    rows = forecasts[judged].rows
    price, outcome = series.close[rows], prices_after(series, rows, step)
    moved = np.log(outcome / price)
    quantiles = {name: one.log_returns([step])[:, 0] for name, one in forecasts.items()}
    levels = {name: one.quantile_levels for name, one in forecasts.items()}
    scored = {name: values @ level_weights(levels[name], SCORING_LEVELS) for name, values in quantiles.items()}
    error = price * np.exp(forecasts[judged].median(step)) - outcome
    edges = {
        format(level, "g"): scored[judged] @ level_weights(SCORING_LEVELS, [(1 - level) / 2, (1 + level) / 2])
        for level in _COVERED
    }
    return Score(
        instrument=series.instrument.name,
        part=part,
        step=step,
        n=len(rows),
        window=(series.dates[rows[0]], series.dates[rows[-1]]),
        rmse=rmse(error),
        rmse_naive=rmse(price - outcome),
        mae=mae(error),
        mae_naive=mae(price - outcome),
        crps={name: float(crps(values, SCORING_LEVELS, moved).mean()) for name, values in scored.items()},
        coverage={level: coverage(edge[:, 0], edge[:, 1], moved) for level, edge in edges.items()},
    )
