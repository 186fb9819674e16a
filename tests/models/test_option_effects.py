"""Every option of a network reaches what it names: the layers of Keras, the batches, the optimiser, the stopping."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import oracles
import pytest

from forecaster.data.series import Panel
from forecaster.models import model_class, network_names
from forecaster.models.base import FitRequest

RECURRENT = {"units": (6, 6), "activation": "softsign", "recurrent_dropout": 0.25, "layer_norm": True, "residual": True}
TRAINING: dict[str, Any] = {
    "optimizer": "rmsprop",
    "learning_rate": 0.5,
    "schedule": "linear",
    "weight_decay": 0.125,
    "clip_norm": None,
    "global_clip_norm": 2.0,
    "patience": 3,
    "batch_size": 8,
}
STEPS = 40
TRAINED = [name for name in network_names() if "units" in model_class(name).Options.model_fields]  # not an ensemble
ROWS, TRAINING_ROWS = 700, 500


class _Trained(Exception):
    """Ends a fit where the training would begin."""


@pytest.fixture
def training(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the kind `request.param` would train with."""
    from forecaster.models import training

    def receive(network: Any, batches: Any, optimizer: Any, loss: Any, *others: Any) -> None:
        stopping = next(other for other in others if isinstance(other, training.Stopping))
        raise _Trained(SimpleNamespace(batches=batches, optimizer=optimizer, loss=loss, stopping=stopping))

    monkeypatch.setattr(training, "fit_network", receive)
    kind = model_class(request.param)
    own = {"units": 4, "epochs": 2, "loss": "mae", **TRAINING}
    if "training" in kind.Options.model_fields:
        own = {"units": 4, "training": {**TRAINING, "steps": STEPS, "max_passes": 1000}}
    panel = Panel((oracles.walk(ROWS),))
    unseen = dict.fromkeys(panel.names, np.arange(TRAINING_ROWS + 5, ROWS - 5))
    with pytest.raises(_Trained) as caught:
        kind(kind.Options.model_validate(own), 5).fit(
            FitRequest(panel, dict.fromkeys(panel.names, TRAINING_ROWS), unseen, 5)
        )
    received: SimpleNamespace = caught.value.args[0]
    return received


@pytest.mark.parametrize("training", TRAINED, indirect=True)
def test_every_kind_trains_as_configured(training: SimpleNamespace) -> None:
    optimizer, batches = training.optimizer, training.batches
    assert type(optimizer).__name__ == "RMSprop"
    steps = len(batches) * batches.epochs
    rates = [float(optimizer._learning_rate(step)) for step in (0, steps // 2, steps)]
    np.testing.assert_allclose(rates, [0.5, 0.5 - 0.5 * (steps // 2) / steps, 0], atol=1e-6)
    assert (optimizer.weight_decay, optimizer.clipnorm, optimizer.global_clipnorm) == (0.125, None, 2.0)
    assert training.stopping.patience == 3
    _, y = batches[0]
    assert len(y) == 8
    assert (batches.epochs, training.loss) == (2, "mae") if training.loss == "mae" else steps == STEPS


def network_of(kind: str, **options: Any) -> Any:
    forecaster = model_class(kind)
    return forecaster(forecaster.Options.model_validate(options), 5).network()


def layers_of(network: Any, name: str) -> list[Any]:
    return [layer for layer in network.layers if type(layer).__name__ == name]


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn", "bilstm", "seq2seq"])
def test_the_options_of_recurrent_layers(kind: str) -> None:
    prefix = "lstm" if kind == "seq2seq" else kind
    network = network_of(kind, **RECURRENT, dropout=0.5)
    for number in range(2):
        layer = network.get_layer(f"{prefix}_{number}")
        for part in (layer.forward_layer, layer.backward_layer) if kind == "bilstm" else (layer,):
            assert (part.units, part.activation.__name__) == (6, "softsign")
            assert (part.recurrent_dropout, part.dropout) == (0.25, 0)
    assert len(layers_of(network, "LayerNormalization")) == 2
    assert len(layers_of(network, "Add")) == 1
    (dropout,) = layers_of(network, "Dropout") if kind != "seq2seq" else [network.get_layer("decoder").dropout]
    assert dropout.rate == 0.5


def test_the_options_of_the_transformer() -> None:
    windows = {"chunk": 90, "burn_in": 30}
    options = {"units": (12, 12, 12), "heads": 3, "feedforward_units": 10, "activation": "selu", "windows": windows}
    network = network_of("transformer", **options, dropout=0.5)
    assert [network.get_layer(f"wide_{number}").units for number in range(3)] == [10, 10, 10]
    heads = [layer.target_shape for layer in layers_of(network, "Reshape") if not layer.name.startswith("attention")]
    assert heads.count((-1, 9, 4)) == 3  # queries, keys and values of three heads
    assert {layer.activation.__name__ for layer in layers_of(network, "Activation")} == {"selu"}
    assert [layer.rate for layer in layers_of(network, "Dropout")] == [0.5]


def test_the_options_of_the_linear_map() -> None:
    network = network_of("linear", units=7, kernel_size=9, moving_average=4, dropout=0.5)
    assert [(layer.filters, layer.kernel_size) for layer in layers_of(network, "Conv1D")] == [(7, (9,))] * 2
    assert [layer.pool_size for layer in layers_of(network, "AveragePooling1D")] == [(4,)]
    assert [layer.rate for layer in layers_of(network, "Dropout")] == [0.5]
