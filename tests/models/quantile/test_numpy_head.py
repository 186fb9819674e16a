"""The head in NumPy, behind a small LSTM: where it starts, and that its quantiles never cross."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecaster.models.architectures.numpy_lstm import lstm_layers
from forecaster.models.architectures.numpy_stack import StackPass
from forecaster.models.quantile.numpy_head import quantile_head
from forecaster.quantiles import SCORING_LEVELS, normal_scores


def outputs(arrays: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """(T, K, 1 + Q) as `QuantileHead` puts them together."""
    hidden = StackPass(lstm_layers(arrays)).histories(x[None])[0]
    location, quantiles = quantile_head(hidden, x, arrays, SCORING_LEVELS)
    return np.concatenate([location[..., None], quantiles], axis=-1)


def test_a_head_without_weights_is_the_baseline(helpers: SimpleNamespace) -> None:
    arrays = helpers.oracles.lstm_arrays(8, (4,), 2)
    arrays |= {name: np.zeros_like(array) for name, array in arrays.items() if name.startswith("head/")}
    found = outputs(arrays, np.ones((5, 8), np.float32))
    assert (found[..., 0] == 0).all()
    np.testing.assert_allclose(found[..., 1:], np.broadcast_to(normal_scores(SCORING_LEVELS), (5, 2, 9)), atol=1e-6)
    assert (found[..., 5] == 0).all()


def test_the_direct_path_adds_to_the_location(helpers: SimpleNamespace) -> None:
    arrays = helpers.oracles.lstm_arrays(8, (4,), 2)
    x = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    direct = arrays["head/direct/kernel"]
    without, found = outputs(arrays | {"head/direct/kernel": 0 * direct}, x), outputs(arrays, x)
    np.testing.assert_allclose(found[..., 0], without[..., 0] + x @ direct, atol=1e-5)
    np.testing.assert_array_equal(found[..., 1:], without[..., 1:])


@given(st.integers(0, 999), st.floats(0.01, 5))
def test_quantiles_never_cross_whatever_the_weights(helpers: SimpleNamespace, seed: int, size: float) -> None:
    arrays = helpers.oracles.lstm_arrays(8, (4,), 3, seed, size)
    hidden = np.random.default_rng(seed).uniform(-1, 1, (20, 4)).astype(np.float32)
    _, quantiles = quantile_head(hidden, np.ones((20, 8), np.float32), arrays, SCORING_LEVELS)
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert (quantiles[..., 4] == 0).all()
