"""Forecasts of recorded runs: calibrated as their training allows, with the record of how often their ranges held."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.data.calendars import calendar_name
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.errors import ForecasterError, RunNotFoundError, UsageError
from forecaster.evaluation.step_coverage import StepCoverage, step_coverage
from forecaster.experiments.predictions import CalibrationKind, CoverageRecord, Prediction
from forecaster.experiments.runs import Run
from forecaster.features.outcomes import returns_after
from forecaster.forecast import MAX_SCALING, Forecast, Forecasts
from forecaster.models import traits_of
from forecaster.models.base import Fitted, LocatedFitted, SamplesPaths
from forecaster.models.ensemble import members_of
from forecaster.models.side_by_side import readers
from forecaster.pipeline import (
    CarriedCalibration,
    Uncalibrated,
    calibrated,
    coming_days_of,
    forecasts,
    next_steps,
    uncalibrated,
)

__all__ = [
    "DEFAULT_LEVELS",
    "ForecastRequest",
    "Wanted",
    "described_forecast",
    "forecast_of",
    "forecasts_together",
    "run_forecasts",
]

DEFAULT_LEVELS = (0.8, 0.95)
"""Central intervals whose coverage is recorded, unless others are wanted."""

MAX_DEVIATION = 0.2
"""Largest deviation of a coverage from its level with which a forecast is scaled, where too few rows allow a test."""

EVERY_STEP = 60  # steps up to here all have a record; later ones every tenth, and the last
SPARSE = 10


@dataclasses.dataclass(frozen=True)
class ForecastRequest:
    """Options of a forecast.

    Args:
        dates: (H,) days to forecast.
        levels: Central intervals whose coverage is recorded.
        calibrate: True if past coverage adjusts the widths of the intervals.
        today: Current date, for the age of the last price; None for a forecast as of a past day.
        train_command: Command of a training that looks as far as wanted, for a refusal.
        paths: Number N of sampled paths; None for none.
        keep_earlier: True if the forecasts at earlier cutoffs are part of the result.
    """

    dates: DateArray
    levels: Sequence[float] = DEFAULT_LEVELS
    calibrate: bool = True
    today: datetime.date | None = None
    train_command: str = "forecast train --horizon"
    paths: int | None = None
    keep_earlier: bool = False


def forecast_of(run: Run, instrument: Instrument, series: PriceSeries, request: ForecastRequest) -> Prediction:
    """The coming days after the last row of a history.

    Args:
        run: The run.
        instrument: Instrument in the user's orientation.
        series: Its history in canonical orientation, up to the cutoff.
        request: Days, levels and calibration.

    Raises:
        RunNotFoundError: The days reach beyond the horizon of the run, and scaling is not sound.
        UsageError: Paths are wanted of a run that samples none, or none so long.
    """
    (outcome,) = forecasts_together(run, [Wanted(instrument, series, request)])
    if isinstance(outcome, ForecasterError):
        raise outcome
    return outcome


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One of several forecasts of a run; see `forecast_of` for the arguments."""

    instrument: Instrument
    series: PriceSeries
    request: ForecastRequest


def forecasts_together(run: Run, several: Sequence[Wanted]) -> list[Prediction | ForecasterError]:
    """Forecasts of several histories, each as `forecast_of` makes it, bit for bit, or the error that it raises.

    The network reads all histories side by side, and the intervals of all are calibrated in one loop over the rows.
    """
    together = readers(run.fitted, [wanted.series for wanted in several]) if len(several) > 1 else [run.fitted]
    outcomes: list[Prediction | ForecasterError | None] = [None] * len(several)
    raw: dict[int, Uncalibrated] = {}
    for number, (wanted, fitted) in enumerate(zip(several, together, strict=True)):
        try:
            raw[number] = _uncalibrated(run, fitted, wanted)
        except ForecasterError as error:
            outcomes[number] = error
    for number, scan in zip(raw, calibrated(list(raw.values())), strict=True):
        try:
            outcomes[number] = _prediction(run, together[number], several[number], scan)
        except ForecasterError as error:
            outcomes[number] = error
    return [outcome for outcome in outcomes if outcome is not None]


