"""One function per user intent; each adds the store, run folders and pictures to `forecaster.pipeline`.

The intents that `predict` does not need are in their own modules: `backtest`, `histories`.
"""

from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.workflows.plot import PlotRequest, plot
from forecaster.workflows.predict import Prediction, PredictRequest, predict
from forecaster.workflows.train import TrainResult, train

__all__ = [
    "Environment",
    "PlotRequest",
    "PredictRequest",
    "Prediction",
    "Selection",
    "TrainResult",
    "plot",
    "predict",
    "train",
]
