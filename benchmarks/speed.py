"""Wall time and peak memory of the commands: whole processes, medians of several runs.

Each command runs once unmeasured in a temporary home folder (which also creates the run for `predict`, `plot` and
`inspect`), then `--runs` times in turn with the other commands, so that the load of the machine affects all of them
alike. Wall seconds are measured from the start of the process to its exit. The JSON also contains processor seconds,
which depend less on the load. Peak memory is ``ru_maxrss`` of that process, from `os.wait4`; 1 GB is 10^9 bytes.

    python benchmarks/speed.py                              # about three minutes on two idle cores
    python benchmarks/speed.py --commands help,completion,import --runs 20    # a few seconds
    python benchmarks/speed.py --commands backtest,pairs,audit --runs 3    # ten minutes
    python benchmarks/speed.py --format markdown            # a Markdown table
"""

import argparse
import dataclasses
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from processes import Measured, machine, positive, print_result, run

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


@dataclasses.dataclass(frozen=True)
class Timed:
    """One command of the table.

    Args:
        arguments: Arguments after ``forecast``.
        home: Name of its home folder; a measured training must not become the run that other commands read.
        seconds: Budget of the wall time; None: no budget.
        gigabytes: Budget of the peak memory; None: no budget.
        afresh: True empties the home folder before each run, since results are cached there.
        usual: True for commands that are measured by default.
        variables: Environment variables of the process.
        shown: Text in the table; None for the command line.
        program: Program to run; None for ``forecast``.
    """

    arguments: tuple[str, ...]
    home: str = "read"
    seconds: float | None = None
    gigabytes: float | None = None
    afresh: bool = False
    usual: bool = True
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    shown: str | None = None
    program: str | None = None

    @property
    def text(self) -> str:
        """The command line."""
        return self.shown or " ".join((self.program or "forecast", *self.arguments))


PAIR = ("--pair", "USDJPY")
PAIRS = (  # as in skill.py, whose imports would raise the measured memory
    *("USDJPY", "EURUSD", "GBPUSD", "AUDUSD", "USDCHF", "USDCAD", "EURGBP", "EURJPY"),
    *("NZDUSD", "USDSEK", "USDNOK", "USDZAR", "USDKRW", "USDMXN", "USDPLN", "AUDNZD"),
)
SPAN = ("--start", "2011-01-03", "--end", "2020-12-31")
COMMANDS = {
    "help": Timed(("--help",), seconds=0.15),
    "completion": Timed(
        (),
        seconds=0.2,
        usual=False,
        variables={"_FORECAST_COMPLETE": "bash_complete", "COMP_WORDS": "forecast predict --run 2", "COMP_CWORD": "3"},
        shown="completion of forecast predict --run 2",
    ),
    "import": Timed(("-c", "import forecaster"), seconds=0.1, usual=False, program=sys.executable),
    "train": Timed(("train", *PAIR), "train", seconds=20, gigabytes=1.2, afresh=True),
    "quick": Timed(("train", *PAIR, "--config", "quick"), "train", afresh=True),
    "predict": Timed(("predict", *PAIR), seconds=0.7),
    "odds": Timed(("odds", *PAIR, "--touch", "150", "--position", "1000000USD"), seconds=1, usual=False),
    "portfolio": Timed(("odds", "--portfolio", "positions.yaml", "--base", "EUR"), seconds=4, usual=False),
    "plot": Timed(("plot", *PAIR), seconds=3),
    "inspect": Timed(("inspect", "USDJPY", "--as-of", "2020-12-31"), seconds=10, usual=False),
    "anomalies": Timed(("anomalies", *PAIR, "--end", "2020-12-31"), seconds=5, usual=False),
    "backtest": Timed(("backtest", *PAIR), "backtest", seconds=90, afresh=True, usual=False),
    "pairs": Timed(
        ("backtest", "--pair", ",".join(PAIRS), *SPAN, "--models", "lstm,ewma"),
        "backtest",
        seconds=180,
        afresh=True,
        usual=False,
    ),
    "audit": Timed(("audit", *PAIR), "audit", usual=False),
}


