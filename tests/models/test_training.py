"""Samples, batches and the learning curve."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.environment import no_progress
from forecaster.features.windows import DenseWindows, LastWindows


def numbered(series: int, rows: int = 80) -> DenseWindows:
    """Feature 0 is even, feature 1 odd; both tell series and row."""
    number = 1000 * (series + 1) + np.arange(rows, dtype=np.float32)
    return DenseWindows(np.stack([number, number], axis=1), number[:, None], chunk=5, burn_in=2, end_row=rows)


def test_series_and_windows_are_drawn_equally_often_and_half_are_flipped() -> None:
    from forecaster.models.training import draw_samples

    samples = draw_samples([10, 1, 1000], 30_000, True, np.random.default_rng(0))
    assert samples.shape == (30_000, 3)
    for series, length in enumerate((10, 1, 1000)):
        drawn = samples[samples[:, 0] == series]
        assert len(drawn) == pytest.approx(10_000, rel=0.05)
        assert (drawn[:, 1].min(), drawn[:, 1].max()) == (0, length - 1)
        assert abs(drawn[:, 2].mean()) < 0.05
    assert (draw_samples([5], 100, False, np.random.default_rng(0))[:, 2] == 1).all()


def test_an_epoch_holds_every_window_once() -> None:
    from forecaster.models.training import shuffled_samples

    samples = shuffled_samples(7, 3, np.random.default_rng(0)).reshape(3, 7, 3)
    assert (np.sort(samples[..., 1]) == np.arange(7)).all()
    assert (samples[0] != samples[1]).any()


def test_a_batch_holds_its_samples_and_flips_odd_features_and_targets() -> None:
    from forecaster.models.training import PanelBatches

    samples = np.array([[1, 4, -1], [0, 2, 1], [1, 9, 1], [0, 7, -1], [0, 1, 1]])
    batches = PanelBatches([numbered(0), numbered(1)], samples, 2, np.array([False, True]))
    assert len(batches) == 2
    for index, expected in enumerate(([(0, 2, 1), (1, 4, -1)], [(0, 7, -1), (1, 9, 1)])):
        x, y = batches[index]
        for (series, start, sign), one_x, one_y in zip(expected, x, y, strict=True):
            rows = 1000 * (series + 1) + start + np.arange(5)
            np.testing.assert_array_equal(one_x[:, 0], rows)
            np.testing.assert_array_equal(one_x[:, 1], sign * rows)
            np.testing.assert_array_equal(one_y[:, 0], sign * rows[2:])


def tiny_fit(count: int, epochs: int, batch_size: int, steps_per_call: int) -> SimpleNamespace:
    """Fit a line through the origin; note what is read and what is told."""
    import keras

    from forecaster.models import training

    read, told = [], []

    class Noting(LastWindows):
        def batch(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            read.append(sorted(positions.tolist()))
            return super().batch(positions)

    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 1)).astype(np.float32)
    windows = Noting(x, 3 * x, 1, count)
    samples = training.shuffled_samples(count, epochs, rng)
    batches = training.PanelBatches([windows], samples, batch_size, np.array([False]), epochs)
    network = keras.Sequential([keras.Input((1, 1)), keras.layers.Flatten(), keras.layers.Dense(1, use_bias=False)])
    network.layers[-1].set_weights([np.zeros((1, 1), np.float32)])
    validation = (x[:3, None], 3 * x[:3])
    patch = pytest.MonkeyPatch()
    with patch.context() as context:
        context.setattr(training, "_STEPS_PER_CALL", steps_per_call)
        history = training.fit_network(
            network, batches, keras.optimizers.SGD(0.01), "mse", lambda *facts: told.append(facts), validation
        )
    return SimpleNamespace(
        initial_loss=history.initial_loss,
        rows=history.curve,
        told=told,
        read=read,
        samples=samples[:, 1].reshape(epochs, count),
    )


@pytest.fixture(scope="module")
def each_step() -> SimpleNamespace:
    return tiny_fit(count=27, epochs=3, batch_size=2, steps_per_call=1)


@pytest.fixture(scope="module")
def some_steps() -> SimpleNamespace:
    return tiny_fit(count=27, epochs=3, batch_size=2, steps_per_call=5)


def test_a_curve_of_every_step_is_the_loss_of_every_step(each_step: SimpleNamespace) -> None:
    x = np.random.default_rng(0).normal(size=(27, 1)).astype(np.float32)[:, 0].astype(float)
    weight, expected = 0.0, []
    for epoch in each_step.samples:
        for first in range(0, 26, 2):
            batch = x[epoch[first : first + 2]]
            expected.append(np.mean(((weight - 3) * batch) ** 2))
            weight -= 0.01 * np.mean(2 * (weight - 3) * batch**2)
    np.testing.assert_allclose([row["loss"] for row in each_step.rows], expected, rtol=1e-3, atol=1e-4)
    assert [row["step"] for row in each_step.rows] == list(range(1, 40))
    assert each_step.rows[-1]["validation_loss"] == pytest.approx(np.mean(((weight - 3) * x[:3]) ** 2), rel=1e-4)


def test_the_loss_before_the_training_is_that_of_the_first_weights_on_the_validation(
    each_step: SimpleNamespace, some_steps: SimpleNamespace
) -> None:
    x = np.random.default_rng(0).normal(size=(27, 1)).astype(np.float32)[:3]
    for fitted in (each_step, some_steps):
        assert fitted.initial_loss == pytest.approx(np.mean((3 * x) ** 2), rel=1e-5)


def test_a_row_of_several_steps_is_the_mean_loss_since_the_row_before(
    each_step: SimpleNamespace, some_steps: SimpleNamespace
) -> None:
    ends = [epoch * 13 + step for epoch in range(3) for step in (5, 10, 13)]
    assert [row["step"] for row in some_steps.rows] == ends
    losses = [row["loss"] for row in each_step.rows]
    for (first, last), row in zip(itertools.pairwise([0, *ends]), some_steps.rows, strict=True):
        assert row["loss"] == pytest.approx(np.mean(losses[first:last]), rel=1e-3, abs=1e-4)


def test_each_epoch_ends_with_a_validation_loss(each_step: SimpleNamespace, some_steps: SimpleNamespace) -> None:
    for made in (each_step, some_steps):
        validated = [row["step"] for row in made.rows if "validation_loss" in row]
        assert validated == [13, 26, 39]
    by_step = [row["validation_loss"] for row in each_step.rows if "validation_loss" in row]
    by_call = [row["validation_loss"] for row in some_steps.rows if "validation_loss" in row]
    np.testing.assert_allclose(by_call, by_step, rtol=1e-4)


def test_progress_tells_every_row(some_steps: SimpleNamespace) -> None:
    assert [facts[:4] for facts in some_steps.told] == [
        ("fit", row["step"], 39, row["loss"]) for row in some_steps.rows
    ]


def test_progress_tells_the_epoch_and_its_last_validation_loss(some_steps: SimpleNamespace) -> None:
    losses = [row["validation_loss"] for row in some_steps.rows if "validation_loss" in row]
    ends = ["", f", validation {losses[0]:.4g}", f", validation {losses[1]:.4g}"]
    expected = [f"epoch {epoch + 1}/3{end}" for epoch, end in enumerate(ends) for _ in range(3)]
    assert [facts[4] for facts in some_steps.told] == expected


def stopped_fit(stopping: object) -> SimpleNamespace:
    """Fit a line whose training outcomes are 3x and whose validation is x: the weight passes by 1 on its way to 3."""
    import keras

    from forecaster.models import training
    from forecaster.models.keras_weights import named_weights

    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 1)).astype(np.float32)
    samples = training.shuffled_samples(32, 12, rng)
    batches = training.PanelBatches([LastWindows(x, 3 * x, 1, 32)], samples, 8, np.array([False]), 12)
    network = keras.Sequential([keras.Input((1, 1)), keras.layers.Flatten(), keras.layers.Dense(1, use_bias=False)])
    network.layers[-1].set_weights([np.zeros((1, 1), np.float32)])
    told: list[tuple[object, ...]] = []
    history = training.fit_network(
        network,
        batches,
        keras.optimizers.SGD(0.02),
        "mse",
        lambda *facts: told.append(facts),
        (x[:, None], x),
        stopping,
    )
    (weight,) = named_weights(network).values()
    losses = [row["validation_loss"] for row in history.curve if "validation_loss" in row]
    now = float(np.mean(((weight.item() - 1) * x) ** 2))
    return SimpleNamespace(history=history, losses=losses, now=now, done=told[-1][1], total=told[-1][2])


def test_early_stopping_keeps_the_weights_of_the_lowest_validation_loss() -> None:
    from forecaster.models.training import Stopping

    fitted = stopped_fit(Stopping(patience=2))
    best = int(np.argmin(fitted.losses))
    assert 0 < best < 9  # it neither fell nor rose all the time
    assert len(fitted.losses) == best + 3  # the best epoch, and two that were not better
    assert fitted.now == pytest.approx(fitted.losses[best], rel=1e-4)
    assert fitted.history.chosen == {"epochs": best + 1}
    assert fitted.done == fitted.total == 12 * 4, "the progress ends with the training"


def test_without_patience_every_epoch_is_trained_and_the_last_weights_stay() -> None:
    fitted = stopped_fit(None)
    assert len(fitted.losses) == 12
    assert fitted.now == pytest.approx(fitted.losses[-1], rel=1e-4)
    assert fitted.history.chosen == {}


def test_a_refit_trains_as_many_epochs_as_the_fit_before_has_kept() -> None:
    from forecaster.models.training import Stopping

    fitted, all_epochs = stopped_fit(Stopping(epochs=3)), stopped_fit(None)
    assert fitted.losses == all_epochs.losses[:3]
    assert fitted.total == 3 * 4


def test_a_validation_does_not_change_the_draws_of_recurrent_dropout() -> None:
    import keras

    from forecaster.models import training
    from forecaster.models.keras_weights import named_weights

    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    windows = LastWindows(x, x, 2, 8)
    fits = []
    for validation in (None, windows.batch(np.arange(3))):
        starts = {"kernel_initializer": "identity", "recurrent_initializer": "identity"}
        layer = keras.layers.SimpleRNN(3, recurrent_dropout=0.5, seed=1, unroll=True, **starts)
        network = keras.Sequential([keras.Input((2, 3)), layer])
        samples = training.shuffled_samples(7, 2, np.random.default_rng(0))
        batches = training.PanelBatches([windows], samples, 7, np.zeros(3, dtype=bool), 2)
        training.fit_network(network, batches, keras.optimizers.SGD(0.1), "mse", no_progress, validation)
        fits.append(np.concatenate([weight.ravel() for weight in named_weights(network).values()]))
    np.testing.assert_array_equal(*fits)


def test_every_epoch_reads_its_own_samples(some_steps: SimpleNamespace) -> None:
    expected = [sorted(epoch[k : k + 2].tolist()) for epoch in some_steps.samples for k in range(0, 26, 2)]
    looked_ahead = len(some_steps.read) - len(expected)  # Keras reads one batch to learn the shapes
    assert looked_ahead <= 1
    assert some_steps.read[looked_ahead:] == expected


def test_silence_is_a_kind_of_progress() -> None:
    no_progress("fit", 1, 2)
