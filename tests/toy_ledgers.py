"""Ledgers of simulated forecasts: normal distributions, issued day by day, beside baselines of other widths."""

import datetime
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.experiments.ledger import append_entries
from forecaster.quantiles import SCORING_LEVELS, normal_scores

SCORES = normal_scores(SCORING_LEVELS)
DAYS = np.busday_offset(np.datetime64("2019-01-01"), np.arange(900), roll="forward")
VOLATILITY = 0.006
SCALE = 1e-10


def prices(days: int = len(DAYS), seed: int = 0, volatility: float = VOLATILITY) -> np.ndarray:
    """(N,) prices of a random walk."""
    return 100 * np.exp(np.cumsum(volatility * np.random.default_rng(seed).standard_normal(days)))


def price_file(path: Path, close: np.ndarray) -> Path:
    """A file of prices for --csv."""
    rows = [f"{day},{price!r}" for day, price in zip(DAYS, close.tolist(), strict=False)]
    path.write_text("\n".join(["date,close", *rows]) + "\n", encoding="utf-8")
    return path


def integers(values: np.ndarray) -> list[list[int]]:
    """Quantiles as a ledger has them."""
    rows: list[list[int]] = np.rint(values).astype(int).tolist()
    return rows


def entry(row: int, close: np.ndarray, **changes: Any) -> dict[str, Any]:
    """The forecast from a row of `DAYS`."""
    steps = np.sqrt(np.arange(1, 6))
    widths = {"garch": 1.1, "random_walk": 1.5}
    values = np.multiply.outer(VOLATILITY * steps, SCORES) / SCALE
    return {
        "version": "0.1.0",
        "instrument": "toy",
        "kind": "csv",
        "source": "csv",
        "frequency": "1d",
        "data": {},
        "data_sha256": "0" * 64,
        "run_id": "20190101-000000-000-toy-000000",
        "model": "lstm",
        "configuration": "quick",
        "calibration": "none",
        "cutoff": str(DAYS[row]),
        "last_price": float(close[row]),
        "unit": "log_return",
        "levels": list(SCORING_LEVELS),
        "dates": np.busday_offset(DAYS[row], np.arange(1, 6)).astype(str).tolist(),
        "scale": SCALE,
        "quantiles": integers(values),
        "unchanged": None,
        "baseline_steps": [1, 5],
        "baselines": {name: integers(width * values[[0, 4]]) for name, width in widths.items()},
        **changes,
    }


def clock_of(day: np.datetime64 | str, hour: int = 18) -> Callable[[], datetime.datetime]:
    """A clock that stands still."""
    return lambda: datetime.datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")


def write_ledger(path: Path, entries: Iterable[Mapping[str, Any]]) -> Path:
    """A ledger of entries, each issued in the evening of its cutoff."""
    for each in entries:
        append_entries(path, [each], clock_of(each["cutoff"]))
    return path
