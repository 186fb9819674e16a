"""Models side by side."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from forecaster.evaluation import comparison
from forecaster.evaluation.comparison import ModelScores, losses_by_name, standing
from forecaster.evaluation.daily_losses import POOLED, OutOfSample
from forecaster.evaluation.registry import METRICS
from forecaster.quantiles import SCORING_LEVELS, normal_scores

WIDTHS = {"right": 1.0, "close": 1.03, "wide": 2.0}


def sample(name: str, seed: int, days: int = 600, size: float = 0.01, first: str = "2020-01-01") -> OutOfSample:
    """Normal outcomes, and three models that think them `WIDTHS` times as wide."""
    outcomes = size * np.random.default_rng(seed).standard_normal(days)
    dates = np.datetime64(first) + np.arange(days)
    scores = normal_scores(SCORING_LEVELS)
    said = {model: np.tile(width * size * scores, (days, 1)) for model, width in WIDTHS.items()}
    return OutOfSample(name, 1, dates, outcomes, said)


def compare(samples: list[OutOfSample], seed: int = 0) -> list[ModelScores]:
    return comparison.compare(samples, losses_by_name(samples, "right"), seed)


def test_every_row_has_intervals_around_its_ratios_and_the_shares_of_the_pit() -> None:
    rows = {row.model: row for row in compare([sample("A", 1)])}
    assert list(rows) == list(WIDTHS)
    for model, row in rows.items():
        assert set(row.crps_ratio_interval) == set(row.crps_ratio) == set(WIDTHS) - {model}
        for other, (low, high) in row.crps_ratio_interval.items():
            assert low < row.crps_ratio[other] < high
        assert sum(row.metrics["pit"]) == pytest.approx(1)
    assert max(rows["right"].metrics["pit"]) < 0.14  # even
    assert rows["wide"].metrics["pit"][4] > 0.16  # a hump: too wide
    assert rows["right"].crps_ratio_interval["wide"][1] < 0.95


def test_pooled_rows_have_the_interval_of_the_mean_ratio() -> None:
    """A size of moves a hundred times as large, and other days, must not matter."""
    samples = [sample("A", 1), sample("B", 2, 300, 1.0, "2020-06-01")]
    rows = compare(samples, seed=3)
    pooled = next(row for row in rows if row.instrument == POOLED and row.model == "right")
    low, high = pooled.crps_ratio_interval["wide"]
    assert low < pooled.crps_ratio["wide"] < high
    single = [row.crps_ratio_interval["wide"] for row in rows if row.model == "right"][:2]
    assert high - low < max(ends[1] - ends[0] for ends in single)
    assert pooled.metrics["pit"] == pytest.approx(
        np.mean([row.metrics["pit"] for row in rows if row.model == "right"][:2], axis=0).tolist()
    )
    assert compare(samples, seed=3) == rows
    assert compare(samples, seed=4) != rows


def test_where_all_models_stand() -> None:
    found = standing(losses_by_name([sample("A", 1)], "right")["A"])
    assert found.models[0] == "right"
    assert "wide" not in found.models
    assert found.p_values["wide"] < 0.1
    assert found.against == ("close", "wide")
    assert found.spa_p_value > 0.3
    worse = sample("A", 1)
    worse.quantiles["right"][:] *= 3
    found = standing(losses_by_name([worse], "right")["A"])
    assert "right" not in found.models
    assert found.spa_p_value < 0.01


def test_too_few_days_leave_it_open() -> None:
    found = standing(losses_by_name([sample("A", 1, 12)], "right")["A"])
    assert found.models is None
    assert found.spa_p_value is None
    row = compare([sample("A", 1, 12)])[0]
    assert row.crps_ratio_interval == {"close": None, "wide": None}


def test_the_worst_window_of_a_pool_may_be_nothing_at_all() -> None:
    missed, held = sample("A", 1), sample("B", 2)
    missed.quantiles["wide"][:300] += 1  # for more than a year no outcome was inside
    rows = compare([missed, held])
    pooled = next(row for row in rows if row.instrument == POOLED and row.model == "wide")
    assert pooled.metrics["worst_coverage_250"] == {"0.8": 0.0, "0.9": 0.0, "0.95": 0.0}


def test_pooled_rows_have_what_other_rows_have() -> None:
    samples = [sample("A", 1), sample("B", 2, 300, 1.0, "2020-06-01")]
    samples[0].quantiles["right"][:] += 0.001
    rows = compare(samples)
    pooled = next(row for row in rows if row.instrument == POOLED and row.model == "right")
    mine = [row for row in rows if row.model == "right"][:2]
    assert set(mine[0].metrics) == set(pooled.metrics) == set(METRICS)
    assert pooled.n == mine[0].n + mine[1].n
    assert pooled.metrics["rmse"] == pytest.approx((mine[0].metrics["rmse"] + mine[1].metrics["rmse"]) / 2)
    assert pooled.metrics["direction"] == {**mine[0].metrics["direction"], "without_direction": 300}
    assert mine[0].direction_p_value is None  # always up
    assert pooled.crps_ratio_worst is not None
    assert pooled.crps_ratio_worst["wide"] == max((row.crps_ratio["wide"], row.instrument) for row in mine)


def test_intervals_are_tested_by_kupiec_and_christoffersen() -> None:
    """Against the formulae, of outcomes over four days every second of which is a cutoff: every other one is used."""
    given = dataclasses.replace(sample("A", 1), step=4, stride=2)
    row = next(row for row in compare([given]) if row.model == "close")
    said, outcomes = given.quantiles["close"][::2], given.outcomes[::2]
    inside = (said[:, 1] <= outcomes) & (outcomes <= said[:, 7])
    hits, misses, found = inside.sum(), (~inside).sum(), inside.mean()
    ratio = 2 * (hits * np.log(found / 0.9) + misses * np.log((1 - found) / 0.1))
    assert row.coverage_tests["0.9"]["kupiec"] == pytest.approx(stats.chi2.sf(ratio, 1))
    before, after = inside[:-1], inside[1:]
    chained = sum(
        np.log(np.where(after[before == state], after[before == state].mean(), 1 - after[before == state].mean())).sum()
        for state in (True, False)
    )
    promised = np.log(np.where(after, 0.9, 0.1)).sum()
    assert row.coverage_tests["0.9"]["christoffersen"] == pytest.approx(stats.chi2.sf(2 * (chained - promised), 2))
    assert row.direction_p_value is None  # outcomes overlap


def test_tests_know_that_strides_part_the_outcomes() -> None:
    """Cutoffs twenty days apart, outcomes over twenty days: as independent as one day ahead, day after day."""
    given = sample("A", 1)
    apart = dataclasses.replace(given, step=20, stride=20)
    daily, rare = (compare([one])[0] for one in (given, apart))
    assert rare.loss_tests == daily.loss_tests
    assert rare.crps_ratio_interval == daily.crps_ratio_interval
    assert compare([dataclasses.replace(given, step=20)])[0].loss_tests != daily.loss_tests
    stood, alike = (standing(losses_by_name([one], "right")["A"]) for one in (given, apart))
    assert stood.p_values == alike.p_values
