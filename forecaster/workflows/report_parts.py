"""Report on one instrument, put together from the results of other workflows."""

import dataclasses
import datetime
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.datasets.keywords import config_of
from forecaster.datasets.selection import Selection, command_line
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UsageError
from forecaster.evaluation.anomalies import Anomalies
from forecaster.evaluation.daily_losses import OutOfSample, daily_losses
from forecaster.evaluation.price_odds import PriceAnswer, PriceQuestion, answered, past_answers
from forecaster.evaluation.threshold_check import ladder, slips
from forecaster.experiments.annotations import annotations_of
from forecaster.experiments.backtest_plan import backtests_folder
from forecaster.experiments.inspections import InputImportances, quick_importances
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.recorded_backtests import read_folds
from forecaster.experiments.run_selection import RunQuery, SelectedRun
from forecaster.features.outcomes import returns_after, rows_with_outcome
from forecaster.forecast import PriceTargets
from forecaster.output.report_content import InstrumentReport, ReportDetails, WalkForward
from forecaster.quantiles import SCORING_LEVELS, cumulative_probability, level_weights
from forecaster.workflows.anomalies import DEFAULT_MODEL, DEFAULT_RATE, find_anomalies
from forecaster.workflows.plot import picture_of, price_unit
from forecaster.workflows.predict import Until

__all__ = ["ReportOptions", "brief_report", "detailed_report"]

_HISTORY_KEYS = ("name", "options", "calendar", "splits", "drop", "keep", "differences", "events")
MIN_CUTOFFS = 100  # of a coverage over time
HISTORY_ROWS = 250  # of an instrument of an overview


@dataclasses.dataclass(frozen=True)
class ReportOptions:
    """Options of every instrument of a report.

    Args:
        query: Conditions that a run must meet.
        wanted: Horizon.
        as_of: Last row that may be used; the newest when None.
        calibrate: True if past coverage adjusts the widths of the intervals.
        above: Prices whose probabilities are wanted.
        flags: Options of the command line that repeats the report, besides the run and its last row.
    """

    query: RunQuery
    wanted: Until
    as_of: datetime.date | None
    calibrate: bool
    above: tuple[float, ...]
    flags: tuple[str, ...] = ()


def brief_report(
    selection: SelectedRun, prediction: Prediction, choice: Selection, options: ReportOptions
) -> InstrumentReport:
    """The report on an instrument of an overview.

    Args:
        selection: Instrument, run and history up to the cutoff.
        prediction: The coming days.
        choice: Instruments and their source as the user named them.
        options: Options of the report.
    """
    series = selection.series
    rows = slice(max(len(series) - HISTORY_ROWS, 0), len(series))
    prices = series.close[rows]
    return InstrumentReport(
        selection=selection,
        prediction=prediction,
        dates=series.dates[rows],
        prices=prices if selection.instrument.sign > 0 else 1 / prices,
        unit=price_unit(selection.instrument) if selection.instrument.kind == "pair" else "",
        answers=_answers(prediction, series, options.above),
        commands=_commands(selection, choice, options),
    )


def detailed_report(
    selection: SelectedRun,
    current: SelectedRun,
    prediction: Prediction,
    choice: Selection,
    options: ReportOptions,
    environment: Environment,
) -> InstrumentReport:
    """The report on one instrument alone.

    Args:
        selection: Instrument, run and history up to the cutoff.
        current: The same with later rows, where there are any.
        prediction: The coming days.
        choice: Instruments and their source as the user named them.
        options: Options of the report.
        environment: Home folder, clock, progress and messages.
    """
    brief = brief_report(selection, prediction, choice, options)  # raises before the long work
    quiet = dataclasses.replace(environment, note=lambda text: None)
    stages = ("history", "backtest", "inputs", "anomalies")

    def begin(stage: str) -> None:
        environment.progress("report", stages.index(stage), len(stages), detail=stage)

    begin("history")
    picture = picture_of(selection, current.series, options.calibrate)
    begin("backtest")
    past = _walk_forward(selection, choice, options, quiet)
    begin("inputs")
    importances = _importances(selection)
    begin("anomalies")
    anomalies = _anomalies(selection, choice, options, quiet)
    environment.progress("report", len(stages), len(stages))
    return dataclasses.replace(
        brief,
        dates=picture.dates,
        prices=picture.prices,
        details=ReportDetails(
            picture,
            past,
            _own_record(selection, prediction),
            importances,
            anomalies,
            annotations_of(selection.run.folder),
        ),
    )


def _answers(prediction: Prediction, series: PriceSeries, above: Sequence[float]) -> tuple[PriceAnswer, ...]:
    """Probabilities of ending above round prices, and above those that are wanted, on the last day.

    Raises:
        UsageError: A wanted price is out of reach, as one in another unit.
    """
    forecast = prediction.forecast
    step = forecast.horizon
    for problem in slips(forecast, PriceTargets(above=tuple(above))):
        raise UsageError(f"{problem}; change it")
    answers = []
    for price in sorted({*ladder(forecast, step), *above, forecast.last_price}, reverse=True):
        question = PriceQuestion("above", (price,), step)
        answer = answered(forecast, question)
        if prediction.earlier is not None:
            record = past_answers(prediction.earlier, series, forecast, question, prediction.instrument.sign)
            answer = dataclasses.replace(answer, record=record)
        answers.append(answer)
    return tuple(answers)


def _named(selection: SelectedRun, choice: Selection) -> Selection:
    """The instrument alone, with the names, columns and corrections of the user, or of the run that was named alone."""
    named = choice.alone(selection.instrument)
    if not choice.is_empty:
        return named
    data = selection.run.config.data
    return dataclasses.replace(named, **{key: getattr(data, key) for key in _HISTORY_KEYS})


