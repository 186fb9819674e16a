"""What a verdict rests on: what each day says about a model and its baselines, for one instrument or many together."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.evaluation.metrics import crps
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.mean_tests import excess_hits

__all__ = ["JUDGED_COVERAGE", "Evidence", "Track", "gather", "pool"]


JUDGED_COVERAGE = {"0.8": (2, 6), "0.95": (0, 8)}  # coverage -> columns of the two ends among SCORING_LEVELS
_MIDDLE = SCORING_LEVELS.index(0.5)
_ROUNDING = 1e-12  # a median closer to the last price than this share of a typical move is the last price


@dataclasses.dataclass(frozen=True, eq=False)
class Track:
    """What every model said of one instrument at one step, on the same cutoffs.

    Args:
        instrument: Its name.
        step: Days ahead.
        dates: (N,) cutoffs, increasing.
        outcomes: (N,) log returns that came.
        quantiles: Model -> (N, 9) at `SCORING_LEVELS`; the first model is the one that is judged.
        stride: Days from one cutoff to the next.
    """

    instrument: str
    step: int
    dates: DateArray
    outcomes: FloatArray
    quantiles: Mapping[str, FloatArray]
    stride: int = 1

    @property
    def judged(self) -> str:
        """Registry key of the first model."""
        return next(iter(self.quantiles))


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Daily series at one step, in units of each instrument's own moves, so that none outweighs another.

    Args:
        name: Instrument, or ``pooled``.
        model: Registry key of the model that is judged.
        step: Forecast step in days.
        overlap: Of so many neighbouring cutoffs the outcomes share days; 1 where each has its own.
        instruments: Number of instruments.
        dates: (N,) cutoffs, increasing.
        crps: Model -> (N,) CRPS over the instrument's mean absolute move; the judged model and every baseline.
        squared: (N,) squared error of the judged medians over the instrument's mean squared move.
        squared_naive: (N,) the same of "tomorrow = today".
        gain: (N,) ``2 * median * outcome`` in the same unit: the term of Clark and West against a forecast of zero.
        hits: (N,) share of directions that were right, NaN where none was given.
        excess: (N,) the same minus chance (see `excess_hits`), NaN likewise.
        independent_variance: Variance of the mean of `excess` by Pesaran and Timmermann; None where it does not hold,
            pooled or where outcomes overlap.
        inside: ``0.8`` and ``0.95`` -> (N,) share of outcomes in the central interval.
        left_out: Baselines that only some of the pooled instruments have, which are not compared with.
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

    def __len__(self) -> int:
        return len(self.dates)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Models that the judged one is compared with."""
        return tuple(name for name in self.crps if name != self.model)

    @property
    def moved(self) -> FloatArray:
        """(N,) squared distance of the median from the last price, in the unit of `squared`; 0 where they agree."""
        return self.squared - self.squared_naive + self.gain


def gather(
    name: str,
    dates: DateArray,
    outcomes: FloatArray,
    quantiles: Mapping[str, FloatArray],
    step: int = 1,
    stride: int = 1,
) -> Evidence:
    """Evidence of one instrument.

    Args:
        name: Of the instrument.
        dates: (N,) cutoffs, increasing.
        outcomes: (N,) log returns over `step` days from each cutoff.
        quantiles: Model -> (N, 9) of the same returns at `SCORING_LEVELS`, all at the same cutoffs; the first is the
            model that is judged, the others are its baselines. Its median is its point forecast.
        step: Forecast step in days.
        stride: Days from one cutoff to the next.

    Raises:
        ValueError: Dates do not increase, shapes differ, or a number is not finite.
    """
    _check(dates, outcomes, quantiles)
    judged = next(iter(quantiles))
    known, overlap = quantiles[judged], (step - 1) // stride + 1
    size = float(np.abs(outcomes).mean()) or 1.0
    power = float((outcomes**2).mean()) or 1.0
    median = np.where(np.abs(known[:, _MIDDLE]) > _ROUNDING * size, known[:, _MIDDLE], 0.0)
    excess, variance = excess_hits(median, outcomes)
    directed = np.isfinite(excess)
    return Evidence(
        name=name,
        model=judged,
        step=step,
        overlap=overlap,
        instruments=1,
        dates=dates,
        crps={model: crps(values, SCORING_LEVELS, outcomes) / size for model, values in quantiles.items()},
        squared=(median - outcomes) ** 2 / power,
        squared_naive=outcomes**2 / power,
        gain=2 * median * outcomes / power,
        hits=np.where(directed, (median > 0) == (outcomes > 0), np.nan),
        excess=excess,
        independent_variance=variance if overlap == 1 else None,
        inside={
            level: ((known[:, low] <= outcomes) & (outcomes <= known[:, high])).astype(float)
            for level, (low, high) in JUDGED_COVERAGE.items()
        },
    )


