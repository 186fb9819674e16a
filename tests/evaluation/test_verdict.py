import dataclasses
import json
import math
import re
import sys
from typing import Any

import numpy as np
import pytest
from scipy import stats

from forecaster.evaluation import claims as claims_before_holm
from forecaster.evaluation.claims import KINDS, LEVEL, point
from forecaster.evaluation.daily_losses import DailyLosses, OutOfSample, daily_losses, pool
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.output.score_parts import verdict_document
from forecaster.output.verdict_wording import claim_text, verdict_texts
from forecaster.quantiles import SCORING_LEVELS, normal_scores
from forecaster.stats.coverage_tests import coverage_test
from forecaster.stats.mean_tests import (
    diebold_mariano,
    hac_lags,
    mean_test,
    pesaran_timmermann,
)

SCORES = normal_scores(SCORING_LEVELS)
DAYS = 750


def losses(
    name: str,
    dates: np.ndarray,
    outcomes: np.ndarray,
    quantiles: dict[str, np.ndarray],
    step: int = 1,
    stride: int = 1,
) -> DailyLosses:
    return daily_losses(OutOfSample(name, step, dates, outcomes, quantiles, stride))


def evidence(
    seed: int = 0,
    widths: dict[str, float] | None = None,
    signal: float = 0.0,
    noise: float = 0.0,
    days: int = DAYS,
    volatility: float = 0.5,
) -> DailyLosses:
    """Returns whose volatility changes; models know it but for lognormal errors of the size `widths`.

    The median holds the true mean, which is `signal` standard deviations large, and `noise` that is not there.
    """
    rng = np.random.default_rng(seed)
    sigma = 0.01 * np.exp(volatility * rng.normal(size=days))
    mean = signal * 0.01 * rng.normal(size=days)
    outcomes = mean + sigma * rng.normal(size=days)
    median = mean + noise * 0.01 * rng.normal(size=days)
    known = {
        name: (sigma * np.exp(error * rng.normal(size=days)))[:, None] * SCORES
        for name, error in (widths or {"lstm": 0.0, "garch": 0.3, "random_walk": 0.5}).items()
    }
    judged = next(iter(known))
    if signal or noise:
        known[judged] = known[judged] + median[:, None]
    return losses("USDJPY", np.datetime64("2020-01-01") + np.arange(days), outcomes, known)


def outcomes_of(point_claim: Verdict) -> list[str]:
    return [point_claim[kind].outcome for kind in KINDS]


# --- what the contract promises ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        evidence(),
        evidence(noise=0.3),
        evidence(days=12),
        evidence(days=1),
        evidence(signal=0.5),
        evidence(widths={"lstm": 0.2}),
        pool([evidence(1), evidence(2)]),
    ],
)
def test_every_verdict_is_json_of_the_contract(given: DailyLosses) -> None:
    document = json.loads(json.dumps(verdict_document(verdict(given)), allow_nan=False))
    for kind in KINDS:
        one = document[kind]
        assert {"outcome", "against", "p_value", "detectable", "text"} <= set(one)
        assert one["outcome"] in {"better", "no_difference", "worse", "not_applicable"}
        assert one["text"].startswith(f"{kind}: ")
        assert "{" not in one["text"]
        assert one["p_value"] is None or 0 <= one["raw_p_value"] <= one["p_value"] <= 1
        assert kind != "coverage" or one["outcome"] in {"no_difference", "worse"}
        assert kind == "coverage" or one["outcome"] != "better" or one["p_value"] <= LEVEL
    assert document["days"] == len(given)
    assert document["window"] == [str(given.dates[0]), str(given.dates[-1])]


def test_the_default_model_claims_density_and_nothing_else() -> None:
    point_claim = verdict(evidence())
    assert outcomes_of(point_claim) == ["no_difference", "not_applicable", "better", "no_difference"]
    lines = verdict_texts(point_claim)
    assert lines[0] == (
        "point: same as the random walk, the median is the last price (minimum detectable RMSE ratio of returns 0.994)"
    )
    assert lines[1] == "direction: not applicable: the median is the last price"
    assert lines[2].startswith("density: better than garch and random_walk (CRPS ")
    assert " % lower than the best of them, p" in lines[2]
    assert "; minimum detectable " in lines[2]
    assert lines[3].startswith("coverage: consistent with nominal (")
    assert point_claim["point"].p_value is None
    assert point_claim["direction"].p_value is point_claim["direction"].detectable is None


