from collections.abc import Mapping

import numpy as np
import pytest

from forecaster.stats.bootstrap import (
    MIN_OUTCOMES,
    ConfidenceSet,
    block_length,
    mean_ratio_intervals,
    model_confidence_set,
    superior_ability,
)


def interval(ours: np.ndarray, others: np.ndarray, size: float = 0.95, **how: int) -> tuple[float, float] | None:
    """Of one ratio alone."""
    return mean_ratio_intervals({"ours": ours, "others": others}, size, **how)["ours"]["others"]


def losses(seed: int, count: int = 400, gaps: tuple[float, ...] = (0.0, 0.0, 0.3)) -> dict[str, np.ndarray]:
    """Models that lose alike but for a gap, on days that are good or bad for all."""
    rng = np.random.default_rng(seed)
    days = rng.gamma(2, size=count)
    return {f"model{k}": days + gap + rng.normal(0, 0.5, count) for k, gap in enumerate(gaps)}


def confidence_set(losses: Mapping[str, np.ndarray], size: float = 0.1, seed: int = 0, **how: int) -> ConfidenceSet:
    """Of enough days."""
    found = model_confidence_set(losses, size, seed, **how)
    assert found is not None
    return found


def test_the_best_are_in_the_set_and_the_clearly_worse_is_not() -> None:
    found = confidence_set(losses(1), seed=1)
    assert found.included == ("model0", "model1")
    assert found.p_values["model2"] < 0.01
    assert max(found.p_values.values()) == 1
    assert found == confidence_set(losses(1), seed=1)


def test_the_set_agrees_with_the_definition_for_two_models() -> None:
    """With two models there is one step: is their difference within what the bootstrap draws around 0?"""
    given = {name: one for name, one in losses(3, gaps=(0.0, 0.06)).items()}
    difference = given["model0"] - given["model1"]
    rng = np.random.default_rng(0)
    drawn = np.array([difference[rng.integers(0, 400, 400)].mean() for _ in range(4000)]) - difference.mean()
    expected = np.mean(np.abs(drawn) >= abs(difference.mean()))
    worse = min(confidence_set(given, seed=2, repetitions=4000).p_values.values())
    assert worse == pytest.approx(expected, abs=0.05)


def test_models_that_lose_the_same_share_their_place() -> None:
    given = losses(4, gaps=(0.0, 0.4))
    found = confidence_set({**given, "copy": given["model0"].copy(), "bad": given["model1"].copy()})
    assert found.included == ("model0", "copy")
    assert found.p_values["copy"] == found.p_values["model0"]
    assert found.p_values["bad"] == found.p_values["model1"]
    alone = confidence_set({"a": given["model0"], "b": given["model0"]})
    assert alone.included == ("a", "b")


def test_a_model_that_is_worse_by_the_same_every_day_is_not_in_the_set() -> None:
    """There is no chance in such a difference: on prices that stand still every baseline loses the same each day."""
    ones, falling = np.ones(100), np.linspace(0.9, 0.1, 100)
    flat = confidence_set({"falling": falling, "one": ones, "two": 2 * ones, "none": 0 * ones, "naught": 0 * ones})
    assert flat.included == ("none", "naught")
    assert flat.p_values == {"falling": 0.0, "one": 0.0, "two": 0.0, "none": 1.0, "naught": 1.0}
    assert confidence_set({"two": 2 * ones, "one": ones}).p_values == {"two": 0.0, "one": 1.0}


def test_differences_by_rounding_are_none() -> None:
    given = losses(4, gaps=(0.0, 0.4))
    noise = given["model0"] * (1 + 1e-15 * np.random.default_rng(1).standard_normal(400))
    found = confidence_set({**given, "copy": noise})
    assert found.p_values["copy"] == found.p_values["model0"]
    assert superior_ability(given["model0"], {"copy": noise}) is None


@pytest.mark.slow
def test_the_set_holds_the_best_as_often_as_promised() -> None:
    held = [
        "model0" in confidence_set(losses(seed, 250, (0.0, 0.05, 0.1)), 0.1, seed, repetitions=400).included
        for seed in range(300)
    ]
    assert np.mean(held) >= 0.9 - 0.035


def test_superior_ability_sees_a_better_rival_and_no_other() -> None:
    given = losses(5)
    assert (superior_ability(given["model2"], {"model0": given["model0"]}) or 0) < 0.01
    assert (superior_ability(given["model0"], {"model2": given["model2"]}) or 0) > 0.3
    assert superior_ability(given["model0"], {"same": given["model0"].copy()}) is None
    assert superior_ability(given["model0"], {"shifted": given["model0"] + 1.0}) is None
    first, again = (superior_ability(given["model2"], given, seed=3) for _ in range(2))
    assert first == again


def test_many_useless_rivals_do_not_look_superior() -> None:
    """The best of 20 that are all as good as the benchmark: one test alone would reject far too often."""
    rejected, naive = 0, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        benchmark = rng.gamma(2, size=250)
        rivals = {str(k): benchmark + rng.normal(size=250) for k in range(20)}
        rejected += (superior_ability(benchmark, rivals, seed, 300) or 0) < 0.05
        gains = [(benchmark - one).mean() / (benchmark - one).std() * 250**0.5 for one in rivals.values()]
        naive += max(gains) > 1.645
    assert rejected <= 12
    assert naive > 50


def test_blocks_grow_with_persistence() -> None:
    rng = np.random.default_rng(6)
    shocks = rng.normal(size=2000)
    slow = np.empty(2000)
    last = 0.0
    for place, shock in enumerate(shocks):
        slow[place] = last = 0.95 * last + shock
    assert 1 <= block_length(shocks) < 10 < block_length(slow) <= 200
    assert block_length(np.ones(50)) == block_length(np.arange(5.0)) == 1


