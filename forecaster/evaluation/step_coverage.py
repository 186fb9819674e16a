"""Coverage of central intervals at one step: measured, tested, and judged where there are enough outcomes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from forecaster.arrays import FloatArray
from forecaster.stats.coverage_tests import coverage_test
from forecaster.stats.mean_tests import MIN_DAYS

__all__ = ["LEVEL", "MIN_SEPARATE_OUTCOMES", "CoverageOutcome", "StepCoverage", "step_coverage"]

LEVEL = 0.05
"""Level of the tests of a verdict."""

MIN_SEPARATE_OUTCOMES = 20
"""Fewest outcomes without a common day that allow a judgement; over 20 days these are 400 rows."""

CoverageOutcome = Literal["consistent", "too_narrow", "too_wide", "too_few_rows", "constant_price"]


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
        return {**dataclasses.asdict(self), "coverage": dict(self.coverage)}


def step_coverage(
    step: int, inside: Mapping[str, FloatArray], overlap: int, *, moves: bool = True, levels: Sequence[str] = ()
) -> StepCoverage:
    """Judge the coverage at one step.

    Args:
        step: Rows ahead.
        inside: Level -> (N,) share of the outcomes of a day inside the interval, in order of time.
        overlap: Number of neighbouring cutoffs whose outcomes share days.
        moves: False if the price never moves.
        levels: Levels that are judged; all when empty.
    """
    shares = {level: float(values.mean()) if len(values) else 0.0 for level, values in inside.items()}
    count = len(next(iter(inside.values())))
    if not moves:
        return StepCoverage(step, count, shares, "constant_price")
    if count < MIN_DAYS or count < MIN_SEPARATE_OUTCOMES * overlap:
        return StepCoverage(step, count, shares, "too_few_rows")
    tests = {level: coverage_test(inside[level], float(level), overlap) for level in levels or inside}
    p_values = {level: test.p_two_sided for level, test in tests.items()}
    tested = {level: p_value for level, p_value in p_values.items() if p_value is not None}
    if not tested:
        return StepCoverage(step, count, shares, "too_few_rows")
    deciding = min(tested, key=lambda level: tested[level])
    p_value = min(1.0, len(tests) * tested[deciding])
    outcome: CoverageOutcome = "consistent"
    if p_value <= LEVEL:
        outcome = "too_narrow" if tests[deciding].mean < 0 else "too_wide"
    return StepCoverage(step, count, shares, outcome, p_value)
