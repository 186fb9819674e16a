"""Out-of-sample forecasts, and their losses day by day, of one instrument or of several pooled."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.evaluation.distribution_scores import crps
from forecaster.quantiles import MEDIAN, SCORING_LEVELS, central
from forecaster.stats.mean_tests import excess_hits

__all__ = ["POOLED", "TESTED_COVERAGES", "DailyLosses", "OutOfSample", "daily_losses", "pool"]


POOLED = "pooled"
"""Name of all instruments together."""

TESTED_COVERAGES = (0.8, 0.95)
"""Nominal coverages of the central intervals that the verdict tests."""

_ROUNDING = 1e-12  # a median closer to the last price than this share of a typical move is the last price


@dataclasses.dataclass(frozen=True, eq=False)
class OutOfSample:
    """Forecasts of every model for one instrument at one step, on the same cutoffs, with their outcomes.

    Args:
        instrument: Name of the instrument.
        step: Days ahead.
        dates: (N,) cutoffs, increasing.
        outcomes: (N,) log returns over `step` days from each cutoff.
        quantiles: Model -> (N, 9) quantiles of these returns at `SCORING_LEVELS`. The first model is the evaluated
            one, the others are its baselines. A model's median is its point forecast.
        stride: Days from one cutoff to the next.
    """

    instrument: str
    step: int
    dates: DateArray
    outcomes: FloatArray
    quantiles: Mapping[str, FloatArray]
    stride: int = 1

    @property
    def evaluated_model(self) -> str:
        """Registry key of the first model."""
        return next(iter(self.quantiles))

    @property
    def overlap(self) -> int:
        """Number of neighbouring cutoffs whose outcomes share days; 1 where each has its own."""
        return (self.step - 1) // self.stride + 1


@dataclasses.dataclass(frozen=True)
class DailyLosses:
    """Losses at one step, day by day, in units of each instrument's own moves, so that none outweighs another.

    Args:
        name: Instrument, or ``pooled``.
        model: Registry key of the evaluated model.
        step: Days ahead.
        overlap: Number of neighbouring cutoffs whose outcomes share days; 1 where each has its own.
        instruments: Number of instruments.
        dates: (N,) cutoffs, increasing.
        crps: Model -> (N,) CRPS over the instrument's mean absolute move; the evaluated model and every baseline.
        squared: (N,) squared error of the evaluated model's medians over the instrument's mean squared move.
        squared_naive: (N,) squared error of the last price, in the same unit.
        gain: (N,) ``2 * median * outcome`` in the same unit: the term of Clark and West against a forecast of zero.
        hits: (N,) share of directions that were right; NaN where there is no direction.
        excess: (N,) hits minus chance (see `excess_hits`); NaN likewise.
        independent_variance: Variance of the mean of `excess` by Pesaran and Timmermann; None where it does not hold:
            pooled, or where outcomes overlap.
        inside: Coverage ``0.8`` and ``0.95`` -> (N,) share of outcomes in the central interval.
        left_out: Baselines that only some of the pooled instruments have; they are not compared.
        members: Losses of each of the pooled instruments; empty for one instrument.
    """

    name: str
    model: str
    step: int
    overlap: int
    instruments: int
    dates: DateArray
    crps: Mapping[str, FloatArray]
    squared: FloatArray
    squared_naive: FloatArray
    gain: FloatArray
    hits: FloatArray
    excess: FloatArray
    independent_variance: float | None
    inside: Mapping[str, FloatArray]
    left_out: tuple[str, ...] = ()
    members: tuple["DailyLosses", ...] = ()

    def __len__(self) -> int:
        return len(self.dates)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Models that the evaluated one is compared with."""
        return tuple(name for name in self.crps if name != self.model)

    @property
    def squared_forecast(self) -> FloatArray:
        """(N,) squared distance of the median from the last price, in the unit of `squared`; 0 where they agree."""
        return self.squared - self.squared_naive + self.gain