def _uncalibrated(run: Run, fitted: Fitted, wanted: Wanted) -> Uncalibrated:
    """Forecasts at the last row, and at those before it whose outcomes are recorded."""
    series, request = wanted.series, wanted.request
    if request.paths is not None:
        _require_paths(run, len(request.dates))
    rows = _recorded_rows(run, series, len(request.dates))
    unseen, carried = _calibration_of(run, series, request.calibrate)
    with run.damage_of_forecasts():
        return uncalibrated(fitted, series, rows, None, unseen, carried)


def _prediction(run: Run, fitted: Fitted, wanted: Wanted, scan: Forecasts) -> Prediction:
    """The coming days, from the forecasts at earlier rows and at the last one."""
    instrument, series, request = wanted.instrument, wanted.series, wanted.request
    forecast = next_steps(scan, series, request.dates, run.fitted.own_steps)
    record = _measured(scan, series, request) if len(scan) > 1 else _recorded(run, series, request.levels)
    if forecast.scaled_from is not None:
        _require_sound_scaling(run, instrument, series, forecast.horizon, record, request.train_command)
    prediction = described_forecast(run, instrument, series, forecast, request.calibrate, fitted)
    paths = None if request.paths is None else _paths(run, instrument, series, forecast, request.paths)
    earlier = scan if request.keep_earlier and len(scan) > 1 else None
    return dataclasses.replace(prediction, coverage=record, today=request.today, paths=paths, earlier=earlier)


def _require_paths(run: Run, horizon: int) -> None:
    """Refuse paths of a run that samples none, or none so long.

    Raises:
        UsageError: It does not.
    """
    kind = run.manifest.model.model
    if not traits_of(kind).samples_paths:
        raise UsageError(
            f"--paths: run {run.id} is a run of {kind}, which samples no paths; expected one of seq2seq; choose one "
            "with --run ID, or train one with --config seq2seq"
        )
    if members_of(run.fitted):
        raise UsageError(
            f"--paths: run {run.id} is an ensemble, whose members sample paths of their own; expected a run of one "
            "network; train one with --set members=1"
        )
    if horizon > run.manifest.model.horizon:
        raise UsageError(
            f"--paths: run {run.id} samples paths of {run.manifest.model.horizon} rows; got a horizon of {horizon}; "
            "lower --horizon, or train with a longer one"
        )


def _paths(run: Run, instrument: Instrument, series: PriceSeries, forecast: Forecast, count: int) -> FloatArray:
    """(N, H) sampled prices in the user's orientation; the seed is that of the run."""
    rng = np.random.default_rng(run.config.seed)
    changes = cast(SamplesPaths, run.fitted).paths(series, forecast.values, count, rng)
    if forecast.changes:
        return forecast.last_price + changes
    return np.asarray(forecast.last_price**instrument.sign * np.exp(instrument.sign * changes))


def run_forecasts(
    run: Run, series: PriceSeries, rows: IntArray, longest: int | None = None, *, calibrate: bool = True
) -> Forecasts:
    """Distributions of a run at the cutoffs `rows`; see `forecaster.pipeline.forecasts`.

    A refit, which has seen every row, takes over the widths of the fit that was tested.
    """
    unseen, carried = _calibration_of(run, series, calibrate)
    with run.damage_of_forecasts():
        return forecasts(run.fitted, series, rows, longest, unseen, carried)


def _calibration_of(
    run: Run, series: PriceSeries, calibrate: bool
) -> tuple[np.datetime64 | None, CarriedCalibration | None]:
    """First date from which on outcomes calibrate the forecasts, and the calibration before a refit."""
    return (run.unseen_from, _carried(run, series.instrument.name)) if calibrate else (None, None)


