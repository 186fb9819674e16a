"""Stacks of recurrent layers: NumPy against Keras with every option, and what the options do."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecaster.config import load_config
from forecaster.errors import ConfigError
from forecaster.models import model_class

KINDS = ("lstm", "gru", "rnn", "bilstm")
FEATURES, ROWS = 8, 30
DEEP: dict[str, Any] = {"units": (4, 4, 4), "activation": "softsign", "layer_norm": True, "residual": True}
PLAIN: dict[str, Any] = {"units": (4, 3), "recurrent_dropout": 0.4}


def model_of(helpers: SimpleNamespace, kind: str, supervision: str = "last", **options: Any) -> Any:
    forecaster = model_class(kind)
    return forecaster(helpers.options_of(forecaster.Options, supervision, **options), 10)


def random_pass(helpers: SimpleNamespace, kind: str, **options: Any) -> Any:
    """The NumPy pass with random weights."""
    model = model_of(helpers, kind, **options)
    shapes, _ = model.options.architecture.weight_shapes(FEATURES, model.options)
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.4, shape).astype("f4") for name, shape in shapes.items()}
    return model.options.architecture.numpy_pass(weights, model.options)


@pytest.mark.parametrize("settings", [DEEP, PLAIN])
@pytest.mark.parametrize(
    ("kind", "supervision"), [("lstm", "dense"), ("gru", "last"), ("rnn", "dense"), ("bilstm", "last")]
)
def test_numpy_agrees_with_keras(
    helpers: SimpleNamespace, kind: str, supervision: str, settings: dict[str, Any]
) -> None:
    from forecaster.models.keras_weights import load_weights, named_weights
    from forecaster.models.quantile.network import state_model

    model = model_of(helpers, kind, supervision, **settings)
    network, rng = model.network(), np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.4, array.shape).astype("f4") for name, array in named_weights(network).items()}
    load_weights(network, weights)
    architecture = model.options.architecture
    shapes, units = architecture.weight_shapes(FEATURES, model.options)
    assert shapes == {name: array.shape for name, array in weights.items() if not name.startswith("head/")}
    x = rng.normal(size=(3, ROWS, FEATURES)).astype(np.float32)
    expected = np.asarray(state_model(network)(x, training=False))
    assert expected.shape[-1] == units
    forward = architecture.numpy_pass(weights, model.options)
    result = forward.histories(x) if supervision == "dense" else forward.windows(x, np.arange(3))
    np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_has_the_same_bits_alone_and_among_others(helpers: SimpleNamespace, kind: str) -> None:
    forward = random_pass(helpers, kind, units=(4, 4), layer_norm=True, residual=True, activation="selu")
    windows, places = np.random.default_rng(0).normal(size=(70, 6, FEATURES)).astype("f4"), np.arange(70) + 37
    together = forward.windows(windows, places)
    for one in (0, 26, 27, 69):
        np.testing.assert_array_equal(forward.windows(windows[[one]], places[[one]])[0], together[one])
    order = np.random.default_rng(1).permutation(70)
    np.testing.assert_array_equal(forward.windows(windows[order], places[order]), together[order])
    assert forward.windows(windows[:0], places[:0]).shape == (0, together.shape[1])


def test_recurrent_dropout_acts_in_training(helpers: SimpleNamespace) -> None:
    network = model_of(helpers, "bilstm", dropout=0.0, recurrent_dropout=0.5, units=(4,)).network()
    layer = network.get_layer("bilstm_0")
    assert [part.recurrent_dropout for part in (layer.forward_layer, layer.backward_layer)] == [0.5, 0.5]
    x = np.random.default_rng(0).normal(size=(2, 3, FEATURES)).astype(np.float32)
    first, second, plain = (np.asarray(layer(x, training=training)) for training in (True, True, False))
    assert min(np.abs(first - second).max(), np.abs(first - plain).max()) > 1e-3
    kernels = [np.asarray(part.cell.kernel) for part in (layer.forward_layer, layer.backward_layer)]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1, "each direction has weights of its own"


def test_a_bidirectional_window_is_read_from_both_ends(helpers: SimpleNamespace) -> None:
    """One half of the state is what an LSTM has after the window, the other what it has after the reversed window."""
    forward = random_pass(helpers, "bilstm", units=(4,))
    x = np.random.default_rng(0).normal(size=(2, ROWS, FEATURES)).astype(np.float32)
    (layer,) = forward.layers
    ends = [layer.forward(x.transpose(1, 0, 2))[-1], layer.backward(x[:, ::-1].transpose(1, 0, 2))[-1]]
    np.testing.assert_allclose(forward.windows(x, np.arange(2)), np.concatenate(ends, axis=1), atol=1e-6)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["model.kind=bilstm", "model.windows.supervision=dense"], "bilstm reads later rows .* got dense; use last"),
        (["model.residual=true", "model.units=[8,4]"], r"residual: .* got units \[8, 4\]; give equal units"),
        (["model.residual=true", "model.units=8"], r"residual: .*expected several layers of one size; got units \[8\]"),
        (["model.layer_norm=true", "model.units=[4,1]"], "layer_norm: one normalised unit is a constant"),
        (["model.kind=linear", "model.recurrent_dropout=0.2"], "it is an option of lstm, .*, not of linear"),
        (["model.kind=lstm", "model.heads=2"], "model.heads: unknown key; it is an option of transformer, not of lstm"),
        (["model.kind=classic", "model.training.optimizer=sgd"], r"did you mean model.optimizer\?"),
        (["model.kind=garch"], "garch is a baseline, which `forecast backtest --models garch` fits"),
        (["model.kind=encoder_decoder"], r"did you mean seq2seq\?"),
        (["model.recurrent_dropout=1"], "less than 1"),
        (["model.kind=bidirectional"], r"expected one of .*did you mean bilstm\? \(got 'bidirectional'\)"),
        (["model.kind=transfomer"], r"did you mean transformer\?"),
    ],
)
def test_options_that_mean_nothing_are_one_line(assignments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(None, assignments)
    assert len(caught.value.messages) == 1
