"""`predict`: probabilities of the coming days, from the best run that fits."""

import dataclasses
import datetime
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import numpy as np

from forecaster.arrays import DateArray
from forecaster.config import Config
from forecaster.data.calendars import SPANS, future_dates
from forecaster.data.horizons import Span, parse_horizon, rows_of_span, rows_until
from forecaster.datasets.keywords import (
    Day,
    InstrumentKeywords,
    config_of,
    day_of,
    exact_keywords,
    levels_of,
    selection_of,
)
from forecaster.datasets.selection import Selection, command_line
from forecaster.environment import Environment
from forecaster.errors import RunNotFoundError, UsageError
from forecaster.experiments.forecast_log import ForecastLog
from forecaster.experiments.forecasting import DEFAULT_LEVELS, ForecastRequest, forecast_of
from forecaster.experiments.predictions import CoverageRecord, Prediction, Predictions
from forecaster.experiments.run_selection import RunQuery, SelectedRun, announce, select_runs
from forecaster.features.day_features import known_until
from forecaster.workflows.drift import note_drift

__all__ = ["Until", "coming_dates", "forecast_request", "predict", "reaching", "wanted_horizon"]

Until = int | Span | datetime.date | None
"""Wanted horizon: rows, a span, a last day, or that of the run."""


@exact_keywords
def predict(
    *,
    horizon: int | str | None = None,
    until: Day | None = None,
    as_of: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    train_if_missing: bool = False,
    config: Config | str | Path | None = None,
    calibrate: bool = True,
    level: float | Sequence[float] = DEFAULT_LEVELS,
    paths: int | None = None,
    log: bool | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> Predictions:
    """Forecast every named instrument.

    Args:
        horizon: Rows ahead, or a span such as ``"1wk"`` or ``"1mo"``; the rows of the run when None. Rows beyond those
            of the run are scaled by the square root of time where that is sound.
        until: Last day to forecast, in place of `horizon`.
        as_of: Last row that the forecast may use; the newest when None.
        frequency: Length of a row; a day where there is such a run when None.
        run: Id of a run; the best run that fits when None.
        train_if_missing: True to train where no run fits.
        config: Configuration of the run, and of that training; a file, a shipped name or an object.
        calibrate: True if past coverage adjusts the widths of the intervals.
        level: Central intervals, as shares, whose past coverage is reported.
        paths: Number of sampled paths, of a run that samples them; none when None.
        log: True to append the forecasts to the ledger of the project; when None, if the configuration of the run says
            so.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`.

    Raises:
        RunNotFoundError: No run fits, and none may be trained; or the run cannot look so far ahead.
        UsageError: The horizon or a level is malformed, or paths are wanted of a run that samples none, or the ledger
            refuses a forecast.
        StorageError: The ledger cannot be written.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(instruments)
    day = day_of(as_of, "as_of")
    levels = levels_of(level or DEFAULT_LEVELS)
    wanted = wanted_horizon(horizon, until)
    rows = wanted if isinstance(wanted, int) else None
    query = RunQuery(run, rows, frequency, config)
    selected = _select(choice, query, wanted, environment, train_if_missing)
    selected = [reaching(selection, choice, query, wanted, day, environment) for selection in selected]
    announce(selected, environment)
    predictions = []
    ledger = ForecastLog(log, choice, environment)
    for selection in selected:
        request = forecast_request(selection, wanted, choice, calibrate, environment)
        today = None if day else environment.today
        request = dataclasses.replace(request, levels=levels, today=today, paths=paths)
        prediction = forecast_of(selection.run, selection.instrument, selection.series, request)
        predictions.append(ledger.add(prediction, selection))
    ledger.require_all()
    ledger.write()
    if day is not None and any(np.datetime64(day) > selection.newest for selection in selected):
        environment.note(f"warning: there is no row as late as {day}; the forecast starts from the newest")
    _note_limits(predictions, environment)
    ledger.note()
    if day is None:
        note_drift(selected, environment)
    return Predictions(predictions)


def _note_limits(predictions: Sequence[Prediction], environment: Environment) -> None:
    """Report limits of the forecasts, each once however many instruments have it."""
    for warning in dict.fromkeys(itertools.chain.from_iterable(map(_warnings, predictions))):
        environment.note(f"warning: {warning}")
    for line in dict.fromkeys(itertools.chain.from_iterable(map(_unknown_meetings, predictions))):
        environment.note(line)


def wanted_horizon(horizon: int | str | None, until: Day | None) -> Until:
    """The horizon of two keywords, of which one is None.

    Raises:
        UsageError: Both are given, or the horizon is malformed.
    """
    if horizon is not None and until is not None:
        raise UsageError("--horizon and --until are given; expected one of them")
    return day_of(until, "until") if until is not None else None if horizon is None else parse_horizon(horizon)


def _select(
    choice: Selection,
    query: RunQuery,
    wanted: Until,
    environment: Environment,
    train_if_missing: bool,
) -> list[SelectedRun]:
    """The best run of each instrument; where none fits and training is allowed, that of a new training."""
    try:
        return select_runs(choice, query, environment)
    except RunNotFoundError as error:
        if query.run_id is not None:
            raise
        if not train_if_missing:
            raise RunNotFoundError(f"{error.messages[0]} (or add --train-if-missing)") from None
        environment.note(f"{error.messages[0].split(';')[0]}; training one")
        _train(choice, query, wanted, environment)
        return select_runs(choice, query, environment)


def _train(choice: Selection, query: RunQuery, wanted: Until, environment: Environment) -> None:
    from forecaster.workflows.train import run_training

    horizon = query.horizon
    if isinstance(wanted, Span):
        horizon = rows_of_span(f"{wanted.count} {wanted.unit}", query.frequency or "1d")
    flags = {"horizon": horizon, "frequency": query.frequency}
    run_training(config_of(query.config, (), flags), choice, environment)


def reaching(
    selection: SelectedRun,
    choice: Selection,
    query: RunQuery,
    wanted: Until,
    day: datetime.date | None,
    environment: Environment,
) -> SelectedRun:
    """`selection` up to the cutoff; another run of the same instrument where only that one reaches the wanted day."""
    cut = selection.until(day)
    rows = None if wanted is None else rows_until(cut.series, wanted)
    if rows is None or query.run_id is not None or query.horizon == rows or rows <= cut.run.config.horizon:
        return cut
    longer = dataclasses.replace(query, horizon=rows)
    others = select_runs(choice, longer, environment)
    other = next(other for other in others if other.instrument == selection.instrument)
    return other.until(day)


def forecast_request(
    selection: SelectedRun, wanted: Until, choice: Selection, calibrate: bool, environment: Environment
) -> ForecastRequest:
    """Days and calibration of a forecast, and the training to type where the run does not reach them."""
    dates = coming_dates(selection, wanted)
    frequency = selection.run.frequency
    flags = ["--horizon", str(len(dates)), *(["--frequency", frequency] if frequency != "1d" else [])]
    return ForecastRequest(
        dates=dates,
        calibrate=calibrate,
        train_command=command_line("train", selection.instrument, choice, environment, *flags),
    )


def coming_dates(selection: SelectedRun, until: Until = None) -> DateArray:
    """(H,) days after the last row.

    Args:
        selection: The run and its history.
        until: Number of rows, span or last day; as many rows as the run was trained for when None.
    """
    rows = selection.run.config.horizon if until is None else rows_until(selection.series, until)
    return future_dates(selection.series, rows)


def _warnings(prediction: Prediction) -> list[str]:
    """Warnings about ranges that did not hold, and about scaled steps."""
    forecast = prediction.forecast
    span = SPANS[prediction.frequency]
    record = prediction.coverage
    warnings = [] if record is None else _coverage_warnings(record, prediction.instrument.name, span)
    if forecast.scaled_from is not None:
        last = f"{span} {forecast.scaled_from - 1}, the last of the run"
        warnings.append(f"ranges after {last}, are scaled by the square root of time")
    return warnings


def _coverage_warnings(record: CoverageRecord, name: str, span: str) -> list[str]:
    """Warnings about ranges that held too seldom, and about those that held too often."""
    warnings = []
    for outcome in ("too_narrow", "too_wide"):
        steps = [step for step in record.steps if step.outcome == outcome]
        if steps:
            worst = max(steps, key=lambda step: max(abs(step.coverage[key] - float(key)) for key in step.coverage))
            shares = ", ".join(
                f"the {100 * float(level):g} % range held {100 * share:.0f} %"
                for level, share in worst.coverage.items()
            )
            where = f"{_ranges([step.step for step in steps])} {span}s"
            warnings.append(
                f"ranges of {name} were {outcome.replace('_', ' ')} at {where}: "
                f"since {record.since}, at {worst.step} {span}s, {shares}"
            )
    return warnings


def _unknown_meetings(prediction: Prediction) -> list[str]:
    """Message about steps beyond the last known meeting of a central bank."""
    instrument = prediction.instrument
    if instrument.kind != "pair" or not any(day.size is not None for day in prediction.days):
        return []
    bank, last = known_until((str(instrument.base), str(instrument.quote)))
    if prediction.forecast.dates[-1] <= last:
        return []
    return [f"events: the meetings of the {bank} are known to {last}; later ones have no effect on the ranges"]


def _ranges(steps: Sequence[int]) -> str:
    """Increasing numbers, those that follow one another as a range.

    >>> _ranges([1, 5, 6, 7])
    '1, 5 to 7'
    """
    runs: list[list[int]] = []
    for step in steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
