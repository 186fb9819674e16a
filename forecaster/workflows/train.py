"""`train`: from a history to a recorded run."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import forecaster
from forecaster.config import FREQUENCIES, Config, recorded_config
from forecaster.data.calendars import future_dates
from forecaster.data.leases import version_lease
from forecaster.data.series import PriceSeries
from forecaster.datasets.keywords import TrainingKeywords, config_of, exact_keywords, selection_of
from forecaster.datasets.selection import Selection, command_line
from forecaster.datasets.training import Dataset, resolve
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, NotEnoughDataError, UsageError
from forecaster.evaluation import DEFAULT_BASELINES, scored_steps
from forecaster.evaluation.daily_losses import DailyLosses, daily_losses, pool
from forecaster.evaluation.scores import MemberScores, Score
from forecaster.evaluation.splits import PARTS, Part, Split, whole_history
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.experiments.carried_facts import CarriedFacts
from forecaster.experiments.configurations import described_configuration, requested_configuration
from forecaster.experiments.fit_reuse import fit_key, recorded_fit
from forecaster.experiments.forecasting import ForecastRequest, forecast_of
from forecaster.experiments.manifest import Manifest, ModelFacts
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.recorded_data import recorded_selection
from forecaster.experiments.results import TrainResult
from forecaster.experiments.run_differences import paired
from forecaster.experiments.run_selection import RunQuery, preferred_run
from forecaster.experiments.runs import Run, find_run, runs_folder, save_run
from forecaster.experiments.tracker_choice import tracker_of
from forecaster.experiments.tracking import NoTracker, tracked_run
from forecaster.experiments.training_fits import FinishedFit, Fitter, TrainingFit, fit_here
from forecaster.files import check_writable
from forecaster.models.base import Fitted
from forecaster.models.engine import Engine
from forecaster.models.keras_import import import_keras
from forecaster.pipeline import carried_calibration, coming_days_of, training_split
from forecaster.pipeline_evaluation import Baselines, evaluate, member_scores
from forecaster.workflows.executor_choice import HERE, ExecutorOptions
from forecaster.workflows.fits_beside import fits_beside
from forecaster.workflows.training_facts import data_facts, engine_facts, score_facts, split_facts

__all__ = ["last_predictions", "recorded_or_needed", "run_training", "train"]

MAX_SUMMARISED = 3  # instruments whose forecasts end a training; more do not fit a screen
MAX_PARITY_ERROR = 1e-5  # largest difference between NumPy and Keras that a run may be saved with


class _Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = self._last = time.perf_counter()

    def lap(self, stage: str, elsewhere: float | None = None) -> None:
        """End a stage; `elsewhere` are the seconds of one that was waited for."""
        now = time.perf_counter()
        seconds = now - self._last if elsewhere is None else elsewhere
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + seconds, 3)
        self._last = now

    def total(self) -> dict[str, float]:
        return {**self.seconds, "total": round(time.perf_counter() - self._begun, 3)}


@exact_keywords
def train(
    *,
    config: Config | str | Path | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    base: str | None = None,
    executor: str = "local",
    address: str | None = None,
    gpu_share: float | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **keywords: Unpack[TrainingKeywords],
) -> TrainResult:
    """Fit a model on the history of the named instruments, score it next to the baselines, and record the run.

    Args:
        config: A configuration, a YAML file, or a shipped name such as ``"quick"``; the defaults when None.
        base: Id of a run whose configuration and data are used, apart from what `set` and `keywords` change; the
            result compares the two.
        executor: ``local`` or ``ray``: the network is fitted on a Ray cluster.
        address: Address of the cluster; see `executor_of`.
        gpu_share: Share of a GPU of the cluster.
        set: Key of the configuration -> value, such as ``{"model.units": [64]}``.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        keywords: ``pair``, ``ticker`` or ``csv``, and more; see `TrainingKeywords`.

    Raises:
        ForecasterError: See `forecaster.errors`; nothing is left behind.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(keywords)
    where = ExecutorOptions(executor, 1, address, gpu_share)
    if base is None:
        return run_training(config_of(config, set, keywords), choice, environment, where=where)
    if config is not None:
        raise UsageError(f"--config and --from {base} are given; expected one of them; change keys with --set")
    run = find_run(runs_folder(environment.home), base)
    changed = config_of(requested_configuration(run.config, run.configuration), set, keywords)
    choice = recorded_selection(run, changed, environment.home, choice)
    result = run_training(changed, choice, environment, where=where)
    return dataclasses.replace(result, change=paired(run, result.run))


