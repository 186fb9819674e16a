"""The NumPy forward pass against a slow loop and against Keras, and that its bits depend on nothing they should not."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.models.architectures.lstm import LSTM
from forecaster.models.architectures.numpy_lstm import lstm_layers
from forecaster.models.architectures.numpy_stack import StackPass
from forecaster.models.quantile.numpy_head import quantile_head
from forecaster.quantiles import SCORING_LEVELS


def outputs(arrays: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """(T, K, 1 + Q) as `QuantileHead` puts them together."""
    hidden = StackPass(lstm_layers(arrays)).histories(x[None])[0]
    location, quantiles = quantile_head(hidden, x, arrays, SCORING_LEVELS)
    return np.concatenate([location[..., None], quantiles], axis=-1)


@pytest.mark.parametrize("units", [(3,), (4, 3), (3, 5, 2)])
@pytest.mark.parametrize("rows", [1, 2, 70])
def test_the_stack_is_the_slow_loop(helpers: SimpleNamespace, units: tuple[int, ...], rows: int) -> None:
    arrays = helpers.oracles.lstm_arrays(4, units, 1, seed=rows)
    x = np.random.default_rng(rows).normal(size=(rows, 4)).astype(np.float32)
    result = StackPass(lstm_layers(arrays)).histories(x[None])[0]
    np.testing.assert_allclose(result, helpers.oracles.lstm_stack(arrays, x), atol=2e-6)


@pytest.mark.parametrize(("supervision", "units"), [("dense", (32, 32)), ("last", (4, 3))])
def test_numpy_agrees_with_keras(helpers: SimpleNamespace, units: tuple[int, ...], supervision: str) -> None:
    from forecaster.models.keras_weights import load_weights, named_weights

    network = LSTM(helpers.lstm_options(supervision, units=units), 10).network(seed=1)
    x = np.random.default_rng(0).normal(size=(2, 40, 8)).astype(np.float32)
    for seed in range(3):
        arrays = helpers.oracles.lstm_arrays(8, units, 3, seed)
        load_weights(network, arrays)
        assert {name: array.shape for name, array in named_weights(network).items()} == {
            name: array.shape for name, array in arrays.items()
        }
        expected = np.asarray(network(x, training=False))
        result = np.stack([outputs(arrays, one) for one in x])
        np.testing.assert_allclose(result if supervision == "dense" else result[:, -1], expected, atol=1e-5)


@pytest.mark.parametrize("units", [(4,), (32, 32), (50, 50), (70,)])
def test_a_window_has_the_same_bits_alone_and_among_others(helpers: SimpleNamespace, units: tuple[int, ...]) -> None:
    stack = StackPass(lstm_layers(helpers.oracles.lstm_arrays(2, units, 1)))
    windows, places = np.random.default_rng(0).normal(size=(150, 6, 2)).astype(np.float32), np.arange(150) + 37
    together = stack.windows(windows, places)
    for one in (0, 1, 2, 7, 26, 27, 63, 64, 100, 149):
        alone = stack.windows(windows[[one]], places[[one]])
        np.testing.assert_array_equal(alone[0], together[one])
    order = np.random.default_rng(1).permutation(150)
    np.testing.assert_array_equal(stack.windows(windows[order], places[order]), together[order])


@pytest.mark.parametrize("units", [(4,), (32, 32), (50, 70)])
def test_a_history_has_the_same_bits_alone_and_among_others(helpers: SimpleNamespace, units: tuple[int, ...]) -> None:
    stack = StackPass(lstm_layers(helpers.oracles.lstm_arrays(3, units, 1)))
    histories = np.random.default_rng(0).normal(size=(7, 150, 3)).astype(np.float32)
    together = stack.histories(histories)
    for history, states in zip(histories, together, strict=True):
        np.testing.assert_array_equal(stack.histories(history[None])[0], states)
    np.testing.assert_array_equal(stack.histories(histories[::-1])[::-1], together)


def test_nothing_read_is_nothing_said(helpers: SimpleNamespace) -> None:
    stack = StackPass(lstm_layers(helpers.oracles.lstm_arrays(8, (4, 3), 1)))
    none = np.empty(0, np.intp)
    assert stack.histories(np.empty((1, 0, 8), np.float32)).shape == (1, 0, 3)
    assert stack.windows(np.empty((0, 5, 8), np.float32), none).shape == (0, 3)


THREADS = """
import hashlib, runpy, sys, numpy as np
from forecaster.features.volatility import ewma
from forecaster.models.architectures.numpy_lstm import lstm_layers
from forecaster.models.architectures.numpy_stack import StackPass
from forecaster.models.quantile.numpy_head import quantile_head
arrays = runpy.run_path(sys.argv[1])["lstm_arrays"](8, (32, 32), 4)
x = np.random.default_rng(0).normal(size=(1500, 8)).astype(np.float32)
stack = StackPass(lstm_layers(arrays))
hidden = stack.histories(x[None])[0]
head = quantile_head(hidden, x, arrays, (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975))
windows = stack.windows(np.stack([x[k : k + 20] for k in range(200)]), np.arange(200))
parts = (hidden, *head, windows, ewma(x[:, 0].astype(float) ** 2, 0.97))
print(hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in parts)).hexdigest())
"""


def test_the_default_network_has_the_same_bits_on_one_thread_and_on_two() -> None:
    oracles = os.path.join(os.path.dirname(__file__), "..", "..", "oracles.py")
    digests = {
        subprocess.run(
            [sys.executable, "-c", THREADS, oracles],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(digests) == 1
