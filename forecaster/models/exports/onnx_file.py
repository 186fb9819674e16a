"""``--format onnx``: one file for onnxruntime and other programs that read ONNX."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import Float32Array
from forecaster.models.exports.base import ExportFormat, ExportSample
from forecaster.models.exports.keras_file import require_plain_layers

__all__ = ["OnnxFile"]

_EXAMPLE = """\
import onnxruntime

model = onnxruntime.InferenceSession(str(folder / "model.onnx"))
quantiles = model.run(None, sample)[0][0]"""


class OnnxFile(ExportFormat):
    """An ``.onnx`` file, written node by node."""

    name = "onnx"
    file = "model.onnx"
    packages = ("onnx", "onnxruntime")
    example: ClassVar[str] = _EXAMPLE

    def write(self, model: Any, folder: Path, samples: Sequence[ExportSample]) -> list[Float32Array]:
        """See `ExportFormat`."""
        import onnxruntime

        from forecaster.models.exports.onnx_graph import onnx_model

        require_plain_layers(model)
        path = folder / self.file
        path.write_bytes(onnx_model(model).SerializeToString())
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        inputs = [{"features": sample.features, "volatility": sample.volatility} for sample in samples]
        return [np.asarray(session.run(None, each)[0]) for each in inputs]
