"""Losses of a trial: CRPS in units of a baseline's on the same rows, day by day.

The first half of the days of a fold steers the search: proposals and stops see no other losses. The second half tests
the best trial. A search that has seen the days of the test would have climbed their luck.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.distribution_scores import crps
from forecaster.evaluation.splits import Fold
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtest_scores import out_of_sample
from forecaster.experiments.fold_records import FoldRecord
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["FoldLosses", "fold_losses", "steering_losses", "testing_losses"]


@dataclasses.dataclass(frozen=True, eq=False)
class FoldLosses:
    """Losses of one fold on the days whose outcomes are known at every step.

    Each is a CRPS over the baseline's mean CRPS of the fold, the mean of all steps and instruments. So `model` has the
    mean of the CRPS ratios, and `baseline` has the mean 1. Those that steer are in units of their own days, so that no
    later day decides about a trial.

    Args:
        model: (N,) losses of the evaluated model, in order of time.
        baseline: (N,) those of the baseline.
        steering: (N // 2,) losses of the model on the days that steer the search.
        by_step: CRPS ratio at each step of the plan, the mean of the instruments.
        overlap: Number of neighbouring days whose outcomes share days.
    """

    model: FloatArray
    baseline: FloatArray
    steering: FloatArray
    by_step: tuple[float, ...]
    overlap: int = 1

    @property
    def mean(self) -> float:
        """Mean CRPS ratio."""
        return float(self.model.mean())

    @property
    def testing(self) -> slice:
        """Days that test its best trial: the second half, without outcomes that overlap with those of the first."""
        return slice(len(self.steering) + self.overlap - 1, None)

    @property
    def steering_mean(self) -> float:
        """Mean loss on the days that steer the search."""
        return float(self.steering.mean())


def fold_losses(
    plan: BacktestPlan, records: Sequence[FoldRecord], folds: Sequence[Fold], baseline: str
) -> list[FoldLosses]:
    """Losses of the evaluated model of a plan, the first one, in each of `folds`.

    Args:
        plan: The model and the baseline, and histories; no row after the last one of its panel counts as an outcome.
        records: Those of the model and of the baseline, in the order of their folds.
        folds: Folds that have records of both; rows of other folds only calibrate intervals.
        baseline: Registry key.

    Raises:
        NotEnoughDataError: The model, or the baseline, has no forecast of a series in a fold.
    """
    samples = []
    for name in plan.named:
        steps = out_of_sample(plan, records, plan.panel[name], calibrated=True)
        if len(steps) < len(plan.steps) or any(len(sample.quantiles) < 2 for sample in steps.values()):
            raise NotEnoughDataError(f"{_reason(records, name)}; expected forecasts of {name} at every step")
        samples.append([steps[step] for step in plan.steps])
    return [_losses_in(fold, samples, baseline, max(plan.steps)) for fold in folds]


def _reason(records: Sequence[FoldRecord], name: str) -> str:
    reasons = [record.facts["skipped"][name] for record in records if name in record.facts["skipped"]]
    return str((*reasons, "too few rows with a known outcome")[0])


def _losses_in(fold: Fold, samples: Sequence[Sequence[OutOfSample]], baseline: str, overlap: int) -> FoldLosses:
    days = np.unique(np.concatenate([_days_in(fold, steps) for steps in samples]))
    if len(days) < 2:
        raise NotEnoughDataError(f"the fold from {fold.start} has {len(days)} days with a known outcome; use more rows")
    half = len(days) // 2
    total = np.zeros((2, len(days)))
    steering = np.zeros(half)
    count = np.zeros(len(days))
    ratios = np.zeros(len(samples[0]))
    for steps in samples:
        rows = np.searchsorted(days, _days_in(fold, steps))
        for place, sample in enumerate(steps):
            inside = np.isin(sample.dates, days[rows])
            model, reference = (
                crps(sample.quantiles[name][inside], SCORING_LEVELS, sample.outcomes[inside])
                for name in (sample.evaluated_model, baseline)
            )
            steers = rows < half
            unit = float(reference.mean())
            steering_unit = float(reference[steers].sum()) / max(int(steers.sum()), 1)
            if not min(unit, steering_unit) > 0:
                raise NotEnoughDataError(f"{sample.instrument} does not move from {fold.start} to {fold.end}")
            total[:, rows] += np.stack([model, reference]) / unit
            steering[rows[steers]] += model[steers] / steering_unit
            ratios[place] += model.mean() / unit / len(samples)
        count[rows] += len(steps)
    return FoldLosses(total[0] / count, total[1] / count, steering / count[:half], tuple(ratios.tolist()), overlap)


def _days_in(fold: Fold, steps: Sequence[OutOfSample]) -> DateArray:
    """Cutoffs of a fold at which every step has an outcome: those of the longest one."""
    dates = steps[-1].dates
    return np.asarray(dates[(dates >= fold.start) & (dates < fold.end)])


def steering_losses(losses: Sequence[FoldLosses]) -> FloatArray:
    """(N,) losses of the model on the days that steer the search, of several folds."""
    return np.concatenate([fold.steering for fold in losses])


def testing_losses(losses: Sequence[FoldLosses]) -> FloatArray:
    """(N,) losses of the model on the days that test the best trial, of several folds."""
    return np.concatenate([fold.model[fold.testing] for fold in losses])
