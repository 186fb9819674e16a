"""The Keras head and its loss: where they start, and which gradient reaches which weight."""

from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.models.architectures.lstm import LSTM
from forecaster.quantiles import SCORING_LEVELS, normal_scores


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 30, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def y() -> np.ndarray:
    y = np.random.default_rng(1).normal(size=(2, 30, 4)).astype(np.float32) * 3
    y[:, :10], y[1, 20:] = np.nan, np.nan
    return y


def loss_of() -> object:
    from forecaster.models.quantile.head import QuantileLoss

    return QuantileLoss(SCORING_LEVELS)


@pytest.mark.parametrize("supervision", ["dense", "last"])
def test_an_untrained_network_is_the_baseline(helpers: SimpleNamespace, x: np.ndarray, supervision: str) -> None:
    output = np.asarray(LSTM(helpers.lstm_options(supervision), 20).network(seed=3)(x))
    assert output.shape == ((2, 30, 4, 10) if supervision == "dense" else (2, 4, 10))
    assert (output[..., 0] == 0).all()
    scores = np.broadcast_to(normal_scores(SCORING_LEVELS), output[..., 1:].shape)
    np.testing.assert_allclose(output[..., 1:], scores, atol=1e-6)
    assert (output[..., 5] == 0).all()


def gradients(network: object, x: np.ndarray, y: np.ndarray, term: str) -> dict[str, float]:
    """Size of the gradient at each weight of one term of the loss: the other's outputs are held still."""
    import jax
    from keras import ops

    held = slice(1, None) if term == "location" else slice(0, 1)
    weights = [variable.value for variable in network.trainable_variables]
    loss = loss_of()

    def value(weights: list[object]) -> object:
        output, _ = network.stateless_call(weights, [one.value for one in network.non_trainable_variables], x)
        parts = [output[..., :1], output[..., 1:]]
        which = 0 if held.start else 1
        parts[1 - which] = ops.stop_gradient(parts[1 - which])
        return loss(y, ops.concatenate(parts, axis=-1))

    found = jax.grad(value)(weights)
    return {
        variable.path: float(np.abs(np.asarray(gradient)).max())
        for variable, gradient in zip(network.trainable_variables, found, strict=True)
    }


def test_each_term_of_the_loss_teaches_its_own_weights(helpers: SimpleNamespace, x: np.ndarray, y: np.ndarray) -> None:
    from forecaster.models.keras_weights import load_weights

    network = LSTM(helpers.lstm_options(), 20).network(seed=3)
    load_weights(network, helpers.oracles.lstm_arrays(8, (4,), 4))
    location, spread = (gradients(network, x, y, term) for term in ("location", "spread"))
    assert {path for path, size in location.items() if size} == {"head/location/kernel", "head/location/bias"}
    assert {path for path, size in spread.items() if size} == set(spread) - set(location_weights(location))


def location_weights(paths: dict[str, float]) -> list[str]:
    return [path for path in paths if path.startswith("head/location/")]


def test_the_loss_is_its_slow_loop(x: np.ndarray, y: np.ndarray) -> None:
    output = np.random.default_rng(2).normal(size=(2, 30, 4, 10)).astype(np.float32)
    losses = []
    for place in np.ndindex(y.shape):
        if np.isnan(y[place]):
            continue
        location, *quantiles = output[place].tolist()
        outcome = y[place].item()
        pinball = [
            max(level * (outcome - one), (level - 1) * (outcome - one))
            for level, one in zip(SCORING_LEVELS, quantiles, strict=True)
        ]
        losses.append(np.mean(pinball) + (min(max(outcome, -6), 6) - location) ** 2)
    assert np.abs(y[~np.isnan(y)]).max() > 6
    assert float(loss_of()(y, output)) == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_batch_without_any_outcome_costs_nothing() -> None:
    assert float(loss_of()(np.full((1, 2, 3), np.nan, np.float32), np.ones((1, 2, 3, 10), np.float32))) == 0


def test_the_head_says_how_it_was_made() -> None:
    from forecaster.models.quantile.head import QuantileHead

    config = QuantileHead(3, SCORING_LEVELS, name="head").get_config()
    again = QuantileHead.from_config(config)
    assert (again.num_steps, tuple(again.quantile_levels), again.name) == (3, SCORING_LEVELS, "head")
