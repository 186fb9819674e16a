"""Changes of volatility: found where they are, seldom where there are none, and never from later returns."""

import numpy as np
import pytest

from forecaster.stats.volatility_changes import volatility_changes


def test_a_rise_and_a_fall_are_found_with_their_days_and_sizes() -> None:
    returns = 0.005 * np.random.default_rng(0).standard_t(6, 3000) * np.sqrt(4 / 6)
    returns[1000:2000] *= 2
    rise, fall = volatility_changes(returns)
    assert (rise.direction, fall.direction) == ("up", "down")
    assert rise.onset == pytest.approx(1000, abs=15)
    assert fall.onset == pytest.approx(2000, abs=30)
    assert rise.onset < rise.alarm < 1200
    assert (rise.before, rise.after) == (pytest.approx(0.005, rel=0.1), pytest.approx(0.01, rel=0.25))


def test_a_detection_needs_no_later_return() -> None:
    returns = 0.005 * np.random.default_rng(1).standard_normal(1500)
    returns[700:] *= 2.5
    (change,) = volatility_changes(returns)
    assert volatility_changes(returns[: change.alarm + 1]) == [change]
    assert volatility_changes(returns[: change.alarm]) == []


def test_one_extreme_day_and_a_peg_are_no_change() -> None:
    returns = 0.005 * np.random.default_rng(2).standard_normal(1500)
    returns[800] = -0.4
    assert volatility_changes(returns) == []
    assert volatility_changes(np.zeros(1500)) == []


def test_short_histories_have_none() -> None:
    assert volatility_changes(np.zeros(0)) == volatility_changes(np.full(250, 0.1)) == []
