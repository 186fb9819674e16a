"""The Keras head and its loss: where they start, and which gradient reaches which weight."""

import re
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


def test_the_head_comes_back_from_its_configuration() -> None:
    from forecaster.models.quantile.head import QuantileHead

    config = QuantileHead(3, SCORING_LEVELS, per_step=True, name="head").get_config()
    again = QuantileHead.from_config(config)
    assert (again.num_steps, again.quantile_levels, again.per_step) == (3, SCORING_LEVELS, True)
    assert again.name == "head"


@pytest.mark.parametrize(
    "levels",
    [
        (0.1, 0.9),
        (0.1, 0.3, 0.9),
        (0.1, 0.5),
        (0.5,),
        (),
        (0.9, 0.5, 0.1),
        (0.1, 0.1, 0.5, 0.9, 0.95),
        (0.0, 0.5, 1.0),
        (0.1, float("nan"), 0.5, 0.9, 0.95),
    ],
)
def test_levels_without_order_or_median_are_refused(levels: tuple[float, ...]) -> None:
    from forecaster.models.quantile.head import QuantileHead

    with pytest.raises(ValueError, match=re.escape(f"with 0.5 in the middle; got {levels}")):
        QuantileHead(2, levels)


@pytest.mark.parametrize("steps", [0, -1, 2.0, True, None])
def test_a_number_of_steps_that_is_none_is_refused(steps: object) -> None:
    from forecaster.models.quantile.head import QuantileHead

    with pytest.raises(ValueError, match=f"num_steps: expected an integer of at least 1; got {steps!r}"):
        QuantileHead(steps, SCORING_LEVELS)


def test_states_of_each_step_share_their_kernels(x: np.ndarray) -> None:
    """Against the head of one state, step by step; and against NumPy."""
    from forecaster.models.keras_weights import named_weights
    from forecaster.models.quantile.head import QuantileHead
    from forecaster.models.quantile.numpy_head import quantile_head

    rng = np.random.default_rng(0)
    states = rng.normal(size=(2, 30, 3, 5)).astype(np.float32)
    head = QuantileHead(3, SCORING_LEVELS, per_step=True, name="head")
    head.build([states.shape, x.shape])
    head.set_weights([rng.normal(0, 0.3, weight.shape).astype(np.float32) for weight in head.weights])
    output = np.asarray(head([states, x]))
    assert output.shape == (2, 30, 3, 10)
    weights = {f"head/{path}": array for path, array in named_weights(head).items()}
    weights = {name.replace("head/head/", "head/"): array for name, array in weights.items()}
    for step in range(3):
        alone = QuantileHead(1, SCORING_LEVELS, name="head")
        alone.build([states[..., step, :].shape, x.shape])
        alone.spread.set_weights([weights["head/spread/kernel"], weights["head/spread/bias"][step]])
        alone.location.set_weights([weights["head/location/kernel"], weights["head/location/bias"][step]])
        alone.direct.set_weights([weights["head/direct/kernel"][:, [step]]])
        np.testing.assert_allclose(
            np.asarray(alone([states[..., step, :], x]))[..., 0, :], output[..., step, :], atol=1e-5
        )
    rows, places = states[0], np.arange(30) + 7
    location, quantiles = quantile_head(rows, x[0], weights, SCORING_LEVELS, places)
    np.testing.assert_allclose(np.concatenate([location[..., None], quantiles], axis=-1), output[0], atol=1e-5)
    again, _ = quantile_head(rows[[9]], x[0][[9]], weights, SCORING_LEVELS, places[[9]])
    np.testing.assert_array_equal(again[0], location[9])