def run_training(
    config: Config,
    choice: Selection,
    environment: Environment,
    accept: Callable[[Dataset], None] = lambda data: None,
    where: ExecutorOptions = HERE,
    fitter: Fitter | None = None,
) -> TrainResult:
    """Fit the configured model, score it next to the baselines, and record the run.

    Args:
        config: Configuration of the training; `choice` overrides its instruments and source.
        choice: Instruments and source that the user named.
        environment: Home folder, clock, progress and messages.
        accept: Called with the data before the fit; may raise an error that ends the training.
        where: Place of the fit.
        fitter: Computes the fit; that of `where` when None.

    Raises:
        ForecasterError: See `forecaster.errors`; nothing is left behind.
    """
    check_writable(runs_folder(environment.home))
    tracker = tracker_of(config, environment.home, environment.note)
    watch = _Stopwatch()
    with version_lease(environment.home):  # nobody prunes what is read
        data = _data(config, choice, environment)
        accept(data)
        engine = where.engine(data.config)
        environment.note(f"engine: {engine.backend} on {engine.device} ({engine.reason})")
        fitter = fitter or where.fitter(engine, environment)
        result = _recorded_training(data, choice, environment, watch, engine, fitter)
    if not isinstance(tracker, NoTracker):
        tracker.record(tracked_run(result.run))
    return result


def _recorded_training(
    data: Dataset, choice: Selection, environment: Environment, watch: _Stopwatch, engine: Engine, fitter: Fitter
) -> TrainResult:
    """The training and its run."""
    config = data.config
    split = training_split(config, data.named[0])
    named = _scored(data, split)
    watch.lap("data")
    key = fit_key(config, data.panel, split, engine, forecaster.__version__)
    baselines = Baselines(DEFAULT_BASELINES, data.panel, split, config)
    finished, weights_of = _tested_fit(data, split, key, baselines, environment, fitter)
    watch.lap("fit", None if fitter is fit_here else finished.seconds)
    fitted = finished.fitted
    scores, losses, fallbacks, members = _evaluate(fitted, named, data, split, baselines, environment)
    whole, verdicts = _verdicts(losses)
    watch.lap("evaluate")
    fitted, carried = _refit(fitted, data, named, split, environment, fitter) if config.refit else (fitted, {})
    if config.refit:
        watch.lap("refit")
    _check_parity(fitted)
    manifest = Manifest(
        data=data_facts(named, data),
        split=split_facts(named, data.panel, split, config.refit),
        model=ModelFacts(config.kind, fitted.report.parameters, config.seed, config.horizon),
        engine=engine_facts(engine),
        created=environment.clock().isoformat(),
        scores=score_facts(scores, whole, verdicts),
        seconds=watch.total(),
        configuration=described_configuration(data.requested, named[0].source),
        carried=carried,
        fit_key=key,
    )
    run = save_run(runs_folder(environment.home), environment.clock(), recorded_config(config), fitted, manifest)
    return TrainResult(
        run=run,
        scores=scores,
        verdict=whole,
        verdicts=verdicts,
        engine=engine,
        seconds=watch.total(),
        next_command=_next_command(run, data, choice, environment),
        fallbacks=fallbacks,
        predictions=last_predictions(run, data, named, environment),
        weights_of=weights_of,
        member_scores=members,
    )


