"""The indices that come with arch."""

import datetime
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from forecaster.data.instruments import parse_ticker
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.sources.sample import SAMPLES
from forecaster.errors import ConfigError, UsageError

TODAY = datetime.date(2026, 11, 20)


def load(name: str, **options: object):
    return get_source("sample").load(LoadRequest(parse_ticker(name), Path(), TODAY, options)).series


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_twenty_years_of_whole_bars(name: str) -> None:
    series = load(name.lower())
    assert (len(series), str(series.dates[0]), str(series.dates[-1])) == (5031, "1999-01-04", "2018-12-31")
    bars = series.columns
    assert all(np.isfinite(values).all() for values in bars.values())
    tolerance = 1e-6 * bars["close"]
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"]) - tolerance).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"]) + tolerance).all()


def test_the_largest_moves_of_the_index_fall_on_the_days_the_world_remembers() -> None:
    series = load("SP500")
    returns = np.diff(np.log(series.close))
    assert str(series.dates[1:][returns.argmin()]) == "2008-10-15"
    assert str(series.dates[1:][returns.argmax()]) == "2008-10-13"
    assert returns.max() == pytest.approx(0.1096, abs=1e-3)


def test_mistakes() -> None:
    with pytest.raises(UsageError, match="source 'sample' has no 'AAPL'; expected one of NASDAQ, SP500"):
        load("AAPL")
    with pytest.raises(ConfigError, match="option 'x' is unknown; expected none"):
        load("SP500", x=1)


def test_arch_is_not_imported() -> None:
    code = (
        "import datetime, pathlib, sys\n"
        "from forecaster.data.instruments import parse_ticker\n"
        "from forecaster.data.sources.base import LoadRequest\n"
        "from forecaster.data.sources.registry import get_source\n"
        "request = LoadRequest(parse_ticker('SP500'), pathlib.Path(), datetime.date(2026, 1, 1))\n"
        "get_source('sample').load(request).series\n"
        "assert not {'arch', 'pandas', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
