"""Grades of forecasts that others have made: scored beside a backtest of our models, on the same rows."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from forecaster.arrays import BoolArray, FloatArray, IntArray
from forecaster.data.forecast_files import ForecastFile
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.external_forecasts import (
    MIN_ROWS,
    ExternalForecasts,
    Foresight,
    Rejection,
    Units,
    external_forecasts,
    rejections,
)
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtest_scores import BacktestResult, model_forecasts, scored_samples, skipped_models
from forecaster.experiments.backtests import FoldRecord
from forecaster.features.outcomes import returns_after
from forecaster.frames import Row, Tabular

__all__ = ["ForecastGrades", "grade_forecasts", "readable_steps"]

Cutoffs = tuple[IntArray, FloatArray]
"""Rows (N,) of a series and quantiles (N, 9) of the log return from each."""

Groups = Mapping[tuple[str, str], IntArray]
"""Forecaster and instrument -> numbers of their rows."""

_NO_BASELINE = "no_baseline"
_NOT_COMMON = "not_common"
_FEW = "few"
_UNNAMED = "instrument"
_TEXTS = {
    _NO_BASELINE: "the models beside it have no forecast at this cutoff, such as too early in the history",
    _NOT_COMMON: "another forecaster of the file has no forecast for this cutoff and step",
    _FEW: f"there are fewer than {MIN_ROWS} cutoffs of the instrument and step, or that all forecasters have",
    _UNNAMED: "the instrument is unknown, or not among those that were named",
}


@dataclasses.dataclass(frozen=True)
class ForecastGrades(Tabular):
    """Scores of the forecasts of a file, beside those of our models on the same rows.

    Args:
        file: The forecasts as read.
        units: Units of their values.
        forecasters: Names of the forecasters that were scored, the evaluated one first.
        rows: Number of forecasts that were scored.
        rejected: Forecasts that were not scored, one entry for each forecaster, instrument and reason.
        foresight: Signs that forecasts were made after their cutoffs.
        result: Scores, tests and verdict.
    """

    file: ForecastFile
    units: Units
    forecasters: tuple[str, ...]
    rows: int
    rejected: Sequence[Rejection]
    foresight: Sequence[Foresight]
    result: BacktestResult

    @property
    def models(self) -> tuple[str, ...]:
        """Forecasters of the file, then the models beside them."""
        return (*self.forecasters, *self.result.plan.forecasters)

    @property
    def title(self) -> str:
        """File that was graded."""
        return f"forecasts of {self.file.label}"

    def table_rows(self) -> list[Row]:
        """A row for each instrument, model and step, with every metric and the CRPS ratios."""
        return self.result.table_rows()


def readable_steps(file: ForecastFile) -> tuple[int, ...]:
    """Steps of a file that are whole numbers from 1, each once, increasing."""
    good = file.steps[(file.steps >= 1) & (file.steps == np.round(file.steps))]
    return tuple(np.unique(good).astype(int).tolist())


@dataclasses.dataclass(frozen=True, eq=False)
class _Member:
    """Everything about one instrument: forecasts of the file, and those of our models."""

    series: PriceSeries
    external: Mapping[str, ExternalForecasts]
    ours: Mapping[str, tuple[IntArray, FloatArray]]  # (N,) rows and (N, S, 9) quantiles
    steps: tuple[int, ...]

    def at(self, step: int) -> tuple[dict[str, Cutoffs], dict[str, Cutoffs]]:
        """Forecasts of the file and of our models at a step."""
        index = self.steps.index(step)
        external = {name: forecasts.at(step) for name, forecasts in self.external.items()}
        return external, {name: (rows, quantiles[:, index]) for name, (rows, quantiles) in self.ours.items()}


def grade_forecasts(
    file: ForecastFile,
    units: Units,
    mirrored: Mapping[str, tuple[str, bool]],
    plan: BacktestPlan,
    records: Sequence[FoldRecord],
    *,
    calibrated: bool = True,
) -> ForecastGrades:
    """Score the forecasts of a file on the cutoffs that all forecasters and our models have.

    Args:
        file: The forecasts.
        units: Units of their values.
        mirrored: Instrument as the file names it -> name of its series in the panel, and True if the file has the
            inverse quotation. Rows of other instruments are not scored.
        plan: Plan of the backtest of our models, with the steps of the file.
        records: Its records.
        calibrated: True to calibrate intervals of networks by the outcomes known at each cutoff.

    Raises:
        NotEnoughDataError: No forecast can be scored.
    """
    groups = _groups(file)
    rejected = _unnamed(file, groups, mirrored)
    labels = _labels(file, plan)
    members = []
    for name in plan.named:
        own = {key: places for key, places in groups.items() if mirrored.get(key[1], ("", False))[0] == name}
        external, refused = _read(file, own, units, mirrored, plan.panel[name])
        rejected += refused
        if external:
            ours = {
                model: model_forecasts(plan, records, model, plan.panel[name], calibrated) for model in plan.forecasters
            }
            with_rows = {model: cutoffs for model, cutoffs in ours.items() if len(cutoffs[0])}
            members.append(_Member(plan.panel[name], external, with_rows, plan.steps))
    samples: dict[int, list[OutOfSample]] = {}
    scored = 0
    for member in members:
        for step in plan.steps:
            sample, refused = _sample(member, step, labels)
            rejected += refused
            if sample is not None:
                samples.setdefault(step, []).append(sample)
                scored += len(sample.dates) * sum(label in sample.quantiles for label in labels.values())
    if not samples:
        raise NotEnoughDataError(_nothing_scored(file, rejected))
    able = {name for each in samples.values() for sample in each for name in sample.quantiles}
    forecasters = tuple(label for label in labels.values() if label in able)
    by_step = {step: samples[step] for step in plan.steps if step in samples}
    result = scored_samples(plan, records, by_step, forecasters[0], skipped_models(plan, records), calibrated)
    foresight = [each.foresight for member in members for each in member.external.values() if each.foresight]
    return ForecastGrades(file, units, forecasters, scored, _merged(rejected), foresight, result)


def _nothing_scored(file: ForecastFile, rejected: Sequence[Rejection]) -> str:
    counts = [f"{each.n:,} {each.model}: {each.text} (first {each.first})" for each in _merged(rejected)[:3]]
    return f"no forecast of {file.label} can be scored: {'; '.join(counts)}"


def _labels(file: ForecastFile, plan: BacktestPlan) -> dict[str, str]:
    """Forecaster -> its name in the tables, which differs from those of our models."""
    names = dict.fromkeys(file.models)
    return {name: f"{name} (file)" if name in plan.forecasters else name for name in names}


def _unnamed(file: ForecastFile, groups: Groups, mirrored: Mapping[str, tuple[str, bool]]) -> list[Rejection]:
    """Rows of instruments that are not graded."""
    rejected: list[Rejection] = []
    for (model, instrument), places in groups.items():
        if instrument not in mirrored:
            every = np.ones(len(places), dtype=bool)
            rejected += rejections(model, instrument, file.cutoffs[places], {_UNNAMED: every}, _TEXTS)
    return rejected


def _groups(file: ForecastFile) -> Groups:
    """The rows of each forecaster and instrument, in the order of the file."""
    groups: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(file.models, file.instruments, strict=True)):
        groups.setdefault(key, []).append(row)
    return {key: np.array(rows, dtype=np.intp) for key, rows in groups.items()}


def _read(
    file: ForecastFile,
    groups: Groups,
    units: Units,
    mirrored: Mapping[str, tuple[str, bool]],
    series: PriceSeries,
) -> tuple[dict[str, ExternalForecasts], list[Rejection]]:
    """Forecaster -> its forecasts of a series, and the rows that cannot be read."""
    external: dict[str, ExternalForecasts] = {}
    rejected: list[Rejection] = []
    for (model, instrument), places in groups.items():
        forecasts, refused = external_forecasts(file, places, series, units, mirrored=mirrored[instrument][1])
        rejected += refused
        if model in external:  # as USDJPY and as JPYUSD
            every = np.ones(len(places), dtype=bool)
            texts = {"repeated": f"{external[model].instrument} is the same instrument"}
            rejected += rejections(model, instrument, file.cutoffs[places], {"repeated": every}, texts)
        elif len(forecasts.rows):
            external[model] = forecasts
    return external, rejected


def _sample(member: _Member, step: int, labels: Mapping[str, str]) -> tuple[OutOfSample | None, list[Rejection]]:
    """Forecasts of all models at a step, on the cutoffs that all of them have; None where there are too few."""
    external, ours = member.at(step)
    external = {model: cutoffs for model, cutoffs in external.items() if len(cutoffs[0])}
    if not external:
        return None, []
    few = {model for model, (rows, _) in external.items() if len(rows) < MIN_ROWS}
    common = _common(rows for model, (rows, _) in external.items() if model not in few)
    shared = _common(rows for rows, _ in ours.values())
    common = common if common is None or shared is None else np.intersect1d(common, shared)
    is_enough = common is not None and len(common) >= MIN_ROWS
    rejected: list[Rejection] = []
    for model, (rows, _) in external.items():
        is_kept = np.isin(rows, common) if common is not None and is_enough else np.zeros(len(rows), dtype=bool)
        without = np.zeros(len(rows), dtype=bool) if shared is None else ~np.isin(rows, shared)
        too_few = np.full(len(rows), model in few or (not is_enough and not without.all()))
        by_reason: dict[str, BoolArray] = {
            _NO_BASELINE: without & ~is_kept,
            _FEW: too_few & ~without & ~is_kept,
            _NOT_COMMON: ~is_kept & ~without & ~too_few,
        }
        instrument = member.external[model].instrument
        rejected += rejections(model, instrument, member.series.dates[rows], by_reason, _TEXTS)
    if common is None or not is_enough:
        return None, rejected
    quantiles = {labels[model]: _chosen(cutoffs, common) for model, cutoffs in external.items() if model not in few}
    quantiles |= {model: _chosen(cutoffs, common) for model, cutoffs in ours.items()}
    sample = OutOfSample(
        instrument=member.series.instrument.name,
        step=step,
        dates=member.series.dates[common],
        outcomes=returns_after(member.series.log_price, common, [step])[:, 0],
        quantiles=quantiles,
        # The closest cutoffs decide how many outcomes share days.
        stride=int(np.diff(common).min()),
    )
    return sample, rejected


def _common(rows: Iterable[IntArray]) -> IntArray | None:
    """(N,) rows that are in all arrays; None without any array."""
    arrays = list(rows)
    return functools.reduce(np.intersect1d, arrays) if arrays else None


def _chosen(cutoffs: Cutoffs, rows: IntArray) -> FloatArray:
    """(N, 9) quantiles at `rows`, which are among the cutoffs."""
    return np.asarray(cutoffs[1][np.searchsorted(cutoffs[0], rows)])


def _merged(rejected: Iterable[Rejection]) -> list[Rejection]:
    """One entry for each forecaster, instrument and reason: those of several steps are one."""
    merged: dict[tuple[str, str, str], Rejection] = {}
    for each in rejected:
        key = (each.model, each.instrument, each.reason)
        before = merged.get(key)
        if before is not None:
            each = dataclasses.replace(before, n=before.n + each.n, first=min(before.first, each.first))
        merged[key] = each
    return list(merged.values())
