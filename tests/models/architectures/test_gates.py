"""Gates, states and weights of past rows of every kind against Keras."""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from forecaster.models import model_class
from forecaster.models.architectures.gates import LayerGates, Summary
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.keras_weights import load_weights, named_weights
from forecaster.models.quantile.network import state_model

FEATURES, ROWS = 8, 12
DEEP: dict[str, Any] = {"units": (3, 3), "activation": "softsign", "layer_norm": True, "residual": True}
PLAIN: dict[str, Any] = {"units": (4, 2)}
X = np.random.default_rng(3).normal(size=(2, ROWS, FEATURES)).astype(np.float32)


def random_network(helpers: SimpleNamespace, kind: str, **options: Any) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Options, Keras network and weights of a kind."""
    forecaster = model_class(kind)
    supervision = "last" if kind == "bilstm" else "dense"
    model = forecaster(helpers.options_of(forecaster.Options, supervision, **options), 10)
    network, rng = model.network(), np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.4, array.shape).astype("f4") for name, array in named_weights(network).items()}
    load_weights(network, weights)
    return model.options, network, weights


def values_of(network: Any, tensors: list[Any]) -> list[np.ndarray]:
    """Values of Keras tensors of a network on `X`."""
    return [np.asarray(values) for values in keras.Model(network.input, tensors)(X, training=False)]


def cells(network: Any, kind: str) -> Iterator[tuple[str, Any, np.ndarray]]:
    """Name, Keras cell and inputs in its order of reading, of every layer."""
    layers = [layer for layer in network.layers if layer.name.startswith(f"{kind}_")]
    for layer, x in zip(layers, values_of(network, [layer.input for layer in layers]), strict=True):
        if kind == "bilstm":
            yield f"{layer.name}/forward", layer.forward_layer.cell, x
            yield f"{layer.name}/backward", layer.backward_layer.cell, x[:, ::-1]
        else:
            yield layer.name, layer.cell, x


def gates_of_keras(cell: Any, x: np.ndarray, hidden: np.ndarray) -> dict[str, np.ndarray]:
    """Gates by the formulas of Keras, whose columns are in the order of its layers."""
    names = {
        "lstm_cell": ("input", "forget", "candidate", "output"),
        "gru_cell": ("update", "reset", "candidate"),
        "simple_rnn_cell": ("candidate",),
    }[cell.name]
    kernel, recurrent, bias = (np.asarray(part) for part in (cell.kernel, cell.recurrent_kernel, cell.bias))
    arguments = x @ kernel + hidden @ recurrent + bias.reshape(-1, bias.shape[-1]).sum(axis=0)
    parts = np.split(1 / (1 + np.exp(-arguments)), len(names), axis=-1)
    return {name: part for name, part in zip(names, parts, strict=True) if name != "candidate"}


def shifted(values: np.ndarray) -> np.ndarray:
    """Values (B, T, U) of the row before."""
    return np.pad(values, ((0, 0), (1, 0), (0, 0)))[:, :-1]


@pytest.mark.parametrize(("kind", "settings"), [("lstm", DEEP), ("gru", DEEP), ("rnn", PLAIN), ("bilstm", PLAIN)])
def test_gates_and_states_are_those_of_keras(helpers: SimpleNamespace, kind: str, settings: dict[str, Any]) -> None:
    """A Keras cell leads from the states of each row to those of the next one."""
    options, network, weights = random_network(helpers, kind, **settings)
    layers = options.architecture.gates(weights, X, options)
    expected = list(cells(network, kind))
    assert [layer.name for layer in layers] == [name for name, _, _ in expected]
    for layer, (_, cell, x) in zip(layers, expected, strict=True):
        has_cell = "lstm" in kind
        state = layer.state
        hidden = layer.gates["output"] * np.asarray(cell.activation(state)) if has_cell else state
        gates = gates_of_keras(cell, x, shifted(hidden))
        assert set(layer.gates) == set(gates)
        for name, values in gates.items():
            np.testing.assert_allclose(layer.gates[name], values, atol=2e-6)
        before = [hidden, state] if has_cell else [state]
        flat = [shifted(values).reshape(-1, cell.units) for values in before]
        _, following = cell(x.reshape(-1, x.shape[-1]), flat)
        for values, after in zip(before, following, strict=True):
            np.testing.assert_allclose(values.reshape(-1, cell.units), after, atol=5e-6)


def test_attention_by_lag_is_the_mean_of_the_heads_of_keras(helpers: SimpleNamespace) -> None:
    options, network, weights = random_network(helpers, "transformer", units=(4, 4), heads=2)
    layers = options.architecture.lag_weights(weights, X, options)
    assert [layer.name for layer in layers] == ["attention_0", "attention_1"]
    tensors = [network.get_layer(f"projection_{index}").output for index in range(2)]
    for layer, projected in zip(layers, values_of(network, tensors), strict=True):
        parts = np.split(projected.astype(float), 3, axis=-1)
        query, key, _ = (part.reshape(2, ROWS, options.heads, -1) for part in parts)
        for row in range(ROWS):
            lags = np.arange(min(row + 1, options.attention_rows))
            scores = np.einsum("bhd,blhd->bhl", query[:, row], key[:, row - lags]) / math.sqrt(query.shape[-1])
            scores -= lags * (2.0 ** (-2 - 2 * np.arange(options.heads)))[:, None]
            shares = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
            np.testing.assert_allclose(layer.weights[:, row, : len(lags)], shares.mean(axis=1), atol=2e-6)
            assert not layer.weights[:, row, len(lags) :].any()


def test_weights_of_a_linear_map_are_its_responses_to_impulses(helpers: SimpleNamespace) -> None:
    options, network, weights = random_network(helpers, "linear", kernel_size=3, moving_average=4)
    (layer,) = options.architecture.lag_weights(weights, X, options)
    states = state_model(network)
    impulses = np.zeros((FEATURES, ROWS, FEATURES), dtype=np.float32)
    impulses[np.arange(FEATURES), 0, np.arange(FEATURES)] = 1
    responses = np.abs(np.asarray(states(impulses)) - weights["trend/bias"]).sum(axis=(0, 2))
    np.testing.assert_allclose(layer.mean, responses[:6] / responses.sum(), rtol=1e-4)
    assert layer.rows_to(1) == 6


def test_a_summary_counts_closed_and_open_gates() -> None:
    summary = Summary.of(np.array([0.0, 0.05, 0.5, 0.95], dtype=np.float32))
    assert (summary.below, summary.above) == (0.5, 0.25)
    assert summary.mean == np.float32(1.5) / 4


@pytest.mark.parametrize("gate", ["forget", "update"])
def test_a_half_life_is_that_of_the_gate_that_keeps_the_state(gate: str) -> None:
    shares = np.full((7, 2), [0.5, 0.9], dtype=np.float32)
    state = np.zeros((7, 2), dtype=np.float32)
    layer = LayerGates("layer", {gate: shares, "other": 0 * shares}, state, kept_by=gate)
    np.testing.assert_allclose(layer.half_lives, [1, math.log(0.5) / math.log(0.9)], rtol=1e-5)
    assert LayerGates("layer", {}, state).half_lives is None


def test_rows_with_a_share_of_the_weight_are_counted_from_the_newest() -> None:
    layer = LagWeights("linear", np.array([[0.6, 0.3, 0.1], [0.4, 0.3, 0.3]], dtype=np.float32))
    assert [layer.rows_to(share) for share in (0.4, 0.6, 0.99)] == [1, 2, 3]
