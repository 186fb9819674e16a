"""Raw rows with known faults, and what validation reports about them: shared by the tests of validation."""

import datetime
from pathlib import Path

import numpy as np

from forecaster.data.findings import Finding
from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.ecb import EcbSource
from forecaster.data.validation import MarketExpectations, RawRows, Report, validate

TODAY = datetime.date(2024, 3, 1)
STOCK = MarketExpectations()
PAIR = MarketExpectations(is_pair=True)
ECB = EcbSource()


def days(count: int, first: str = "2023-01-02") -> np.ndarray:
    return np.busday_offset(np.datetime64(first), np.arange(count))


def made(count: int = 300, seed: int = 0, sd: float = 0.006) -> RawRows:
    """A quiet made-up history with all columns, ending on 2024-02-23; nothing is wrong with it."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(sd * np.clip(random.standard_normal(count), -3, 3)))
    opened = close * 1.0005
    columns = {
        "open": opened, "high": opened * 1.004, "low": close * 0.996, "close": close, "adj_close": close * 0.9,
        "volume": np.full(count, 1000.0),
    }  # fmt: skip
    return RawRows(days(count), columns)


def changed(rows: RawRows, **cells: dict[int, float]) -> RawRows:
    columns = {name: values.copy() for name, values in rows.columns.items()}
    for name, new in cells.items():
        for row, value in new.items():
            columns[name][row] = value
    return RawRows(rows.dates, columns)


def check(rows: RawRows, market: MarketExpectations = STOCK, **others: object) -> Report:
    return validate(rows, today=others.pop("today", TODAY), market=market, **others)  # type: ignore[arg-type]


def only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding


def codes(report: Report) -> list[str]:
    return [one.code for one in report.findings]


def fixings(pair: str, end: str | None = None) -> PriceSeries:
    series = ECB.load(LoadRequest(parse_pair(pair), Path(), TODAY)).series
    return series.between(end=end and np.datetime64(end))
