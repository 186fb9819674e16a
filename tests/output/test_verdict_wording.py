"""Sentences about results."""

from collections.abc import Mapping
from typing import Any

import pytest

from forecaster.evaluation.claims import Kind, Outcome
from forecaster.evaluation.verdict import ClaimResult
from forecaster.output.verdict_wording import claim_text, verdict_summary

POINT = {"rmse_ratio": 0.99123, "median_is_last_price": False}
DIRECTION = {"hit_rate": 0.531, "days_with_direction": 700, "hit_rate_by_chance": 0.501}
DENSITY = {"baselines": ["garch", "ewma"], "crps_ratio": {"garch": 0.9965, "ewma": 0.98}, "best": "garch"}
COVERAGE = {"coverage": {"0.8": 0.796, "0.95": 0.949}, "detectable_by_level": {"0.8": 4.52, "0.95": 2.31}}
UNITS = {"point": "rmse_ratio", "direction": "hit_rate", "density": "crps_percent", "coverage": "coverage_points"}


def result(kind: Kind, measured: Mapping[str, Any], **changes: Any) -> ClaimResult:
    facts: dict[str, Any] = {"outcome": "no_difference", "against": "garch", "p_value": 0.1534, "raw_p_value": 0.04}
    facts |= {"detectable": 0.8312, "unit": UNITS[kind], **changes}
    return ClaimResult(kind=kind, measured=measured, **facts)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            result("density", DENSITY),
            "density: not significantly better than garch, the strongest baseline "
            "(CRPS 0.35 % lower, p = 0.153; minimum detectable 0.83 %)",
        ),
        (
            result("density", DENSITY, against="ewma", detectable=None),
            "density: not significantly better than ewma "
            "(CRPS 2.0 % lower, CRPS 0.35 % lower than garch, the strongest baseline, p = 0.153)",
        ),
        (
            result("density", {**DENSITY, "baselines": ["garch"]}, detectable=None),
            "density: not significantly better than garch (CRPS 0.35 % lower, p = 0.153)",
        ),
        (
            result("density", DENSITY, outcome="better", p_value=0.0004),
            "density: better than garch and ewma "
            "(CRPS 0.35 % lower than the best of them, p < 0.001; minimum detectable 0.83 %)",
        ),
        (
            result("density", {**DENSITY, "crps_ratio": {"garch": 1.0213}}, outcome="worse", detectable=12.34),
            "density: worse than garch (CRPS 2.1 % higher, p = 0.153; minimum detectable 12.3 %)",
        ),
        (
            result("density", {**DENSITY, "crps_ratio": {"garch": None}}, outcome="worse", detectable=None),
            "density: worse than garch (the CRPS of the baseline is 0, p = 0.153)",
        ),
        (
            result("coverage", COVERAGE),
            "coverage: consistent with nominal (79.6 % in the 80 % interval, 94.9 % in the 95 % interval, p = 0.153; "
            "minimum detectable 4.5 and 2.3 points)",
        ),
        (
            result("coverage", {**COVERAGE, "detectable_by_level": {"0.95": 2.31}}, outcome="worse"),
            "coverage: miscalibrated (79.6 % in the 80 % interval, 94.9 % in the 95 % interval, p = 0.153; "
            "minimum detectable 2.3 points in the 95 % interval)",
        ),
        (
            result("point", POINT, outcome="better", detectable=0.9943),
            "point: better than the random walk "
            "(RMSE ratio of returns 0.9912, p = 0.153; minimum detectable RMSE ratio of returns 0.994)",
        ),
        (
            result("point", {**POINT, "rmse_ratio": 1.01}, raw_p_value=0.001, detectable=None),
            "point: informative, but its error is not smaller than the random walk's "
            "(RMSE ratio of returns 1.0100, p = 0.153)",
        ),
        (
            result("point", {"rmse_ratio": 1.0, "median_is_last_price": True}, p_value=None, detectable=0.9943),
            "point: same as the random walk, the median is the last price "
            "(minimum detectable RMSE ratio of returns 0.994)",
        ),
        (
            result("direction", DIRECTION, outcome="worse", detectable=0.545),
            "direction: worse than chance (53.1 % correct, 50.1 % expected by chance, p = 0.153; "
            "minimum detectable 54.5 %)",
        ),
        (
            result("density", DENSITY, outcome="not_applicable", untestable="no_baseline"),
            "density: not applicable: there is no baseline",
        ),
    ],
)
def test_a_result_is_one_sentence(given: ClaimResult, text: str) -> None:
    assert claim_text(given) == text


def test_a_summary_names_the_four_outcomes() -> None:
    outcomes = {"point": "no_difference", "direction": "not_applicable", "density": "better", "coverage": "worse"}
    document = {kind: {"outcome": outcome} for kind, outcome in outcomes.items()}
    assert verdict_summary(document) == (
        "point no significant difference; direction not applicable; density better; coverage miscalibrated"
    )
    document["coverage"] = {"outcome": "no_difference"}
    assert verdict_summary(document).endswith("coverage consistent with nominal")
    document["coverage"] = {"outcome": "no_difference", "steps": [{"step": 60, "outcome": "too_few_rows"}]}
    assert verdict_summary(document).endswith("coverage too few rows to tell")


@pytest.mark.parametrize(
    ("steps", "outcome", "statement"),
    [
        (["consistent"], "no_difference", "consistent with nominal"),
        (["too_few_rows"], "no_difference", "too few rows to tell"),
        (["too_narrow"], "no_difference", "too narrow by its own test, not when corrected"),
        (["too_narrow"], "worse", "miscalibrated"),
        (
            ["too_narrow", "too_narrow", "too_few_rows"],
            "no_difference",
            "too narrow at steps 1 and 2 by its own test, not when corrected; too few rows to tell at step 3",
        ),
        (
            ["consistent", "too_wide"],
            "no_difference",
            "consistent with nominal at step 1; too wide at step 2 by its own test, not when corrected",
        ),
        (["consistent", "too_wide"], "worse", "miscalibrated at step 2"),
    ],
)
def test_one_and_several_steps_are_judged_by_one_rule(steps: list[str], outcome: Outcome, statement: str) -> None:
    shares = {"0.8": 0.75, "0.95": 0.93}
    judged = [
        {"step": step, "n": 500, "coverage": shares, "outcome": each, "p_value": None}
        for step, each in enumerate(steps, start=1)
    ]
    text = claim_text(result("coverage", {**COVERAGE, "coverage": shares, "steps": judged}, outcome=outcome))
    assert text.startswith(f"coverage: {statement} (")
