"""Cost of `forecast predict --universe` from 10 to 10,000 simulated series: seconds per series and peak memory.

    python benchmarks/scaling.py                          # 10, 100, 300, 1000 series of 5,700 rows
    python benchmarks/scaling.py --sizes 300 --jobs 1     # one process: the processor time is the wall time
    python benchmarks/scaling.py --sizes 10,100,1000,10000

The series are simulated prices of the store, as tickers from Yahoo would be; nothing is downloaded. One network is
trained on five of them and recorded as the run of all. Each size is one command; the processor time is that of all of
its processes, starts included. The last line holds JSON, with a plan for a million series from the two largest sizes.
Storing a series takes about 0.1 s; with --home the stored series are kept for the next call, which may only use fewer.
"""

import argparse
import dataclasses
import datetime
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from processes import Measured, machine, positive, print_result, run

from forecaster.data.series import PriceSeries

TRAINED = 5
PLANNED = 1_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_sizes, default=(10, 100, 300, 1000), help="numbers of series, increasing")
    parser.add_argument("--rows", type=positive, default=5700, help="rows of each series; at least 1500")
    parser.add_argument(
        "--jobs", type=positive, help="processes of a forecast; the default of the command if not given"
    )
    parser.add_argument("--home", type=Path, help="project folder to keep; a temporary one by default")
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = parsed.home or Path(folder)
        symbols = [f"S{number:06d}" for number in range(max(parsed.sizes))]
        if not (home / "runs").exists():
            build(home, symbols, parsed.rows)
        measured = {size: predict(home, symbols[:size], parsed.jobs) for size in parsed.sizes}
    print_result(_table(measured), {**_figures(measured), "rows": parsed.rows, "machine": machine()}, parsed.format)


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(map(positive, text.split(",")))
    if list(sizes) != sorted(set(sizes)):
        raise argparse.ArgumentTypeError(f"{text} does not increase; expected sizes such as 10,100,1000")
    return sizes


def build(home: Path, symbols: Sequence[str], rows: int) -> None:
    """Store simulated series, train on a few of them, and record that run for all."""
    from forecaster.data.sources.registry import get_source
    from forecaster.data.store import Store, store_path
    from forecaster.experiments.manifest import SeriesFacts
    from forecaster.experiments.runs import list_runs, runs_folder, save_run

    get_source("yahoo")
    members = {}
    with Store.open(store_path(home)) as store:
        for series in simulated(symbols, rows):
            store.save(series)
            members[series.instrument.name] = SeriesFacts.of(series)
    trained = write_universe(home / "trained.txt", symbols[:TRAINED])
    run(
        [*_forecast("train"), "--universe", str(trained), "--config", "quick", "--offline", "--home", str(home)],
        environment={"OMP_NUM_THREADS": "1"},
    )
    (first,) = list_runs(runs_folder(home)).runs
    data = dataclasses.replace(first.manifest.data, members=members)
    text = (first.folder / "config.yaml").read_text()
    now = datetime.datetime.now(datetime.UTC)
    save_run(runs_folder(home), now, text, first.fitted, dataclasses.replace(first.manifest, data=data))


def simulated(symbols: Sequence[str], rows: int) -> Iterator[PriceSeries]:
    """Prices whose volatility changes slowly, up to yesterday, one series after the other."""
    import holidays
    import numpy as np

    from forecaster.data.instruments import parse_ticker

    today = datetime.datetime.now(datetime.UTC).date()
    closed = list(holidays.financial_holidays("XNYS", years=range(today.year - rows // 250 - 1, today.year + 1)))
    dates = np.busday_offset(today, np.arange(-rows, 0), roll="forward", holidays=closed)
    for number, symbol in enumerate(symbols):
        rng = np.random.default_rng(number)
        calm = np.convolve(rng.standard_normal(rows + 249), np.full(250, 250**-0.5), "valid")
        returns = 0.01 * np.exp(0.4 * calm) * rng.standard_normal(rows)
        close = np.round(100 * np.exp(np.clip(returns, -0.1, 0.1).cumsum() * 0.5), 4)
        yield PriceSeries(
            instrument=parse_ticker(symbol),
            source="yahoo",
            symbol=symbol,
            dates=dates,
            columns={"close": close},
        )


def write_universe(path: Path, symbols: Sequence[str]) -> Path:
    """Write a file of symbols."""
    path.write_text("".join(f"{symbol}\n" for symbol in symbols))
    return path


def predict(home: Path, symbols: Sequence[str], jobs: int | None = None) -> Measured:
    """One command that forecasts all symbols into a file."""
    universe = write_universe(home / f"{len(symbols)}.txt", symbols)
    out = home / f"{len(symbols)}.jsonl"
    command = [*_forecast("predict"), "--universe", str(universe), "--offline", "--out", str(out), "--home", str(home)]
    command += [] if jobs is None else ["--jobs", str(jobs)]
    measured = run(command, environment={"OMP_NUM_THREADS": "1"})
    lines = len(out.read_text().splitlines())
    if lines != len(symbols):
        raise SystemExit(f"error: {lines} forecasts; expected {len(symbols)}")
    return measured


def _forecast(command: str) -> list[str]:
    return [sys.executable, "-m", "forecaster", command]


def _table(measured: dict[int, Measured]) -> list[tuple[str, ...]]:
    heads = ("series", "seconds", "processor seconds", "milliseconds a series", "peak MB")
    return [heads] + [
        (
            f"{size:,}",
            f"{each.seconds:.1f}",
            f"{each.processor_seconds:.1f}",
            f"{1000 * each.processor_seconds / size:.1f}",
            f"{each.peak_bytes / 2**20:.0f}",
        )
        for size, each in measured.items()
    ]


def _figures(measured: dict[int, Measured]) -> dict[str, object]:
    """The measured figures, and those that follow for a million series."""
    figures: dict[str, object] = {
        "sizes": {
            str(size): {"processor_seconds": each.processor_seconds, "peak_bytes": each.peak_bytes}
            for size, each in measured.items()
        }
    }
    if len(measured) > 1:
        (small, less), (large, more) = list(measured.items())[-2:]
        each = (more.processor_seconds - less.processor_seconds) / (large - small)
        figures["marginal_milliseconds"] = 1000 * each
        figures["planned_hours_of_a_million"] = each * PLANNED / 3600
    return figures


if __name__ == "__main__":
    main()
