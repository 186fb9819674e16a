"""Stock and currency forecasts that say how sure they are, next to what a naive forecast says."""

import importlib

__version__ = "0.1.0"

# Public name -> home. Resolved on first use (PEP 562), so that importing the package stays cheap.
_HOMES = {
    "Config": "forecaster.config",
    "Forecast": "forecaster.forecast",
    "ForecasterError": "forecaster.errors",
    "Instrument": "forecaster.data.instruments",
    "Panel": "forecaster.data.series",
    "PriceSeries": "forecaster.data.series",
    "load_config": "forecaster.config",
    "parse_pair": "forecaster.data.instruments",
    "plot": "forecaster.workflows.plot",
    "predict": "forecaster.workflows.predict",
    "train": "forecaster.workflows.train",
}

__all__ = [  # names come from the table above
    "__version__",
    *sorted(_HOMES),
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