# --- the p-values are those of the tests, then Holm --------------------------------------------------------------


def test_p_values_are_those_of_the_tests_that_are_named() -> None:
    given = evidence(seed=3, signal=0.1, noise=0.05)
    point_claim = verdict(given)
    assert point_claim["direction"].against == "chance"
    assert point_claim["point"].against == "random_walk"
    rng = np.random.default_rng(3)  # the same draws as above
    sigma = 0.01 * np.exp(0.5 * rng.normal(size=DAYS))
    mean = 0.1 * 0.01 * rng.normal(size=DAYS)
    actual = mean + sigma * rng.normal(size=DAYS)
    median = mean + 0.05 * 0.01 * rng.normal(size=DAYS)
    west = mean_test(2 * median * actual, lags=0)  # of Clark and West, against a forecast of zero
    assert point_claim["point"].raw_p_value == pytest.approx(west.p_above)
    timmermann = pesaran_timmermann(median, actual)
    assert point_claim["direction"].raw_p_value == pytest.approx(timmermann.p_above)
    tests = {name: diebold_mariano(given.crps["lstm"] - given.crps[name]).p_below for name in given.baselines}
    assert point_claim["density"].raw_p_value == max(p for p in tests.values() if p is not None)
    assert point_claim["density"].measured["raw_p_values"] == tests
    shares = [coverage_test(given.inside[level], float(level)).p_two_sided for level in ("0.8", "0.95")]
    assert point_claim["coverage"].raw_p_value == pytest.approx(min(1, 2 * min(p for p in shares if p is not None)))
    ratio = math.sqrt(np.mean((median - actual) ** 2) / np.mean(actual**2))
    assert point_claim["point"].measured["rmse_ratio"] == pytest.approx(ratio)
    raw = sorted((one.raw_p_value or 0.0, kind) for kind, one in point_claim.results.items())
    largest = 0.0
    for place, (value, kind) in enumerate(raw):
        largest = max(largest, min(1.0, (4 - place) * value))
        if point_claim[kind].outcome != "worse" or kind == "coverage":
            assert point_claim[kind].p_value == pytest.approx(largest)


def test_pooled_days_are_tested_with_their_autocorrelation() -> None:
    given = pool([evidence(seed, signal=0.1, noise=0.05) for seed in range(3)])
    point_claim = verdict(given)
    assert point_claim["point"].raw_p_value == pytest.approx(mean_test(given.gain).p_above)
    assert point_claim["direction"].raw_p_value == pytest.approx(mean_test(given.excess).p_above)
    alone = evidence(0, signal=0.1, noise=0.05)
    assert verdict(alone)["point"].raw_p_value == pytest.approx(mean_test(alone.gain, lags=0).p_above)


def test_numbers_of_a_pool_are_means_over_instruments_as_in_the_tables() -> None:
    members = [evidence(1, signal=0.1, noise=0.05), evidence(2, days=200, signal=0.2, noise=0.05)]
    alone, together = [verdict(member) for member in members], verdict(pool(members))
    for kind, measured in (("point", "rmse_ratio"), ("density", "crps_ratio"), ("coverage", "coverage")):
        (of_all, *of_each) = [np.array(values_of(result[kind].measured[measured])) for result in (together, *alone)]
        assert of_all == pytest.approx(np.mean(of_each, axis=0))


def values_of(measured: Any) -> list[float]:
    return [*measured.values()] if isinstance(measured, dict) else [measured]