def _commands(selection: SelectedRun, choice: Selection, options: ReportOptions) -> dict[str, str]:
    """Purpose -> command; the project folder is not in them, since a page may be given away."""
    run = selection.run
    here = Environment()
    named = _named(selection, choice)
    frequency = [] if run.frequency == "1d" else ["--frequency", run.frequency]
    as_of = ["--as-of", str(selection.series.dates[-1])]

    def command(verb: str, *flags: str) -> str:
        return command_line(verb, selection.instrument, named, here, *flags)

    return {
        "report": command("report", "--run", run.id, *as_of, *options.flags),
        "forecast": command("predict", "--run", run.id, *as_of),
        "training": f"forecast replay {run.id}",
        "backtest": command("backtest", "--config", f"runs/{run.id}/config.yaml"),
        "inspect": command("inspect", "--run", run.id, *as_of),
        "anomalies": command("anomalies", "--end", str(selection.series.dates[-1]), *frequency),
    }


def _walk_forward(
    selection: SelectedRun, choice: Selection, options: ReportOptions, quiet: Environment
) -> WalkForward | str:
    """The newest backtest of the model of the run, up to the cutoff, or the reason why there is none."""
    run = selection.run
    name = selection.series.instrument.name
    try:
        folds = read_folds(_named(selection, choice), None, quiet, run.config)
    except ForecasterError as error:
        return error.messages[0].partition(";")[0].replace(f" in {backtests_folder(quiet.home)}", "")
    samples = folds.samples(folds.plan.steps, options.calibrate)[folds.plan.named.index(name)]
    dates = folds.plan.panel[name].dates
    settled = {step: _until(sample, dates, selection.series.dates[-1]) for step, sample in samples.items()}
    settled = {step: sample for step, sample in settled.items() if len(sample.dates)}
    first = settled.get(min(samples, default=1))
    if first is None or first.evaluated_model != run.manifest.model.model:
        return f"backtest {folds.id} holds no forecast of the model before {selection.series.dates[-1]}"
    return WalkForward(
        backtest_id=folds.id,
        fits=sum(bool(fold.start <= first.dates[-1]) for fold in folds.plan.folds),
        losses={step: daily_losses(sample) for step, sample in settled.items()},
        pit=_pit(first, selection.instrument),
    )


def _pit(sample: OutOfSample, instrument: Instrument) -> FloatArray:
    """(N,) forecast probabilities of a smaller return, in the user's orientation."""
    pit = cumulative_probability(sample.quantiles[sample.evaluated_model], SCORING_LEVELS, sample.outcomes)
    return pit if instrument.sign > 0 else 1 - pit


def _own_record(selection: SelectedRun, prediction: Prediction) -> WalkForward | None:
    """Forecasts of the run at the cutoffs after the rows that it has seen; None where they are too few."""
    earlier = prediction.earlier
    if earlier is None:
        return None
    series = selection.series
    samples = {}
    for step in sorted({1, prediction.forecast.horizon}):
        rows = rows_with_outcome(earlier.rows, step, len(series))
        if len(rows) < MIN_CUTOFFS:
            continue
        forecasts = earlier.take(np.searchsorted(earlier.rows, rows))
        quantiles = forecasts.extended_log_returns([step])[:, 0] @ level_weights(
            earlier.quantile_levels, SCORING_LEVELS
        )
        outcomes = returns_after(series.log_price, rows, [step])[:, 0]
        name = series.instrument.name
        samples[step] = OutOfSample(name, step, series.dates[rows], outcomes, {prediction.model: quantiles})
    if 1 not in samples:
        return None
    losses = {step: daily_losses(sample) for step, sample in samples.items()}
    return WalkForward(None, 1, losses, _pit(samples[1], selection.instrument))


def _until(sample: OutOfSample, dates: np.ndarray, cutoff: np.datetime64) -> OutOfSample:
    """The forecasts whose outcome is known at the cutoff."""
    ends = dates[np.searchsorted(dates, sample.dates) + sample.step]
    rows = ends <= cutoff
    quantiles = {model: values[rows] for model, values in sample.quantiles.items()}
    return dataclasses.replace(sample, dates=sample.dates[rows], outcomes=sample.outcomes[rows], quantiles=quantiles)


def _importances(selection: SelectedRun) -> InputImportances | str:
    """Importance of the inputs, or the reason why it is not measured."""
    if selection.run.manifest.split.refit:
        return "the run was fitted again on all rows, so that every row is in-sample"
    try:
        return quick_importances(selection.run, selection.series)
    except ForecasterError as error:
        return error.messages[0].partition(";")[0]


def _anomalies(
    selection: SelectedRun, choice: Selection, options: ReportOptions, quiet: Environment
) -> Anomalies | str:
    """Anomalies of the history up to the cutoff, or the reason why there are none."""
    run = selection.run
    config = config_of(None, (), {"end": options.as_of, "frequency": run.frequency, "horizon": 1})
    data = config.data.model_copy(update={key: getattr(run.config.data, key) for key in _HISTORY_KEYS})
    config = config.model_copy(update={"data": data})
    named = dataclasses.replace(_named(selection, choice), source=choice.source or run.config.data.source)
    try:
        (result,) = find_anomalies(named, (None, options.as_of), (DEFAULT_MODEL, DEFAULT_RATE, config), quiet)
    except ForecasterError as error:
        return error.messages[0].partition(";")[0]
    return result
