"""Drift alarms of one instrument, from the ledger and the history that a forecast has loaded."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.errors import InputFileError
from forecaster.evaluation.drift import DriftAlarm, drift_alarms
from forecaster.experiments.ledger import SCHEMA, Line, read_ledger, split_lines
from forecaster.experiments.ledger_columns import SeriesKey, columns_by_series
from forecaster.experiments.ledger_histories import History, LedgerLoader, issued_forecasts

__all__ = ["run_drift"]


def run_drift(path: Path, instrument: Instrument, series: PriceSeries, run_id: str) -> DriftAlarm | None:
    """The last drift alarm of the logged forecasts of an instrument, where the run `run_id` has raised it.

    A run that was trained after the alarm begins without one.

    Args:
        path: The ledger.
        instrument: In either orientation.
        series: Its history, in canonical orientation.
        run_id: The run.

    Raises:
        InputFileError: The ledger cannot be read.
    """
    key = SeriesKey(
        instrument.kind, instrument.canonical.name, series.source, "change" if series.differences else "log_return"
    )
    entries = list(_entries_of(path, key, series.frequency))
    loader = LedgerLoader(columns_by_series(entries), lambda *_: History(series, lambda *_: True))
    due = [each for columns in loader.columns if (each := loader.due(columns)) is not None]
    issued = [pair[1] for each in due for step in each.columns.steps if (pair := issued_forecasts(each, step))]
    alarms = [alarm for alarm in drift_alarms(issued) if alarm.run_id == run_id]
    return alarms[-1] if alarms else None


def _entries_of(path: Path, key: SeriesKey, frequency: str) -> Iterator[dict[str, Any]]:
    """Sound entries of a history; of the other lines nothing is read but the name."""
    lines, _ = split_lines(read_ledger(path))
    names = {key.name, key.name[3:] + key.name[:3]} if key.kind == "pair" else {key.name}
    wanted = re.compile(
        b'"instrument":(?:%s),' % b"|".join(re.escape(json.dumps(name).encode()) for name in sorted(names))
    )
    for content in lines:
        if wanted.search(content) is None:
            continue
        line = Line.of(content)
        if line is None or not line.is_intact:
            raise InputFileError(f"{path}: a line is damaged; expected an unbroken chain; see: forecast ledger verify")
        try:
            entry = line.graded_content()
            fits = entry["schema"] == SCHEMA and SeriesKey.of(entry) == key and entry["frequency"] == frequency
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise InputFileError(f"{path}: a line is no entry ({error}); see: forecast ledger verify") from error
        if fits:
            yield entry
