"""`predict`: the coming days, with odds, from the newest fitting run."""

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.config import load_config
from forecaster.data.calendars import calendar_name, future_dates
from forecaster.data.instruments import Instrument
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import RunNotFoundError, UsageError
from forecaster.experiments.run_selection import Served, Wanted, serve, tell
from forecaster.forecast import Forecast
from forecaster.models import CALIBRATED_MODELS
from forecaster.pipeline import forecast_next

__all__ = ["PredictRequest", "Prediction", "Units", "predict", "predict_served"]

Units = Literal["price", "return", "pips"]


@dataclasses.dataclass(frozen=True)
class PredictRequest:
    """What is asked of `predict`.

    Args:
        choice: The instruments.
        horizon: Days ahead; that of the run when None.
        as_of: Last row that the forecast may see; the newest when None.
        interval: Span of a row; that of the run when None.
        run_id: A run; the newest fitting one when None.
        train_if_missing: Whether to train where no run fits.
        config: File or shipped name of the configuration for that training.
        calibrate: Whether the intervals follow how often those of the days before have held.
    """

    choice: Selection
    horizon: int | None = None
    as_of: datetime.date | None = None
    interval: str | None = None
    run_id: str | None = None
    train_if_missing: bool = False
    config: Path | None = None
    calibrate: bool = True


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A forecast and what it rests on.

    Args:
        instrument: As the user turned it.
        forecast: The coming days.
        run_id: Of the run that made it.
        model: Its registry key.
        source: Where the prices come from.
        data_sha256: Hash of the rows that were read.
        calendar: By which the days are dated.
        in_sample: Whether the run has seen rows after the cutoff.
        calibrated: Whether the intervals are calibrated; never at a cutoff that the weights have seen.
        refit: Whether the weights were fitted once more after the test that `skill` tells of.
        median_moves: Whether the median may differ from the last price: because evidence supports a location, or
            because the distribution is skewed and its mean, as of a stock, is the last price.
        skill: CRPS on the test rows over that of each baseline; None where the run did not score the instrument.
        interval: Span of a step.
    """

    instrument: Instrument
    forecast: Forecast
    run_id: str
    model: str
    source: str
    data_sha256: str
    calendar: str
    in_sample: bool
    calibrated: bool
    refit: bool
    median_moves: bool
    skill: Sequence[dict[str, Any]] | None
    interval: str = "1d"

    def to_json(self, intervals: Sequence[float] = (), units: Units = "price") -> dict[str, Any]:
        """The document ``forecast/1``.

        Args:
            intervals: Shares of central intervals whose bounds are to stand among the quantiles.
            units: Of mean, median and quantiles.
        """
        forecast = self.forecast
        bounds = {round(edge, 12) for share in intervals for edge in ((1 - share) / 2, (1 + share) / 2)}
        wanted = sorted({format(level, "g"): level for level in (*bounds, *forecast.quantile_levels)}.values())
        prices, up = self._in_units(forecast.prices(wanted), units), forecast.probability_up
        mean, median = self._in_units(forecast.mean, units), self._in_units(forecast.median, units)
        return {
            "schema": "forecast/1",
            "instrument": self.instrument.name,
            "run_id": self.run_id,
            "model": self.model,
            "source": self.source,
            "data_sha256": self.data_sha256,
            "in_sample": self.in_sample,
            "calibrated": self.calibrated,
            "refit": self.refit,
            "cutoff": str(forecast.cutoff),
            "last_price": forecast.last_price,
            "units": units,
            "horizon": forecast.horizon,
            "interval": self.interval,
            "calendar": self.calendar,
            "median_is_last_price": not self.median_moves,
            "quantile_levels": wanted,
            "steps": [
                {
                    "step": k + 1,
                    "date": str(forecast.dates[k]),
                    "mean": mean[k],
                    "median": median[k],
                    "probability_up": up[k],
                    "fed_back": k >= forecast.own_steps,
                    "quantiles": {format(level, "g"): prices[k, q] for q, level in enumerate(wanted)},
                }
                for k in range(forecast.horizon)
            ],
            "skill": self.skill,
        }

    def _in_units(self, prices: FloatArray, units: Units) -> FloatArray:
        last = self.forecast.last_price
        if units == "pips":
            pip = self.instrument.pip_size
            if pip is None:
                raise UsageError(f"{self.instrument.name} is no currency pair and has no pips; use --units return")
            return (prices - last) / pip
        return prices / last - 1 if units == "return" else prices


def predict(request: PredictRequest, environment: Environment) -> list[Prediction]:
    """Forecast every named instrument.

    Raises:
        RunNotFoundError: No run fits and none may be trained.
        UsageError: The horizon is longer than the run's.
    """
    as_of = request.as_of
    served = [one.until(as_of) for one in _serve(request, environment)]
    tell(served, environment)
    if as_of is not None and any(np.datetime64(as_of) > one.newest for one in served):
        environment.note(f"warning: there is no row as late as {as_of}; the forecast starts from the newest")
    return [predict_served(one, request.horizon, request.calibrate) for one in served]


def _serve(request: PredictRequest, environment: Environment) -> list[Served]:
    wanted = Wanted(request.run_id, request.horizon, request.interval)
    try:
        return serve(request.choice, wanted, environment)
    except RunNotFoundError as error:
        if request.run_id is not None:
            raise
        if not request.train_if_missing:
            raise RunNotFoundError(f"{error.messages[0]} (or add --train-if-missing)") from None
        from forecaster.workflows.train import train

        environment.note(f"{error.messages[0].split(';')[0]}; training one")
        asked = {"horizon": request.horizon, "data.interval": request.interval}
        flags = {key: value for key, value in asked.items() if value is not None}
        train(load_config(request.config, flags=flags), request.choice, environment)
        return serve(request.choice, wanted, environment)


def predict_served(served: Served, horizon: int | None, calibrate: bool) -> Prediction:
    """The coming days after the last row of the history.

    Raises:
        UsageError: The run cannot look `horizon` days ahead.
    """
    run, series, state = served.run, served.series, served.run.manifest["state"]
    longest = run.config.horizon
    if horizon is not None and horizon > longest:
        raise UsageError(
            f"run {run.id} looks {longest} days ahead; got --horizon {horizon}; "
            "leave --run out, or train one that looks further with forecast train --horizon"
        )
    dates = future_dates(series, horizon or longest)
    unseen_from = run.unseen_from if calibrate else None
    forecast = forecast_next(run.fitted, series, dates, unseen_from)
    if served.instrument.sign < 0:
        forecast = forecast.mirrored(served.instrument.name)
    return Prediction(
        instrument=served.instrument,
        forecast=forecast,
        run_id=run.id,
        model=run.manifest["model"],
        source=series.source,
        data_sha256=series.sha256,
        interval=series.interval,
        calendar=calendar_name(series),
        in_sample=served.in_sample,
        calibrated=calibrate and run.fitted.name in CALIBRATED_MODELS and bool(forecast.cutoff >= run.unseen_from),
        refit=run.manifest["refit"],
        median_moves=bool(state.get("location_steps", True) or state.get("mean_is_last_price")),
        skill=_skill(run.manifest["scores"], series.instrument.name),
    )


def _skill(scores: Sequence[dict[str, Any]], instrument: str) -> list[dict[str, Any]] | None:
    """CRPS ratios on the test rows, step by step and baseline by baseline."""
    rows = [
        {"step": one["step"], "reference": name, "crps_ratio": ratio, "n": one["n"], "window": one["window"]}
        for one in scores
        if one["instrument"] == instrument and one["part"] == "test"
        for name, ratio in one["crps_ratio"].items()
    ]
    return rows or None