def test_markets_that_follow_each_other_are_not_taken_for_independent_days() -> None:
    """The second market moves today as the first did yesterday, and both medians drift slowly, knowing nothing."""
    dates = np.datetime64("2020-01-01") + np.arange(750)
    claims, independent = [], []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        moves, drift = rng.normal(size=751), rng.normal(size=750)
        for t in range(1, 750):
            drift[t] = 0.95 * drift[t - 1] + 0.3 * drift[t]
        given = pool(
            [
                losses(name, dates, outcomes, {"lstm": 0.3 * drift[:, None] + SCORES})
                for name, outcomes in (("first", moves[1:]), ("second", moves[:-1]))
            ]
        )
        claims.append(point(given).p_claim)
        independent.append(mean_test(given.gain, lags=0).p_above)
    shares = [np.mean([p is not None and p <= 0.05 for p in one]) for one in (claims, independent)]
    assert shares[0] == pytest.approx(0.05, abs=0.025)
    assert shares[1] > 0.09


def test_kinds_that_are_not_tested_do_not_make_the_others_easier() -> None:
    point_claim = verdict(evidence(widths={"lstm": 0.25, "garch": 0.3}))
    assert point_claim["density"].raw_p_value is not None
    raw = [point_claim["density"].raw_p_value, point_claim["coverage"].raw_p_value or 1.0]
    expected = 4 * raw[0] if raw[0] <= raw[1] else max(4 * raw[1], 3 * raw[0])
    assert point_claim["density"].p_value == pytest.approx(min(1, expected))


# --- from p-values to outcomes -----------------------------------------------------------------------------------


def judged(monkeypatch: pytest.MonkeyPatch, **tested: claims_before_holm.TestedClaim) -> dict[str, tuple[Any, ...]]:
    """Outcome, adjusted p-value and opponent of each kind, when the tests say what they are told to say."""
    module = sys.modules["forecaster.evaluation.verdict"]
    for kind in KINDS:
        monkeypatch.setattr(module, kind, lambda losses, *later, kind=kind: tested.get(kind, said()))
    return {kind: (one.outcome, one.p_value, one.against) for kind, one in verdict(evidence(days=40)).results.items()}


def said(claim: float | None = None, warning: float | None = None, **more: Any) -> claims_before_holm.TestedClaim:
    return claims_before_holm.TestedClaim("them", "unit", {}, p_claim=claim, p_warning=warning, **more)


def test_claims_are_made_at_a_quarter_of_the_level_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, point=said(0.0125, 0.9))["point"] == ("better", pytest.approx(0.05), "them")
    assert judged(monkeypatch, point=said(0.0126, 0.9))["point"][0] == "no_difference"
    # Once one is claimed, a third of the level is enough for the next, and so on.
    point_claim = judged(
        monkeypatch, point=said(0.012), direction=said(0.016), density=said(0.026), coverage=said(0.04)
    )
    assert [one[0] for one in point_claim.values()] == ["better", "better", "no_difference", "no_difference"]
    assert [one[1] for one in point_claim.values()] == [pytest.approx(p) for p in (0.048, 0.048, 0.052, 0.052)]


def test_warnings_are_a_family_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    point_claim = judged(monkeypatch, density=said(0.9, 0.0166, warning_against="garch"))
    assert point_claim["density"] == ("worse", pytest.approx(3 * 0.0166), "garch")
    point_claim = judged(monkeypatch, density=said(0.9, 0.0167, warning_against="garch"))
    assert point_claim["density"] == ("no_difference", 1.0, "them")


def test_an_alarm_is_a_claim_and_a_forbidden_claim_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    point_claim = judged(monkeypatch, coverage=said(0.001, claimed="worse", warning_against="nobody"))
    assert point_claim["coverage"] == ("worse", pytest.approx(0.004), "them")
    assert judged(monkeypatch, point=said(0.001, 0.9, claimed=None))["point"][0] == "no_difference"
    assert judged(monkeypatch, point=said(0.001, 0.001, claimed=None))["point"][0] == "worse"
    assert judged(monkeypatch, direction=said(untestable="no_direction"))["direction"] == (
        "not_applicable",
        None,
        "them",
    )


# --- density -----------------------------------------------------------------------------------------------------


