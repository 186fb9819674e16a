"""Sequential detection of a change with a bounded rate of false alarms: Shiryaev-Roberts sums of bets.

A bet is a number of at least 0 whose mean, given the past, is at most 1 while nothing has changed. The sum over all
possible begins of the product of the bets since then grows by at most 1 a day on average. So an alarm where the sum
reaches c comes, without a change, on average after c days or later (Shin, Ramdas and Rinaldo 2023, New England Journal
of Statistics in Data Science, E-detectors), whatever the distribution of the bets. After an alarm the sum begins anew.
"""

import dataclasses

import numpy as np

from forecaster.arrays import FloatArray

__all__ = ["Detection", "detections"]


@dataclasses.dataclass(frozen=True)
class Detection:
    """One alarm.

    Args:
        index: Row of the alarm.
        start: Most probable first row of the change.
        bet: Column of the bet that has won most.
    """

    index: int
    start: int
    bet: int


def detections(bets: FloatArray, threshold: float) -> list[Detection]:
    """Alarms of the mean of the sums of several bets.

    Args:
        bets: (N, B) positive bets of each row.
        threshold: Sum of an alarm.
    """
    alarms: list[Detection] = []
    first = 0
    limit = float(np.log(threshold * bets.shape[1]))
    logs = np.log(bets)
    while first < len(logs):
        total = np.cumsum(logs[first:], axis=0)
        before = np.concatenate([np.zeros((1, bets.shape[1])), total[:-1]])
        sums = total + np.logaddexp.accumulate(-before, axis=0)
        reached = np.flatnonzero(np.logaddexp.reduce(sums, axis=1) >= limit)
        if not len(reached):
            break
        index = int(reached[0])
        bet = int(np.argmax(sums[index]))
        start = int(np.argmin(before[: index + 1, bet]))
        alarms.append(Detection(first + index, first + start, bet))
        first += index + 1
    return alarms
