"""Comparison of recorded runs with one another and with the baselines, on the test rows that all of them share."""

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import BoolArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.datasets.selection import Selection
from forecaster.datasets.training import Dataset, resolve
from forecaster.environment import Environment
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation import DEFAULT_BASELINES
from forecaster.evaluation.comparison import ModelScores, Standing, compare, losses_by_name, standing
from forecaster.evaluation.daily_losses import POOLED, OutOfSample
from forecaster.evaluation.splits import Split
from forecaster.experiments.forecasting import run_forecasts
from forecaster.experiments.run_differences import Difference, differences, grouped
from forecaster.experiments.run_index import indexed_runs
from forecaster.experiments.run_selection import RunQuery, SelectedRun, select_runs
from forecaster.experiments.runs import Run, runs_folder
from forecaster.features.outcomes import returns_after
from forecaster.forecast import Forecasts
from forecaster.frames import Row, Tabular, flat
from forecaster.models.base import Fitted
from forecaster.pipeline import forecasts
from forecaster.pipeline_evaluation import Baselines, scoring_quantiles

__all__ = ["REFERENCE", "ComparedModel", "Comparison", "compare_runs"]

REFERENCE = "garch"
"""Baseline that every model is measured against."""

MAX_UNEQUAL = 1e-9  # difference of log returns, due to rounding, between equal prices


@dataclasses.dataclass(frozen=True)
class ComparedModel:
    """A run or a baseline in a comparison.

    Args:
        label: Name in tables: the registry key, with the end of the id where several runs have it.
        kind: Registry key.
        seconds: Seconds of the fit.
        parameters: Numbers that the fit has estimated.
        run: The run; None for a baseline.
    """

    label: str
    kind: str
    seconds: float | None
    parameters: int | None
    run: Run | None = None


@dataclasses.dataclass(frozen=True)
class Comparison(Tabular):
    """Scores of several runs and of the baselines on the same rows.

    Args:
        instruments: Names of the instruments.
        frequency: Length of a row.
        source: Registry key of the source.
        models: The models, from the lowest mean CRPS ratio to `REFERENCE` to the highest.
        samples: Step -> forecasts of every model for each instrument.
        scores: Scores of every model on each instrument, and on all together where there are several.
        standings: The model confidence set at each step.
        differences: Facts that differ between the runs.
        left_out: Kind of model -> reason why it is not compared.
    """

    instruments: tuple[str, ...]
    frequency: str
    source: str
    models: Sequence[ComparedModel]
    samples: Mapping[int, Sequence[OutOfSample]]
    scores: Sequence[ModelScores]
    standings: Sequence[Standing]
    differences: Sequence[Difference]
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The instrument, or ``pooled`` where there are several."""
        return self.instruments[0] if len(self.instruments) == 1 else POOLED

    @property
    def title(self) -> str:
        """The instruments."""
        return f"comparison on {', '.join(self.instruments)}"

    @property
    def window(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last cutoff."""
        dates = [sample.dates for samples in self.samples.values() for sample in samples]
        return min(each[0] for each in dates), max(each[-1] for each in dates)

    def score(self, label: str, step: int) -> ModelScores:
        """Scores of a model on the instrument, or on all together."""
        whole = (row for row in self.scores if row.instrument == self.name)
        return next(row for row in whole if (row.model, row.step) == (label, step))

    def best(self, step: int) -> frozenset[str] | None:
        """Labels of the models in the confidence set; None where there are too few rows for it."""
        models = next(standing.models for standing in self.standings if standing.step == step)
        return None if models is None else frozenset(models)

    def table_rows(self) -> list[Row]:
        """A row for each instrument, model and step."""
        facts = {model.label: model for model in self.models}
        rows: list[Row] = []
        for scores in self.scores:
            model = facts[scores.model]
            about: dict[str, Any] = {"instrument": scores.instrument, "model": scores.model, "step": scores.step}
            about |= {"n": scores.n, "seconds": model.seconds, "parameters": model.parameters}
            measured = {**scores.metrics, "crps_ratio": scores.crps_ratio}
            columns = itertools.chain.from_iterable(flat(name, value) for name, value in measured.items())
            rows.append({**about, **dict(columns)})
        return rows