def console_script() -> str:
    """Path of the ``forecast`` script of this Python environment."""
    script = Path(sys.executable).with_name("forecast")
    if not script.exists():
        raise SystemExit(f"error: {script} is missing; install the package into this Python: pip install -e .")
    return str(script)


def measure(names: Sequence[str], runs: int, folder: Path) -> dict[str, list[Measured]]:
    """Measure each command `runs` times, after one unmeasured run."""
    script = console_script()

    def once(name: str, home: str | None = None) -> Measured:
        if COMMANDS[name].afresh:
            shutil.rmtree(folder / COMMANDS[name].home, ignore_errors=True)
        command = COMMANDS[name]
        environment = {"FORECAST_HOME": str(folder / (home or command.home)), **command.variables}
        return run([command.program or script, *command.arguments], folder, environment)

    (folder / "positions.yaml").write_text("USD: 1000000\nGBP: -500000\nJPY: 80000000\nCHF: -400000\n")
    if {"predict", "odds", "portfolio", "plot", "inspect", "completion"} & set(names):
        once("train", home="read")
    for name in names:
        once(name)
    rounds = [{name: once(name) for name in names} for _ in range(runs)]
    return {name: [measurements[name] for measurements in rounds] for name in names}


def summary(name: str, measured: Sequence[Measured]) -> dict[str, object]:
    """Medians, each compared with its budget (None: no budget)."""
    command = COMMANDS[name]
    seconds = statistics.median(run.seconds for run in measured)
    gigabytes = statistics.median(run.peak_bytes for run in measured) / 1e9
    return {
        "command": command.text,
        "seconds": round(seconds, 3),
        "fastest": round(min(run.seconds for run in measured), 3),
        "slowest": round(max(run.seconds for run in measured), 3),
        "processor_seconds": round(statistics.median(run.processor_seconds for run in measured), 3),
        "seconds_budget": command.seconds,
        "seconds_met": None if command.seconds is None else seconds < command.seconds,
        "peak_gb": round(gigabytes, 3),
        "peak_gb_budget": command.gigabytes,
        "peak_met": None if command.gigabytes is None else gigabytes < command.gigabytes,
    }


def table(rows: Sequence[dict[str, object]]) -> list[list[str]]:
    """The cells of the printed table."""
    header = ["command", "seconds", "(fastest to slowest)", "under", "met", "peak GB", "under", "met"]
    cells = [header]
    for row in rows:
        seconds = [f"{row['seconds']:.2f}", f"{row['fastest']:.2f} to {row['slowest']:.2f}"]
        time_budget = _budget(row["seconds_budget"], row["seconds_met"])
        memory_budget = _budget(row["peak_gb_budget"], row["peak_met"])
        cells.append([f"`{row['command']}`", *seconds, *time_budget, f"{row['peak_gb']:.2f}", *memory_budget])
    return cells


def _budget(budget: object, met: object) -> tuple[str, str]:
    return ("", "") if budget is None else (f"{budget:g}", "yes" if met else "no")


def command_names(text: str) -> list[str]:
    """Parse and check command names."""
    names = text.split(",")
    if unknown := [name for name in names if name not in COMMANDS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of {','.join(COMMANDS)}")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    usual = [name for name, command in COMMANDS.items() if command.usual]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=positive, default=5, help="number of measured runs of each command [5]")
    parser.add_argument("--commands", type=command_names, default=usual, help=",".join(COMMANDS))
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    names = parsed.commands
    if "quick" in names and not (CONFIGS / "quick.yaml").exists():
        print("# skipped quick: configs/quick.yaml does not exist", file=sys.stderr)
        names = [name for name in names if name != "quick"]
    taken_on = machine()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(names, parsed.runs, Path(folder))
    rows = [summary(name, measured[name]) for name in names]
    facts = {"benchmark": "speed", "machine": taken_on, "runs": parsed.runs}
    print_result(table(rows), {**facts, "rows": rows}, parsed.layout)


if __name__ == "__main__":
    main()
