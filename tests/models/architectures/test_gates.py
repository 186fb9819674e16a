"""Gates and cell states against a slow loop, and their agreement with the forward pass."""

import math
from types import SimpleNamespace

import numpy as np

from forecaster.models.architectures.gates import GateSummary, LayerGates, lstm_gates
from forecaster.models.architectures.numpy_lstm import lstm_layers
from forecaster.models.architectures.numpy_stack import StackPass


def test_gates_and_cells_are_those_of_a_slow_loop(helpers: SimpleNamespace) -> None:
    arrays = helpers.oracles.lstm_arrays(4, (3,), 1)
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    (layer,) = lstm_gates(lstm_layers(arrays), x[None])
    kernel, recurrent, bias = (
        arrays[f"lstm_0/lstm_cell/{part}"].astype(float) for part in ("kernel", "recurrent_kernel", "bias")
    )
    hidden = np.zeros(3)
    cell = np.zeros(3)
    for row, inputs in enumerate(x):
        z = (inputs @ kernel + hidden @ recurrent + bias).reshape(4, 3)  # input, forget, cell, output, as in Keras
        enter, forget, leave = (1 / (1 + np.exp(-z[k])) for k in (0, 1, 3))
        cell = forget * cell + enter * np.tanh(z[2])
        hidden = leave * np.tanh(cell)
        for gate, values in (("input", enter), ("forget", forget), ("output", leave)):
            np.testing.assert_allclose(layer.gates[gate][0, row], values, atol=2e-6)
        np.testing.assert_allclose(layer.cell[0, row], cell, atol=2e-6)


def test_output_gate_and_cell_of_every_layer_give_the_forward_pass(helpers: SimpleNamespace) -> None:
    layers = lstm_layers(helpers.oracles.lstm_arrays(4, (5, 3), 1))
    x = np.random.default_rng(1).normal(size=(2, 30, 4)).astype(np.float32)
    gates = lstm_gates(layers, x)
    assert [layer.name for layer in gates] == ["lstm_0", "lstm_1"]
    for number, layer in enumerate(gates):
        outputs = StackPass(layers[: number + 1]).histories(x)
        np.testing.assert_allclose(layer.gates["output"] * np.tanh(layer.cell), outputs, atol=2e-6)


def test_a_summary_counts_closed_and_open_gates() -> None:
    summary = GateSummary.of(np.array([0.0, 0.05, 0.5, 0.95], dtype=np.float32))
    assert (summary.closed, summary.open) == (0.5, 0.25)
    assert summary.mean == np.float32(1.5) / 4


def test_a_half_life_is_that_of_the_forget_gate() -> None:
    forget = np.full((7, 2), [0.5, 0.9], dtype=np.float32)
    layer = LayerGates("lstm_0", {"forget": forget}, np.zeros((7, 2), dtype=np.float32))
    np.testing.assert_allclose(layer.half_lives, [1, math.log(0.5) / math.log(0.9)], rtol=1e-5)
