"""Truncated backpropagation: a chunk is read in pieces that carry the state on, and the next one begins at zero."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from forecaster.arrays import Float32Array
from forecaster.config import load_config
from forecaster.data.series import Panel
from forecaster.errors import ConfigError
from forecaster.features.windows import CarriedWindows, DenseWindows
from forecaster.models import model_class
from forecaster.models.architectures.lstm import LSTMOptions

CHUNK, BURN_IN, PIECE, BATCH = 96, 16, 32, 4
WINDOWS = {"chunk": CHUNK, "burn_in": BURN_IN, "truncation": PIECE}


def model_of(kind: str, **options: Any) -> Any:
    forecaster = model_class(kind)
    training = {"steps": 6, "batch_size": BATCH}
    settings = {"units": (3, 2), "dropout": 0.0, "windows": WINDOWS, "training": training, **options}
    return forecaster(forecaster.Options.model_validate(settings), 5)


def carried_states(model: Any) -> tuple[Float32Array, Any]:
    from forecaster.models.quantile.network import state_model

    x = np.random.default_rng(0).normal(size=(BATCH, CHUNK, len(model.options.feature_names))).astype(np.float32)
    return x, state_model(model.network(3))


@pytest.mark.parametrize("kind", ["lstm", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("gru", "rnn"))])
def test_the_pieces_of_a_chunk_have_the_states_of_the_whole_chunk(kind: str) -> None:
    x, network = carried_states(model_of(kind, units=(2,)))
    whole = np.asarray(network(x, training=False))
    for _ in range(2):  # the second chunk begins at zero again
        pieces = [np.asarray(network(x[:, first : first + PIECE], training=True)) for first in range(0, CHUNK, PIECE)]
        np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, atol=1e-6)
    alone = np.asarray(network(x[:, PIECE : 2 * PIECE], training=False))
    assert np.abs(alone - whole[:, PIECE : 2 * PIECE]).max() > 1e-3, "a state that is not carried would be seen"


@pytest.mark.slow
def test_a_training_in_pieces_equals_one_with_the_states_given() -> None:
    """The gradient of the second piece is that of a network to which the state after the first is a constant."""
    import keras

    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(BATCH, 2 * PIECE, size)).astype(np.float32) for size in (3, 2))

    def trained(layer: Any, inputs: list[Any], outputs: Any, batches: list[list[Any]]) -> Float32Array:
        network = keras.Model(inputs, outputs)
        network.compile(keras.optimizers.SGD(1.0), "mse")
        for number, batch in enumerate(batches):
            network.optimizer.learning_rate = float(number == len(batches) - 1)  # only the last one changes weights
            number += 2 - len(batches)  # the pieces end with the second one
            network.train_on_batch(batch, y[:, number * PIECE : (number + 1) * PIECE])
        return np.asarray(layer.cell.kernel.value)

    from forecaster.models.carried_state import CarriedState
    from forecaster.models.keras_weights import Seeds

    def fresh() -> Any:
        layer = Seeds(1).recurrent(keras.layers.LSTM, 2, True, "lstm")
        layer.build((None, None, 3))
        return layer

    carried, given = fresh(), fresh()
    features = keras.Input((None, 3))
    pieces = [[x[:, :PIECE]], [x[:, PIECE:]]]
    found = trained(carried, [features], CarriedState(carried, BATCH, 2)(features), pieces)
    given.return_state = True
    _, *states = given(x[:, :PIECE])
    given.return_state = False
    starts = [keras.Input((2,)) for _ in states]
    outputs = given(features, initial_state=starts)
    expected = trained(given, [features, *starts], outputs, [[x[:, PIECE:], *map(np.asarray, states)]])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(expected - np.asarray(fresh().cell.kernel.value)).max() > 1e-4


def test_pieces_follow_each_other_through_the_epochs() -> None:
    from forecaster.models.carried_state import CarriedBatches

    rows = np.arange(400, dtype=np.float32)[:, None]
    windows = CarriedWindows(rows, rows, CHUNK, BURN_IN, 400, PIECE)
    samples = np.array([[0, 5, 1], [0, 100, -1], [0, 200, 1], [0, 330, 1]])
    batches = CarriedBatches([windows], samples, 2, np.array([True]), epochs=2, steps=6, pieces=3)
    assert len(batches) == 3
    firsts = []
    for epoch in range(2):
        batches.begin(epoch)
        firsts += [batches[index][0][:, 0, 0].tolist() for index in range(3)]
    assert firsts == [[5, -100], [37, -132], [69, -164], [200, 330], [232, 362], [264, 394]]
    x, y = batches[2]
    assert x[1, :, 0].tolist() == [*range(394, 400), *[0] * 26], "the history ends within the piece"
    assert y[1, :6, 0].tolist() == list(range(394, 400))
    assert np.isnan(y[1, 6:]).all()
    batches.begin(0)
    _, y = batches[0]
    assert np.isnan(y[:, :BURN_IN]).all()
    assert (y[0, BURN_IN:, 0] == np.arange(5 + BURN_IN, 5 + PIECE)).all()


def test_a_whole_chunk_is_that_of_other_windows() -> None:
    rng = np.random.default_rng(0)
    features, targets = (rng.normal(size=(200, size)).astype(np.float32) for size in (3, 2))
    starts = np.array([0, 60, 150, 199])
    x, y = CarriedWindows(features, targets, CHUNK, BURN_IN, 190, PIECE).batch(starts)
    expected = DenseWindows(features, targets, CHUNK, BURN_IN, 190).batch(starts)
    np.testing.assert_array_equal(x, expected[0])
    np.testing.assert_array_equal(y[:, BURN_IN:], expected[1])
    assert np.isnan(y[:, :BURN_IN]).all()


def test_a_fit_in_pieces_is_validated_on_whole_chunks_and_stores_no_state(helpers: SimpleNamespace) -> None:
    model = model_of("lstm", units=(2,))
    panel = Panel((helpers.oracles.walk(700),))
    name = panel.series[0].instrument.name
    fitted = model.fit(helpers.request_of(panel, 5, validation_rows={name: np.arange(510, 690)}))
    assert fitted.report.learned["steps"] == 6
    assert fitted.report.parity < 1e-5
    assert np.isfinite(fitted.report.curve[-1]["validation_loss"])
    assert not [key for key in fitted.arrays() if "carried" in key]


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["model.windows.truncation=100"], "divisor of chunk .* got 100 with chunk 256 and burn_in 64"),
        (["model.windows.truncation=64"], "greater than burn_in; got 64"),
        (["model.kind=bilstm", "model.windows.truncation=128"], "read as a whole; got 128; use null"),
        (["model.kind=transformer", "model.windows.truncation=96"], "transformer has no state .* got 96; use null"),
        (["model.kind=linear", "model.windows.truncation=128"], "linear has no state .* got 128; use null"),
        (["model.kind=seq2seq", "model.windows.truncation=128"], "seq2seq decodes from rows of a whole chunk"),
    ],
)
def test_kinds_and_windows_that_carry_no_state_refuse(assignments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(None, assignments)
    assert len(caught.value.messages) == 1


def test_a_step_needs_the_memory_of_its_piece() -> None:
    windows = {"chunk": 10_000, "burn_in": 64}
    with pytest.raises(ValidationError, match="GB of memory"):
        LSTMOptions.model_validate({"units": [512], "windows": windows, "training": {"batch_size": 1024}})
    options = LSTMOptions.model_validate(
        {"units": [512], "windows": {**windows, "truncation": 100}, "training": {"batch_size": 1024}}
    )
    assert options.training_bytes < 8e9


@pytest.mark.slow
def test_tensorflow_carries_the_state_too() -> None:
    program = f"""
import sys
import numpy as np
from forecaster.models.engine import use_engine
use_engine("tensorflow", "cpu")
sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
from test_carried_state import CHUNK, PIECE, carried_states, model_of
x, network = carried_states(model_of("lstm"))
whole = np.asarray(network(x, training=False))
for _ in range(2):
    pieces = [np.asarray(network(x[:, first : first + PIECE], training=True)) for first in range(0, CHUNK, PIECE)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, atol=1e-6)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
