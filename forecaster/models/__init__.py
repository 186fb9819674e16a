"""Forecasters, neural and not; each is found by name through a registry that loads it on first use.

A model is added by writing one file and one line below; the same holds for a baseline in
`forecaster.models.baselines`.
"""

import importlib

from forecaster.models.base import Forecaster

__all__ = ["CALIBRATED_MODELS", "MODELS", "PANEL_MODELS", "model_class"]

# Kind in a config -> module and class. The class owns its options (`Options`) and does its own imports.
MODELS = {
    "classic": "forecaster.models.classic:Classic",
    "lstm": "forecaster.models.architectures.lstm:LSTM",
    "gru": "forecaster.models.architectures.gru:GRU",
}

PANEL_MODELS = frozenset({"lstm", "gru"})
"""Kinds that learn one set of weights from all series of a panel; any other learns each series by itself."""

CALIBRATED_MODELS = frozenset({"lstm", "gru"})
"""Kinds whose intervals are calibrated; those of any other stand as the model gives them, as do all baselines."""


def model_class(kind: str) -> type[Forecaster]:
    """The forecaster class registered as `kind`; KeyError for an unknown one."""
    module, _, name = MODELS[kind].partition(":")
    found: type[Forecaster] = getattr(importlib.import_module(module), name)
    return found
