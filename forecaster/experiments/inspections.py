"""Inspection of a run on a history: gates or weights by lag, memory length, importance of inputs, learning curve."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from forecaster.arrays import DateArray, Float32Array, FloatArray, IntArray
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.environment import Progress, no_progress
from forecaster.errors import UsageError
from forecaster.evaluation.distribution_scores import crps
from forecaster.evaluation.importance import Importance, Shuffling, permutation_importance
from forecaster.evaluation.memory_length import Memory, measured_memory
from forecaster.experiments.runs import Run
from forecaster.features.outcomes import returns_after
from forecaster.frames import Row, Tabular
from forecaster.models import traits_of
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.inspection import InspectableFitted
from forecaster.models.inspection import Inspection as ModelInspection

__all__ = [
    "ALL_INPUTS",
    "DEFAULT_ROWS",
    "InputImportances",
    "Inspection",
    "InspectionRequest",
    "inspect_run",
    "quick_importances",
]

ALL_INPUTS = "all inputs"
"""Name of the group of all inputs."""

DEFAULT_ROWS = 500
"""Rows whose gates are read, unless others are wanted."""

MIN_CUTOFFS = 50  # that an importance is measured on
SLOW_CUTOFFS = 120  # of a model that reads few histories in a second


@dataclasses.dataclass(frozen=True)
class InspectionRequest:
    """Options of an inspection.

    Args:
        steps: Days ahead at which importances are measured.
        last: Number of rows whose gates are read.
        seed: Seed of the permutations.
    """

    steps: Sequence[int] = (1,)
    last: int = DEFAULT_ROWS
    seed: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection(Tabular):
    """Gates, memory, importances and learning curve of a run on one history.

    Args:
        instrument: Instrument in the user's orientation.
        run: The run.
        series: Its history in canonical orientation.
        dates: (N,) rows whose gates were read.
        layers: Gates and states (N, U) of each recurrent layer.
        lag_weights: Weights (N, L + 1) of past rows in each layer without a state.
        memory: Influence of past inputs; None where it was not measured.
        part: Part of the split whose cutoffs the importances were measured on; None where they were not.
        cutoffs: First and last of these cutoffs; None likewise.
        importances: Importance of each input and of groups, at each step.
        curve: Rows of the learning curve.
        missing: Section -> reason why it is not there.
    """

    instrument: Instrument
    run: Run
    series: PriceSeries
    dates: DateArray
    layers: Sequence[LayerGates]
    lag_weights: Sequence[LagWeights]
    memory: Memory | None
    part: str | None
    cutoffs: tuple[np.datetime64, np.datetime64] | None
    importances: Sequence[Importance]
    curve: Sequence[Mapping[str, float]]
    missing: Mapping[str, str]

    @property
    def title(self) -> str:
        """Instrument and run."""
        return f"{self.instrument.name}: inspection of run {self.run.id}"

    def table_rows(self) -> list[Row]:
        """A row for each input and step, with its importance."""
        rows: list[Row] = []
        for importance in self.importances:
            low, high = importance.interval or (None, None)
            about: Row = {"instrument": self.instrument.name, "input": importance.name, "step": importance.step}
            rows.append({**about, "n": importance.n, "increase": importance.increase, "low": low, "high": high})
        return rows


@dataclasses.dataclass(frozen=True)
class InputImportances:
    """Importances of the inputs of a run.

    Args:
        part: Part of the split whose cutoffs they were measured on.
        cutoffs: First and last of these cutoffs.
        importances: Importance of each input and of groups.
    """

    part: str
    cutoffs: tuple[np.datetime64, np.datetime64]
    importances: Sequence[Importance]


def inspect_run(
    run: Run,
    instrument: Instrument,
    series: PriceSeries,
    request: InspectionRequest,
    progress: Progress = no_progress,
) -> Inspection:
    """Inspect a run on a history.

    Args:
        run: The run.
        instrument: Instrument in the user's orientation.
        series: Its history in canonical orientation, up to the cutoff.
        request: Options.
        progress: Called after each section.

    Raises:
        UsageError: A step lies beyond the horizon, or the kind cannot be inspected.
    """
    model = _opened(run, series, request)
    rows = np.arange(max(len(series) - request.last, run.fitted.first_row), len(series))
    layers = model.gates(rows)
    lag_weights = model.lag_weights(rows)
    progress("inspect", 1, 3, detail="memory")
    memory = _memory(model)
    progress("inspect", 2, 3, detail="importance")
    part, cutoffs = _cutoffs(run, series, model, max(request.steps))
    are_shuffled = traits_of(run.fitted.name).reads_features and len(cutoffs) >= MIN_CUTOFFS
    importances = _importances(run, series, model, cutoffs, request) if are_shuffled else []
    curve = run.history()
    progress("inspect", 3, 3)
    gates = [layer for layer in layers if layer.gates]
    sections = {"gates": gates, "memory": memory, "importance": importances, "curve": curve}
    shown = "the size of the states is" if layers else "the weights of past rows are"
    reasons = _reasons(run.fitted.name, len(cutoffs)) | {"gates": f"the network has none; {shown} shown"}
    return Inspection(
        instrument=instrument,
        run=run,
        series=series,
        dates=series.dates[rows],
        layers=layers,
        lag_weights=lag_weights,
        memory=memory,
        part=part if importances else None,
        cutoffs=(series.dates[cutoffs[0]], series.dates[cutoffs[-1]]) if importances else None,
        importances=importances,
        curve=curve,
        missing={section: reasons[section] for section, content in sections.items() if not content},
    )


def quick_importances(run: Run, series: PriceSeries) -> InputImportances:
    """The importance of the inputs one row ahead, of a model that answers fast enough to measure it in passing.

    Raises:
        UsageError: The kind cannot be inspected, reads no features or is slow, or the cutoffs are too few.
    """
    request = InspectionRequest()
    model = _opened(run, series, request)
    part, cutoffs = _cutoffs(run, series, model, 1)
    if not traits_of(run.fitted.name).reads_features or len(cutoffs) < MIN_CUTOFFS:
        raise UsageError(_reasons(run.fitted.name, len(cutoffs))["importance"])
    if not model.is_fast:
        raise UsageError(f"a network of kind {run.fitted.name} takes longer to answer")
    first, last = series.dates[cutoffs[[0, -1]]]
    return InputImportances(part, (first, last), _importances(run, series, model, cutoffs, request))


def _opened(run: Run, series: PriceSeries, request: InspectionRequest) -> ModelInspection:
    """The model of a run on a history; see `inspect_run`."""
    horizon = run.manifest.model.horizon
    if max(request.steps) > horizon:
        raise UsageError(
            f"--step is {max(request.steps)}; run {run.id} looks {horizon} rows ahead; choose a step up to it"
        )
    if not traits_of(run.fitted.name).inspectable:
        raise UsageError(f"a run of kind {run.fitted.name} cannot be inspected; choose another run with --run ID")
    return cast(InspectableFitted, run.fitted).inspection(series)


def _reasons(kind: str, cutoffs: int) -> dict[str, str]:
    """Section -> reason why a run of a kind may not have it."""
    if traits_of(kind).reads_features:
        importance = f"{cutoffs} cutoffs of the test are too few; expected {MIN_CUTOFFS}"
    else:
        importance = f"the inputs of kind {kind} are prices, which are not shuffled"
    return {
        "memory": "the history has too few rows",
        "importance": importance,
        "curve": "the run has recorded no learning curve",
    }


def _memory(model: ModelInspection) -> Memory | None:
    try:
        return measured_memory(
            model.responses,
            model.inputs[model.first_row :],
            model.settling_rows,
            model.longest_lag,
            count=32 if model.is_fast else 8,
        )
    except ValueError:
        return None


def _cutoffs(run: Run, series: PriceSeries, model: ModelInspection, step: int) -> tuple[str, IntArray]:
    """Part of the split and its cutoffs whose outcomes lie in it: of the test, else of the validation."""
    parts = run.manifest.split.parts
    part = "test" if "test" in parts else "validation"
    if part not in parts:
        return part, np.empty(0, np.intp)
    first = int(np.searchsorted(series.dates, parts[part].first))
    end = int(np.searchsorted(series.dates, parts[part].last, side="right")) - step
    rows = np.arange(max(first, run.fitted.first_row, model.first_row + model.settling_rows), end)
    return part, rows if model.is_fast else rows[:: _stride(len(rows))]


def _stride(count: int) -> int:
    return max(-(-count // SLOW_CUTOFFS), 1)


def _importances(
    run: Run, series: PriceSeries, model: ModelInspection, cutoffs: IntArray, request: InspectionRequest
) -> list[Importance]:
    """Importance of each input, of the inputs of each covariate together, and of all inputs."""
    begin = cutoffs[0] - model.settling_rows
    inputs = model.inputs[begin : cutoffs[-1] + 1]
    places = cutoffs - begin
    steps = list(request.steps)
    forecasts = run.fitted.forecast(series, cutoffs)
    # The drift of a series, and what rows before `begin` add, belong to the forecasts and not to the inputs.
    rest = forecasts.scaled - model.responses(inputs[None], places)[1][0]
    outcomes = returns_after(series.log_price, cutoffs, steps)

    def losses(x: Float32Array) -> FloatArray:
        scaled = model.responses(x, places)[1] + rest
        quantiles = [dataclasses.replace(forecasts, scaled=values).log_returns(steps) for values in scaled]
        return np.stack([crps(values, forecasts.quantile_levels, outcomes) for values in quantiles])

    stride = int(np.diff(cutoffs).max())
    return permutation_importance(
        losses,
        inputs,
        _groups(model.input_names),
        {step: (step - 1) // stride + 1 for step in steps},
        Shuffling(repetitions=10 if model.is_fast else 5, seed=request.seed),
    )


def _groups(names: Sequence[str]) -> dict[str, list[int]]:
    """Columns to shuffle together: all, those of one covariate, and each by itself.

    >>> _groups(["momentum_5", "VIX:level", "VIX:move"])
    {'all inputs': [0, 1, 2], 'VIX': [1, 2], 'momentum_5': [0], 'VIX:level': [1], 'VIX:move': [2]}
    """
    groups = {ALL_INPUTS: list(range(len(names)))}
    for column, name in enumerate(names):
        covariate, colon, _ = name.rpartition(":")
        if colon:
            groups.setdefault(covariate, []).append(column)
    return groups | {name: [column] for column, name in enumerate(names)}
