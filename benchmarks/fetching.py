"""Seconds to fetch tickers from a local server that answers as Yahoo does, and to read stored histories.

    python benchmarks/fetching.py                     # 300 tickers of 2,500 rows with six columns; 1,000 reads
    python benchmarks/fetching.py --tickers 20 --reads 100

The server is `tests/local_yahoo.py`, another process of this machine, so on two processors it takes a part of the wall
time; processor seconds are those of this program alone. `fetch` is `forecast data fetch`: request, parse, validate,
store. `read and validate` reads every history from the store as a forecast does: each is loaded, its hash compared and
its rows validated, one after the other.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from processes import Measured, machine, positive, print_result, run

SERVER = Path(__file__).resolve().parent.parent / "tests" / "local_yahoo.py"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickers", type=positive, default=300, help="tickers to fetch")
    parser.add_argument("--reads", type=positive, default=1000, help="histories to read; the fetched ones in turn")
    parser.add_argument("--read", type=Path, metavar="HOME", help=argparse.SUPPRESS)  # in a process of its own
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    parsed = parser.parse_args(arguments)
    names = [f"T{number:05d}" for number in range(parsed.tickers)]
    if parsed.read is not None:
        read(parsed.read, names, parsed.reads)
        return
    with tempfile.TemporaryDirectory() as home, serving() as endpoint:
        environment = {"FORECAST_YAHOO_ENDPOINT": endpoint, "FORECAST_OFFLINE": ""}
        fetch = [sys.executable, "-m", "forecaster", "data", "fetch", "--source", "yahoo", "--home", home]
        counts = ["--tickers", str(parsed.tickers), "--reads", str(parsed.reads)]
        measured = {
            "fetch": run([*fetch, "--ticker", ",".join(names)], environment=environment),
            "read and validate": run([sys.executable, __file__, *counts, "--read", home], environment=environment),
        }
    sizes = {"fetch": parsed.tickers, "read and validate": parsed.reads}
    figures = {
        label: {"histories": sizes[label], "seconds": each.seconds, "processor_seconds": each.processor_seconds}
        for label, each in measured.items()
    }
    print_result(_table(measured, sizes), {"tasks": figures, **machine()}, parsed.format)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The address of a server in another process."""
    with subprocess.Popen([sys.executable, str(SERVER), "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - for the type checker
            yield server.stdout.readline().strip().rpartition("=")[2]
        finally:
            server.kill()


def read(home: Path, names: Sequence[str], count: int) -> None:
    """Read and validate `count` histories from the store, `names` in turn."""
    from forecaster.data.instruments import parse_ticker
    from forecaster.data.sources.registry import OpenSources
    from forecaster.datasets.histories import Histories
    from forecaster.datasets.history_checker import HistoryChecker
    from forecaster.environment import Environment

    environment = Environment.at(home)
    sources = OpenSources()
    for number in range(count):
        checker = HistoryChecker(environment.today)
        histories = Histories(environment, "yahoo", checker, network="never", sources=sources)
        histories.load(parse_ticker(names[number % len(names)]))


def _table(measured: dict[str, Measured], sizes: dict[str, int]) -> list[tuple[str, ...]]:
    heads = ("task", "histories", "seconds", "processor seconds", "milliseconds each")
    return [heads] + [
        (
            label,
            f"{sizes[label]:,}",
            f"{each.seconds:.1f}",
            f"{each.processor_seconds:.1f}",
            f"{1000 * each.processor_seconds / sizes[label]:.1f}",
        )
        for label, each in measured.items()
    ]


if __name__ == "__main__":
    main()
