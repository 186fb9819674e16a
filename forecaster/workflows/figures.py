"""Figures of `forecast plot` by name. A figure is added by one file and one line of `FIGURES`.

This module is imported for ``--help``, so it imports nothing.
"""

__all__ = ["FIGURES"]

FIGURES: dict[str, str] = {
    "forecast": "forecaster.workflows.plot:forecast_figure",
    "loss": "forecaster.workflows.plot:loss_figure",
}
"""Kind -> ``module:function``, imported on first use. The function draws a `FigureRequest`."""
