"""The causal Transformer: what a row reads, and what its options refuse."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecaster.config import load_config
from forecaster.errors import ConfigError
from forecaster.models.architectures.transformer import Transformer, TransformerOptions

FEATURES = 8
CHUNK, BURN_IN = 96, 32


@pytest.fixture(scope="module", params=["dense", "last"])
def network(request: pytest.FixtureRequest, helpers: SimpleNamespace) -> SimpleNamespace:
    """Large random weights in Keras and in NumPy."""
    from forecaster.models.keras_weights import load_weights, named_weights
    from forecaster.models.quantile.network import state_model

    windows = {"supervision": request.param, "chunk": CHUNK, "burn_in": BURN_IN, "context_length": BURN_IN}
    options = helpers.options_of(TransformerOptions, units=(4, 4), windows=windows)
    keras_network = Transformer(options, 10).network()
    rng = np.random.default_rng(1)
    arrays = {
        name: rng.normal(0, 0.7, array.shape).astype("f4") for name, array in named_weights(keras_network).items()
    }
    load_weights(keras_network, arrays)
    assert options.attention_rows == BURN_IN // 2 + 1
    shapes, units = options.architecture.weight_shapes(FEATURES, options)
    assert shapes == {name: array.shape for name, array in arrays.items() if not name.startswith("head/")}
    assert units == 4
    model = state_model(keras_network)
    return SimpleNamespace(
        supervision=request.param,
        keras=model.predict_on_batch,
        numpy=options.architecture.numpy_pass(arrays, options),
    )


@pytest.fixture(scope="module")
def states(network: SimpleNamespace) -> Any:
    """States (B, T, U) of samples (B, T, F)."""
    return lambda x: network.numpy.histories(x.astype(np.float32))


@pytest.mark.parametrize("rows", [20, 600])
def test_numpy_agrees_with_keras(network: SimpleNamespace, rows: int) -> None:
    x = np.random.default_rng(rows).normal(size=(2, rows, FEATURES)).astype(np.float32)
    expected = network.keras(x)
    result = network.numpy.histories(x) if network.supervision == "dense" else network.numpy.windows(x, np.arange(2))
    np.testing.assert_allclose(result, expected, atol=2e-5)


def test_the_bits_of_a_row_do_not_depend_on_the_rows_after_it(network: SimpleNamespace) -> None:
    x = history(600).astype(np.float32)
    every = network.numpy.histories(x)
    for rows in (0, 1, 2, 40, 511, 512, 513):
        np.testing.assert_array_equal(network.numpy.histories(x[:, :rows]), every[:, :rows])


def history(rows: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1, rows, FEATURES))


@pytest.mark.parametrize("later", [1, 17, 40])
def test_a_scored_row_does_not_depend_on_where_its_chunk_begins(states: Any, later: int) -> None:
    x = history(CHUNK + later)
    first, second = states(x[:, :CHUNK]), states(x[:, later:])
    scored = slice(later + BURN_IN, CHUNK)
    np.testing.assert_allclose(first[:, scored], second[:, scored.start - later : scored.stop - later], atol=1e-5)
    rows = slice(later, later + 4)  # the first rows of the second chunk read less
    assert np.abs(first[:, rows] - second[:, :4]).max() > 1e-2


def test_a_row_reads_no_later_row_and_each_row_of_its_band(states: Any) -> None:
    x = history(CHUNK)
    expected, row = states(x), 70
    for other in range(CHUNK):
        altered = x.copy()
        altered[0, other] += 3
        moved = np.abs(states(altered) - expected)[0, row].max()
        assert (moved > 0) == (row - BURN_IN <= other <= row), other


def test_the_order_of_rows_matters(states: Any) -> None:
    """Attention without positions would read the rows before the last one as a set."""
    x = history(CHUNK)
    altered = x.copy()
    altered[0, [60, 65]] = x[0, [65, 60]]
    assert np.abs(states(altered) - states(x))[0, 70].max() > 1e-3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("units=[8,4]", r"units: .*expected equal sizes; got \[8, 4\]"),
        ("heads=5", "heads: expected a divisor of the 32 units; got 5"),
        ("activation=geluu", r"model.activation: expected one of elu.*did you mean gelu\?"),
        ("windows.chunk=10000", r"GB of memory"),
    ],
)
def test_options_that_mean_nothing_are_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(None, ["model.kind=transformer", f"model.{setting}"])
