"""Forecasters without a network, which every table must show beside it.

A baseline is added by writing one file and one line below.
"""

import importlib

from forecaster.models.base import Forecaster

__all__ = ["BASELINES", "baseline"]

# Name in tables and JSON -> module and class.
BASELINES = {
    "ewma": "forecaster.models.baselines.ewma:EWMA",
    "ewma_t": "forecaster.models.baselines.ewma_t:EWMAT",
    "fhs": "forecaster.models.baselines.fhs:FHS",
    "garch": "forecaster.models.baselines.garch:GARCH",
    "gjr_garch": "forecaster.models.baselines.gjr_garch:GJRGARCH",
    "har": "forecaster.models.baselines.har:HAR",
    "random_walk": "forecaster.models.baselines.random_walk:RandomWalk",
    "random_walk_constant": "forecaster.models.baselines.random_walk_constant:RandomWalkConstant",
    "ridge": "forecaster.models.baselines.ridge:Ridge",
}


def baseline(name: str, horizon: int) -> Forecaster:
    """The baseline registered as `name` with its default options; KeyError for an unknown one."""
    module, _, attribute = BASELINES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    made: Forecaster = found(found.Options(), horizon)
    return made
