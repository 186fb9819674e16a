"""The four tests of a verdict before Holm's correction; see `forecaster.evaluation.verdict` for the choice of tests."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from forecaster.evaluation.daily_losses import DailyLosses
from forecaster.evaluation.step_coverage import LEVEL, step_coverage, with_p_value
from forecaster.stats.coverage_tests import coverage_test
from forecaster.stats.mean_tests import (
    MIN_DAYS,
    MeanTest,
    detectable_gain,
    detectable_shift,
    diebold_mariano,
    hac_lags,
    mean_test,
    normal_test,
    unpredictable_lags,
)

__all__ = [
    "FIRST_LEVEL",
    "KINDS",
    "LEVEL",
    "Kind",
    "Outcome",
    "TestedClaim",
    "Untestable",
    "coverage",
    "density",
    "direction",
    "point",
]

Kind = Literal["point", "direction", "density", "coverage"]
Outcome = Literal["better", "no_difference", "worse", "not_applicable"]
Untestable = Literal["too_few_days", "constant_price", "no_baseline", "no_direction", "one_direction"]

KINDS: tuple[Kind, ...] = ("point", "direction", "density", "coverage")
FIRST_LEVEL = LEVEL / len(KINDS)
"""Level of the first step of Holm's correction, for which minimum detectable effects are stated."""


@dataclasses.dataclass(frozen=True)
class TestedClaim:
    """One kind before Holm's correction: p-values of the claim and of the warning, and the measured numbers.

    Args:
        against: Reference of the claim.
        unit: Unit of `detectable`, see `forecaster.evaluation.verdict.ClaimResult`.
        measured: Measured numbers by name, as JSON values.
        p_claim: One-sided p-value of the claim; None where nothing can be tested.
        p_warning: One-sided p-value of "worse"; None likewise.
        detectable: Minimum detectable effect of the claim at a power of 80 %; None where no possible effect is
            detectable.
        claimed: Outcome of a small `p_claim`; None where the sample forbids the claim whatever its p-value.
        warning_against: Reference of the warning, where it differs from the claim's.
        untestable: Reason why nothing can be tested; None where there is a test.
    """

    against: str | None
    unit: str
    measured: Mapping[str, Any]
    p_claim: float | None = None
    p_warning: float | None = None
    detectable: float | None = None
    claimed: Outcome | None = "better"
    warning_against: str | None = None
    untestable: Untestable | None = None

    @property
    def untested_outcome(self) -> Outcome:
        """Outcome where there is no p-value."""
        applicable = self.untestable in (None, "too_few_days", "constant_price")
        return "no_difference" if applicable else "not_applicable"


def point(losses: DailyLosses, later: Sequence[DailyLosses] = ()) -> TestedClaim:
    """Test the point forecast against the last price, at every step at which the median moves.

    Clark and West for "better", Diebold and Mariano for "worse"; the smallest p-value times the number of steps.

    Args:
        losses: Losses at the step of the verdict.
        later: Losses at further steps.
    """
    moved = [each for each in (losses, *later) if len(each) >= MIN_DAYS and _median_moves(each)]
    measured: dict[str, Any] = {
        "rmse_ratio": _rmse_ratio(losses),
        "rmse_ratio_of": "returns",
        "median_is_last_price": not _median_moves(losses) and not moved,
        "steps": [],
    }
    if len(losses) < MIN_DAYS or measured["rmse_ratio"] is None:
        reason = _reason(moves=measured["rmse_ratio"] is not None)
        return TestedClaim("random_walk", "rmse_ratio", measured, untestable=reason)
    tests = [_PointTest.of(each) for each in moved or [losses]]
    decisive = min(tests, key=lambda test: _or_one(test.information.p_above))
    return TestedClaim(
        against="random_walk",
        unit="rmse_ratio",
        measured={**measured, "steps": [test.to_json() for test in tests if moved]},
        p_claim=_smallest([test.information.p_above for test in tests]),
        p_warning=_smallest([test.error.p_above for test in tests]),
        detectable=_detectable_ratio(decisive.losses, decisive.information),
        claimed="better" if decisive.ratio < 1 else None,
    )


@dataclasses.dataclass(frozen=True)
class _PointTest:
    """Tests of the median at one step."""

    losses: DailyLosses
    ratio: float
    information: MeanTest
    error: MeanTest

    @classmethod
    def of(cls, losses: DailyLosses) -> "_PointTest":
        information = mean_test(losses.gain, losses.overlap, _unpredictable_lags(losses, len(losses)))
        error = diebold_mariano(losses.squared - losses.squared_naive, losses.overlap)
        return cls(losses, _rmse_ratio(losses) or 1.0, information, error)

    def to_json(self) -> dict[str, Any]:
        """The step, its RMSE ratio, and its own p-value."""
        p_value = self.information.p_above
        return {"step": self.losses.step, "n": len(self.losses), "rmse_ratio": self.ratio, "p_value": p_value}


