"""Coverage at each step: measured exactly, judged where there are enough outcomes, right in size and in power."""

import numpy as np
import pytest
from scipy import stats

from forecaster.evaluation.daily_losses import DailyLosses, OutOfSample, daily_losses
from forecaster.evaluation.step_coverage import CoverageOutcome, StepCoverage, step_coverage, with_p_value
from forecaster.evaluation.verdict import verdict
from forecaster.output.verdict_wording import claim_text
from forecaster.quantiles import SCORING_LEVELS, normal_scores
from forecaster.stats.mean_tests import student_quantile


def inside(share: float, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    return {"0.8": (np.random.default_rng(seed).random(count) < share).astype(float)}


@pytest.mark.parametrize(
    ("share", "count", "overlap", "outcome"),
    [
        (0.8, 750, 1, "consistent"),
        (0.5, 750, 1, "too_narrow"),
        (0.99, 750, 1, "too_wide"),
        (0.5, 29, 1, "too_few_rows"),
        (0.5, 399, 20, "too_few_rows"),
        (0.5, 400, 20, "too_narrow"),
    ],
)
def test_the_share_is_measured_and_judged(share: float, count: int, overlap: int, outcome: str) -> None:
    sample = inside(share, count)
    found = with_p_value(step_coverage(overlap, sample, overlap), sample, overlap)
    assert (found.n, found.coverage["0.8"]) == (count, sample["0.8"].mean())
    assert found.outcome == outcome
    assert (found.p_value is None) == (outcome == "too_few_rows")
    assert StepCoverage.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("shares", "outcome", "level"),
    [
        ({"0.8": 0.81, "0.95": 0.98}, "too_wide", "0.95"),
        ({"0.8": 0.82, "0.95": 0.90}, "too_narrow", "0.95"),
        ({"0.8": 0.74, "0.95": 0.84}, "too_narrow", "0.8"),
        ({"0.8": 0.88, "0.95": 0.96}, "too_wide", "0.8"),
        ({"0.8": 0.5}, "too_narrow", "0.8"),
        ({"0.8": 0.8, "0.95": 0.96}, "consistent", "0.8"),
    ],
)
def test_the_level_that_a_judgement_is_about(shares: dict[str, float], outcome: CoverageOutcome, level: str) -> None:
    assert StepCoverage(5, 745, shares, outcome).judged_level("0.8") == level


def test_a_price_that_never_moves_is_not_judged() -> None:
    assert step_coverage(1, inside(1.0, 500), 1, moves=False).outcome == "constant_price"


def test_right_intervals_are_rarely_rejected_where_outcomes_overlap() -> None:
    """At 5 %: 400 samples of 750 outcomes over 10 days, standard error 1 %."""
    rejected = 0
    for seed in range(400):
        moves = np.random.default_rng(seed).normal(size=760)
        sums = np.convolve(moves, np.ones(10), "valid")[:750] / np.sqrt(10)
        hits = {level: (np.abs(sums) < bound).astype(float) for level, bound in (("0.8", 1.2816), ("0.95", 1.96))}
        rejected += step_coverage(10, hits, 10).outcome != "consistent"
    assert rejected / 400 < 0.09


@pytest.mark.parametrize("freedom", [5, 7, 13, 30, 700])
@pytest.mark.parametrize("level", [0.975, 0.9875, 0.995])
def test_quantiles_of_student_need_no_scipy(level: float, freedom: float) -> None:
    assert student_quantile(level, freedom) == pytest.approx(stats.t.ppf(level, freedom), rel=5e-3)


def losses(step: int, width: float) -> DailyLosses:
    rng = np.random.default_rng(step)
    outcomes = np.convolve(rng.normal(size=750 + step - 1), np.ones(step), "valid") * 0.01
    quantiles = np.tile(width * 0.01 * np.sqrt(step) * normal_scores(SCORING_LEVELS), (750, 1))
    dates = np.datetime64("2020-01-01") + np.arange(750)
    return daily_losses(OutOfSample("USDTRY", step, dates, outcomes, {"lstm": quantiles, "garch": quantiles}))


def test_a_verdict_judges_the_coverage_at_every_step() -> None:
    good = verdict(losses(1, 1.0), [losses(5, 1.0), losses(20, 1.0)])["coverage"]
    assert good.outcome == "no_difference"
    assert [step["step"] for step in good.measured["steps"]] == [1, 5, 20]
    assert claim_text(good).startswith("coverage: consistent with nominal at steps 1, 5 and 20 (80 % interval 8")
    bad = verdict(losses(1, 1.0), [losses(5, 0.4), losses(60, 1.0)])["coverage"]
    assert bad.outcome == "worse"
    assert [step["outcome"] for step in bad.measured["steps"]] == ["consistent", "too_narrow", "too_few_rows"]
    assert "miscalibrated at step 5; too few rows to tell at step 60" in claim_text(bad)


def test_only_the_first_step_counts_where_there_is_no_other() -> None:
    alone = verdict(losses(1, 1.0))["coverage"]
    assert claim_text(alone).startswith("coverage: consistent with nominal (")
    assert alone.p_value == 1.0