@dataclasses.dataclass(frozen=True, eq=False)
class _Candidate:
    """A model, a history, and its forecasts of it from given rows up to a longest step."""

    label: str
    series: PriceSeries
    first_row: int
    forecasts: Callable[[IntArray, int], Forecasts]


def compare_runs(
    runs: Mapping[str, Run], names: Sequence[str], choice: Selection, steps: Sequence[int], environment: Environment
) -> Comparison:
    """Score runs that forecast the same outcomes, next to the baselines.

    The rows are those of the test of every run. All models forecast them from the history as it is now. Baselines are
    fitted on the training rows of the run whose training ends last.

    Args:
        runs: Label -> run, of one frequency and source; none is a refit.
        names: Names of the instruments, in canonical orientation; every run has learned from them.
        choice: The instruments as the user named them; empty for those of the runs.
        steps: Rows ahead, up to the shortest horizon.
        environment: Home folder, clock, progress and messages.

    Raises:
        NotEnoughDataError: The runs share no test rows.
    """
    tests = {label: run.manifest.split.parts["test"] for label, run in runs.items()}
    first = max(test.first for test in tests.values())
    last = min(test.last for test in tests.values())
    if first > last:
        spans = grouped({label: f"{test.first} to {test.last}" for label, test in tests.items()})
        raise NotEnoughDataError(
            f"the runs share no test rows: {spans}; expected tests that overlap; train with the same --end"
        )
    selected = {label: _selected(run, choice, last, environment) for label, run in runs.items()}
    latest = max(runs.values(), key=lambda run: (run.split.validation_start, len(run.manifest.data.members)))
    data = _data_until(last, latest, choice, environment)
    split = latest.split
    baselines, facts = _fitted_baselines(data, split, names)
    samples: dict[str, dict[int, OutOfSample]] = {}
    for number, name in enumerate(names):
        environment.progress("compare", number, len(names), detail=name)
        candidates = [_of_run(label, by_name[name]) for label, by_name in selected.items()]
        candidates += [_of_baseline(by_name[name], data.panel[name]) for by_name in baselines]
        samples[name] = _common_samples(candidates, first, steps, environment)
    environment.progress("compare", len(names), len(names))
    scored = tuple(name for name in names if samples[name])
    shared = [step for step in steps if all(step in samples[name] for name in scored)]
    models = [_compared(label, run, environment) for label, run in runs.items()]
    changes = {label: "; ".join(texts) for label, each in selected.items() if (texts := _changes(each.values()))}
    comparison = Comparison(
        instruments=scored,
        frequency=data.config.data.frequency,
        source=data.named[0].source,
        models=[*models, *facts],
        samples={step: [samples[name][step] for name in scored] for step in shared if scored},
        scores=(),
        standings=(),
        differences=differences(runs, scored, changes),
    )
    return _scored(comparison, latest.config.seed)


def _selected(run: Run, choice: Selection, last: np.datetime64, environment: Environment) -> dict[str, SelectedRun]:
    """Name -> the run with the history of an instrument, up to the last row of all tests."""
    selected = select_runs(choice, RunQuery(run.id), environment)
    return {selection.series.instrument.name: selection.until(last.astype(object)) for selection in selected}


def _changes(selected: Iterable[SelectedRun]) -> list[str]:
    """Changes of the histories since a training that read no further."""
    texts = []
    for selection in selected:
        name = selection.series.instrument.name
        trained = selection.run.manifest.data.members[name]
        if selection.change is not None:
            texts.append(f"{name}: {selection.change.text}")
        elif selection.series.dates[-1] >= trained.last and selection.run.history_changed(selection.series):
            texts.append(f"{name}: other rows")
    return texts


def _data_until(last: np.datetime64, run: Run, choice: Selection, environment: Environment) -> Dataset:
    """The data of a training up to a row, as they are now."""
    data = run.config.data.model_copy(update={"end": last.astype(object)})
    config = run.config.model_copy(update={"data": data})
    return resolve(config, choice, environment, lambda named: run.split.validation_start)