def daily_losses(sample: OutOfSample) -> DailyLosses:
    """Compute the losses of out-of-sample forecasts.

    Raises:
        ValueError: Dates do not increase, shapes differ, or a number is not finite.
    """
    _check(sample)
    outcomes = sample.outcomes
    evaluated = sample.quantiles[sample.evaluated_model]
    size = float(np.abs(outcomes).mean()) or 1.0
    power = float((outcomes**2).mean()) or 1.0
    median = np.where(np.abs(evaluated[:, MEDIAN]) > _ROUNDING * size, evaluated[:, MEDIAN], 0.0)
    excess, variance = excess_hits(median, outcomes)
    has_direction = np.isfinite(excess)
    return DailyLosses(
        name=sample.instrument,
        model=sample.evaluated_model,
        step=sample.step,
        overlap=sample.overlap,
        instruments=1,
        dates=sample.dates,
        crps={model: crps(values, SCORING_LEVELS, outcomes) / size for model, values in sample.quantiles.items()},
        squared=(median - outcomes) ** 2 / power,
        squared_naive=outcomes**2 / power,
        gain=2 * median * outcomes / power,
        hits=np.where(has_direction, (median > 0) == (outcomes > 0), np.nan),
        excess=excess,
        independent_variance=variance if sample.overlap == 1 else None,
        inside={format(coverage, "g"): _inside(evaluated, coverage, outcomes) for coverage in TESTED_COVERAGES},
    )


def _inside(quantiles: FloatArray, coverage: float, outcomes: FloatArray) -> FloatArray:
    low, high = central(coverage)
    return ((quantiles[:, low] <= outcomes) & (outcomes <= quantiles[:, high])).astype(float)


def _check(sample: OutOfSample) -> None:
    dates = sample.dates
    outcomes = sample.outcomes
    if not len(dates) or outcomes.shape != dates.shape:
        raise ValueError(f"expected one outcome for each of at least one date; got {outcomes.shape} and {dates.shape}")
    if not (dates[1:] > dates[:-1]).all():
        raise ValueError("dates of forecasts must increase; got repeated or unordered dates; sort them")
    for model, values in sample.quantiles.items():
        if values.shape != (len(dates), len(SCORING_LEVELS)):
            raise ValueError(f"{model}: expected quantiles of shape {(len(dates), 9)}; got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"{model}: expected finite quantiles; got NaN or infinity; leave such rows out")
    if not np.isfinite(outcomes).all():
        raise ValueError("expected finite outcomes; got NaN or infinity; leave such rows out")


def pool(members: Sequence[DailyLosses], name: str = POOLED) -> DailyLosses:
    """Pool the losses of several instruments: each day is the mean over the instruments that have it, and counts once.

    Instruments that move together on a day are not independent observations; pooled by day they count as one.

    Args:
        members: One or more, of one model and step.
        name: Name of the whole.

    Raises:
        ValueError: There are no members, or they are of different models or steps.
    """
    if len({(member.model, member.step) for member in members}) != 1:
        raise ValueError("expected losses of one model at one step; got none or several")
    first = members[0]
    if len(members) == 1:
        return dataclasses.replace(first, name=name)
    models = {model: None for member in members for model in member.crps}  # in order of appearance
    shared = [model for model in models if all(model in member.crps for member in members)]
    dates, index = np.unique(np.concatenate([member.dates for member in members]), return_inverse=True)

    def overlap(member: DailyLosses) -> int:
        """Overlap in days of the whole; the days of one series may lie between those of another."""
        rows = np.searchsorted(dates, member.dates)
        if len(member) <= member.overlap:
            return member.overlap
        return int(np.median(rows[member.overlap :] - rows[: -member.overlap]))

    def daily(parts: Sequence[FloatArray]) -> FloatArray:
        """(N,) mean of each day over the finite values."""
        values = np.concatenate(parts)
        finite = np.isfinite(values)
        total = np.bincount(index[finite], values[finite], len(dates))
        count = np.bincount(index[finite], minlength=len(dates))
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    return DailyLosses(
        name=name,
        model=first.model,
        step=first.step,
        overlap=max(map(overlap, members)),
        instruments=sum(member.instruments for member in members),
        dates=dates,
        crps={model: daily([member.crps[model] for member in members]) for model in shared},
        squared=daily([member.squared for member in members]),
        squared_naive=daily([member.squared_naive for member in members]),
        gain=daily([member.gain for member in members]),
        hits=daily([member.hits for member in members]),
        excess=daily([member.excess for member in members]),
        independent_variance=None,
        inside={level: daily([member.inside[level] for member in members]) for level in first.inside},
        left_out=tuple(model for model in models if model not in shared),
        members=tuple(members),
    )
