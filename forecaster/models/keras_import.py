"""Importing keras without the libraries that it only looks for."""

import sys

__all__ = ["import_keras"]

_OPTIONAL = ("matplotlib", "pandas")  # keras draws galleries of images and reads data frames where they are installed


def import_keras() -> None:
    """Import keras while it does not find matplotlib and pandas, in two thirds of the time.

    For a process that runs a command of this program alone: keras itself can neither draw nor read data frames
    afterwards. Call it after `forecaster.models.engine.use_engine`, while no other thread imports anything.
    """
    hidden = [name for name in _OPTIONAL if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import of the name fail
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
