"""Probabilistic forecasts of currencies and stocks with LSTMs, compared with GARCH, EWMA and the random walk."""

import importlib
from typing import Any

__version__ = "0.1.0"

# Public name -> home. Resolved on first use (PEP 562), so that importing the package stays cheap.
_HOMES = {
    "Alert": "forecaster.experiments.watch_alerts",
    "Anomalies": "forecaster.workflows.anomalies",
    "AuditResult": "forecaster.experiments.results",
    "BacktestResult": "forecaster.workflows.backtest",
    "Comparison": "forecaster.workflows.compare",
    "Config": "forecaster.config",
    "Environment": "forecaster.environment",
    "ExportResult": "forecaster.experiments.results",
    "Forecast": "forecaster.forecast",
    "ForecastGrades": "forecaster.workflows.score",
    "ForecasterError": "forecaster.errors",
    "Inspection": "forecaster.workflows.inspect",
    "Instrument": "forecaster.data.instruments",
    "Odds": "forecaster.workflows.odds",
    "Panel": "forecaster.data.series",
    "PortfolioOdds": "forecaster.workflows.portfolio_odds",
    "Prediction": "forecaster.experiments.predictions",
    "Predictions": "forecaster.experiments.predictions",
    "LedgerCheck": "forecaster.experiments.ledger_check",
    "LedgerGrades": "forecaster.workflows.score_ledger",
    "PriceSeries": "forecaster.data.series",
    "ReplayedRun": "forecaster.experiments.replays",
    "Run": "forecaster.experiments.runs",
    "RunOverview": "forecaster.workflows.runs",
    "SearchResult": "forecaster.workflows.studies",
    "Studies": "forecaster.workflows.studies",
    "TrainResult": "forecaster.experiments.results",
    "anomalies": "forecaster.workflows.anomalies",
    "audit": "forecaster.workflows.audit",
    "backtest": "forecaster.workflows.backtest",
    "compare": "forecaster.workflows.compare",
    "export": "forecaster.workflows.export",
    "inspect": "forecaster.workflows.inspect",
    "load_config": "forecaster.config",
    "load_history": "forecaster.workflows.load",
    "load_run": "forecaster.workflows.load",
    "odds": "forecaster.workflows.odds",
    "parse_pair": "forecaster.data.instruments",
    "plot": "forecaster.workflows.plot",
    "portfolio_odds": "forecaster.workflows.portfolio_odds",
    "predict": "forecaster.workflows.predict",
    "predict_universe": "forecaster.workflows.predict_universe",
    "replay": "forecaster.workflows.replay",
    "report": "forecaster.workflows.report",
    "runs": "forecaster.workflows.runs",
    "score": "forecaster.workflows.score",
    "score_ledger": "forecaster.workflows.score_ledger",
    "search": "forecaster.workflows.search",
    "studies": "forecaster.workflows.studies",
    "train": "forecaster.workflows.train",
    "verify_ledger": "forecaster.workflows.ledger",
    "watch": "forecaster.workflows.watch",
}

__all__ = [  # names come from the table above
    "__version__",
    *sorted(_HOMES),
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
