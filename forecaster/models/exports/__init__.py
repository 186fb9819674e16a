"""Formats of exported forecasters by name.

A format is added by one file of this folder, a subclass of `forecaster.models.exports.base.ExportFormat`, and one line
of `FORMATS`.
"""

import importlib

from forecaster.models.exports.base import ExportFormat

__all__ = ["FORMATS", "export_format"]

# Value of --format -> module and class, imported on first use.
FORMATS = {
    "keras": "forecaster.models.exports.keras_file:KerasFile",
    "onnx": "forecaster.models.exports.onnx_file:OnnxFile",
    "saved-model": "forecaster.models.exports.saved_model:SavedModel",
}


def export_format(name: str) -> ExportFormat:
    """The format registered as `name`; KeyError for an unknown name."""
    module, _, attribute = FORMATS[name].partition(":")
    registered: type[ExportFormat] = getattr(importlib.import_module(module), attribute)
    return registered()
