"""One function per user intent; each adds the store, run folders and pictures to `forecaster.pipeline`."""

from forecaster.workflows.backtest import BacktestRequest, BacktestResult, backtest
from forecaster.workflows.choice import InstrumentChoice
from forecaster.workflows.plot import PlotRequest, plot
from forecaster.workflows.predict import Prediction, PredictRequest, predict
from forecaster.workflows.project import Project
from forecaster.workflows.train import TrainResult, train

__all__ = [
    "BacktestRequest",
    "BacktestResult",
    "InstrumentChoice",
    "PlotRequest",
    "PredictRequest",
    "Prediction",
    "Project",
    "TrainResult",
    "backtest",
    "plot",
    "predict",
    "train",
]