def test_interval_of_a_ratio_is_that_of_the_delta_method_for_independent_days() -> None:
    rng = np.random.default_rng(7)
    others = rng.gamma(4, size=2000)
    ours = 0.97 * others + rng.normal(0, 0.3, 2000)
    ratio = ours.mean() / others.mean()
    error = (ours - ratio * others).std() / others.mean() / 2000**0.5
    found = interval(ours, others, seed=1, repetitions=4000)
    assert found == pytest.approx((ratio - 1.96 * error, ratio + 1.96 * error), abs=0.25 * error)
    assert found == interval(ours, others, seed=1, repetitions=4000)
    assert found != interval(ours, others, seed=2, repetitions=4000)


def test_interval_of_a_ratio_knows_what_it_cannot_know() -> None:
    ones = np.ones(100)
    assert interval(ones, ones) == (1.0, 1.0)
    assert interval(ones, 0 * ones) is None
    assert interval(0 * ones, ones) == (0.0, 0.0)
    assert interval(np.zeros(0), np.zeros(0)) is None


def test_intervals_of_several_instruments_are_of_the_mean_of_their_ratios() -> None:
    rng = np.random.default_rng(8)
    others = rng.gamma(4, size=(1000, 2)) * [1.0, 50.0]  # the second would outweigh the first in a sum
    ours = others * [0.9, 1.0] + rng.normal(0, 0.1, (1000, 2))
    ours[::4, 0] = others[::4, 0] = np.nan  # days that the first does not have
    found = mean_ratio_intervals({"ours": ours, "others": others}, seed=1)
    low, high = found["ours"]["others"] or (0, 0)
    assert low < np.mean(np.nanmean(ours, axis=0) / np.nanmean(others, axis=0)) < high
    assert 0.945 < low < 0.95 < high < 0.955
    above = found["others"]["ours"] or (0, 0)
    assert above == pytest.approx((1.0556, 1.0556), abs=0.006)


def overlapping(seed: int, count: int, overlap: int, models: int) -> dict[str, np.ndarray]:
    """Equally good models whose losses are means over outcomes that neighbouring days share."""
    rng = np.random.default_rng(seed)
    share = np.ones(overlap) / overlap
    days = np.convolve(rng.gamma(2, size=count + overlap - 1), share, "valid")
    own = [np.convolve(rng.normal(size=count + overlap - 1), share, "valid") for _ in range(models)]
    return {f"model{k}": days + 0.05 * one for k, one in enumerate(own)}


def test_the_interval_is_as_wide_as_that_of_the_delta_method_where_outcomes_overlap() -> None:
    """The true standard error is known: the mean of N moving averages is nearly that of the N shocks."""
    widths = []
    for seed in range(20):
        given = overlapping(seed, 1200, 10, 2)
        low, high = mean_ratio_intervals(given, seed=seed, repetitions=300, overlap=10)["model0"]["model1"] or (0, 0)
        error = 0.05 * 2**0.5 / given["model1"].mean() / 1200**0.5
        widths.append((high - low) / (2 * 1.96 * error))
    assert np.mean(widths) == pytest.approx(1, abs=0.06)  # 0.91 without `variance_correction`


def test_equal_models_stay_in_the_set_where_outcomes_overlap() -> None:
    dropped, superior = 0, 0
    for seed in range(100):
        given = overlapping(seed, 500, 5, 4)
        dropped += len(confidence_set(given, seed=seed, repetitions=200, overlap=5).included) < 4
        benchmark = given.pop("model0")
        superior += (superior_ability(benchmark, given, seed, 200, overlap=5) or 0) < 0.05
    assert dropped <= 20  # 10 in the limit; 25 without `variance_correction`
    assert superior <= 8  # 5 in the limit


@pytest.mark.parametrize(("days", "overlap"), [(1, 1), (2, 1), (MIN_OUTCOMES - 1, 1), (20 * MIN_OUTCOMES - 1, 20)])
def test_a_handful_of_outcomes_says_nothing(days: int, overlap: int) -> None:
    given = losses(10, days)
    assert model_confidence_set(given, overlap=overlap) is None
    assert superior_ability(given["model2"], given, overlap=overlap) is None
    assert mean_ratio_intervals(given, overlap=overlap)["model0"] == {"model1": None, "model2": None}


@pytest.mark.parametrize("overlap", [1, 20])
def test_short_samples_and_odd_losses_are_answered(overlap: int) -> None:
    days = MIN_OUTCOMES * overlap
    given = losses(11, days) | {"nothing": np.zeros(days), "once": np.eye(1, days)[0]}
    found = confidence_set(given, overlap=overlap)
    assert found.included
    assert 0 <= (superior_ability(given["model2"], given, overlap=overlap) or 0) <= 1
    assert mean_ratio_intervals(given, overlap=overlap)["model0"]["nothing"] is None


@pytest.mark.slow
def test_the_interval_covers_the_true_ratio_in_persistent_losses() -> None:
    covered = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        swing = np.convolve(rng.normal(size=609), np.ones(10) / 10**0.5, "valid")
        others = 10 + swing
        ours = 0.98 * others + np.convolve(rng.normal(size=609), np.ones(10) / 10**0.5, "valid")
        ends = interval(ours, others, 0.9, seed=seed, repetitions=400)
        covered.append(ends is not None and ends[0] <= 0.98 <= ends[1])
    assert np.mean(covered) == pytest.approx(0.88, abs=0.05)
