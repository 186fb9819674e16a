"""`predict`: probabilities of the coming days, from the best run that fits."""

from pathlib import Path
from typing import Unpack

import numpy as np

from forecaster.arrays import DateArray
from forecaster.config import Config
from forecaster.data.calendars import calendar_name, future_dates
from forecaster.datasets.keywords import Day, InstrumentKeywords, config_of, day_of, selection_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import RunNotFoundError, UsageError
from forecaster.experiments.results import Prediction, Predictions
from forecaster.experiments.run_selection import RunQuery, SelectedRun, announce, select_runs
from forecaster.forecast import Forecast
from forecaster.models import traits_of
from forecaster.pipeline import forecast_next

__all__ = ["coming_dates", "predict", "prediction"]


def predict(
    *,
    horizon: int | None = None,
    as_of: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    train_if_missing: bool = False,
    config: Config | str | Path | None = None,
    calibrate: bool = True,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> Predictions:
    """Forecast every named instrument.

    Args:
        horizon: Days ahead; those of the run when None.
        as_of: Last row that the forecast may use; the newest when None.
        frequency: Length of a row; that of the run when None.
        run: Id of a run; the best run that fits when None.
        train_if_missing: True to train where no run fits.
        config: Configuration of that training; a file, a shipped name or an object.
        calibrate: True if past coverage adjusts the widths of the intervals.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`.

    Raises:
        RunNotFoundError: No run fits, and none may be trained.
        UsageError: The horizon is longer than that of the run.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(instruments)
    day = day_of(as_of, "as_of")
    query = RunQuery(run, horizon, frequency)
    try:
        selected = select_runs(choice, query, environment)
    except RunNotFoundError as error:
        if run is not None:
            raise
        if not train_if_missing:
            raise RunNotFoundError(f"{error.messages[0]} (or add --train-if-missing)") from None
        environment.note(f"{error.messages[0].split(';')[0]}; training one")
        _train(choice, query, config, environment)
        selected = select_runs(choice, query, environment)
    selected = [selection.until(day) for selection in selected]
    announce(selected, environment)
    if day is not None and any(np.datetime64(day) > selection.newest for selection in selected):
        environment.note(f"warning: there is no row as late as {day}; the forecast starts from the newest")
    predictions = []
    for selection in selected:
        dates = coming_dates(selection, horizon)
        unseen_from = selection.run.unseen_from if calibrate else None
        with selection.run.damage_of_forecasts():
            forecast = forecast_next(selection.run.fitted, selection.series, dates, unseen_from)
        predictions.append(prediction(selection, forecast, calibrate))
    return Predictions(predictions)


def _train(choice: Selection, query: RunQuery, config: Config | str | Path | None, environment: Environment) -> None:
    from forecaster.workflows.train import run_training

    flags = {"horizon": query.horizon, "frequency": query.frequency}
    run_training(config_of(config, (), flags), choice, environment)


def coming_dates(selection: SelectedRun, horizon: int | None = None) -> DateArray:
    """(H,) the days after the last row; as many as the run was trained for when `horizon` is None.

    Raises:
        UsageError: The run was trained for a shorter horizon.
    """
    longest = selection.run.config.horizon
    if horizon is not None and horizon > longest:
        raise UsageError(
            f"run {selection.run.id} looks {longest} days ahead; got --horizon {horizon}; "
            "leave --run out, or train one that looks further with forecast train --horizon"
        )
    return future_dates(selection.series, horizon or longest)


def prediction(selection: SelectedRun, forecast: Forecast, calibrate: bool) -> Prediction:
    """A forecast in the user's orientation, with its provenance.

    Args:
        selection: Instrument, run and history.
        forecast: The coming days after the last row of the history, in canonical orientation.
        calibrate: True if the intervals were calibrated where the weights had not seen the cutoff.
    """
    run = selection.run
    series = selection.series
    if selection.instrument.sign < 0:
        forecast = forecast.mirrored(selection.instrument.name)
    return Prediction(
        instrument=selection.instrument,
        forecast=forecast,
        run_id=run.id,
        model=run.manifest.model.model,
        source=series.source,
        data_sha256=series.sha256,
        frequency=series.frequency,
        calendar=calendar_name(series),
        in_sample=selection.in_sample,
        calibrated=calibrate and traits_of(run.fitted.name).calibrated and bool(forecast.cutoff >= run.unseen_from),
        refit=run.manifest.split.refit,
        median_moves=run.manifest.report.median != "last_price",
        skill=run.manifest.scores.skill(series.instrument.name),
    )
