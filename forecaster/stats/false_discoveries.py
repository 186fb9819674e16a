"""False-discovery control: which of many small p-values may be called discoveries, afterwards or one by one."""

import numpy as np

from forecaster.arrays import BoolArray, FloatArray

__all__ = ["adjusted_p_values", "online_discoveries"]

_START = 0.9  # of the rate is spent without a discovery, since most histories have none
_EVEN = 5040  # tests of equal level: 20 years of days


def adjusted_p_values(p_values: FloatArray) -> FloatArray:
    """Adjusted p-values of Benjamini and Hochberg (1995, J. R. Stat. Soc. B 57).

    Calling those up to `a` discoveries makes an expected share of at most `a` of them false, for p-values that are
    independent or positively dependent. Where no discovery is true, any is made with probability at most `a`.

    >>> adjusted_p_values(np.array([0.01, 0.5, 0.02])).round(3).tolist()
    [0.03, 0.5, 0.03]
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * count / np.arange(1, count + 1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return adjusted


def online_discoveries(p_values: FloatArray, rate: float) -> BoolArray:
    """Discoveries that are made one by one, each from the p-values up to its own alone: LORD++.

    An expected share of at most `rate` of them is false for independent p-values (Javanmard and Montanari 2018, Ann.
    Stat. 46; Ramdas, Yang, Wainwright and Jordan 2017, NeurIPS). Each test spends part of `rate`, less the longer ago
    the last discovery was, and each discovery earns part of it back.

    Args:
        p_values: (N,) in order of time.
        rate: Largest expected share of false discoveries.
    """
    count = len(p_values)
    spending = _spending(count)
    start = _START * rate
    levels = start * spending
    discovered = np.zeros(count, dtype=bool)
    number = 0
    for place, p_value in enumerate(p_values.tolist()):
        if p_value <= levels[place]:
            discovered[place] = True
            earned = rate - start if number == 0 else rate
            levels[place + 1 :] += earned * spending[: count - place - 1]
            number += 1
    return discovered


def _spending(count: int) -> FloatArray:
    """(N,) shares that sum to at most 1: half of it evenly over `_EVEN` tests, the rest over all later ones."""
    place = np.arange(1, count + 1, dtype=float)
    return np.minimum(1 / (2 * _EVEN), _EVEN / (2 * place**2))
