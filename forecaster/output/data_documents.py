"""JSON documents ``data/1`` of stored histories; see `forecaster.output.documents`."""

import csv
import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecaster.arrays import DateArray
from forecaster.data.findings import Finding
from forecaster.data.results import (
    Fetching,
    HistoryDifference,
    HistoryFacts,
    Pruning,
    StoredHistory,
    Verification,
)
from forecaster.data.series import COLUMNS, PriceSeries
from forecaster.data.store import Version
from forecaster.data.store_difference import ColumnChange
from forecaster.experiments.used_data import UsedHistories
from forecaster.files import plain

__all__ = [
    "columns_csv",
    "columns_document",
    "columns_rows",
    "difference_document",
    "fetching_document",
    "histories_document",
    "history_document",
    "pruning_document",
    "used_document",
    "verification_document",
]

SCHEMA = "data/1"


def fetching_document(fetching: Fetching) -> dict[str, Any]:
    """Outcomes of `data fetch` and `data refresh`."""
    histories = [
        {
            "instrument": history.name,
            "outcome": history.outcome,
            "version": None if history.version is None else _version(history.version),
            "age_business_days": history.age,
            "findings": [_finding(finding) for finding in history.findings],
            "reason": None if history.error is None else history.error.messages[0],
        }
        for history in fetching.fetched
    ]
    return {"schema": SCHEMA, "histories": histories}


def histories_document(histories: Sequence[StoredHistory]) -> dict[str, Any]:
    """Histories of `data list`."""
    documents = []
    for history in histories:
        newest = dataclasses.asdict(history.newest)
        documents.append(
            {
                "series": history.newest.series,
                "source": history.newest.source,
                "symbol": history.newest.symbol,
                "interval": history.newest.frequency,
                "versions": history.versions,
                **{key: newest[key] for key in ("rows", "first", "last")},
                "age_business_days": history.age,
                **{key: newest[key] for key in ("saved_at", "sha256")},
            }
        )
    return {"schema": SCHEMA, "histories": documents}


def used_document(used: UsedHistories) -> dict[str, Any]:
    """Histories of `data list --used-by`."""
    return {
        "schema": SCHEMA,
        "run_id": used.run_id,
        "universe": used.universe,
        "universe_sha256": used.universe_sha256,
        "histories": [
            {
                "instrument": history.instrument,
                "role": history.role,
                **history.facts.to_json(),
                "stored_sha256": history.stored,
                "in_store": history.in_store,
            }
            for history in used.histories
        ],
        "covariates": [{"name": name, "sha256": sha256} for name, sha256 in used.covariates.items()],
    }


def history_document(facts: HistoryFacts) -> dict[str, Any]:
    """Facts of `data show` about one history."""
    series = facts.series
    return {
        "schema": SCHEMA,
        "instrument": series.instrument.name,
        "series": series.name,
        "source": series.source,
        "symbol": series.symbol,
        "interval": series.frequency,
        "sha256": series.sha256,
        "rows": len(series),
        "first": str(series.dates[0]),
        "last": str(series.dates[-1]),
        "age_business_days": facts.age,
        "columns": list(series.columns),
        "last_price": float(series.close[-1]),
        "lowest": _row(series, int(np.argmin(series.close))),
        "highest": _row(series, int(np.argmax(series.close))),
        "attribution": series.meta.get("attribution"),
        "origin": {key: value for key, value in series.meta.items() if key != "attribution"},
        "versions": [_version(version) for version in facts.versions],
        "findings": [_finding(finding) for finding in facts.findings],
        "picture": None if facts.path is None else str(facts.path),
    }


def columns_document(series: PriceSeries) -> dict[str, Any]:
    """Rows of `data export`."""
    columns = {name: values.tolist() for name, values in series.columns.items()}
    dates = [str(day) for day in series.dates]
    return {"schema": SCHEMA, "series": series.name, "sha256": series.sha256, "columns": {"date": dates, **columns}}


def columns_csv(series: PriceSeries) -> str:
    """Rows of `data export` as CSV, with numbers that are read back bit for bit."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in COLUMNS if name in series.columns]
    writer.writerow(["date", *names])
    columns = (series.columns[name].tolist() for name in names)
    for date, *values in zip(series.dates.tolist(), *columns, strict=True):
        writer.writerow([date.isoformat(), *("" if value != value else repr(value) for value in values)])
    return text.getvalue()


def columns_rows(series: PriceSeries) -> list[dict[str, Any]]:
    """Rows of `data export` for a workbook or a page; a missing value is None."""
    names = [name for name in COLUMNS if name in series.columns]
    columns = [series.columns[name].tolist() for name in names]
    return [
        {"date": str(date), **{name: None if value != value else value for name, value in zip(names, row, strict=True)}}
        for date, *row in zip(series.dates, *columns, strict=True)
    ]


def verification_document(verification: Verification) -> dict[str, Any]:
    """Result of `data verify`."""
    return {
        "schema": SCHEMA,
        "intact": verification.problem is None,
        "versions": len(verification.checkups),
        "histories": verification.histories,
        "damaged": [{**_version(checkup.version), "damage": checkup.damage} for checkup in verification.damaged],
        "faults": list(verification.faults),
    }


def difference_document(result: HistoryDifference) -> dict[str, Any]:
    """Result of `data diff`."""
    difference = result.difference
    columns = {name: _change(change, result.rows) for name, change in difference.columns.items()}
    return {
        "schema": SCHEMA,
        "first": _version(result.first),
        "second": _version(result.second),
        "same": difference.is_empty,
        "added": _dates(difference.added, result.rows),
        "removed": _dates(difference.removed, result.rows),
        "revised": {**_dates(difference.revised, result.rows), "columns": columns},
    }


def pruning_document(pruning: Pruning) -> dict[str, Any]:
    """Result of `data prune`."""
    return {
        "schema": SCHEMA,
        "dry_run": pruning.dry_run,
        "versions": [_version(version) for version in pruning.pruned.versions],
        "rows": pruning.pruned.rows,
        "bytes": pruning.pruned.bytes,
        "shrunk": pruning.pruned.shrunk,
        "kept": pruning.remaining,
    }


def _version(version: Version) -> dict[str, Any]:
    facts = dataclasses.asdict(version)
    keys = ("sha256", "rows", "first", "last", "saved_at", "added", "revised", "removed")
    return {"series": version.series, **{key: facts[key] for key in keys}}


def _finding(finding: Finding) -> dict[str, Any]:
    return {**dataclasses.asdict(finding), "severity": finding.severity.value, "dates": list(finding.dates)}


def _row(series: PriceSeries, row: int) -> dict[str, Any]:
    return {"date": str(series.dates[row]), "price": float(series.close[row])}


def _dates(dates: DateArray, rows: int) -> dict[str, Any]:
    return {"count": len(dates), "dates": [str(date) for date in dates[:rows]]}


def _change(change: ColumnChange, rows: int) -> dict[str, Any]:
    values = zip(change.dates[:rows], change.old.tolist(), change.new.tolist(), strict=False)
    return {
        "count": len(change.dates),
        "ratio": change.ratio,
        "rows": [plain({"date": date, "old": old, "new": new}) for date, old, new in values],  # no NaN
    }