def test_density_must_beat_every_baseline() -> None:
    point_claim = verdict(evidence(widths={"lstm": 0.2, "bad": 0.8, "equal": 0.2, "worse": 0.6}))
    assert point_claim["density"].outcome == "no_difference"
    assert point_claim["density"].against == "equal"
    assert point_claim["density"].measured["raw_p_values"]["bad"] < 1e-6
    text = "density: not significantly better than equal, the strongest baseline (CRPS "
    assert claim_text(point_claim["density"]).startswith(text)


def test_density_is_worse_when_one_baseline_is_better() -> None:
    given = evidence(widths={"lstm": 0.5, "bad": 0.9, "good": 0.0})
    point_claim = verdict(given)
    assert point_claim["density"].outcome == "worse"
    assert point_claim["density"].against == "good"
    raw = diebold_mariano(given.crps["lstm"] - given.crps["good"]).p_above
    assert raw is not None
    assert point_claim["density"].raw_p_value == pytest.approx(2 * raw)  # one of two baselines
    assert re.match(
        r"density: worse than good \(CRPS [\d.]+ % higher, p [=<] 0\.\d+; ", claim_text(point_claim["density"])
    )


def test_the_same_distributions_are_no_difference() -> None:
    given = evidence()
    given = dataclasses.replace(given, crps={name: given.crps["lstm"] for name in given.crps})
    point_claim = verdict(given)["density"]
    assert (point_claim.outcome, point_claim.p_value, point_claim.detectable) == ("no_difference", None, None)
    assert claim_text(point_claim) == (
        "density: not significantly better than garch, the strongest baseline (CRPS 0.00 % lower)"
    )
    one_same = dataclasses.replace(given, crps={**given.crps, "random_walk": 2 * given.crps["lstm"]})
    point_claim = verdict(one_same)["density"]
    assert (point_claim.outcome, point_claim.p_value) == ("no_difference", 1.0)


def test_without_baselines_density_is_not_judged() -> None:
    point_claim = verdict(evidence(widths={"lstm": 0.2}))["density"]
    assert (point_claim.outcome, point_claim.against, point_claim.p_value) == ("not_applicable", None, None)


# --- point and direction -----------------------------------------------------------------------------------------


def test_a_true_mean_is_found() -> None:
    point_claim = verdict(evidence(signal=0.4))
    assert point_claim["point"].outcome == point_claim["direction"].outcome == "better"
    assert claim_text(point_claim["point"]).startswith("point: better than the random walk (RMSE ratio of returns 0.9")
    assert claim_text(point_claim["direction"]).startswith("direction: better than chance (")


def test_noise_in_the_median_is_worse() -> None:
    point_claim = verdict(evidence(noise=0.5))
    assert point_claim["point"].outcome == "worse"
    assert point_claim["point"].measured["rmse_ratio"] > 1
    assert point_claim["direction"].outcome == "no_difference"
    assert claim_text(point_claim["direction"]).startswith("direction: not significantly better than chance (")


def test_information_alone_is_no_better_forecast() -> None:
    """A forecast twice as large as it should be holds information, and its squared error is no smaller."""
    rng = np.random.default_rng(1)
    outcomes, noise = rng.normal(size=(2, DAYS))
    median = 0.2 * outcomes + noise
    dates = np.datetime64("2020-01-01") + np.arange(DAYS)
    best = (median @ outcomes) / (median @ median)  # the factor of least squares; twice of it gains nothing
    assert (mean_test(2 * median * outcomes, lags=0).p_above or 1) < 1e-4
    for factor, outcome in ((1.0, "better"), (1.99, "better"), (2.01, "no_difference"), (5.0, "worse")):
        given = losses("a", dates, outcomes, {"lstm": (factor * best * median)[:, None] + SCORES})
        point_claim = verdict(given)["point"]
        assert point_claim.outcome == outcome
        assert (point_claim.measured["rmse_ratio"] < 1) is (factor < 2)
        assert ("informative, but its error is not smaller" in claim_text(point_claim)) is (outcome == "no_difference")