def _median_moves(losses: DailyLosses) -> bool:
    """True if the median differs from the last price on any day."""
    return bool((losses.squared != losses.squared_naive).any())


def _mean_over_instruments(losses: DailyLosses, value: Callable[[DailyLosses], float | None]) -> float | None:
    """Mean over the instruments that have a value, as the tables have it; the tests count each day once instead."""
    values = [value(each) for each in losses.members or (losses,)]
    present = [number for number in values if number is not None]
    return sum(present) / len(present) if present else None


def _rmse_ratio(losses: DailyLosses) -> float | None:
    """RMSE of the median over that of the last price; None for a price that never moved."""

    def of_one(each: DailyLosses) -> float | None:
        naive = float(each.squared_naive.mean())
        return math.sqrt(float(each.squared.mean()) / naive) if naive > 0 else None

    return _mean_over_instruments(losses, of_one)


def _crps_ratio(losses: DailyLosses, name: str) -> float | None:
    """CRPS of the model over that of a baseline; None where that is 0."""

    def of_one(each: DailyLosses) -> float | None:
        reference = float(each.crps[name].mean())
        return float(each.crps[losses.model].mean()) / reference if reference > 0 else None

    return _mean_over_instruments(losses, of_one)


def _shares_inside(losses: DailyLosses) -> dict[str, float]:
    """Level -> share of outcomes in the interval."""

    def share(level: str) -> float:
        return _mean_over_instruments(losses, lambda each: float(each.inside[level].mean())) or 0.0

    return {level: share(level) for level in losses.inside}


def _detectable_ratio(losses: DailyLosses, information: MeanTest) -> float | None:
    """RMSE ratio of an efficient forecast of this one's shape whose mean term of Clark and West is detectable.

    None where not even a perfect forecast would be.

    For an efficient forecast c times f the mean term is ``2 c^2 E f^2`` and its standard error c times that of f,
    so that ``c = shift / (2 E f^2)`` and the share of the squared error that it saves is ``c^2 E f^2 / E y^2``.
    Without any forecast to take the shape from, that of one with a constant variance: ``shift^2`` of n days.
    """
    power = float(losses.squared_forecast.mean())
    if information.standard_error is None or not power > 0:
        share = detectable_shift(len(losses) ** -0.5, FIRST_LEVEL) ** 2
    else:
        shift = detectable_shift(information.standard_error, FIRST_LEVEL, information.degrees_of_freedom)
        share = (shift / 2) ** 2 / (power * float(losses.squared_naive.mean()))
    return math.sqrt(1 - share) if share < 1 else None


def _unpredictable_lags(losses: DailyLosses, days: int) -> int:
    """Lags of a test whose null is that outcomes are unpredictable.

    None for one instrument whose outcomes do not overlap. The days of a pool are not independent even then: markets in
    other time zones, and after other holidays, follow one another.
    """
    return unpredictable_lags(days, losses.overlap) if losses.instruments == 1 else hac_lags(days, losses.overlap)


def direction(losses: DailyLosses) -> TestedClaim:
    """Test the signs by Pesaran and Timmermann; pooled, or with overlapping outcomes, by a HAC test of excess hits."""
    has_direction = np.isfinite(losses.excess)
    excess = losses.excess[has_direction]
    hits = losses.hits[has_direction]
    days = len(excess)
    measured: dict[str, Any] = {"hit_rate": float(hits.mean()) if days else None, "days_with_direction": days}
    if days < MIN_DAYS:
        reason: Untestable = "too_few_days" if days else "no_direction"
        return TestedClaim("chance", "hit_rate", measured, untestable=reason)
    variance = losses.independent_variance
    if variance is None:
        test = mean_test(excess, losses.overlap, _unpredictable_lags(losses, days))
    else:
        test = normal_test(excess, variance)
    if test.standard_error is None:
        return TestedClaim("chance", "hit_rate", measured, untestable="one_direction")
    chance = float(hits.mean() - excess.mean())
    shift = detectable_shift(test.standard_error, FIRST_LEVEL, test.degrees_of_freedom)
    return TestedClaim(
        against="chance",
        unit="hit_rate",
        measured={**measured, "hit_rate_by_chance": chance},
        p_claim=test.p_above,
        p_warning=test.p_below,
        detectable=min(chance + shift, 1.0),
    )


