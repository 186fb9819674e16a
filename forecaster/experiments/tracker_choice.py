"""Choice of a tracker by the configuration, before a training, so that a missing package costs none."""

import os
from collections.abc import Callable
from pathlib import Path

from forecaster.config import Config
from forecaster.errors import UsageError
from forecaster.experiments.mlflow_tracker import MlflowTracker, missing_packages
from forecaster.experiments.tracking import NoTracker, Tracker

__all__ = ["STORE", "URI_VARIABLE", "tracker_of", "tracking_location"]

URI_VARIABLE = "MLFLOW_TRACKING_URI"
"""Environment variable with the server, where the configuration names none; it may hold a password."""

STORE = "mlflow.db"
"""File of the store in the project, where no server is named."""


def tracker_of(config: Config, home: Path, note: Callable[[str], None]) -> Tracker:
    """The tracker that a configuration names.

    Args:
        config: Keys ``tracking`` and ``tracking_uri``.
        home: Project folder, which holds the store where no server is named.
        note: Receives the warning of a failure.

    Raises:
        UsageError: A package of the extra ``track`` is not installed.
    """
    if config.tracking == "none":
        return NoTracker()
    location = tracking_location(config, home)
    missing = missing_packages(location)
    if missing:
        raise UsageError(
            f"tracking: mlflow needs {' and '.join(missing)}; install with pip install 'forecaster[track]', "
            "or set tracking=none"
        )
    return MlflowTracker(location, home, note)


def tracking_location(config: Config, home: Path) -> str:
    """URI of the server or store: that of the configuration, of the environment, or a file of the project."""
    given = config.tracking_uri or os.environ.get(URI_VARIABLE, "").strip()
    return given or f"sqlite:///{home.resolve() / STORE}"
