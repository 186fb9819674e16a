import tracemalloc

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.evaluation import scores
from forecaster.evaluation.distribution_scores import crps, log_score
from forecaster.evaluation.metrics import interval_score, pit_bins, weighted_quantile_loss, worst_rolling_coverage
from forecaster.evaluation.scores import Scorer, score
from forecaster.forecast import Forecasts
from forecaster.output.documents import score_document
from forecaster.quantiles import SCORING_LEVELS, normal_scores


def forecasts(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.normal(size=(count, 9)))
    quantiles[rng.random(count) < 0.2, 4] = 0.0  # a median that stays at the last price
    return np.sort(quantiles), rng.normal(size=count)


def scored(quantiles: np.ndarray, actual: np.ndarray, cuts: list[int]) -> Scorer:
    result = Scorer()
    for first, last in zip([0, *cuts], [*cuts, len(actual)], strict=True):
        result.add(quantiles[first:last], actual[first:last])
    return result


def test_scores_are_those_of_all_at_once() -> None:
    quantiles, actual = forecasts(1000)
    scorer = scored(quantiles, actual, [1, 1, 400])
    found = scorer.results()
    median = quantiles[:, 4]
    assert scorer.n == 1000
    for name, function in (
        ("crps", crps),
        ("weighted_quantile_loss", weighted_quantile_loss),
        ("log_score", log_score),
    ):
        assert found[name] == pytest.approx(function(quantiles, SCORING_LEVELS, actual).mean())
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
    assert found["pit"] == pit_bins(quantiles, SCORING_LEVELS, actual).mean(axis=1).tolist()
    known = median != 0
    assert found["direction"]["n"] == known.sum() == 1000 - found["direction"]["without_direction"]
    assert found["direction"]["hit_rate"] == pytest.approx(np.mean((median > 0) == (actual > 0), where=known))


@given(st.integers(0, 700), st.lists(st.integers(0, 700), max_size=5), st.integers(30, 300))
def test_where_the_chunks_are_cut_does_not_matter(count: int, cuts: list[int], chunk: int) -> None:
    quantiles, actual = forecasts(count, seed=count)
    whole = scored(quantiles, actual, []).results()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "_CHUNK", chunk)
        cut = scored(quantiles, actual, sorted(min(one, count) for one in cuts)).results()
    for key in ("pit", "direction", "coverage", "worst_coverage_250"):
        assert cut[key] == whole[key]
    for key in ("crps", "weighted_quantile_loss", "log_score", "rmse", "mae"):
        assert cut[key] == (None if whole[key] is None else pytest.approx(whole[key]))
    for key in ("width", "interval_score"):
        assert cut[key] == whole[key] or cut[key] == pytest.approx(whole[key])


def test_nothing_scored_is_null_and_perfection_has_no_ratio() -> None:
    empty = Scorer().results()
    assert Scorer().n == 0
    assert empty["crps"] is empty["rmse_ratio_random_walk"] is empty["direction"]["hit_rate"] is None
    assert empty["coverage"] == empty["worst_coverage_250"] == {"0.8": None, "0.9": None, "0.95": None}
    still = scored(np.zeros((5, 9)), np.zeros(5), []).results()
    assert still["crps"] == still["weighted_quantile_loss"] == still["rmse"] == 0
    assert still["log_score"] is None
    assert still["rmse_ratio_random_walk"] is None


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"expected quantiles of shape \(3, 9\); got \(3, 8\)"):
        Scorer().add(np.zeros((3, 8)), np.zeros(3))


def test_memory_does_not_grow_with_the_number_of_forecasts() -> None:
    quantiles, actual = forecasts(200_000)
    running = Scorer()
    running.add(quantiles[:5000], actual[:5000])
    tracemalloc.start()
    try:
        running.add(quantiles, actual)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < quantiles.nbytes / 5


# --- scores of a training ----------------------------------------------------------------------------------------


def forecasts_of(model: str, rows: np.ndarray, width: float, middle: float = 0.0) -> Forecasts:
    scaled = np.broadcast_to(middle + normal_scores(SCORING_LEVELS), (len(rows), 2, 9))
    return Forecasts(model, rows, np.full(len(rows), width), (1, 5), SCORING_LEVELS, scaled)


def test_a_score_is_made_of_each_price_and_its_outcome() -> None:
    series, rows, step = oracles.walk(100), np.array([3, 10, 50, 94]), 5
    found = score(series, "test", step, {"a": forecasts_of("a", rows, 0.01, 0.5), "b": forecasts_of("b", rows, 0.001)})
    errors, naive, losses, inside = [], [], [], []
    for row in rows:
        price, outcome = series.close[row], series.close[row + step]
        errors.append(price * np.exp(0.5 * 0.01 * np.sqrt(step)) - outcome)
        naive.append(price - outcome)
        quantiles = (0.5 + normal_scores(SCORING_LEVELS)) * 0.01 * np.sqrt(step)
        moved = np.log(outcome / price)
        losses.append(oracles.crps(quantiles.tolist(), SCORING_LEVELS, moved))
        inside.append(quantiles[2] <= moved <= quantiles[6])
    assert found.errors.rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert found.errors.mae == pytest.approx(np.mean(np.abs(errors)))
    assert found.errors.rmse_naive == pytest.approx(np.sqrt(np.mean(np.square(naive))))
    assert found.errors.mae_naive == pytest.approx(np.mean(np.abs(naive)))
    assert found.metrics["crps"]["a"] == pytest.approx(np.mean(losses))
    assert found.metrics["coverage"]["a"]["0.8"] == pytest.approx(np.mean(inside))
    assert (found.n, found.window) == (4, (series.dates[3], series.dates[94]))
    written = score_document(found)
    assert written["crps_ratio"] == {"b": pytest.approx(found.metrics["crps"]["a"] / found.metrics["crps"]["b"])}
    assert written["window"] == [str(series.dates[3]), str(series.dates[94])]


def test_a_dividend_is_part_of_the_outcome() -> None:
    series = oracles.bars(200, holes=False)
    rows, step = np.array([48, 49, 50]), 1  # the dividend is paid in row 50
    found = score(series, "test", step, {"a": forecasts_of("a", rows, 0.01)})
    adjusted = series.columns["adj_close"]
    moved = np.log(adjusted[rows + step] / adjusted[rows])
    assert moved[1] == pytest.approx(np.log(series.close[50] / series.close[49]) + 0.01)
    quantiles = (normal_scores(SCORING_LEVELS) * 0.01).tolist()
    assert found.metrics["crps"]["a"] == pytest.approx(
        np.mean([oracles.crps(quantiles, SCORING_LEVELS, one) for one in moved])
    )
    assert found.errors.mae == pytest.approx(np.mean(np.abs(series.close[rows] * np.expm1(moved))))


def test_a_loss_of_zero_has_no_ratio() -> None:
    series, rows = oracles.series_of([7.0] * 20), np.array([3, 10])
    made = score(series, "test", 1, {"a": forecasts_of("a", rows, 0.01), "b": forecasts_of("b", rows, 0.0)})
    assert made.metrics["crps"]["b"] == 0
    assert score_document(made)["crps_ratio"] == {}
