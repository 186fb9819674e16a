"""Scores of every registered metric: running over any number of forecasts, and of one series for a training."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.series import PriceSeries
from forecaster.evaluation.metrics import mae, mape, rmse
from forecaster.evaluation.reductions import Value
from forecaster.evaluation.registry import METRICS, Sample
from forecaster.evaluation.splits import Part
from forecaster.features.outcomes import prices_after
from forecaster.forecast import Forecasts
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["MemberScores", "PriceErrors", "ReturnErrors", "Score", "Scorer", "score"]

_CHUNK = 4096  # rows that are scored at once: their temporaries stay within a processor's cache


class Scorer:
    """Running scores of one model for one series at one step, fed in order of time."""

    def __init__(self) -> None:
        self.n = 0
        self._running = [(metric, metric.reduce()) for metric in METRICS.values()]

    def add(self, quantiles: FloatArray, outcomes: FloatArray) -> None:
        """Score the next forecasts.

        Args:
            quantiles: (N, 9) at `SCORING_LEVELS`, non-decreasing.
            outcomes: (N,) in the same units.

        Raises:
            ValueError: The shapes do not fit.
        """
        whole = Sample(quantiles, outcomes)
        for start in range(0, len(outcomes), _CHUNK):
            sample = Sample(whole.quantiles[start : start + _CHUNK], whole.outcomes[start : start + _CHUNK])
            for metric, reduction in self._running:
                reduction.add(metric.stat(sample))
        self.n += len(outcomes)

    def results(self) -> dict[str, Value]:
        """Metric -> value as JSON; what is a mean is None before the first forecast."""
        return {metric.name: metric.named(reduction.result()) for metric, reduction in self._running}


@dataclasses.dataclass(frozen=True)
class PriceErrors:
    """Errors of point forecasts in units of the price.

    Args:
        rmse: Root mean square error of the evaluated model's median.
        rmse_naive: Root mean square error of the last price ("tomorrow = today").
        mae: Mean absolute error of the evaluated model's median.
        mae_naive: Mean absolute error of the last price.
        mape: Mean absolute error of the evaluated model's median in percent of the price; None where a price is not
            positive.
        mape_naive: Mean absolute error of the last price in percent of the price.
    """

    rmse: float
    rmse_naive: float
    mae: float
    mae_naive: float
    mape: float | None = None
    mape_naive: float | None = None


@dataclasses.dataclass(frozen=True)
class ReturnErrors:
    """Errors of point forecasts in units of the log return, as the verdict and backtests judge them.

    Args:
        rmse_return: Root mean square error of the evaluated model's median.
        rmse_return_naive: Root mean square error of the last price ("tomorrow = today").
        mae_return: Mean absolute error of the evaluated model's median.
        mae_return_naive: Mean absolute error of the last price.
    """

    rmse_return: float
    rmse_return_naive: float
    mae_return: float
    mae_return_naive: float


@dataclasses.dataclass(frozen=True)
class Score:
    """Scores of a model and its baselines on one part of one series at one step, on the same cutoffs.

    Args:
        instrument: Name of the series.
        part: ``train``, ``validation`` or ``test``.
        step: Days ahead.
        n: Number of cutoffs.
        window: First and last cutoff.
        model: Registry key of the evaluated model.
        errors: Errors of the evaluated model in units of the price.
        return_errors: The same in units of the log return.
        metrics: Metric -> model -> value; baselines are there only for metrics of every model.
    """

    instrument: str
    part: Part
    step: int
    n: int
    window: tuple[np.datetime64, np.datetime64]
    model: str
    errors: PriceErrors
    return_errors: ReturnErrors
    metrics: Mapping[str, Mapping[str, Value]]

    @property
    def rmse_ratios(self) -> dict[str, float | None]:
        """RMSE over that of the last price, of prices and of returns; None where the price never moves."""
        pairs = {
            "rmse_ratio_prices": (self.errors.rmse, self.errors.rmse_naive),
            "rmse_ratio_returns": (self.return_errors.rmse_return, self.return_errors.rmse_return_naive),
        }
        return {name: error / naive if naive else None for name, (error, naive) in pairs.items()}

    @property
    def crps_ratio(self) -> dict[str, float]:
        """Baseline -> CRPS of the evaluated model over that of the baseline, where that is not 0."""
        losses = self.metrics["crps"]
        return {name: losses[self.model] / loss for name, loss in losses.items() if name != self.model and loss}


@dataclasses.dataclass(frozen=True)
class MemberScores:
    """CRPS of an ensemble and of each of its members one step ahead, on the same test rows.

    Args:
        instrument: Name of the series.
        n: Number of cutoffs.
        crps: CRPS of the ensemble.
        crps_of_members: CRPS of each member.
        kinds: Registry key of each member.
    """

    instrument: str
    n: int
    crps: float
    crps_of_members: tuple[float, ...]
    kinds: tuple[str, ...]


def score(series: PriceSeries, part: Part, step: int, forecasts: Mapping[str, Forecasts]) -> Score:
    """Score forecasts `step` days ahead.

    Args:
        series: History that was forecast.
        part: Part of the split that holds the cutoffs.
        step: Days ahead.
        forecasts: Model -> forecasts, all at the same rows; the first is the evaluated model.
    """
    evaluated_model = next(iter(forecasts))
    rows = forecasts[evaluated_model].rows
    unit = series.current_unit[rows]
    price = series.close[rows]
    outcome = prices_after(series, rows, step)
    log_return = outcome - price if series.differences else np.log(outcome / price)
    samples = {
        name: Sample(
            distributions.log_returns([step])[:, 0] @ level_weights(distributions.quantile_levels, SCORING_LEVELS),
            log_return,
        )
        for name, distributions in forecasts.items()
    }
    median = forecasts[evaluated_model].median(step)
    error = unit * (series.moved(rows, median) - outcome)
    naive_error = unit * (price - outcome)
    return Score(
        instrument=series.instrument.name,
        part=part,
        step=step,
        n=len(rows),
        window=(series.dates[rows[0]], series.dates[rows[-1]]),
        model=evaluated_model,
        errors=PriceErrors(
            *(rmse(error), rmse(naive_error), mae(error), mae(naive_error)),
            *(mape(error, unit * outcome), mape(naive_error, unit * outcome)),
        ),
        return_errors=ReturnErrors(
            rmse(median - log_return), rmse(log_return), mae(median - log_return), mae(log_return)
        ),
        metrics={
            metric.name: {
                name: metric.of(sample)
                for name, sample in samples.items()
                if metric.training == "every_model" or name == evaluated_model
            }
            for metric in METRICS.values()
            if metric.training is not None
        },
    )