def described_forecast(
    run: Run,
    instrument: Instrument,
    series: PriceSeries,
    forecast: Forecast,
    calibrate: bool,
    fitted: Fitted | None = None,
) -> Prediction:
    """A forecast in the user's orientation, with its provenance.

    Args:
        run: The run.
        instrument: Instrument in the user's orientation.
        series: Its history up to the cutoff.
        forecast: The coming days, in canonical orientation.
        calibrate: True if the intervals were to be calibrated.
        fitted: The model of the run, which may have read the series; loaded from the run when None.
    """
    manifest = run.manifest
    kind: CalibrationKind = _calibration(run, series) if calibrate else "none"
    drift = _drift(run.fitted if fitted is None else fitted, series)
    return Prediction(
        instrument=instrument,
        forecast=_centred(forecast, manifest.report.median == "mean_is_last_price")
        if instrument.sign > 0
        else forecast.mirrored(instrument.name),
        run_id=run.id,
        model=manifest.model.model,
        source=series.source,
        data_sha256=series.sha256,
        frequency=series.frequency,
        calendar=calendar_name(series),
        in_sample=bool(forecast.cutoff < run.seen_until),
        calibrated=kind != "none",
        refit=manifest.split.refit,
        median_moves=manifest.report.median != "last_price" or drift != 0,
        drift=instrument.sign * drift + 0.0,  # no -0.0
        skill=manifest.scores.skill(series.instrument.name),
        configuration=run.configuration.name,
        calibration=kind,
        days=coming_days_of(run.fitted).known_days(series, forecast.dates),
    )


def _drift(fitted: Fitted, series: PriceSeries) -> float:
    """Drift of the median after the last row; 0 for a model that has none."""
    return cast(LocatedFitted, fitted).drift(series) if traits_of(fitted.name).located else 0.0


def _centred(forecast: Forecast, mean_is_last_price: bool) -> Forecast:
    """`forecast` with its scaled steps moved so that their mean is the last price, where that holds of the others."""
    if forecast.scaled_from is None or not mean_is_last_price:
        return forecast
    values = forecast.values.copy()
    scaled = slice(forecast.scaled_from - 1, None)
    mean = forecast.mean[scaled]
    excess = mean - forecast.last_price if forecast.changes else np.log(mean / forecast.last_price)
    values[scaled] -= excess[:, None]
    return dataclasses.replace(forecast, values=values)


def _calibration(run: Run, series: PriceSeries) -> CalibrationKind:
    if not traits_of(run.fitted.name).calibrated:
        return "none"
    if series.dates[-1] >= run.unseen_from:
        return "past outcomes"
    carried = _carried(run, series.instrument.name)
    return "tested fit" if carried is not None and series.dates[-1] >= carried.since else "none"


def _carried(run: Run, name: str) -> CarriedCalibration | None:
    facts = run.manifest.carried.get(name)
    return None if facts is None else CarriedCalibration(facts.since, np.asarray(facts.factors))


def _recorded_rows(run: Run, series: PriceSeries, horizon: int) -> IntArray:
    """Cutoffs since the test began, whose forecasts neither weights nor choices have seen; else the last row alone."""
    last = len(series) - 1
    manifest = run.manifest
    recursive = run.fitted.own_steps < min(horizon, manifest.model.horizon)
    if manifest.split.refit or recursive or "test" not in manifest.split.parts:
        return np.array([last])
    first = int(np.searchsorted(series.dates, manifest.split.parts["test"].first))
    return np.arange(min(max(first, run.fitted.first_row), last), last + 1)


def _measured(scan: Forecasts, series: PriceSeries, request: ForecastRequest) -> CoverageRecord | None:
    """Coverage of the forecasts whose outcomes are known, in the history up to the cutoff."""
    horizon = len(request.dates)
    steps = [step for step in range(1, horizon + 1) if step <= EVERY_STEP or step % SPARSE == 0 or step == horizon]
    outcomes = returns_after(series.log_price, scan.rows, steps)
    inside = _inside(scan, request.levels, steps, outcomes)
    records = []
    for index, step in enumerate(steps):
        settled = int(np.searchsorted(scan.rows, len(series) - step))
        if settled:
            shares = {level: values[index, :settled] for level, values in inside.items()}
            records.append(step_coverage(step, shares, step, moves=bool(outcomes[:settled, index].any())))
    return CoverageRecord(tuple(records), series.dates[scan.rows[0]]) if records else None