def at_step(step: int, signal: float, seed: int) -> DailyLosses:
    """Outcomes over `step` days whose mean is known to the median, `signal` daily volatilities large."""
    rng = np.random.default_rng(seed)
    mean = signal * rng.normal(size=DAYS)
    moves = mean + rng.normal(size=DAYS)
    ahead = np.convolve(np.concatenate([moves, np.zeros(step - 1)]), np.ones(step), mode="valid")
    dates = np.datetime64("2020-01-01") + np.arange(DAYS)
    median = mean[:, None] if signal else 0.0
    return losses("USDJPY", dates, ahead, {"lstm": median + step**0.5 * np.tile(SCORES, (DAYS, 1))}, step)


def test_the_median_is_tested_at_every_step_at_which_it_moves() -> None:
    fixed = [at_step(step, 0.0, seed) for seed, step in enumerate((1, 5, 10))]
    alone, moved = at_step(1, 0.3, 9), at_step(5, 0.5, 10)
    point_claim = verdict(fixed[0], [moved, fixed[2]])["point"]
    assert [step["step"] for step in point_claim.measured["steps"]] == [5]
    assert point_claim.measured["median_is_last_price"] is False
    assert point_claim.raw_p_value == verdict(moved)["point"].raw_p_value
    assert point_claim.outcome == "better"
    assert claim_text(point_claim).startswith("point: better than the random walk at step 5 (RMSE ratio of returns 0.9")
    both = verdict(alone, [moved])["point"]
    p_values = [verdict(each)["point"].raw_p_value for each in (alone, moved)]
    assert both.raw_p_value == pytest.approx(2 * min(p for p in p_values if p is not None))
    assert both.measured["rmse_ratio"] == verdict(alone)["point"].measured["rmse_ratio"]
    assert "at steps 1/5" in claim_text(both)
    none = verdict(fixed[0], fixed[1:])["point"]
    assert (none.measured["median_is_last_price"], none.measured["steps"], none.p_value) == (True, [], None)


def test_the_wrong_direction_is_worse_than_chance() -> None:
    rng = np.random.default_rng(2)
    outcomes = rng.normal(size=DAYS)
    median = -0.2 * outcomes + 0.1 * rng.normal(size=DAYS)
    dates = np.datetime64("2020-01-01") + np.arange(DAYS)
    point_claim = verdict(losses("a", dates, outcomes, {"lstm": median[:, None] + SCORES}))
    assert point_claim["direction"].outcome == "worse"


def test_a_median_that_always_rises_has_no_direction_to_judge() -> None:
    rng = np.random.default_rng(4)
    dates = np.datetime64("2020-01-01") + np.arange(DAYS)
    given = losses("a", dates, rng.normal(size=DAYS), {"lstm": np.tile(0.1 + SCORES, (DAYS, 1))})
    for one in (given, pool([given, given])):
        point_claim = verdict(one)["direction"]
        assert (point_claim.outcome, point_claim.p_value) == ("not_applicable", None)
        assert claim_text(point_claim) == (
            "direction: not applicable: the median, or the price, moves in one direction only"
        )
    assert verdict(given)["point"].p_value is not None


def test_few_directions_are_too_few() -> None:
    given = evidence(noise=0.5)
    given = dataclasses.replace(given, excess=np.where(np.arange(DAYS) < 20, given.excess, np.nan))
    point_claim = verdict(given)["direction"]
    assert (point_claim.outcome, point_claim.p_value) == ("no_difference", None)
    assert claim_text(point_claim) == "direction: not tested: too few cutoffs with a direction (20)"


# --- coverage ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.7, 1.5])
def test_too_narrow_and_too_wide_are_miscalibrated(factor: float) -> None:
    given = evidence()
    rng = np.random.default_rng(5)
    sigma = np.full(DAYS, factor)
    given = losses("a", given.dates, rng.normal(size=DAYS), {"lstm": sigma[:, None] * SCORES})
    point_claim = verdict(given)["coverage"]
    assert (point_claim.outcome, point_claim.against) == ("worse", "nominal")
    assert claim_text(point_claim).startswith("coverage: miscalibrated (")
    assert point_claim.measured["coverage"]["0.8"] == given.inside["0.8"].mean()


