"""Requests for figures that are not about one run. A picture of a run loads none of the statistics that they need."""

from collections.abc import Sequence
from typing import Any

from forecaster.datasets.selection import Selection
from forecaster.environment import Environment

__all__ = ["backtest_request", "comparison_request"]


def backtest_request(
    choice: Selection,
    backtest_id: str | None,
    steps: Sequence[int],
    calibrate: bool,
    title: str | None,
    environment: Environment,
) -> Any:
    """The request for a figure of a recorded backtest; see `forecaster.experiments.recorded_backtests`."""
    from forecaster.experiments.recorded_backtests import read_backtest
    from forecaster.output.backtest_figure import BacktestFigureRequest

    return BacktestFigureRequest(read_backtest(choice, backtest_id, steps, calibrate, environment), title)


def comparison_request(
    choice: Selection,
    run_id: str | None,
    steps: Sequence[int],
    frequency: str | None,
    title: str | None,
    environment: Environment,
) -> Any:
    """The request for a figure of recorded runs; see `forecaster.workflows.compare`."""
    from forecaster.experiments.run_selection import RunQuery
    from forecaster.output.comparison_documents import comparison_document
    from forecaster.output.comparison_figure import ComparisonFigureRequest
    from forecaster.workflows.compare import compare_recorded

    query = RunQuery(horizon=max(steps, default=None), frequency=frequency)
    comparison = compare_recorded(choice, [run_id] if run_id else [], query, steps, environment)
    return ComparisonFigureRequest(comparison_document(comparison), title)
