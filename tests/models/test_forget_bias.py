"""Forget gates that remember long from the start."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecaster.features.windows import DenseWindows
from forecaster.models import model_class
from forecaster.models.architectures.forget_bias import chrono_bias

LAG, CHUNK, BATCH, STEPS, SEGMENTS = 500, 512, 16, 400, 200


def test_biases_spread_over_the_rows_that_are_remembered() -> None:
    memory = np.exp(chrono_bias(20_000, 101, seed=0))
    assert 1 <= memory.min() < 1.1
    assert 99 < memory.max() <= 100
    assert memory.mean() == pytest.approx(50.5, abs=0.5)
    assert chrono_bias(3, 1, seed=0).tolist() == pytest.approx(chrono_bias(3, 3, seed=0).tolist())


@pytest.mark.parametrize(
    ("kind", "forget", "opposite"),
    [("lstm", slice(4, 8), slice(0, 4)), ("gru", slice(0, 4), None), ("bilstm", slice(4, 8), slice(0, 4))],
)
def test_only_the_gates_of_memory_get_a_bias(
    helpers: SimpleNamespace, kind: str, forget: slice, opposite: slice | None
) -> None:
    """The layers differ from those without the option in the biases of these gates alone."""
    from forecaster.models.keras_weights import named_weights

    forecaster = model_class(kind)
    options = helpers.options_of(forecaster.Options, "last", forget_bias="chrono")
    arrays = named_weights(forecaster(options, 5).network(seed=2))
    biases = [array for path, array in arrays.items() if path.endswith("cell/bias")]
    assert len(biases) == (2 if kind == "bilstm" else 1)
    for bias in biases:
        first, *others = bias.reshape(-1, bias.shape[-1]).copy()
        memory = np.exp(first[forget])
        assert ((memory >= 1) & (memory <= options.windows.context_length - 1)).all()
        assert len(set(memory)) == 4
        if opposite is not None:
            np.testing.assert_array_equal(first[opposite], -first[forget])
            first[opposite] = 0
        first[forget] = 0
        assert not first.any()
        assert not np.any(others)


def segments(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Windows of chunks that begin with an event, up or down, and end with wide or narrow outcomes, 500 rows later.

    The second input is noise. The outcomes have a standard deviation of 2 after an event upwards, else of 0.5.
    """
    event = rng.choice([-1.0, 1.0], count)
    x = np.zeros((count, CHUNK, 2), np.float32)
    x[:, :5, 0] = 2 * event[:, None]
    x[..., 1] = rng.normal(size=x.shape[:2])
    width = np.where(event > 0, 2.0, 0.5)
    y = (rng.normal(size=(count, CHUNK, 1)) * width[:, None, None]).astype(np.float32)
    return DenseWindows(x.reshape(-1, 2), y.reshape(-1, 1), CHUNK, LAG, count * CHUNK), width


def relative_width(kind: str, seed: int, **options: Any) -> float:
    """Mean width of an 80 % interval after an event upwards over that after one downwards; the truth is 4."""
    from forecaster.models.optimizers import optimizer_of
    from forecaster.models.quantile.head import QuantileLoss
    from forecaster.models.training import PanelBatches, fit_network
    from forecaster.quantiles import SCORING_LEVELS

    forecaster = model_class(kind)
    settings = {
        "features": ["scaled_return", "momentum_5"],  # two inputs
        "units": [16],
        "dropout": 0.0,
        "knots": [1],
        "windows": {"chunk": CHUNK, "burn_in": LAG},
        "training": {"steps": STEPS, "batch_size": BATCH, "learning_rate": 0.02, "weight_decay": 0.0},
        **options,
    }
    model = forecaster(forecaster.Options.model_validate(settings), 1)
    rng = np.random.default_rng(seed)
    windows, _ = segments(rng, SEGMENTS)
    chosen = rng.integers(SEGMENTS, size=STEPS * BATCH)
    samples = np.stack([np.zeros_like(chosen), chosen * CHUNK, np.ones_like(chosen)], axis=1)
    batches = PanelBatches([windows], samples, BATCH, np.zeros(2, bool))
    network = model.network(seed, LAG)
    optimizer = optimizer_of(model.options.training, STEPS)
    fit_network(network, batches, optimizer, QuantileLoss(SCORING_LEVELS), lambda *facts: None)
    unseen, width = segments(rng, 64)
    last = np.asarray(network.predict_on_batch(unseen.batch(np.arange(64) * CHUNK)[0]))[:, -1, 0]
    found = last[:, 1 + SCORING_LEVELS.index(0.9)] - last[:, 1 + SCORING_LEVELS.index(0.1)]
    return float(found[width > 1].mean() / found[width < 1].mean())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_an_event_of_500_rows_ago_is_remembered_by_gates_alone(seed: int) -> None:
    """Same data, width, steps and optimiser; the simple RNN is nearer to the mean of both widths than to the truth.

    Between 0.96 and 1.77 for six seeds, where the LSTM has 3.7 to 4.1; one processor model's bits are not another's.
    """
    assert relative_width("lstm", seed, forget_bias="chrono") > 3
    assert relative_width("rnn", seed) < 2.5