def test_coverage_that_never_fails_is_too_wide() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(DAYS)
    hardly = np.where(np.arange(DAYS) % 2 == 0, 1e-6, -1e-6)
    point_claim = verdict(losses("a", dates, hardly, {"lstm": np.tile(SCORES, (DAYS, 1))}))
    assert point_claim["coverage"].outcome == "worse"
    assert outcomes_of(point_claim) == ["no_difference", "not_applicable", "not_applicable", "worse"]


def test_of_a_price_that_never_moved_there_is_nothing_to_say() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(DAYS)
    said = {"lstm": np.tile(SCORES, (DAYS, 1)), "ewma": np.tile(2 * SCORES, (DAYS, 1))}
    point_claim = verdict(losses("a", dates, np.zeros(DAYS), said))
    for kind in ("point", "density", "coverage"):
        assert claim_text(point_claim[kind]) == f"{kind}: not tested: the price is constant"
    assert outcomes_of(point_claim) == ["no_difference", "not_applicable", "no_difference", "no_difference"]


# --- too little to say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 2, 3, 29])
def test_few_days_prove_nothing(days: int) -> None:
    point_claim = verdict(evidence(days=days, noise=0.5, widths={"lstm": 1.5, "garch": 0.0}))
    assert all(one.p_value is None and one.outcome == "no_difference" for one in point_claim.results.values())
    assert verdict_texts(point_claim)[0] == "point: not tested: too few cutoffs"


@pytest.mark.parametrize("days", [31, 40])
def test_no_effect_beyond_what_there_can_be_is_said_to_be_visible(days: int) -> None:
    """Outcomes over 30 days overlap so much that nothing but the impossible would be found."""
    rng = np.random.default_rng(4)
    outcomes = np.convolve(rng.normal(size=days + 29), np.ones(30), "valid")
    dates = np.datetime64("2020-01-01") + np.arange(days)
    wide, narrow = np.tile(9 * SCORES, (days, 1)) + rng.normal(size=(days, 1)), np.tile(4 * SCORES, (days, 1))
    point_claim = verdict(losses("a", dates, outcomes, {"lstm": wide, "ewma": narrow}, 30))
    assert point_claim["point"].detectable is None
    assert (point_claim["density"].detectable or 0) < 100
    assert all(
        points < 100 * float(level) for level, points in point_claim["coverage"].measured["detectable_by_level"].items()
    )
    assert "0.000" not in claim_text(point_claim["point"])
    assert "nan" not in "".join(verdict_texts(point_claim))


# --- claims are false as seldom as promised, and found as often as stated -----------------------------------------


def rates(made: list[Verdict]) -> dict[str, float]:
    claims = np.array([[one[k].outcome == ("worse" if k == "coverage" else "better") for k in KINDS] for one in made])
    return {"any": float(claims.any(axis=1).mean()), **dict(zip(KINDS, claims.mean(axis=0).tolist(), strict=True))}


def test_where_nothing_is_to_be_found_claims_are_rare() -> None:
    """Model and baseline see the volatility equally well, the median is noise: all four nulls hold at once."""
    made = [verdict(evidence(seed, {"lstm": 0.1, "garch": 0.1}, noise=0.05)) for seed in range(500)]
    point_claim = rates(made)
    assert point_claim["any"] <= 0.05 + 0.02  # two Monte Carlo errors
    assert max(point_claim[kind] for kind in KINDS) <= 0.0125 + 0.015
    assert point_claim["any"] > 0  # the tests do test something


def test_pooled_claims_of_instruments_that_move_together_are_rare() -> None:
    made = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        common, members = rng.normal(size=250), []
        noise = 0.1 * rng.normal(size=250)  # the medians move together as well
        for k in range(6):
            outcomes = 0.9 * common + 0.44 * rng.normal(size=250)
            widths = [np.exp(0.1 * rng.normal(size=250))[:, None] * SCORES for _ in range(2)]
            given = {"lstm": widths[0] + noise[:, None], "garch": widths[1]}
            members.append(losses(str(k), np.datetime64("2020-01-01") + np.arange(250), outcomes, given))
        made.append(verdict(pool(members)))
    assert rates(made)["any"] <= 0.05 + 0.025


