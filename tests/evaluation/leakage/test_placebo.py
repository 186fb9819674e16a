"""What an audit does to a future, and what it says of a model's behaviour."""

from typing import Any

import numpy as np
import oracles
import pytest

from forecaster.evaluation.daily_losses import OutOfSample, daily_losses
from forecaster.evaluation.leakage.alterations import ALTERATIONS, Alteration
from forecaster.evaluation.leakage.placebo import best_lag, check_persistence, check_placebo, placebo_walk
from forecaster.evaluation.leakage.types import Check, Finding, file_of
from forecaster.evaluation.verdict import verdict
from forecaster.features import FEATURES
from forecaster.quantiles import SCORING_LEVELS, normal_scores


@pytest.mark.parametrize("kind", ALTERATIONS)
@pytest.mark.parametrize("cutoff", [5, 150, 298])
def test_an_alteration_changes_the_future_and_nothing_before(kind: Any, cutoff: int) -> None:
    series = oracles.bars(300)
    other = Alteration(kind, series.dates[cutoff])(series)
    for name, values in series.columns.items():
        if kind != "adjust" or name != "adj_close":
            np.testing.assert_array_equal(other.columns[name][: cutoff + 1], values[: cutoff + 1])
    np.testing.assert_array_equal(other.dates[: cutoff + 1], series.dates[: cutoff + 1])
    same = len(other) == len(series) and all(
        np.array_equal(other.columns[name], values, equal_nan=True) for name, values in series.columns.items()
    )
    assert not same or (kind == "shift" and cutoff == 298), "the last day has no other after it"
    assert len(other) == (cutoff + 1 if kind == "truncate" else 300)


def test_a_later_split_changes_adjusted_levels_and_no_return() -> None:
    series = oracles.bars(300)
    other = Alteration("adjust", series.dates[100])(series)
    assert (other.columns["adj_close"] != series.columns["adj_close"]).any()
    np.testing.assert_array_equal(other.log_price, series.log_price)


def test_each_column_is_found_once_at_its_first_row() -> None:
    found = [
        Finding("a.py", "x", "2020-01-03", "late"),
        Finding("a.py", "x", "2020-01-02", "early"),
        Finding("a.py", "y", None, "no row"),
    ]
    check = Check.of("features", "what", found)
    assert check.outcome == "failed"
    assert [(one.column, one.detail) for one in check.findings] == [("x", "early"), ("y", "no row")]
    assert Check.of("features", "what", []).outcome == "passed"


def test_files_are_named_from_the_folder_of_the_package() -> None:
    assert file_of(FEATURES["momentum_5"].compute) == "forecaster/features/returns.py"
    assert file_of(Check) == "forecaster/evaluation/leakage/types.py"


def judged(gain: float, seed: int) -> Any:
    """A verdict on a model that sees `gain` of what the others do not."""
    rng = np.random.default_rng(seed)
    moved = rng.normal(size=600)
    flat = np.tile(normal_scores(SCORING_LEVELS), (600, 1))
    days = np.arange(600).astype("datetime64[D]")
    return verdict(
        daily_losses(OutOfSample("walk", 1, days, moved, {"lstm": flat + gain * moved[:, None], "ewma": flat}))
    )


def test_skill_on_random_walks_is_found() -> None:
    clean = check_placebo([judged(0, seed) for seed in range(3)], "pipeline.py")
    assert (clean.outcome, clean.findings) == ("passed", ())
    leaky = check_placebo([judged(0.5, seed) for seed in range(3)], "pipeline.py")
    assert leaky.outcome == "failed"
    assert {one.column for one in leaky.findings} == {"point", "direction", "density"}
    assert "3 of 3 random walks" in leaky.findings[0].detail
    once = check_placebo([judged(0.5, 0), judged(0, 1), judged(0, 2)], "pipeline.py")
    assert once.outcome == "passed", "once may be luck"


def test_a_placebo_is_a_walk_on_the_same_days() -> None:
    series = oracles.walk(2000)
    walk, other = placebo_walk(series, 0), placebo_walk(series, 1)
    np.testing.assert_array_equal(walk.dates, series.dates)
    assert np.std(np.diff(walk.log_price)) == pytest.approx(np.std(np.diff(series.log_price)), rel=0.1)
    assert abs(np.corrcoef(np.diff(walk.log_price), np.diff(other.log_price))[0, 1]) < 0.1
    assert walk.instrument == series.instrument


def test_the_best_lag_is_that_of_the_day_which_is_repeated() -> None:
    prices, rows = np.random.default_rng(1).normal(size=500).cumsum() + 100, np.arange(20, 499)
    for lag in (0, 1, 3):
        found, errors = best_lag(prices[rows + 1 - lag] + 0.01, prices, rows)
        assert found == lag
        assert errors[lag] == pytest.approx(0.01)


def test_a_model_that_repeats_yesterday_is_named() -> None:
    series = oracles.walk(500)
    rows = np.arange(20, 499)
    late = check_persistence(series.close[rows - 1] * 1.0001, series, rows, "classic.py")
    assert late.outcome == "named"
    assert "repeats the past: forecasts fit the price 1 row before the cutoff best" in late.findings[0].detail
    honest = check_persistence(series.close[rows].copy(), series, rows, "lstm.py")
    assert honest.outcome == "passed"
    assert "as the model reports" in honest.what
    ahead = check_persistence(0.8 * series.close[rows] + 0.2 * series.close[rows + 1], series, rows, "lstm.py")
    assert (ahead.outcome, ahead.findings) == ("passed", ()), "closer to tomorrow than today is"
    assert check_persistence(series.close[:5], series, np.arange(5), "lstm.py").outcome == "not_applicable"
