"""Inspections of runs as documents, tables and lines."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from forecaster.evaluation.memory_length import Memory
from forecaster.experiments.inspections import Inspection
from forecaster.models.architectures.gates import LayerGates, Summary
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.output.tables import plain_table

__all__ = ["gate_table", "importance_table", "inspection_document", "inspection_lines"]

_SHARES = {"half": 0.5, "tenth": 0.1}
"""Name -> share of the largest influence."""

_WEIGHT_SHARES = {"half": 0.5, "nine_tenths": 0.9}
"""Name -> share of the weights of past rows."""


def inspection_document(result: Inspection) -> dict[str, Any]:
    """The document ``inspect/1`` of an instrument."""
    run = result.run
    report = run.manifest.report
    return {
        "schema": "inspect/1",
        "instrument": result.instrument.name,
        "run_id": run.id,
        "model": run.manifest.model.model,
        "source": result.series.source,
        "data_sha256": result.series.sha256,
        "first": str(result.dates[0]),
        "last": str(result.dates[-1]),
        "layers": [_layer(layer) for layer in result.layers],
        "days": _days(result),
        "lag_weights": [_lag_weights(layer) for layer in result.lag_weights],
        "memory": None if result.memory is None else _memory(result.memory),
        "part": result.part,
        "cutoffs": None if result.cutoffs is None else [str(date) for date in result.cutoffs],
        "importance": [
            {key: value for key, value in row.items() if key != "instrument"} for row in result.table_rows()
        ],
        "curve": [dict(row) for row in result.curve],
        "initial_loss": report.initial_loss,
        "reference_losses": dict(report.reference_losses),
        "missing": dict(result.missing),
    }


def _layer(layer: LayerGates) -> dict[str, Any]:
    half_lives = layer.half_lives
    return {
        "layer": layer.name,
        "units": layer.state.shape[-1],
        "gates": {gate: dataclasses.asdict(summary) for gate, summary in layer.summaries.items()},
        "state": layer.state_name,
        "state_size": dataclasses.asdict(Summary.of(layer.state_size)),
        "half_life": None
        if half_lives is None
        else {
            "gate": layer.kept_by,
            "median": float(np.median(half_lives)),
            "longest": float(half_lives.max()),
        },
    }


def _lag_weights(layer: LagWeights) -> dict[str, Any]:
    rows_to = {name: layer.rows_to(share) for name, share in _WEIGHT_SHARES.items()}
    return {"layer": layer.name, "rows_to": rows_to, "weights": layer.mean.tolist()}


def _days(result: Inspection) -> list[dict[str, Any]]:
    """Means over the units of each layer, day by day; a state counts by its size."""
    columns = {
        layer.name: {
            **{gate: values.mean(axis=-1) for gate, values in layer.gates.items()},
            "state_size": layer.state_size.mean(axis=-1),
        }
        for layer in result.layers
    }
    if not columns:
        return []
    return [
        {
            "date": str(date),
            "layers": {
                name: {key: float(values[row]) for key, values in means.items()} for name, means in columns.items()
            },
        }
        for row, date in enumerate(result.dates)
    ]


def _memory(memory: Memory) -> dict[str, Any]:
    curves = {name: curve.tolist() for name, curve in memory.curves.items()}
    return {
        "rows": memory.rows,
        "longest_lag": memory.longest_lag,
        "lags_to": {name: memory.lags_to(share) for name, share in _SHARES.items()},
        "influence": curves,
    }


def gate_table(document: Mapping[str, Any]) -> Table:
    """A table with a row for each gate of a layer, and for the size of its state."""
    table = plain_table()
    for name in ("layer", "gate, |state|"):
        table.add_column(name, no_wrap=True)
    for name in ("mean", "10 %", "90 %", "< 0.1", "> 0.9", "half-life"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in document["layers"]:
        half_life = layer["half_life"] or {"gate": None}
        for name, values in {**layer["gates"], f"|{layer['state']}|": layer["state_size"]}.items():
            numbers = [f"{values[key]:.2f}" for key in ("mean", "low", "high")]
            shares = [f"{100 * values[key]:.0f} %" for key in ("below", "above")]
            life = f"{half_life['median']:.1f}" if name == half_life["gate"] else ""
            table.add_row(layer["layer"], name, *numbers, *shares, life)
    return table


def importance_table(document: Mapping[str, Any]) -> Table:
    """A table with a row for each input, the most important first, and columns for each step."""
    rows = document["importance"]
    steps = list(dict.fromkeys(row["step"] for row in rows))
    by_input = {name: {row["step"]: row for row in rows if row["input"] == name} for name in _ordered(rows)}
    table = plain_table()
    table.add_column("input", no_wrap=True)
    for step in steps:
        table.add_column(f"h={step}", justify="right")
        table.add_column("95 % interval", justify="right", no_wrap=True)
    for name, values in by_input.items():
        cells = []
        for step in steps:
            row = values[step]
            interval = "-" if row["low"] is None else f"{100 * row['low']:+.2f} to {100 * row['high']:+.2f}"
            cells += [f"{100 * row['increase']:+.2f} %", interval]
        table.add_row(name, *cells)
    return table


def _ordered(rows: Any) -> list[str]:
    """Names of the inputs by their importance at the first step."""
    first = [row for row in rows if row["step"] == rows[0]["step"]]
    return [row["input"] for row in sorted(first, key=lambda row: -row["increase"])]


def inspection_lines(document: Mapping[str, Any]) -> list[str]:
    """Sentences about the memory, the importances, the training, and what is missing."""
    lines = [
        f"weights of past rows: {layer['layer']} has half of them on the newest {layer['rows_to']['half']}, "
        f"nine tenths on the newest {layer['rows_to']['nine_tenths']}"
        for layer in document["lag_weights"]
    ]
    memory = document["memory"]
    if memory is not None:
        parts = [
            f"{name} {_lag(memory['lags_to']['half'][name], memory)} (half), "
            f"{_lag(memory['lags_to']['tenth'][name], memory)} (tenth)"
            for name in ("state", "forecast")
        ]
        lines.append(f"memory in rows, until an input has lost its influence on the {'; on the '.join(parts)}")
    if document["importance"]:
        first, last = document["cutoffs"]
        lines.append(
            f"importance: increase of the CRPS with a shuffled input, {document['part']} rows {first} to {last}, "
            f"{document['importance'][0]['n']} cutoffs; inputs that resemble each other share theirs"
        )
    curve = [row for row in document["curve"] if row.get("validation_loss") is not None]
    if curve:
        best = min(curve, key=lambda row: row["validation_loss"])
        lines.append(f"training: best validation loss {best['validation_loss']:.4g} at step {best['step']:,.0f}")
    return [*lines, *(f"no {section}: {reason}" for section, reason in document["missing"].items())]


def _lag(lag: int | None, memory: Mapping[str, Any]) -> str:
    return f"more than {memory['longest_lag']}" if lag is None else str(lag)