def _fitted_baselines(
    data: Dataset, split: Split, names: Sequence[str]
) -> tuple[list[dict[str, Fitted]], list[ComparedModel]]:
    """Instrument -> fit of each baseline, and what is known about it."""
    fits: list[dict[str, Fitted]] = []
    facts: list[ComparedModel] = []
    for baseline in DEFAULT_BASELINES:
        begun = time.perf_counter()
        fitting = Baselines((baseline,), data.panel, split, data.config)
        fitted = {name: fitting.of(data.panel[name])[0] for name in names}
        seconds = time.perf_counter() - begun
        distinct = {id(each): each for each in fitted.values()}.values()  # one fit of a panel serves all
        estimated = sum(array.size for each in distinct for array in each.arrays().values())
        fits.append(fitted)
        facts.append(ComparedModel(baseline, baseline, round(seconds, 3), estimated))
    return fits, facts


def _of_run(label: str, selection: SelectedRun) -> _Candidate:
    run = selection.run
    calibrated = functools.partial(run_forecasts, run, selection.series)
    return _Candidate(label, selection.series, run.fitted.first_row, calibrated)


def _of_baseline(fitted: Fitted, series: PriceSeries) -> _Candidate:
    return _Candidate(fitted.name, series, fitted.first_row, functools.partial(forecasts, fitted, series))


def _compared(label: str, run: Run, environment: Environment) -> ComparedModel:
    """Facts about a run; where it has taken over weights, its seconds are those of the fit that made them."""
    key = run.manifest.fit_key
    index = indexed_runs(runs_folder(environment.home))
    alike = [summary.read() for summary in index.runs if key and summary.fit_key == key]
    seconds = max((each.manifest.seconds.get("fit", 0.0) for each in [run, *alike]), default=None)
    return ComparedModel(label, run.manifest.model.model, seconds, run.manifest.model.parameters, run)


def _common_samples(
    candidates: Sequence[_Candidate], first: np.datetime64, steps: Sequence[int], environment: Environment
) -> dict[int, OutOfSample]:
    """Step -> forecasts of all models at the cutoffs from `first` on that all have, and whose outcomes agree."""
    possible = [candidate.series.dates[candidate.first_row :] for candidate in candidates]
    dates = functools.reduce(np.intersect1d, possible)
    dates = dates[dates >= first]
    name = candidates[0].series.instrument.name
    if not len(dates):
        environment.note(f"{name} is left out: it has no row from which every model can forecast since {first}")
        return {}
    rows = [np.searchsorted(candidate.series.dates, dates) for candidate in candidates]
    outcomes = np.stack(
        [returns_after(each.series.log_price, own, steps) for each, own in zip(candidates, rows, strict=True)]
    )
    equal = _equal(outcomes)
    unequal = int((np.isfinite(outcomes).all(axis=0) & ~equal)[:, 0].sum())
    if unequal:
        environment.note(f"{unequal} cutoffs of {name} are left out: the runs do not read the same prices there")
    distributions = {
        candidate.label: candidate.forecasts(own, max(steps)) for candidate, own in zip(candidates, rows, strict=True)
    }
    return {
        step: OutOfSample(
            instrument=name,
            step=step,
            dates=dates[chosen],
            outcomes=outcomes[0, chosen, column],
            quantiles={label: scoring_quantiles(each, step)[chosen] for label, each in distributions.items()},
        )
        for column, step in enumerate(steps)
        if (chosen := equal[:, column]).any()
    }


def _equal(outcomes: FloatArray) -> BoolArray:
    """(N, S) whether outcomes (M, N, S) of M models are known and the same."""
    return np.asarray(np.abs(outcomes - outcomes[0]).max(axis=0) <= MAX_UNEQUAL)


def _scored(comparison: Comparison, seed: int) -> Comparison:
    """`comparison` with its scores, and its models in their order."""
    if not comparison.samples:
        raise NotEnoughDataError(
            "no outcome is known in the test rows that the runs share; expected some; name other runs or shorter steps"
        )
    first = next(iter(comparison.models)).label
    losses = {step: losses_by_name(samples, first) for step, samples in comparison.samples.items()}
    scored = dataclasses.replace(
        comparison,
        scores=[row for step, samples in comparison.samples.items() for row in compare(samples, losses[step], seed)],
        standings=[standing(by_name[comparison.name], seed) for by_name in losses.values()],
    )

    def mean_ratio(model: ComparedModel) -> float:
        ratios = [scored.score(model.label, step).crps_ratio.get(REFERENCE, 1.0) for step in scored.samples]
        return float(np.mean([1.0 if ratio is None else ratio for ratio in ratios]))

    return dataclasses.replace(scored, models=sorted(scored.models, key=mean_ratio))
