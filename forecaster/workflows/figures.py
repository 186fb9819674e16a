"""Figures of `forecast plot` by name. A figure is added by one file and one line of `FIGURES`.

This module is imported for ``--help``, so it imports nothing.
"""

__all__ = ["BACKTEST_FIGURES", "COMPARISON_FIGURES", "FIGURES", "HISTORY_FIGURES", "OPTIONS", "figure_names"]

FIGURES: dict[str, str] = {
    "forecast": "forecaster.workflows.plot:forecast_figure",
    "loss": "forecaster.workflows.plot:loss_figure",
    "fan": "forecaster.workflows.plot:fan_figure",
    "inspection": "forecaster.workflows.inspect:inspection_figure",
}
"""Kind -> ``module:function``, imported on first use. The function draws a `FigureRequest`, which is about a run."""

BACKTEST_FIGURES: dict[str, str] = {
    "backtest": "forecaster.output.backtest_figure:backtest_figure",
}
"""Kind -> ``module:function`` of figures that need no run. The function draws a `BacktestFigureRequest`."""

COMPARISON_FIGURES: dict[str, str] = {
    "compare": "forecaster.output.comparison_figure:comparison_figure",
}
"""Kind -> ``module:function`` of figures of several runs. The function draws a `ComparisonFigureRequest`."""

HISTORY_FIGURES: dict[str, str] = {
    "anomalies": "forecaster.workflows.anomalies:anomaly_figure",
}
"""Kind -> ``module:function`` of figures of a history alone. The function draws a `HistoryFigureRequest`."""

OPTIONS: dict[str, frozenset[str]] = {
    "forecast": frozenset({"as_of", "from_date", "to_date", "last"}),
    "loss": frozenset(),
    "fan": frozenset({"as_of", "last", "above", "level", "horizon", "until"}),
    "inspection": frozenset({"as_of", "last"}),
    "backtest": frozenset({"step"}),
    "compare": frozenset({"step"}),
    "anomalies": frozenset({"from_date", "to_date"}),
}
"""Kind -> options that it has beyond those of all kinds; a figure that is not listed has all of them."""


def figure_names() -> list[str]:
    """All kinds, in the order of the help."""
    return [*FIGURES, *BACKTEST_FIGURES, *COMPARISON_FIGURES, *HISTORY_FIGURES]
