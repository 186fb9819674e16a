"""Histories as files of named arrays, without code: rows, instrument, origin and findings."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray
from forecaster.data.findings import findings_from_json, findings_to_json
from forecaster.data.instruments import Instrument
from forecaster.data.series import COLUMNS, PriceSeries
from forecaster.data.sources.base import Loaded

__all__ = ["history_arrays", "history_bytes", "history_of"]

_FACTS = "facts"


def history_arrays(loaded: Loaded) -> dict[str, AnyArray]:
    """The arrays of a history, its facts as bytes of JSON."""
    series = loaded.series
    facts = {
        "instrument": {"kind": series.instrument.kind, "name": series.instrument.name},
        "path": None if series.instrument.path is None else os.path.basename(series.instrument.path),
        "source": series.source,
        "symbol": series.symbol,
        "frequency": series.frequency,
        "meta": dict(series.meta),
        "findings": json.loads(findings_to_json(loaded.findings)),
    }
    arrays: dict[str, AnyArray] = {name: np.asarray(values) for name, values in series.columns.items()}
    arrays["dates"] = series.dates.astype("datetime64[D]").astype(np.int64)
    arrays[_FACTS] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    if series.rounding is not None:
        arrays["rounding"] = np.asarray(series.rounding)
    return arrays


def history_bytes(loaded: Loaded) -> bytes:
    """Content of a file of a history."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **history_arrays(loaded))
    return file.getvalue()


def history_of(arrays: Mapping[str, AnyArray], facts: Any) -> Loaded:
    """The history in named arrays.

    Args:
        arrays: Those of `history_arrays`, parsed.
        facts: The parsed JSON among them.

    Raises:
        ValueError: They are not those of a history.
        InputFileError: Dates or prices are not valid.
    """
    try:
        instrument = Instrument(
            kind=facts["instrument"]["kind"],
            name=str(facts["instrument"]["name"]),
            path=None if facts["path"] is None else Path(os.path.basename(str(facts["path"]))),
        )
        series = PriceSeries(
            instrument=instrument,
            source=str(facts["source"]),
            symbol=str(facts["symbol"]),
            dates=arrays["dates"].astype("datetime64[D]"),
            columns={name: arrays[name].astype(np.float64) for name in COLUMNS if name in arrays},
            rounding=arrays.get("rounding"),
            frequency=str(facts["frequency"]),
            meta={str(key): str(value) for key, value in facts["meta"].items()},
        )
        findings = findings_from_json(json.dumps(facts["findings"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not a history: {error}") from error
    return Loaded(series, findings)
