"""Speed of fetching, storing, validating and reading data: medians of several runs, JSON in the last line.

    python benchmarks/data.py               # about two minutes on two idle cores
    python benchmarks/data.py --runs 1 --pairs 50 --rows 100000

`fetch` is a whole process with a new home folder; all other tasks run in one process. The million rows are simulated
and begin in the year 1600, since no market has that many days.
"""

import argparse
import datetime
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from processes import machine, positive, print_result, run

from forecaster.data.series import PriceSeries

TODAY = datetime.date(2026, 10, 31)
TODAY_MADE_UP = datetime.date(9999, 1, 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=positive, default=5, help="runs of each task; the pairs are stored once")
    parser.add_argument("--pairs", type=positive, default=870, help="number of ordered pairs to store and verify")
    parser.add_argument("--rows", type=positive, default=1_000_000, help="rows of the CSV file")
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        figures = {
            "data fetch --pair USDJPY, whole process": fetch_seconds(home, parsed.runs),
            "load 7,126 rows from the store": load_seconds(home, parsed.runs),
            "validate 7,126 rows": validate_seconds(parsed.runs),
            f"store and verify {parsed.pairs} pairs": pairs_seconds(home, parsed.pairs),
            f"read and validate a CSV of {parsed.rows:,} rows": csv_seconds(home, parsed.rows, parsed.runs),
        }
    rows = [("task", "seconds"), *((task, f"{seconds:.4f}") for task, seconds in figures.items())]
    print_result(rows, {"seconds": figures, "machine": machine()}, parsed.format)


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Median wall time of `work` over `runs` runs, after one unmeasured run."""
    work()
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def fetch_seconds(home: Path, runs: int) -> float:
    """Median wall time of the process `data fetch`, each time in a new home folder."""
    command = str(Path(sys.executable).with_name("forecast"))
    taken = [
        run(
            [command, "data", "fetch", "--pair", "USDJPY", "--offline", "--home", str(home / f"fetch-{number}")]
        ).seconds
        for number in range(runs + 1)
    ]
    return statistics.median(taken[1:])


def load_seconds(home: Path, runs: int) -> float:
    """Median time to load a history from an open store."""
    from forecaster.data.store import Store

    with Store.open(home / "one.sqlite") as store:
        store.save(pair("USDJPY"))
        return median_seconds(lambda: store.load("ecb", "USDJPY"), runs)


def validate_seconds(runs: int) -> float:
    """Median time of all validation checks of one pair."""
    from forecaster.data.validation import RawRows, market_expectations, validate

    series = pair("USDJPY")
    market = market_expectations(series)
    rows = RawRows.of(series)
    return median_seconds(lambda: validate(rows, today=TODAY, market=market).findings, runs)


def pairs_seconds(home: Path, count: int) -> float:
    """Time to compute and store ordered pairs of all current currencies and to verify every version."""
    from forecaster.data.instruments import CURRENCIES, ENDED_CURRENCIES, Instrument
    from forecaster.data.sources.base import LoadRequest
    from forecaster.data.sources.registry import get_source
    from forecaster.data.store import Store

    source = get_source("ecb")
    live = [currency for currency in CURRENCIES if currency not in ENDED_CURRENCIES]
    begun = time.perf_counter()
    with Store.open(home / "many.sqlite") as store:
        for base, quote in itertools.islice(itertools.permutations(live, 2), count):
            store.save(source.load(LoadRequest(Instrument("pair", base + quote), home, TODAY)).series)
        damaged = [version for version in store.verify() if version.damage]
    if damaged:
        raise SystemExit(f"error: {len(damaged)} versions are damaged")
    return time.perf_counter() - begun


def csv_seconds(home: Path, count: int, runs: int) -> float:
    """Median time to read and validate a CSV file of `count` rows and six columns."""
    import numpy as np

    from forecaster.data.instruments import csv_instrument
    from forecaster.data.sources.base import LoadRequest
    from forecaster.data.sources.registry import get_source

    rng = np.random.default_rng(0)
    close = 100 * np.exp(rng.normal(0, 0.01, count).cumsum() * 0.05)
    high, low = close * 1.01, close * 0.99
    days = np.datetime64("1600-01-01") + np.arange(count)
    path = home / "made-up.csv"
    with path.open("w") as file:
        file.write("Date,Open,High,Low,Close,Volume\n")
        for day, *prices in zip(days.astype(str).tolist(), close, high, low, close, strict=True):
            file.write(f"{day},{','.join(f'{price:.6f}' for price in prices)},1000\n")
    request = LoadRequest(csv_instrument(path), home, TODAY_MADE_UP)
    return median_seconds(lambda: get_source("csv").load(request).series, min(runs, 3))


def pair(name: str) -> PriceSeries:
    """Load a pair from the installed ECB history."""
    from forecaster.data.instruments import parse_pair
    from forecaster.data.sources.base import LoadRequest
    from forecaster.data.sources.registry import get_source

    return get_source("ecb").load(LoadRequest(parse_pair(name), Path(), TODAY)).series


if __name__ == "__main__":
    main()