def density(losses: DailyLosses) -> TestedClaim:
    """Test the CRPS against all baselines at once, by Diebold and Mariano."""
    names = losses.baselines
    days = len(losses)
    means = {name: float(losses.crps[name].mean()) for name in names}
    ratios = {name: _crps_ratio(losses, name) for name in names}
    measured = {"crps_ratio": ratios, "baselines": list(names), "left_out": list(losses.left_out)}
    moves = bool(losses.squared_naive.any())
    if not names or days < MIN_DAYS or not moves:
        reason: Untestable = _reason(moves) if names else "no_baseline"
        return TestedClaim(None, "crps_percent", measured, untestable=reason)
    tests = {name: diebold_mariano(losses.crps[losses.model] - losses.crps[name], losses.overlap) for name in names}
    strongest = max(names, key=lambda name: (_or_one(tests[name].p_below), -means[name]))
    winner = min(names, key=lambda name: (_or_one(tests[name].p_above), means[name]))
    best = min(names, key=lambda name: means[name])
    return TestedClaim(
        against=strongest,
        unit="crps_percent",
        measured={**measured, "best": best, "raw_p_values": {name: test.p_below for name, test in tests.items()}},
        p_claim=_largest([test.p_below for test in tests.values()]),
        p_warning=_smallest([test.p_above for test in tests.values()]),
        detectable=_detectable_percent(losses, tests, best),
        warning_against=winner,
    )


def _detectable_percent(losses: DailyLosses, tests: Mapping[str, MeanTest], best: str) -> float | None:
    """Percent of the best baseline's CRPS; None where the model equals some baseline, or nothing is detectable.

    The lead of the best over another baseline is an estimate as well: a standard error is taken off.
    """
    errors = [test.standard_error for test in tests.values() if test.standard_error is not None]
    size = float(losses.crps[best].mean())
    if len(errors) < len(tests) or not size > 0:
        return None
    behind = [mean_test(losses.crps[name] - losses.crps[best], losses.overlap) for name in tests]
    leads = [max(test.mean - (test.standard_error or 0.0), 0.0) for test in behind]
    degrees_of_freedom = min(test.degrees_of_freedom for test in tests.values())
    percent = 100 * detectable_gain(errors, leads, FIRST_LEVEL, degrees_of_freedom) / size
    return percent if percent < 100 else None  # no CRPS is below 0


def coverage(losses: DailyLosses, later: Sequence[DailyLosses] = ()) -> TestedClaim:
    """Test the coverage of central intervals against their nominal coverage, at every step.

    Args:
        losses: Losses at the step of the verdict.
        later: Losses at further steps.
    """
    moves = bool(losses.squared_naive.any())
    steps = []
    for each in (losses, *later):
        judged = step_coverage(each.step, each.inside, each.overlap, moves=moves)
        tested = with_p_value(judged, each.inside, each.overlap)
        steps.append(dataclasses.replace(tested, coverage=_shares_inside(each)))
    measured: dict[str, Any] = {"coverage": dict(steps[0].coverage), "steps": [step.to_json() for step in steps]}
    if len(losses) < MIN_DAYS or not moves:
        return TestedClaim("nominal", "coverage_points", measured, untestable=_reason(moves))
    tests = {level: coverage_test(inside, float(level), losses.overlap) for level, inside in losses.inside.items()}
    # Two sides and two intervals share the level of the first step.
    shifts = {
        level: detectable_shift(test.standard_error, FIRST_LEVEL / 4, test.degrees_of_freedom)
        for level, test in tests.items()
        if test.standard_error is not None
    }
    points = {level: 100 * shift for level, shift in shifts.items() if shift < float(level)}  # no share is below 0
    return TestedClaim(
        against="nominal",
        unit="coverage_points",
        measured={**measured, "detectable_by_level": points},
        p_claim=_smallest([step.p_value for step in steps if step.p_value is not None]),
        detectable=max(points.values(), default=None),
        claimed="worse",
    )


def _reason(moves: bool) -> Untestable:
    """Reason why a sample cannot be tested: a price that never moves, or else too few days."""
    return "too_few_days" if moves else "constant_price"


def _or_one(p_value: float | None) -> float:
    """P-value of a test, 1 where there was nothing to test."""
    return 1.0 if p_value is None else p_value


def _largest(p_values: Sequence[float | None]) -> float | None:
    """P-value of an intersection-union test; None when no member was tested."""
    return None if all(p_value is None for p_value in p_values) else max(map(_or_one, p_values))


def _smallest(p_values: Sequence[float | None]) -> float | None:
    """Bonferroni's p-value of "at least one is true"; None when none was tested."""
    if all(p_value is None for p_value in p_values):
        return None
    return min(1.0, len(p_values) * min(map(_or_one, p_values)))
