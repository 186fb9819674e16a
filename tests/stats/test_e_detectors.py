"""Sequential detection: sums of bets, and the rate of false alarms."""

import numpy as np

from forecaster.stats.e_detectors import detections


def test_the_sum_follows_its_recursion_and_begins_anew() -> None:
    rng = np.random.default_rng(5)
    bets = rng.uniform(0.4, 1.9, (400, 3))
    threshold = 60.0
    expected = []
    sums = np.zeros(3)
    for row, values in enumerate(bets):
        sums = (sums + 1) * values
        if sums.mean() >= threshold:
            expected.append(row)
            sums = np.zeros(3)
    alarms = detections(bets, threshold)
    assert [each.index for each in alarms] == expected
    assert len(alarms) > 2
    assert all(each.start <= each.index for each in alarms)


def test_the_begin_of_a_change_and_the_bet_that_saw_it() -> None:
    bets = np.full((100, 2), 0.8)
    bets[60:, 1] = 1.5
    (first, *_) = detections(bets, 1000.0)
    assert (first.start, first.bet) == (60, 1)
    assert 70 < first.index < 85
    assert detections(bets[:60], 1000.0) == []
    assert detections(np.ones((0, 2)), 10.0) == []


def test_false_alarms_are_no_more_frequent_than_the_threshold_says() -> None:
    """Bets on a uniform number, without a change: the mean time to an alarm is at least the threshold."""
    rng = np.random.default_rng(8)
    rows = 10_000
    bets = 1 + np.multiply.outer(np.sqrt(3) * (2 * rng.random(rows) - 1), [-0.5, 0.5])
    alarms = len(detections(bets, 100.0))
    assert 0 < alarms <= rows / 100
