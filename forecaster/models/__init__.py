"""Forecasters by name: networks and baselines in one registry.

A model is added by one file and one line of `forecaster.model_names.MODELS`. The class describes itself by its
attributes `traits` and `Options`; see `forecaster.models.base.Forecaster`.
"""

import importlib
from collections.abc import Sequence

from forecaster.model_names import MODELS
from forecaster.models.base import Forecaster
from forecaster.models.traits import Traits

__all__ = ["MODELS", "baseline_names", "create", "is_network", "model_class", "network_names", "traits_of"]


def model_class(name: str) -> type[Forecaster]:
    """The forecaster class registered as `name`; KeyError for an unknown name."""
    module, _, attribute = MODELS[name].partition(":")
    registered: type[Forecaster] = getattr(importlib.import_module(module), attribute)
    return registered


def traits_of(name: str) -> Traits:
    """Traits of the model registered as `name`."""
    return model_class(name).traits


def is_network(name: str) -> bool:
    """True for a registered model that `train` can fit; every other model is a baseline."""
    return name in MODELS and traits_of(name).engine


def network_names() -> Sequence[str]:
    """Names of the models that `train` can fit."""
    return [name for name in MODELS if is_network(name)]


def baseline_names() -> Sequence[str]:
    """Names of the models without a network."""
    return [name for name in MODELS if not is_network(name)]


def create(name: str, horizon: int) -> Forecaster:
    """The model registered as `name` with its default options, not yet fitted; KeyError for an unknown name.

    Args:
        name: Key of `MODELS`.
        horizon: Longest step H that it will forecast.
    """
    registered = model_class(name)
    return registered(registered.Options(), horizon)
