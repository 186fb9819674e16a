"""What a backtest found: every model beside every other on the same cutoffs, the verdict, the document, the picture."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.calibration import calibrate
from forecaster.evaluation.comparison import POOLED, compare, losses_by_name, standing
from forecaster.evaluation.daily_losses import DailyLosses, OutOfSample
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtests import FoldRecord
from forecaster.features.outcomes import returns_after, rows_with_outcome
from forecaster.models.base import FitReport
from forecaster.quantiles import interpolate_returns

__all__ = ["BacktestResult", "judge", "scored", "what_was_said"]


@dataclasses.dataclass(frozen=True)
class BacktestResult:
    """What a backtest found.

    Args:
        id: Name of its folder.
        plan: What was done.
        records: As they are kept.
        tracks: Step -> one for each instrument.
        judged: Registry key of the model that is judged: the first that could forecast.
        rows: JSON values of the table.
        standings: Of all models together, one a step (`forecaster.evaluation.comparison.standing`).
        verdicts: Name -> verdict at the first step; ``pooled`` where there are several instruments.
        skipped: Model -> instrument -> why there is no forecast.
        fallbacks: Model -> instrument -> number of fits that used fallback parameters.
        calibrated: Whether intervals of networks were calibrated as time went on.
    """

    id: str
    plan: BacktestPlan
    records: Sequence[FoldRecord]
    tracks: Mapping[int, Sequence[OutOfSample]]
    judged: str
    rows: Sequence[Mapping[str, Any]]
    standings: Sequence[Mapping[str, Any]]
    verdicts: Mapping[str, Verdict]
    skipped: Mapping[str, Mapping[str, str]]
    fallbacks: Mapping[str, Mapping[str, int]]
    calibrated: bool

    @property
    def verdict(self) -> Verdict:
        """Of all instruments together; of the one that the judged model could forecast, where it is but one."""
        able = (one for one in self.verdicts.values() if one.model == self.judged)
        return self.verdicts.get(POOLED) or next(able)


def judge(
    plan: BacktestPlan, records: Sequence[FoldRecord], named: Sequence[PriceSeries], calibrated: bool
) -> BacktestResult:
    """Score and test what the models said.

    Args:
        plan: What was done.
        records: One for each model and fold.
        named: The series that were forecast.
        calibrated: Whether to calibrate intervals of networks as time goes on.

    Raises:
        NotEnoughDataError: No model forecast anything whose outcome is known.
    """
    skipped = _skipped(plan, records)
    tracks: dict[int, list[OutOfSample]] = {}
    for step in plan.steps:
        found = [one for series in named if (one := scored(plan, records, series, step, calibrated)) is not None]
        if found:
            tracks[step] = found
    if not tracks:
        reasons = [reason for found in skipped.values() for reason in found.values()]
        raise NotEnoughDataError(
            f"no model could forecast anything in this span: {(*reasons, 'no outcome is known yet')[0]}; "
            "change --start, --step, --stride or --models"
        )
    able = {one.evaluated_model for found in tracks.values() for one in found}
    judged = next(name for name in plan.forecasters if name in able)
    known = [losses_by_name(found, judged) for found in tracks.values()]
    together = [whole for found in known if (whole := _whole(found, judged)) is not None]
    return BacktestResult(
        id=plan.id,
        plan=plan,
        records=records,
        tracks=tracks,
        judged=judged,
        rows=[row for found in tracks.values() for row in compare(found, judged, plan.config.seed)],
        standings=[standing(whole, plan.config.seed) for whole in together],
        verdicts={name: verdict(one) for name, one in known[0].items()},
        skipped=skipped,
        fallbacks=_fallbacks(records),
        calibrated=calibrated,
    )


def _skipped(plan: BacktestPlan, records: Sequence[FoldRecord]) -> dict[str, dict[str, str]]:
    """Model -> series -> why it has no forecasts, or none in some of the folds."""
    skipped: dict[str, dict[str, str]] = {}
    for model, name in itertools.product(plan.forecasters, plan.named):
        mine = [one for one in records if one.model == model]
        reasons = [reason for one in mine if (reason := one.facts["skipped"].get(name)) is not None]
        if not reasons and not any(len(one.rows[name]) for one in mine):
            reasons = [_without_cutoff(plan, name)]
        elif reasons and len(reasons) < len(mine):
            reasons[-1] += f" (in {len(reasons)} of {len(mine)} folds)"
        if reasons:
            skipped.setdefault(model, {})[name] = reasons[-1]
    return skipped


def _without_cutoff(plan: BacktestPlan, name: str) -> str:
    """Why a model that could be fitted has nothing to say of a series."""
    dates = plan.panel[name].dates
    every, asked = (sum(len(fold.rows(dates, stride)) for fold in plan.folds) for stride in (1, plan.stride))
    if not every:
        return f"it has no row from {plan.folds[0].start} to {plan.folds[-1].end - 1}"
    if not asked:
        return f"none of its {every} rows from {plan.folds[0].start} on is a cutoff at --stride {plan.stride}"
    return "too few rows before its cutoffs for the model to begin"


def _whole(found: Mapping[str, DailyLosses], judged: str) -> DailyLosses | None:
    """Of all instruments together; of the one that the judged model could forecast, where it is but one."""
    return found.get(POOLED) or next((one for one in found.values() if one.model == judged), None)


def what_was_said(
    plan: BacktestPlan, records: Sequence[FoldRecord], model: str, series: PriceSeries, calibrated: bool
) -> tuple[IntArray, FloatArray]:
    """All cutoffs of a model and what it said there, through all folds.

    Returns:
        (N,) rows of `series`, and (N, S, 9) quantiles of the log return at `SCORING_LEVELS` and the steps of the plan;
        those of calibrated models calibrated where that is asked, on all cutoffs of the model, whatever others have,
        and then interpolated between its own steps, as `predict` does.
    """
    name, mine = series.instrument.name, [one for one in records if one.model == model]
    rows = np.concatenate([one.rows[name] for one in mine])
    said = np.concatenate([one.quantiles[name] for one in mine])
    stored = plan.stored_steps(model)
    if calibrated and plan.forecasters[model].traits.calibrated:
        said = calibrate(said, rows, returns_after(series.log_price, rows, stored), stored)
    return rows, said if stored == plan.steps else interpolate_returns(said, stored, plan.steps)


def scored(
    plan: BacktestPlan, records: Sequence[FoldRecord], series: PriceSeries, step: int, calibrated: bool
) -> OutOfSample | None:
    """What the models said of one series `step` rows ahead, on the cutoffs that all have and whose outcome came."""
    name, place = series.instrument.name, plan.steps.index(step)
    rows, said = {}, {}
    for model in plan.forecasters:
        rows[model], every = what_was_said(plan, records, model, series, calibrated)
        said[model] = every[:, place]
    usable = [model for model in plan.forecasters if len(rows[model])]
    if not usable:
        return None
    common = rows[usable[0]]
    for model in usable[1:]:
        common = np.intersect1d(common, rows[model])
    common = rows_with_outcome(common, step, len(series))
    if not len(common):
        return None
    moved = returns_after(series.log_price, common, [step])[:, 0]
    quantiles = {model: said[model][np.searchsorted(rows[model], common)] for model in usable}
    return OutOfSample(name, step, series.dates[common], moved, quantiles, plan.stride)


def _fallbacks(records: Sequence[FoldRecord]) -> dict[str, dict[str, int]]:
    """Model -> series -> how many fits did not converge and fell back, of those that a forecast was asked of."""
    counts: dict[str, dict[str, int]] = {}
    for record in records:
        names = itertools.chain.from_iterable(FitReport.from_json(state).fallbacks for state in record.facts["states"])
        for name in names:
            if len(record.rows.get(name, ())):
                mine = counts.setdefault(record.model, {})
                mine[name] = mine.get(name, 0) + 1
    return counts