def _check(dates: DateArray, outcomes: FloatArray, quantiles: Mapping[str, FloatArray]) -> None:
    if not len(dates) or outcomes.shape != dates.shape:
        raise ValueError(f"expected one outcome for each of at least one date; got {outcomes.shape} and {dates.shape}")
    if not (dates[1:] > dates[:-1]).all():
        raise ValueError("dates of forecasts must increase; got some twice or out of order; sort them by date")
    for model, values in quantiles.items():
        if values.shape != (len(dates), len(SCORING_LEVELS)):
            raise ValueError(f"{model}: expected quantiles of shape {(len(dates), 9)}; got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"{model}: expected finite quantiles; got some that are not; leave such rows out")
    if not np.isfinite(outcomes).all():
        raise ValueError("expected finite outcomes; got some that are not; leave such rows out")


def pool(members: Sequence[Evidence], name: str = "pooled") -> Evidence:
    """Evidence of several instruments together: each day is the mean over those that have it, and counts once.

    Instruments that move together on a day say the same thing; as one day they cannot make chance look certain.

    Args:
        members: One or more, of one model and step.
        name: Of the whole.

    Raises:
        ValueError: None is given, or they are of different models or steps.
    """
    if len({(one.model, one.step) for one in members}) != 1:
        raise ValueError("expected evidence of one model at one step; got none or several")
    first = members[0]
    if len(members) == 1:
        return dataclasses.replace(first, name=name)
    models = {model: None for one in members for model in one.crps}  # in order of appearance
    shared = [model for model in models if all(model in one.crps for one in members)]
    dates, place = np.unique(np.concatenate([one.dates for one in members]), return_inverse=True)

    def overlap(one: Evidence) -> int:
        """Of the days of the whole; those of a series may lie between those of another."""
        places = np.searchsorted(dates, one.dates)
        return int(np.median(places[one.overlap :] - places[: -one.overlap])) if len(one) > one.overlap else one.overlap

    def daily(parts: Sequence[FloatArray]) -> FloatArray:
        """(N,) mean of each day over what is known."""
        values = np.concatenate(parts)
        known = np.isfinite(values)
        total = np.bincount(place[known], values[known], len(dates))
        count = np.bincount(place[known], minlength=len(dates))
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    return Evidence(
        name=name,
        model=first.model,
        step=first.step,
        overlap=max(map(overlap, members)),
        instruments=sum(one.instruments for one in members),
        dates=dates,
        crps={model: daily([one.crps[model] for one in members]) for model in shared},
        squared=daily([one.squared for one in members]),
        squared_naive=daily([one.squared_naive for one in members]),
        gain=daily([one.gain for one in members]),
        hits=daily([one.hits for one in members]),
        excess=daily([one.excess for one in members]),
        independent_variance=None,
        inside={level: daily([one.inside[level] for one in members]) for level in JUDGED_COVERAGE},
        left_out=tuple(model for model in models if model not in shared),
    )
