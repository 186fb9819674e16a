"""Files beside an exported forecaster: the description of its inputs, and an example of its use."""

from collections.abc import Mapping
from typing import Any

from forecaster import __version__
from forecaster.experiments.results import ExportResult
from forecaster.features import antisymmetric_features
from forecaster.features.definitions import SYMBOLS, formula

__all__ = ["DESCRIPTION", "EXAMPLE", "EXAMPLE_INPUTS", "example_program", "export_document"]

DESCRIPTION = "inputs.json"
EXAMPLE = "example.py"
EXAMPLE_INPUTS = "example.npz"

_CONTAINED = (
    "network",
    "volatility regression and its share of the quantiles",
    "location gate: the median moves by a learned location at location_steps only",
    "scaling by the volatility and the square root of the step",
)

_NOT_CONTAINED: Mapping[str, str] = {
    "features": "they are computed outside, by the formulas of this file",
    "coming_days": "predict multiplies all quantiles of a step by a width that the calendar of volatility and the "
    "user's events give; multiply the output by a width of your own, or leave it",
    "calibration": "predict adjusts the widths of the intervals by past outcomes; multiply the distances from the "
    "median by a factor of your own, or leave them",
    "drift": "predict moves the median of a series whose own past proves a drift",
    "other_steps": "divide by the square root of the step, interpolate linearly in the log of the step, multiply again",
    "other_levels": "interpolate linearly in the normal score of the level; beyond the outermost levels the tail is "
    "that of Student's t with four degrees of freedom",
    "inverse_quotation": "a pair is modelled in the orientation of the field instrument; for the other one change the "
    "signs of the quantiles and reverse their order",
}

_PROGRAM = """\
import json
from pathlib import Path

import numpy as np
{load_imports}
folder = Path(__file__).parent
about = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
example = np.load(folder / "example.npz")
sample = {{name: example[name] for name in ("features", "volatility")}}
{load}
for step, values in zip(about["output"]["steps"], quantiles):
    prices = {price}
    print(step, " ".join(f"{{value:.6g}}" for value in prices))
"""


def export_document(result: ExportResult) -> dict[str, Any]:
    """The document ``export/1``: what goes in, what comes out, what is in it and what is not."""
    inputs = result.inputs
    left_out = {name: text for name, text in _NOT_CONTAINED.items() if inputs.coming_days or name != "coming_days"}
    return {
        "schema": "export/1",
        "run_id": result.run_id,
        "model": result.model,
        "format": result.format,
        "file": result.file,
        "version": __version__,
        "instrument": result.instrument,
        "frequency": result.frequency,
        "inputs": [_features(result), _volatility(result)],
        "symbols": dict(SYMBOLS),
        "output": {
            "name": "forecast",
            "type": "float32",
            "shape": ["batch", len(inputs.steps), len(inputs.quantile_levels)],
            "unit": f"{_unit(result)} from the cutoff to the step",
            "steps": list(inputs.steps),
            "quantile_levels": list(inputs.quantile_levels),
            "location_steps": list(inputs.location_steps),
            "price": "last price + value" if result.differences else "last price * exp(value)",
        },
        "contained": list(_CONTAINED),
        "not_contained": [{"name": name, "meaning": text} for name, text in left_out.items()],
        "check": {
            "forecasts": result.forecasts,
            "largest_difference": result.difference,
            "tolerance": result.tolerance,
            "unit": "volatility of one row; relative for values above 1",
        },
        "example": {"cutoff": str(result.cutoff), "last_price": result.last_price},
    }


def _features(result: ExportResult) -> dict[str, Any]:
    inputs = result.inputs
    columns = zip(inputs.feature_names, antisymmetric_features(inputs.feature_names), strict=True)
    return {
        "name": "features",
        "type": "float32",
        "shape": ["batch", "rows", len(inputs.feature_names)],
        "unit": "none: ratios and logs of ratios",
        "order": "oldest row first; the last row is the cutoff",
        "first_row": inputs.first_row + 1,
        "window": inputs.window,
        "settled_rows": inputs.settled if inputs.window is None else inputs.window,
        "settled_difference": result.settled_difference,
        "columns": [
            {"name": name, "formula": formula(name), "antisymmetric": bool(antisymmetric)}
            for name, antisymmetric in columns
        ],
    }


def _volatility(result: ExportResult) -> dict[str, Any]:
    return {
        "name": "volatility",
        "type": "float32",
        "shape": ["batch", 1],
        "unit": f"standard deviation of the {_unit(result)} of one row",
        "order": "that of the cutoff, v in the formulas",
    }


def _unit(result: ExportResult) -> str:
    return "change of the price" if result.differences else "log return"


def example_program(result: ExportResult, loading: str) -> str:
    """A program that opens the exported forecaster without this package.

    Args:
        result: The export.
        loading: Import of the library, an empty line, and lines from ``folder`` and ``sample`` to ``quantiles``.
    """
    load_imports, _, load = loading.partition("\n\n")
    last_price = 'about["example"]["last_price"]'
    price = f"{last_price} + values" if result.differences else f"{last_price} * np.exp(values)"
    return _PROGRAM.format(load_imports=load_imports + "\n", load=load, price=price)
