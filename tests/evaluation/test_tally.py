import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.evaluation import tally
from forecaster.evaluation.metrics import crps, interval_score, pit_histogram, worst_rolling_coverage
from forecaster.evaluation.tally import Tally
from forecaster.quantiles import SCORING_LEVELS


def forecasts(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.normal(size=(count, 9)))
    quantiles[rng.random(count) < 0.2, 4] = 0.0  # a median that stays at the last price
    return np.sort(quantiles), rng.normal(size=count)


def tallied(quantiles: np.ndarray, actual: np.ndarray, cuts: list[int]) -> Tally:
    result = Tally()
    for first, last in zip([0, *cuts], [*cuts, len(actual)], strict=True):
        result.add(quantiles[first:last], actual[first:last])
    return result


def test_scores_are_those_of_all_at_once() -> None:
    quantiles, actual = forecasts(1000)
    found = tallied(quantiles, actual, [1, 1, 400]).results()
    median = quantiles[:, 4]
    assert found["n"] == 1000
    assert found["crps"] == pytest.approx(crps(quantiles, SCORING_LEVELS, actual).mean())
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((median - actual) ** 2)))
    assert found["mae"] == pytest.approx(np.mean(np.abs(median - actual)))
    assert found["rmse_ratio_random_walk"] == pytest.approx(found["rmse"] / np.sqrt(np.mean(actual**2)))
    assert found["mae_ratio_random_walk"] == pytest.approx(found["mae"] / np.mean(np.abs(actual)))
    for level in (0.8, 0.9, 0.95):
        key = format(level, "g")
        low = quantiles[:, SCORING_LEVELS.index(round((1 - level) / 2, 3))]
        high = quantiles[:, SCORING_LEVELS.index(round((1 + level) / 2, 3))]
        inside = (low <= actual) & (actual <= high)
        assert found["coverage"][key] == pytest.approx(inside.mean())
        assert found["width"][key] == pytest.approx((high - low).mean())
        assert found["interval_score"][key] == pytest.approx(interval_score(low, high, actual, level).mean())
        assert found["worst_coverage_250"][key] == worst_rolling_coverage(inside)
    assert found["pit"] == pit_histogram(quantiles, SCORING_LEVELS, actual)[1].tolist()
    known = median != 0
    assert found["direction"]["n"] == known.sum() == 1000 - found["direction"]["without_direction"]
    assert found["direction"]["hit_rate"] == pytest.approx(np.mean((median > 0) == (actual > 0), where=known))


@given(st.integers(0, 700), st.lists(st.integers(0, 700), max_size=5), st.integers(1, 300))
def test_where_the_chunks_are_cut_does_not_matter(count: int, cuts: list[int], chunk: int) -> None:
    quantiles, actual = forecasts(count, seed=count)
    whole = tallied(quantiles, actual, []).results()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "_CHUNK", chunk)
        cut = tallied(quantiles, actual, sorted(min(one, count) for one in cuts)).results()
    for key in ("n", "pit", "direction", "coverage", "worst_coverage_250"):
        assert cut[key] == whole[key]
    for key in ("crps", "rmse", "mae"):
        assert cut[key] == (None if whole[key] is None else pytest.approx(whole[key]))
    for key in ("width", "interval_score"):
        assert cut[key] == whole[key] or cut[key] == pytest.approx(whole[key])


def test_nothing_scored_is_null_and_perfection_has_no_ratio() -> None:
    empty = Tally().results()
    assert empty["n"] == 0
    assert empty["crps"] is empty["rmse_ratio_random_walk"] is empty["direction"]["hit_rate"] is None
    assert empty["coverage"] == empty["worst_coverage_250"] == {"0.8": None, "0.9": None, "0.95": None}
    still = tallied(np.zeros((5, 9)), np.zeros(5), []).results()
    assert still["crps"] == still["rmse"] == 0
    assert still["rmse_ratio_random_walk"] is None


def test_a_total_is_the_forecasts_together_and_the_worst_window_of_any() -> None:
    parts = [forecasts(count, seed) for seed, count in enumerate((300, 500, 10))]
    total = Tally.total([tallied(*one, []) for one in parts]).results()
    quantiles, actual = (np.concatenate(one) for one in zip(*parts, strict=True))
    together = tallied(quantiles, actual, []).results()
    for key in ("n", "pit", "direction"):
        assert total[key] == together[key]
    for key in ("crps", "rmse", "mae", "coverage", "width", "interval_score"):
        assert total[key] == pytest.approx(together[key])
    worst = [tallied(*one, []).results()["worst_coverage_250"]["0.8"] for one in parts]
    assert worst[2] is None
    assert total["worst_coverage_250"]["0.8"] == min(worst[:2])


def test_shapes_that_do_not_fit_are_told() -> None:
    with pytest.raises(ValueError, match=r"expected quantiles of shape \(3, 9\); got \(3, 8\)"):
        Tally().add(np.zeros((3, 8)), np.zeros(3))


def test_memory_does_not_grow_with_the_number_of_forecasts() -> None:
    quantiles, actual = forecasts(200_000)
    running = Tally()
    running.add(quantiles[:5000], actual[:5000])
    tracemalloc.start()
    try:
        running.add(quantiles, actual)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < quantiles.nbytes / 5
