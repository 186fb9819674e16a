"""Evaluation of forecasts: splits, scores, tests of significance, calibration and checks for look-ahead leakage."""

DEFAULT_BASELINES = ("garch", "har", "combination", "panel_har", "ewma", "random_walk")
"""Baselines that a training or a backtest compares its model with, unless told otherwise."""

DEFAULT_STEPS = (1, 5, 10, 20)
"""Steps ahead that are scored, unless told otherwise."""


def scored_steps(horizon: int) -> list[int]:
    """The default steps below a horizon, and the horizon.

    >>> scored_steps(7)
    [1, 5, 7]
    """
    return sorted({step for step in DEFAULT_STEPS if step < horizon} | {horizon})
