"""Coverage of central intervals at one step: measured, tested, and judged where there are enough outcomes."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from forecaster.arrays import FloatArray
from forecaster.stats.coverage_tests import coverage_error, coverage_test
from forecaster.stats.mean_tests import MIN_DAYS, hac_degrees_of_freedom, hac_lags, student_quantile

__all__ = ["LEVEL", "MIN_SEPARATE_OUTCOMES", "CoverageOutcome", "StepCoverage", "step_coverage", "with_p_value"]

LEVEL = 0.05
"""Level of the tests of a verdict."""

MIN_SEPARATE_OUTCOMES = 20
"""Fewest outcomes without a common day that allow a judgement; over 20 days these are 400 rows."""

CLEAR_ERROR = 2
"""Standard errors, as if outcomes did not overlap, from which on a share clearly deviates from its level."""

CoverageOutcome = Literal["consistent", "too_narrow", "too_wide", "too_few_rows", "constant_price", "not_judged"]
"""Judgement of a coverage; ``not_judged`` are those that an early version recorded without a test."""


@dataclasses.dataclass(frozen=True)
class StepCoverage:
    """Coverage of central intervals at one step.

    Args:
        step: Rows ahead.
        n: Number of cutoffs.
        coverage: Level, such as ``0.8`` -> share of outcomes inside.
        outcome: Judgement at `LEVEL`, on the level that deviates most.
        p_value: Two-sided p-value of the nominal coverage at all levels (Bonferroni); None where nothing was tested.
    """

    step: int
    n: int
    coverage: Mapping[str, float]
    outcome: CoverageOutcome
    p_value: float | None = None

    def judged_level(self, level: str) -> str:
        """Level that the judgement is about: `level` if its share clearly deviates, else the one that deviates most."""
        if self.outcome not in ("too_narrow", "too_wide"):
            return level
        sign = -1 if self.outcome == "too_narrow" else 1
        errors = {
            name: sign * (share - float(name)) / math.sqrt(float(name) * (1 - float(name)) / self.n)
            for name, share in self.coverage.items()
        }
        return level if errors[level] > CLEAR_ERROR else max(errors, key=errors.__getitem__)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The coverage that `to_json` has written."""
        return cls(
            step=document["step"],
            n=document["n"],
            coverage=document["coverage"],
            outcome=document["outcome"],
            p_value=document["p_value"],
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "step": self.step,
            "n": self.n,
            "coverage": dict(self.coverage),
            "outcome": self.outcome,
            "p_value": self.p_value,
        }


def step_coverage(step: int, inside: Mapping[str, FloatArray], overlap: int, *, moves: bool = True) -> StepCoverage:
    """Judge the coverage at one step, without SciPy; `with_p_value` adds the p-value.

    Args:
        step: Rows ahead.
        inside: Level -> (N,) share of the outcomes of a day inside the interval, in order of time.
        overlap: Number of neighbouring cutoffs whose outcomes share days.
        moves: False if the price never moves.
    """
    shares = {level: float(values.mean()) if len(values) else 0.0 for level, values in inside.items()}
    count = len(next(iter(inside.values())))
    if not moves:
        return StepCoverage(step, count, shares, "constant_price")
    if count < MIN_DAYS or count < MIN_SEPARATE_OUTCOMES * overlap:
        return StepCoverage(step, count, shares, "too_few_rows")
    errors = {level: coverage_error(values, float(level), overlap) for level, values in inside.items()}
    statistics = {level: (shares[level] - float(level)) / error for level, error in errors.items() if error}
    if not statistics:
        return StepCoverage(step, count, shares, "too_few_rows")
    deciding = max(statistics.values(), key=abs)
    freedom = hac_degrees_of_freedom(count, hac_lags(count, overlap))
    outcome: CoverageOutcome = "consistent"
    if abs(deciding) >= student_quantile(1 - LEVEL / (2 * len(inside)), freedom):
        outcome = "too_narrow" if deciding < 0 else "too_wide"
    return StepCoverage(step, count, shares, outcome)


def with_p_value(judged: StepCoverage, inside: Mapping[str, FloatArray], overlap: int) -> StepCoverage:
    """`judged` with the p-value of the same outcomes; see `step_coverage` for the arguments."""
    if judged.outcome in ("too_few_rows", "constant_price"):
        return judged
    tests = [coverage_test(values, float(level), overlap).p_two_sided for level, values in inside.items()]
    smallest = min(p_value for p_value in tests if p_value is not None)
    return dataclasses.replace(judged, p_value=min(1.0, len(tests) * smallest))
