"""Scores of a backtest: every model on the same cutoffs, and the verdict."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.calibration import calibrate
from forecaster.evaluation.comparison import ModelScores, Standing, compare, losses_by_name, standing
from forecaster.evaluation.daily_losses import POOLED, DailyLosses, OutOfSample
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtests import FoldRecord
from forecaster.features.outcomes import returns_after, rows_with_outcome
from forecaster.frames import Row, Tabular, flat
from forecaster.models.base import FitReport
from forecaster.quantiles import interpolate_returns

__all__ = [
    "BacktestResult",
    "evaluate_backtest",
    "model_forecasts",
    "out_of_sample",
    "scored_samples",
    "skipped_models",
]


@dataclasses.dataclass(frozen=True)
class BacktestResult(Tabular):
    """A backtest and its scores.

    Args:
        plan: Everything that decides the numbers.
        records: Forecasts of each model and fold.
        samples: Step -> out-of-sample forecasts of each instrument.
        losses: Step -> name -> daily losses of each instrument, and of all pooled where there are several.
        evaluated_model: Registry key of the first model that could forecast.
        scores: Scores of every model, step by step.
        standings: All models together, one for each step.
        verdicts: Name -> verdict at the first step; ``pooled`` where there are several instruments.
        skipped: Model -> instrument -> reason why there is no forecast.
        calibrated: True if intervals of networks were calibrated.
    """

    plan: BacktestPlan
    records: Sequence[FoldRecord]
    samples: Mapping[int, Sequence[OutOfSample]]
    losses: Mapping[int, Mapping[str, DailyLosses]]
    evaluated_model: str
    scores: Sequence[ModelScores]
    standings: Sequence[Standing]
    verdicts: Mapping[str, Verdict]
    skipped: Mapping[str, Mapping[str, str]]
    calibrated: bool

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.plan.id

    @property
    def title(self) -> str:
        """Id of the backtest."""
        return f"backtest {self.id}"

    def table_rows(self) -> list[Row]:
        """A row for each instrument, model and step, with every metric and the CRPS ratios."""
        rows: list[Row] = []
        for scores in self.scores:
            about = {"instrument": scores.instrument, "model": scores.model, "step": scores.step, "n": scores.n}
            measured = {**scores.metrics, "crps_ratio": scores.crps_ratio}
            columns = [flat(name, value) for name, value in measured.items()]
            rows.append({**about, **dict(itertools.chain.from_iterable(columns))})
        return rows

    @property
    def verdict(self) -> Verdict:
        """The verdict on all instruments together, or on the only one that the evaluated model could forecast."""
        first = self.losses[min(self.losses)]
        losses = _together(first, self.evaluated_model) or next(iter(first.values()))
        return self.verdicts[losses.name]

    @property
    def last_cutoff(self) -> np.datetime64:
        """Last date from which a forecast was scored."""
        last: np.datetime64 = max(sample.dates[-1] for samples in self.samples.values() for sample in samples)
        return last

    @property
    def fallbacks(self) -> dict[str, dict[str, int]]:
        """Model -> series -> number of fits that failed and used substitute parameters, of the forecast series."""
        counts: dict[str, dict[str, int]] = {}
        for record in self.records:
            names = itertools.chain.from_iterable(
                FitReport.from_json(state).fallbacks for state in record.facts["states"]
            )
            for name in names:
                if len(record.rows.get(name, ())):
                    by_series = counts.setdefault(record.model, {})
                    by_series[name] = by_series.get(name, 0) + 1
        return counts


def evaluate_backtest(
    plan: BacktestPlan, records: Sequence[FoldRecord], named: Sequence[PriceSeries], calibrated: bool
) -> BacktestResult:
    """Score and test the forecasts of a backtest.

    Args:
        plan: Everything that decides the numbers.
        records: One for each model and fold.
        named: The series that were forecast.
        calibrated: True to calibrate intervals of networks by the outcomes known at each cutoff.

    Raises:
        NotEnoughDataError: No model has a forecast whose outcome is known.
    """
    skipped = skipped_models(plan, records)
    by_series = [out_of_sample(plan, records, series, calibrated) for series in named]
    samples = {step: [steps[step] for steps in by_series if step in steps] for step in plan.steps}
    samples = {step: members for step, members in samples.items() if members}
    if not samples:
        reasons = [reason for by_name in skipped.values() for reason in by_name.values()]
        raise NotEnoughDataError(
            f"no model could forecast anything in this span: {(*reasons, 'no outcome is known yet')[0]}; "
            "change --start, --step, --stride or --models"
        )
    able = {sample.evaluated_model for members in samples.values() for sample in members}
    evaluated_model = next(name for name in plan.forecasters if name in able)
    return scored_samples(plan, records, samples, evaluated_model, skipped, calibrated)


def scored_samples(
    plan: BacktestPlan,
    records: Sequence[FoldRecord],
    samples: Mapping[int, Sequence[OutOfSample]],
    evaluated_model: str,
    skipped: Mapping[str, Mapping[str, str]],
    calibrated: bool,
) -> BacktestResult:
    """Score and test forecasts on the cutoffs that all models have.

    Args:
        plan: Everything that decides the numbers.
        records: One for each model and fold.
        samples: Step -> forecasts of every model for each instrument; a step without any is left out.
        evaluated_model: Model that is compared with the others.
        skipped: Model -> instrument -> reason why there is no forecast.
        calibrated: True if intervals of networks were calibrated.
    """
    losses = {step: losses_by_name(members, evaluated_model) for step, members in samples.items()}
    seed = plan.config.seed
    together = [whole for by_name in losses.values() if (whole := _together(by_name, evaluated_model)) is not None]
    return BacktestResult(
        plan=plan,
        records=records,
        samples=samples,
        losses=losses,
        evaluated_model=evaluated_model,
        scores=[row for step, members in samples.items() for row in compare(members, losses[step], seed)],
        standings=[standing(whole, seed) for whole in together],
        verdicts={name: verdict(member, _later(losses, name)) for name, member in losses[min(losses)].items()},
        skipped=skipped,
        calibrated=calibrated,
    )


def _later(losses: Mapping[int, Mapping[str, DailyLosses]], name: str) -> list[DailyLosses]:
    """Losses of one instrument at every step but the first."""
    return [losses[step][name] for step in sorted(losses)[1:] if name in losses[step]]


def skipped_models(plan: BacktestPlan, records: Sequence[FoldRecord]) -> dict[str, dict[str, str]]:
    """Model -> series -> reason why it has no forecasts, or none in some of the folds."""
    skipped: dict[str, dict[str, str]] = {}
    for model, name in itertools.product(plan.forecasters, plan.named):
        folds = [record for record in records if record.model == model]
        reasons = [reason for record in folds if (reason := record.facts["skipped"].get(name)) is not None]
        if not reasons and not any(len(record.rows[name]) for record in folds):
            reasons = [_reason_without_cutoff(plan, name)]
        elif reasons and len(reasons) < len(folds):
            reasons[-1] += f" (in {len(reasons)} of {len(folds)} folds)"
        if reasons:
            skipped.setdefault(model, {})[name] = reasons[-1]
    return skipped


def _reason_without_cutoff(plan: BacktestPlan, name: str) -> str:
    """Reason why a fitted model has no forecast of a series."""
    dates = plan.panel[name].dates
    rows = sum(len(fold.rows(dates)) for fold in plan.folds)
    cutoffs = sum(len(fold.rows(dates, plan.stride)) for fold in plan.folds)
    if not rows:
        return f"it has no row from {plan.folds[0].start} to {plan.folds[-1].end - 1}"
    if not cutoffs:
        return f"none of its {rows} rows from {plan.folds[0].start} on is a cutoff at --stride {plan.stride}"
    return "too few rows before its cutoffs for the model to begin"


def _together(losses: Mapping[str, DailyLosses], evaluated_model: str) -> DailyLosses | None:
    """Losses of all instruments together, or of the only one that the evaluated model could forecast."""
    alone = (member for member in losses.values() if member.model == evaluated_model)
    return losses.get(POOLED) or next(alone, None)


def model_forecasts(
    plan: BacktestPlan, records: Sequence[FoldRecord], model: str, series: PriceSeries, calibrated: bool
) -> tuple[IntArray, FloatArray]:
    """Cutoffs and quantiles of one model, through all folds.

    Returns:
        (N,) rows of `series`, and (N, S, 9) quantiles of the log return at `SCORING_LEVELS` and the steps of the plan.
        Those of calibrated models are calibrated on all cutoffs of the model at its own steps, whatever other models
        have, and then interpolated between these, as in a forecast.
    """
    name = series.instrument.name
    folds = [record for record in records if record.model == model]
    rows = np.concatenate([record.rows[name] for record in folds])
    quantiles = np.concatenate([record.quantiles[name] for record in folds])
    steps = plan.stored_steps(model)
    if calibrated and plan.forecasters[model].traits.calibrated:
        quantiles = calibrate(quantiles, rows, returns_after(series.log_price, rows, steps), steps)
    if steps == plan.steps:
        return rows, quantiles
    return rows, interpolate_returns(quantiles, steps, plan.steps, _widths(folds, name, plan.config.horizon))


def _widths(folds: Sequence[FoldRecord], name: str, horizon: int) -> FloatArray | None:
    """(N, H) factors of the widths of a series in all folds; None where all days are alike in every fold."""
    if not any(name in record.widths for record in folds):
        return None
    parts = [record.widths.get(name, np.ones((len(record.rows[name]), horizon))) for record in folds]
    return np.concatenate(parts)


def out_of_sample(
    plan: BacktestPlan, records: Sequence[FoldRecord], series: PriceSeries, calibrated: bool
) -> dict[int, OutOfSample]:
    """Step -> forecasts of every model for one series, on the cutoffs that all models have and whose outcome is known.

    A step without such a cutoff is left out.
    """
    every_model = {model: model_forecasts(plan, records, model, series, calibrated) for model in plan.forecasters}
    by_model = {model: (rows, quantiles) for model, (rows, quantiles) in every_model.items() if len(rows)}
    if not by_model:
        return {}
    common = _common_rows([rows for rows, _ in by_model.values()])
    samples = {}
    for index, step in enumerate(plan.steps):
        cutoffs = rows_with_outcome(common, step, len(series))
        if len(cutoffs):
            samples[step] = OutOfSample(
                series.instrument.name,
                step,
                series.dates[cutoffs],
                returns_after(series.log_price, cutoffs, [step])[:, 0],
                {
                    model: quantiles[np.searchsorted(rows, cutoffs), index]
                    for model, (rows, quantiles) in by_model.items()
                },
                plan.stride,
            )
    return samples


def _common_rows(rows: Sequence[IntArray]) -> IntArray:
    common = rows[0]
    for other in rows[1:]:
        common = np.intersect1d(common, other)
    return common
