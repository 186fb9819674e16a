"""``--format saved-model``: a folder for TensorFlow, TensorFlow Serving and what reads their format.

TensorFlow writes it in a process of its own, as Keras has one engine in a process and this one may run on JAX.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import Float32Array
from forecaster.errors import StorageError
from forecaster.models.exports.base import ExportFormat, ExportSample
from forecaster.models.exports.keras_file import KerasFile

__all__ = ["SavedModel"]

_EXAMPLE = """\
import tensorflow as tf

model = tf.saved_model.load(folder / "saved_model")
quantiles = model.serve({name: tf.constant(value) for name, value in sample.items()}).numpy()[0]"""

_PROGRAM = """\
import sys
import keras, numpy as np, tensorflow as tf
scratch, target = sys.argv[1:]
keras.saving.load_model(scratch + "/model.keras").export(target, format="tf_saved_model", verbose=False)
model = tf.saved_model.load(target)
inputs = np.load(scratch + "/inputs.npz")
outputs = []
for number in range(len(inputs) // 2):
    sample = {name: tf.constant(inputs[f"{name}_{number}"]) for name in ("features", "volatility")}
    outputs.append(model.serve(sample).numpy())
np.savez(scratch + "/outputs.npz", *outputs)
"""
MAX_SECONDS = 600


class SavedModel(ExportFormat):
    """A folder in TensorFlow's format, with the function ``serve``."""

    name = "saved-model"
    file = "saved_model"
    example: ClassVar[str] = _EXAMPLE

    def write(self, model: Any, folder: Path, samples: Sequence[ExportSample]) -> list[Float32Array]:
        """See `ExportFormat`."""
        with tempfile.TemporaryDirectory(prefix="forecaster-") as name:
            scratch = Path(name)
            KerasFile().write(model, scratch, ())
            inputs = {f"features_{number}": sample.features for number, sample in enumerate(samples)}
            inputs |= {f"volatility_{number}": sample.volatility for number, sample in enumerate(samples)}
            np.savez(scratch / "inputs.npz", allow_pickle=False, **inputs)
            _run_tensorflow(scratch, folder / self.file)
            with np.load(scratch / "outputs.npz") as outputs:
                return [outputs[f"arr_{number}"] for number in range(len(samples))]


def _run_tensorflow(scratch: Path, target: Path) -> None:
    variables = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", _PROGRAM, str(scratch), str(target)]
    done = subprocess.run(
        command, env=os.environ | variables, cwd=scratch, capture_output=True, timeout=MAX_SECONDS, check=False
    )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise StorageError(
            f"TensorFlow could not write the model: {lines[-1]:.200}; it was not saved; free some space or memory, or "
            "choose --format keras"
        )
