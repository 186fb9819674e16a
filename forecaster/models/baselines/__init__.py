"""Forecasters without a network, which every table must show beside it.

A baseline is added by writing one file and one line below.
"""

import importlib

from forecaster.models.base import Forecaster

__all__ = ["BASELINES", "baseline"]

# Name in tables and JSON -> module and class.
BASELINES = {
    "ewma": "forecaster.models.baselines.ewma:EWMA",
    "garch": "forecaster.models.baselines.garch:GARCH",
    "random_walk": "forecaster.models.baselines.random_walk:RandomWalk",
}


def baseline(name: str, horizon: int) -> Forecaster:
    """The baseline registered as `name` with its default options; KeyError for an unknown one."""
    module, _, attribute = BASELINES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    made: Forecaster = found(found.Options(), horizon)
    return made
