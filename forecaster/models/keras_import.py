"""Importing and using keras without the libraries that it only looks for."""

import contextlib
import sys
from collections.abc import Iterator

__all__ = ["import_keras", "without_tensorflow"]

_OPTIONAL = ("matplotlib", "pandas")  # keras draws galleries of images and reads data frames where they are installed


def import_keras() -> None:
    """Import keras while it does not find matplotlib and pandas, in two thirds of the time.

    On another engine it does not find TensorFlow either, which it would import for seconds to compare types, as it does
    in a bidirectional layer. For a process that runs a command of this program alone: keras itself can neither draw nor
    read data frames afterwards. Call it after `forecaster.models.engine.use_engine`, while no other thread imports
    anything.
    """
    with _hidden(*_OPTIONAL):
        import keras
    if keras.backend.backend() != "tensorflow":
        with without_tensorflow():
            keras.saving.serialize_keras_object(keras.initializers.Zeros())  # keras looks for it, and remembers


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Let keras on another engine not find TensorFlow, which it imports for seconds to compare types.

    For a process that runs a command of this program alone, as keras remembers it.
    """
    with _hidden("tensorflow"):
        yield


@contextlib.contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Make an import of those of `names` fail that are not imported yet."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import of the name fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