def recorded_or_needed(
    config: Config, choice: Selection, environment: Environment, where: ExecutorOptions
) -> Run | TrainingFit:
    """The newest run whose weights are those that `run_training` would fit, or the fit where there is none.

    Args:
        config: Configuration of the training; `choice` overrides its instruments and source.
        choice: Instruments and source that the user named.
        environment: Home folder, clock, progress and messages.
        where: Place of the fit.
    """
    with version_lease(environment.home):
        data = _data(config, choice, environment)
        split = training_split(data.config, data.named[0])
        key = fit_key(data.config, data.panel, split, where.engine(config), forecaster.__version__)
        reused = recorded_fit(runs_folder(environment.home), key)
    return TrainingFit(data.config, data.panel, split) if reused is None else reused.run


def _data(config: Config, choice: Selection, environment: Environment) -> Dataset:
    """Data of a training, whose rows before the validation decide about the features."""
    return resolve(config, choice, environment, lambda named: training_split(config, named[0]).validation_start)


def _next_command(run: Run, data: Dataset, choice: Selection, environment: Environment) -> str:
    """Command line of the forecast of the first instrument, by this run also where another one is preferred."""
    instrument = data.instruments[0]
    frequency = data.config.data.frequency
    flags = [] if frequency == FREQUENCIES[0] else ["--frequency", frequency]
    preferred = preferred_run(instrument, RunQuery(frequency=frequency), choice.source, environment.home)
    flags += [] if preferred is None or preferred.id == run.id else ["--run", run.id]
    return command_line("predict", instrument, choice, environment, *flags)


def _tested_fit(
    data: Dataset, split: Split, key: str, baselines: Baselines, environment: Environment, fitter: Fitter
) -> tuple[FinishedFit, str | None]:
    """The model fitted on the training rows, or that of a run that has made this fit before, and the id of that run.

    The first of the baselines are fitted beside the model.
    """
    reused = recorded_fit(runs_folder(environment.home), key)
    if reused is None:
        if environment.own_process and fitter is fit_here:
            import_keras()
        with fits_beside(baselines, data.named[:MAX_SUMMARISED], environment.progress) as progress:
            finished = fitter(TrainingFit(data.config, data.panel, split), progress)
    else:
        finished = FinishedFit(reused.fitted, 0.0)
        text = f"weights: those of run {reused.run.id}, fitted on the same panel and configuration; scored anew"
        environment.note(text)
    for line in coming_days_of(finished.fitted).event_lines():
        environment.note(line)
    return finished, None if reused is None else reused.run.id


def _refit(
    tested: Fitted,
    data: Dataset,
    named: Sequence[PriceSeries],
    split: Split,
    environment: Environment,
    fitter: Fitter,
) -> tuple[Fitted, dict[str, CarriedFacts]]:
    """The model fitted on all rows, with the decisions and the calibration of the tested fit."""
    config = data.config
    everything = whole_history([series.dates[-1] for series in data.panel])
    refit = fitter(TrainingFit(config, data.panel, everything, tested.report.chosen), environment.progress)
    return refit.fitted, _carried(tested, named, split, config)


def _carried(fitted: Fitted, named: Sequence[PriceSeries], split: Split, config: Config) -> dict[str, CarriedFacts]:
    """Calibration of the tested fit after all rows, for its refit."""
    carried = {}
    for series in named:
        calibration = carried_calibration(fitted, series, split.validation_start, config.horizon)
        if calibration is not None:
            factors = tuple(map(tuple, calibration.factors.tolist()))
            carried[series.instrument.name] = CarriedFacts(calibration.since, factors)
    return carried


