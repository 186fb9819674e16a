"""``--format keras``: one file that plain Keras opens on any of its engines."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import Float32Array
from forecaster.errors import UsageError
from forecaster.models.exports.base import ExportFormat, ExportSample

__all__ = ["KerasFile", "require_plain_layers"]

_EXAMPLE = """\
import keras

model = keras.saving.load_model(folder / "model.keras")
quantiles = keras.ops.convert_to_numpy(model(sample))[0]"""


class KerasFile(ExportFormat):
    """A ``.keras`` file of plain layers."""

    name = "keras"
    file = "model.keras"
    example: ClassVar[str] = _EXAMPLE

    def write(self, model: Any, folder: Path, samples: Sequence[ExportSample]) -> list[Float32Array]:
        """See `ExportFormat`."""
        import keras

        require_plain_layers(model)
        path = folder / self.file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # keras turns its variables into arrays in an old way
            model.save(path)
        read = keras.saving.load_model(path)
        outputs = [read({"features": each.features, "volatility": each.volatility}) for each in samples]
        return [np.asarray(keras.ops.convert_to_numpy(output)) for output in outputs]


def require_plain_layers(model: Any) -> None:
    """Refuse a model with a class that Keras does not have: without this package nobody could open it.

    Raises:
        UsageError: There is one.
    """
    for operation in model.operations:
        kind = type(operation)
        if kind.__module__.partition(".")[0] != "keras":
            raise UsageError(
                f"the network cannot be exported: its layer {kind.__name__} is not one of Keras; "
                "export a run of another kind, such as lstm"
            )
