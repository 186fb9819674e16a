"""Evaluation of forecasts: splits, scores, tests of significance, calibration and checks for look-ahead leakage."""

DEFAULT_BASELINES = ("garch", "har", "combination", "panel_har", "ewma", "random_walk")
"""Baselines that a training or a backtest compares its model with, unless told otherwise."""

DEFAULT_STEPS = (1, 5, 10, 20)
"""Steps ahead that are scored, unless told otherwise."""
