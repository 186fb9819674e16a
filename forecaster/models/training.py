"""Training of a Keras network on a panel: batches drawn from windows, learning curve, early stopping."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np

from forecaster.arrays import BoolArray, Float32Array, IntArray
from forecaster.environment import Progress
from forecaster.models.keras_weights import load_weights, named_weights

__all__ = [
    "EarlyStopping",
    "LearningCurve",
    "PanelBatches",
    "Stopping",
    "TrainingHistory",
    "Windows",
    "draw_samples",
    "epoch_count",
    "fit_network",
    "shuffled_samples",
]


# Steps between two reports of progress; JAX computes them without waiting for Python in between.
_STEPS_PER_CALL = 10


class Windows(Protocol):
    """Samples of one series; see `forecaster.features.windows`."""

    def __len__(self) -> int: ...

    def batch(self, positions: IntArray) -> tuple[Float32Array, Float32Array]:
        """Samples number `positions` (B,): x (B, ...) and y (B, ...)."""


def epoch_count(steps: int) -> int:
    """Epochs of equal length that `steps` are divided into, for a validation loss after each: 10, 5, 2 or 1.

    An epoch has at least 10 steps.

    >>> [epoch_count(steps) for steps in (300, 50, 40, 7)]
    [10, 5, 2, 1]
    """
    divisors = (count for count in (10, 5, 2) if steps % count == 0 and steps // count >= 10)
    return next(divisors, 1)


def draw_samples(lengths: Sequence[int], count: int, invert: bool, rng: np.random.Generator) -> IntArray:
    """Draw samples of a panel: every series equally often, every window of it equally often.

    Args:
        lengths: Windows of each series, all positive.
        count: Number of samples N.
        invert: True to invert half of the quotations: USDJPY up is JPYUSD down.
        rng: Source of randomness.

    Returns:
        (N, 3) integers: series, window, sign.
    """
    series = rng.integers(len(lengths), size=count)
    windows = rng.integers(np.asarray(lengths)[series])
    signs = np.where(rng.random(count) < 0.5, 1, -1) if invert else np.ones(count, dtype=np.intp)
    return np.stack([series, windows, signs], axis=1)


def shuffled_samples(count: int, epochs: int, rng: np.random.Generator) -> IntArray:
    """Every window of one series once an epoch, in random order: (count * epochs, 3) as in `draw_samples`."""
    windows = np.concatenate([rng.permutation(count) for _ in range(epochs)])
    return np.stack([np.zeros_like(windows), windows, np.ones_like(windows)], axis=1)


class PanelBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Batches (x, y) of samples, copied from the windows on access, epoch after epoch.

    Args:
        windows: Windows of each series.
        samples: (E * N, 3) series, window, sign.
        batch_size: B; samples at the end of an epoch that do not fill a batch are left out.
        antisymmetric: (F,) True for features that change sign with the quotation.
        epochs: E.
    """

    def __init__(
        self,
        windows: Sequence[Windows],
        samples: IntArray,
        batch_size: int,
        antisymmetric: BoolArray,
        epochs: int = 1,
    ) -> None:
        super().__init__()
        self.epochs = epochs
        self._epoch = 0
        self._batch_size = batch_size
        self._windows = windows
        self._samples = samples.reshape(epochs, -1, 3)
        self._antisymmetric = antisymmetric

    def __len__(self) -> int:
        """Batches of an epoch."""
        return max(self._samples.shape[1] // self._batch_size, 1)

    def begin(self, epoch: int) -> None:
        """Take the samples of `epoch`; Keras calls `on_epoch_end` once too often, after it has read one batch ahead."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> tuple[Any, Float32Array]:
        chosen = self._chosen(index)
        chosen = chosen[np.argsort(chosen[:, 0], kind="stable")]
        series = np.unique(chosen[:, 0])
        parts = [self._cut(self._windows[number], chosen[chosen[:, 0] == number, 1], index) for number in series]
        x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        sign = chosen[:, 2].astype(np.float32)[:, None, None]
        return x * np.where(self._antisymmetric, sign, np.float32(1)), y * sign.reshape(-1, *[1] * (y.ndim - 1))

    def _chosen(self, index: int) -> IntArray:
        """(B, 3) samples of batch `index`."""
        return self._samples[self._epoch, index * self._batch_size : (index + 1) * self._batch_size]

    def _cut(self, windows: Windows, positions: IntArray, index: int) -> tuple[Float32Array, Float32Array]:
        return windows.batch(positions)


class LearningCurve(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Reports progress and stores the loss: a row every few steps, the last of an epoch with its validation loss.

    Args:
        epoch_steps: Steps of an epoch.
        epochs: Number of epochs.
        progress: Called with the stage, the steps done, the steps in all, the loss since the last call, and the epoch.
    """

    def __init__(self, epoch_steps: int, epochs: int, progress: Progress) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._epoch_steps = epoch_steps
        self._epochs = epochs
        self._steps = epoch_steps * epochs
        self._progress = progress
        self._validated = ""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start a new running mean."""
        self._epoch = f"epoch {epoch + 1}/{self._epochs}"
        self._start = epoch * self._epoch_steps
        self._sum = 0.0
        self._counted = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Turn Keras's running mean into the loss since the last call."""
        # Keras counts the last call of an epoch as a whole one, even when the epoch ends within it.
        counted = min(batch + 1, self._epoch_steps)
        total = float(logs["loss"]) * counted
        loss = (total - self._sum) / max(counted - self._counted, 1)
        self._sum = total
        self._counted = counted
        self.rows.append({"step": self._start + counted, "loss": loss})
        self._progress("fit", self._start + counted, self._steps, loss, f"{self._epoch}{self._validated}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add the validation loss to the last row."""
        if logs and "val_loss" in logs and self.rows:
            self.rows[-1]["validation_loss"] = float(logs["val_loss"])
            self._validated = f", validation {logs['val_loss']:.4g}"

    def on_train_end(self, logs: Any = None) -> None:
        """Report that a training which stopped early is done."""
        if self.rows and self.rows[-1]["step"] < self._steps:
            self._progress("fit", self._steps, self._steps, self.rows[-1]["loss"], f"{self._epoch}{self._validated}")


class Stopping(NamedTuple):
    """End of a training before its last epoch.

    Args:
        patience: Epochs without a lower validation loss after which the training stops, and the weights of the epoch
            with the lowest one are restored; None, or no validation, for none.
        epochs: Epochs that are trained at most, as an earlier fit has chosen; None for all.
    """

    patience: int | None = None
    epochs: int | None = None


class EarlyStopping(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Ends a training whose validation loss no longer falls, and restores the weights of the lowest one.

    Keras has a callback of this name, whose copies of weights raise a warning of NumPy.

    Args:
        patience: Epochs without a lower loss after which the training ends.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.kept_epoch = 0
        self._patience = patience
        self._lowest = np.inf
        self._weights: Mapping[str, Float32Array] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Copy the weights of a new lowest loss; the first epoch counts, even if its loss is not finite."""
        loss = float(logs["val_loss"])
        if loss < self._lowest or not self.kept_epoch:
            self._lowest = min(loss, self._lowest)
            self.kept_epoch = epoch + 1
            self._weights = named_weights(self.model)
        elif epoch + 1 - self.kept_epoch >= self._patience:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Restore the copied weights."""
        load_weights(self.model, self._weights)


class UnchangedByEvaluation(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Restores the seeds of a network after an evaluation: recurrent dropout of Keras draws in it too.

    A training with a validation has the same draws as one without.
    """

    def on_test_begin(self, logs: Any = None) -> None:
        """Copy the seeds, and all else that is not trained."""
        self._values = [np.asarray(variable.value) for variable in self.model.non_trainable_variables]

    def on_test_end(self, logs: Any = None) -> None:
        """Restore them."""
        for variable, value in zip(self.model.non_trainable_variables, self._values, strict=True):
            variable.assign(value)


class TrainingHistory(NamedTuple):
    """Losses of a training.

    Args:
        initial_loss: Loss before the first step.
        curve: Rows of the learning curve.
        kept_epoch: Number of the epoch whose weights early stopping has kept, from 1; None without early stopping.
    """

    initial_loss: float
    curve: list[dict[str, float]]
    kept_epoch: int | None = None

    @property
    def chosen(self) -> dict[str, int]:
        """Decision of the validation, which a refit takes over."""
        return {} if self.kept_epoch is None else {"epochs": self.kept_epoch}


def fit_network(
    network: keras.Model,
    batches: PanelBatches,
    optimizer: keras.optimizers.Optimizer,
    loss: Any,
    progress: Progress,
    validation: tuple[Float32Array, Float32Array] | None = None,
    stopping: Stopping | None = None,
) -> TrainingHistory:
    """Train a network.

    Args:
        network: The network.
        batches: The samples of every epoch.
        optimizer: The optimizer.
        loss: Keras loss.
        progress: Called every few steps.
        validation: x and y that are scored after each epoch; only early stopping chooses by them.
        stopping: End of the training before its last epoch; None for none.

    Returns:
        The loss before the training, on the validation or else on the first batch, and the learning curve: rows with
        ``step``, ``loss`` and, after each epoch, ``validation_loss``.
    """
    network.compile(optimizer, loss, steps_per_execution=min(_STEPS_PER_CALL, len(batches)), jit_compile="auto")
    batches.begin(0)
    x, y = batches[0] if validation is None else validation
    unchanged = UnchangedByEvaluation()
    initial_loss = float(network.evaluate(x, y, verbose=0, callbacks=[unchanged]))
    stopping = stopping or Stopping()
    epochs = min(stopping.epochs or batches.epochs, batches.epochs)
    curve = LearningCurve(len(batches), epochs, progress)
    turn = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: batches.begin(epoch))
    callbacks = [turn, curve, unchanged]
    stop = None
    if stopping.patience is not None and validation is not None:
        stop = EarlyStopping(stopping.patience)
        callbacks.append(stop)
    network.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks, validation_data=validation)
    return TrainingHistory(initial_loss, curve.rows, None if stop is None else stop.kept_epoch)
