"""A clock that stands still and short histories to store: shared by the tests of the store."""

import datetime

import numpy as np

from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries

NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)


def noon() -> datetime.datetime:
    return NOON


def series(closes: list[float], symbol: str = "USDJPY", start: str = "2024-01-01", **more: object) -> PriceSeries:
    dates = np.datetime64(start) + np.arange(len(closes))
    return PriceSeries(parse_pair(symbol), "ecb", symbol, dates, {"close": np.array(closes)}, **more)  # type: ignore[arg-type]
