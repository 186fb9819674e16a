"""Fixtures of the model tests: the engine, and small models that were fitted once."""

from types import SimpleNamespace

import numpy as np
import oracles
import pytest

from forecaster.data.series import Panel
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
from forecaster.models.base import FitRequest
from forecaster.models.classic import Classic, ClassicOptions
from forecaster.models.engine import use_engine
from forecaster.models.quantile.options import QuantileOptions

ROWS = 900

use_engine("jax", "cpu")


@pytest.fixture(scope="session")
def panel() -> Panel:
    """Three pairs of one length and one that is shorter than a chunk."""
    lengths = {"AUDUSD": ROWS, "EURUSD": ROWS, "USDJPY": ROWS, "USDPLN": 460}
    return Panel(tuple(oracles.walk(rows, seed, name) for seed, (name, rows) in enumerate(lengths.items())))


def options_of(kind: type[QuantileOptions], supervision: str = "dense", **options: object) -> QuantileOptions:
    """A network of four units that trains for 25 steps."""
    windows = {"supervision": supervision, "chunk": 128, "burn_in": 32, "context_length": 24}
    training = {"steps": 25, "batch_size": 4}
    return kind.model_validate({"units": (4,), "windows": windows, "training": training, **options})


def lstm_options(supervision: str = "dense", **options: object) -> QuantileOptions:
    """See `options_of`."""
    return options_of(LSTMOptions, supervision, **options)


def request_of(panel: Panel, horizon: int = 20, seed: int = 0, **options: object) -> FitRequest:
    """Every row but the last 200 may be learned from; nothing validates unless `options` say so."""
    rows = {one.instrument.name: len(one) - 200 - horizon for one in panel}
    return FitRequest(panel, rows, options.pop("validation_rows", {}), horizon, seed, **options)


@pytest.fixture(scope="session", params=["dense", "last"])
def lstm(request: pytest.FixtureRequest, panel: Panel) -> SimpleNamespace:
    """A fitted LSTM of either supervision, and what it was made from."""
    model = LSTM(lstm_options(request.param), 20)
    told: list[tuple[object, ...]] = []
    fitted = model.fit(request_of(panel, progress=lambda *facts: told.append(facts)))
    return SimpleNamespace(model=model, fitted=fitted, told=told, supervision=request.param)


@pytest.fixture(scope="session")
def classic() -> SimpleNamespace:
    """A fitted tutorial model of one series, with a validation."""
    series = oracles.walk(360)
    options = ClassicOptions(context_length=12, units=(5, 4), dense_units=3, epochs=20, batch_size=16)
    model = Classic(options, 5)
    rows = {"USDJPY": 225}
    request = FitRequest(Panel((series,)), rows, {"USDJPY": np.arange(230, 290)}, 5)
    return SimpleNamespace(model=model, fitted=model.fit(request), series=series)


@pytest.fixture(scope="session")
def helpers() -> SimpleNamespace:
    """What test files of this folder share."""
    return SimpleNamespace(lstm_options=lstm_options, options_of=options_of, request_of=request_of, oracles=oracles)