def _inside(
    scan: Forecasts, levels: Sequence[float], steps: Sequence[int], outcomes: FloatArray
) -> dict[str, FloatArray]:
    """Level -> (S, N) 1 where an outcome of `outcomes` (N, S) lies in the central interval, ends included."""
    edges = sorted({edge for level in levels for edge in ((1 - level) / 2, (1 + level) / 2)})
    bounds = np.ascontiguousarray(scan.at_levels(edges).extended_log_returns(steps).transpose(2, 1, 0))
    actual = np.ascontiguousarray(outcomes.T)
    return {
        format(level, "g"): (
            (bounds[edges.index((1 - level) / 2)] <= actual) & (actual <= bounds[edges.index((1 + level) / 2)])
        ).astype(float)
        for level in levels
    }


def _recorded(run: Run, series: PriceSeries, levels: Sequence[float]) -> CoverageRecord | None:
    """Coverage that the training recorded, for a run whose weights have seen the test since or whose steps are slow.

    A coverage by outcomes after the last row of `series` is left out.
    """
    name = series.instrument.name
    scores = run.manifest.scores
    keys = [format(level, "g") for level in levels]
    judged: Mapping[int, StepCoverage] = {
        step["step"]: StepCoverage.from_json(step)
        for step in scores.verdicts.get(name, {}).get("coverage", {}).get("steps", ())
    }
    tested = [score for score in scores.scores if score["instrument"] == name and score["part"] == "test"]
    records = []
    for score in tested:
        last_outcome = int(np.searchsorted(series.dates, np.datetime64(score["window"][1]))) + score["step"]
        shares = {key: score["coverage"][key] for key in keys if score["coverage"].get(key) is not None}
        if shares and last_outcome < len(series):
            outcome = judged[score["step"]].outcome if score["step"] in judged else "not_judged"
            records.append(StepCoverage(score["step"], score["n"], shares, outcome))
    return CoverageRecord(tuple(records), np.datetime64(tested[0]["window"][0])) if records else None


def _require_sound_scaling(
    run: Run,
    instrument: Instrument,
    series: PriceSeries,
    horizon: int,
    record: CoverageRecord | None,
    train_command: str,
) -> None:
    """Refuse steps beyond the horizon of the run where the square root of time does not hold.

    Raises:
        RunNotFoundError: The steps are recursive, the median moves, the horizon is too long, or ranges scaled like
            this did not hold.
    """
    own = run.manifest.model.horizon
    if run.fitted.own_steps < own:
        problem = "its steps are recursive"
    elif run.manifest.report.median == "learned" or _drift(run.fitted, series):
        problem = "its median moves"
    elif horizon > MAX_SCALING * own:
        problem = f"a forecast is scaled to {MAX_SCALING} times its horizon at most"
    else:
        problem = _failed_ranges([record.at(step) for step in (own, horizon)] if record is not None else [])
    if problem:
        raise RunNotFoundError(
            f"run {run.id} looks {own} rows ahead, and its ranges of {instrument.name} cannot be scaled to {horizon} "
            f"rows: {problem}; train one that looks further with: {train_command}"
        )


def _failed_ranges(judged: Sequence[StepCoverage | None]) -> str:
    """Description of the first ranges that did not hold, by their test or, with too few rows for it, by far."""
    for record in judged:
        if record is None:
            continue
        deviation = max(abs(share - float(level)) for level, share in record.coverage.items())
        if record.outcome in ("too_narrow", "too_wide") or deviation > MAX_DEVIATION:
            levels = " and ".join(f"{100 * float(level):g} %" for level in record.coverage)
            shares = " and ".join(f"{100 * share:.0f} %" for share in record.coverage.values())
            return f"at {record.step} rows its {levels} ranges held {shares} of {record.n} outcomes"
    return ""