def test_pooling_sees_more_when_instruments_move_on_their_own() -> None:
    members = [evidence(seed, {"lstm": 0.1, "garch": 0.2}) for seed in range(8)]
    alone, together = verdict(members[0])["density"], verdict(pool(members))["density"]
    assert alone.detectable is not None
    assert together.detectable == pytest.approx(alone.detectable / math.sqrt(8), rel=0.35)
    copies = verdict(pool([members[0]] * 8))["density"]
    assert copies.detectable == pytest.approx(alone.detectable)


def power(kind: Any, made: list[Verdict]) -> float:
    p_values = [one[kind].raw_p_value for one in made]
    return float(np.mean([p is not None and p <= LEVEL / 4 for p in p_values]))


def stated(kind: Any, made: list[Verdict]) -> float:
    return float(np.mean([one[kind].detectable for one in made]))


def test_point_is_found_as_often_as_stated() -> None:
    shift = (stats.norm.ppf(1 - LEVEL / 4) + stats.norm.ppf(0.8)) / math.sqrt(DAYS)  # of the mean, in its own deviation
    signal = shift / math.sqrt(1 - shift**2)
    made = [verdict(evidence(seed, signal=signal, volatility=0.0)) for seed in range(500)]
    assert stated("point", made) == pytest.approx(math.sqrt(1 - shift**2), abs=2e-4)
    assert power("point", made) == pytest.approx(0.8, abs=0.05)


def test_density_is_found_as_often_as_stated() -> None:
    made = [verdict(evidence(seed, {"lstm": 0.1, "garch": 0.24}, volatility=0.0)) for seed in range(500)]
    gain = 100 * (1 - np.mean([one["density"].measured["crps_ratio"]["garch"] for one in made]))
    # At a gain of g times the stated one, power is about Phi(g (c + z_80) - c), c the critical value.
    critical = stats.t.ppf(1 - LEVEL / 4, DAYS / hac_lags(DAYS))
    expected = stats.norm.cdf(gain / stated("density", made) * (critical + stats.norm.ppf(0.8)) - critical)
    assert 0.3 < expected < 0.97
    assert power("density", made) == pytest.approx(expected, abs=0.06)


def test_two_rivals_as_good_as_each_other_are_beaten_as_often_as_stated() -> None:
    widths = {"lstm": 0.0, "a": 0.22, "b": 0.22}
    made = [verdict(evidence(seed, widths, volatility=0.0)) for seed in range(300)]
    alone = [verdict(evidence(seed, {"lstm": 0.0, "a": 0.22}, volatility=0.0)) for seed in range(50)]
    ratios = np.mean([[*one["density"].measured["crps_ratio"].values()] for one in made], axis=0)
    assert 1 < 100 * (1 - ratios.max()) / stated("density", made) < 1.1
    assert 0.77 <= power("density", made) <= 0.93
    assert stated("density", made) > 1.05 * stated("density", alone)


def test_coverage_is_found_as_often_as_stated() -> None:
    """Intervals that hold in fewer of the 80 % than promised by what is stated; the 95 % ones help a little."""
    dates = np.datetime64("2020-01-01") + np.arange(DAYS)

    def judge(seed: int, factor: float) -> Verdict:
        return verdict(
            losses(
                "a", dates, np.random.default_rng(seed).normal(size=DAYS), {"m": np.tile(factor * SCORES, (DAYS, 1))}
            )
        )

    points = stated("coverage", [judge(seed, 1.0) for seed in range(100)])
    assert points == pytest.approx(100 * 3.8 * math.sqrt(0.16 / DAYS), rel=0.05)
    factor = stats.norm.ppf(0.9 - points / 200) / stats.norm.ppf(0.9)
    made = [judge(seed, factor) for seed in range(500)]
    assert 0.75 <= power("coverage", made) <= 0.95
    both = made[0]["coverage"].measured["detectable_by_level"]
    assert both["0.8"] == made[0]["coverage"].detectable > both["0.95"]