def last_predictions(
    run: Run, data: Dataset, named: Sequence[PriceSeries], environment: Environment
) -> tuple[Prediction, ...]:
    """Forecasts after the last rows, of the first instruments that a run has scored.

    Args:
        run: The run.
        data: Data of its training.
        named: The histories that it has scored.
        environment: Clock.
    """
    by_name = {series.instrument.name: series for series in named}
    instruments = [instrument for instrument in data.instruments if instrument.canonical.name in by_name]
    predictions = []
    for instrument in instruments[:MAX_SUMMARISED]:
        series = by_name[instrument.canonical.name]
        request = ForecastRequest(future_dates(series, run.config.horizon), today=environment.today)
        predictions.append(forecast_of(run, instrument, series, request))
    return tuple(predictions)


def _evaluate(
    fitted: Fitted,
    named: Sequence[PriceSeries],
    data: Dataset,
    split: Split,
    baselines: Baselines,
    environment: Environment,
) -> tuple[list[Score], dict[int, list[DailyLosses]], dict[str, list[str]], list[MemberScores]]:
    """Scores of every named series on every part, their losses on the test rows by step, failed baselines, members."""
    scores: list[Score] = []
    losses: dict[int, list[DailyLosses]] = {}
    fallbacks: dict[str, list[str]] = {}
    for number, series in enumerate(named):
        environment.progress("evaluate", number, len(named))
        evaluation = evaluate(fitted, series, split, scored_steps(data.config.horizon), baselines)
        scores += evaluation.scores
        tests = () if evaluation.test is None else (evaluation.test, *evaluation.later_tests)
        for sample in tests:
            losses.setdefault(sample.step, []).append(daily_losses(sample))
        for name in evaluation.fallbacks:
            fallbacks.setdefault(name, []).append(series.instrument.name)
    environment.progress("evaluate", len(named), len(named))
    for name, instruments in fallbacks.items():
        environment.note(
            f"warning: {name} did not converge or had too few rows for {', '.join(instruments)}; "
            "it has substitute parameters"
        )
    members = [member_scores(fitted, series, split) for series in named[:MAX_SUMMARISED]]
    return scores, losses, fallbacks, [single for single in members if single is not None]


def _verdicts(losses: Mapping[int, Sequence[DailyLosses]]) -> tuple[Verdict | None, dict[str, Verdict]]:
    """Verdict on all named series together, and on each of them.

    Args:
        losses: Step -> losses of the series that were scored at it; the first step is that of the verdict.
    """
    if not losses:
        return None, {}
    first, *later = (losses[step] for step in sorted(losses))
    by_name = {
        member.name: [other for members in later for other in members if other.name == member.name] for member in first
    }
    verdicts = {member.name: verdict(member, by_name[member.name]) for member in first}
    if len(first) > 1:
        return verdict(pool(first), [pool(members) for members in later]), verdicts
    return next(iter(verdicts.values())), verdicts


def _scored(data: Dataset, split: Split) -> tuple[PriceSeries, ...]:
    """The named series that have rows in all parts of the split, which is that of the first of them."""
    first = data.named[0]
    scored = []
    for series in data.named:
        lacking = _lacking(series, split, data.config)
        if not lacking:
            scored.append(series)
        elif not data.listed:
            raise NotEnoughDataError(
                f"{series.instrument.name} has no rows for {' and '.join(lacking)} with the split of "
                f"{first.instrument.name} (test from {split.test_start}); it runs from {series.dates[0]} to "
                f"{series.dates[-1]}; train it alone"
            )
    return tuple(scored)


def _lacking(series: PriceSeries, split: Split, config: Config) -> list[Part]:
    """Parts of the split in which a series has no cutoff whose outcomes are all known."""
    return [part for part in PARTS if not len(split.cutoffs(series.dates, part, config.horizon))]


def _check_parity(fitted: Fitted) -> None:
    difference = fitted.report.parity
    if difference is not None and not difference <= MAX_PARITY_ERROR:
        raise ForecasterError(
            f"NumPy and Keras differ by {difference:.2g} with these weights; expected at most {MAX_PARITY_ERROR:g}; "
            "nothing was saved; the weights diverged, lower the learning rate"
        )
