"""Disturbs the program at its writes and damages its files, and counts what it survives.

    python tests/faults/campaign.py --trials 40

Every trial works on a copy of a small project: a run with a note and a pin, three versions of a history, a backtest and
a study. Commands run in forked processes, whose writes inside the project are counted, refused or ended by a preloaded
library (shim.c). The training itself is taken from the first run: the writes are what is tried here.

A trial fails on a traceback, a hang, more than one line about an error, an exit code that is not documented, a changed
earlier run, record or version, a next command that does not work, or rubbish that it leaves.
"""

import argparse
import collections
import functools
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from forgeries import forge_runs
from project import ERRORS, INDEX, SHIM, Outcome, Project, State, arm, run, writes_of


class Counts:
    """Trials and failures by section and name."""

    def __init__(self) -> None:
        self.tried: collections.Counter[tuple[str, str]] = collections.Counter()
        self.failures: list[tuple[str, str, str]] = []

    def add(self, section: str, name: str, problems: list[str]) -> None:
        self.tried[section, name] += 1
        if problems:
            self.failures.append((section, name, "; ".join(problems)))
            sys.stdout.write(f"failed: {section}, {name}: {'; '.join(problems)[:600]}\n")
            sys.stdout.flush()

    def table(self) -> str:
        lines = ["| fault | where | tried | failed |", "|---|---|---:|---:|"]
        failed = collections.Counter((section, name) for section, name, _ in self.failures)
        lines += [f"| {key[0]} | {key[1]} | {count} | {failed[key]} |" for key, count in self.tried.items()]
        total = sum(self.tried.values())
        return "\n".join([*lines, f"| **all** | | **{total}** | **{len(self.failures)}** |"])


def chosen(total: int, trials: int, rng: np.random.Generator) -> list[int]:
    """Numbers from 1 to `total`: all, or `trials` of them."""
    numbers = np.arange(1, total + 1)
    return sorted((numbers if total <= trials else rng.choice(numbers, trials, replace=False)).tolist())


def afterwards(project: Project, name: str, home: Path, before: State) -> list[str]:
    """Problems of a project after a disturbed command, and of the next one."""
    problems = before.losses(home)
    again = run(project.commands[name], home)
    if again.code or again.problems():
        problems.append(f"the next command failed with {again.code}: {again.notes[-300:]}")
    problems += [f"left: {path.name}" for path in home.rglob(".*") if path.name != INDEX]
    return problems + before.losses(home)


def disturb_writes(project: Project, trials: int, rng: np.random.Generator, counts: Counts) -> None:
    """Refuse, or end with SIGKILL, single writes of each command; and every write from one on, as a full disk does."""
    before = State.of(project.home)
    for name, command in project.commands.items():
        with project.copy() as home:
            total = writes_of(command, home)
        for kind in ("kill", *ERRORS):
            for number in chosen(total, trials, rng):
                with project.copy() as home:
                    error = ERRORS.get(kind, 0)
                    outcome = run(command, home, functools.partial(arm, home, number, error, kind == "full disk"))
                    problems = [] if kind == "kill" else outcome.problems()
                    problems += afterwards(project, name, home, before)
                    counts.add(f"{kind} at a write", name, [f"write {number} of {total}: {p}" for p in problems])


def kill_at_random(project: Project, trials: int, rng: np.random.Generator, counts: Counts) -> None:
    """End commands with SIGKILL at random moments."""
    before = State.of(project.home)
    for name, command in project.commands.items():
        with project.copy() as home:
            begun = time.monotonic()
            run(command, home)
            seconds = time.monotonic() - begun
        for _ in range(trials):
            with project.copy() as home:
                run(command, home, kill_after=max(rng.uniform(0, seconds), 0.001))
                counts.add("kill at a random moment", name, afterwards(project, name, home, before))


def damages(content: bytes, other: bytes, trials: int, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Kind and content of damaged forms of a file."""
    yield "empty", b""
    yield "exchanged", other
    for _ in range(max(trials // 8, 1)):
        yield "appended", content + rng.bytes(int(rng.integers(1, 5000)))
        yield "cut", content[: int(rng.integers(1, len(content)))]
    for place in rng.integers(0, len(content) * 8, trials).tolist():
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        yield "one bit flipped", bytes(flipped)


def damage_files(project: Project, trials: int, rng: np.random.Generator, counts: Counts) -> None:
    """Damage each file of the project and ask for what is made from it: the same answer, or exit code 4."""
    run_id = next((project.home / "runs").glob("2*")).name
    predict = ("predict", "--csv", project.csv(1), "--run", run_id, "--format", "json")
    curve = ("plot", "--csv", project.csv(1), "--run", run_id, "--kind", "loss", "--out", project.folder / "curve.svg")
    export = ("data", "export", "csv/a/1d")
    commands = {"history.csv": curve, "annotations": ("runs", "show", run_id), "pinned.json": ("runs", "list")}
    study = ("studies", "show", "latest", "--format", "json")
    targets: list[tuple[Path, tuple[object, ...]]] = [
        (path, commands.get(path.name, commands.get(path.parent.name, predict)))
        for path in sorted((project.home / "runs").rglob("[!.]*"))
        if path.is_file()
    ]
    targets += [(path, study) for path in sorted((project.home / "searches").rglob("*.json"))]
    targets += [(path, project.finished_backtest) for path in sorted((project.home / "backtests").rglob("*.*"))]
    targets.append((project.home / "data" / "store.sqlite", export))
    for path, command in targets:
        with project.copy() as home:
            expected = run(command, home)
        place = path.relative_to(project.home)
        siblings = [sibling for sibling in path.parent.iterdir() if sibling != path and sibling.is_file()]
        other = siblings[0].read_bytes() if siblings else b"other content"
        for kind, content in damages(path.read_bytes(), other, trials, rng):
            with project.copy() as home:
                (home / place).write_bytes(content)
                outcome = run(command, home)
                problems = outcome.problems()
                if outcome.code == 0 and outcome.output != expected.output:
                    problems.append("another answer")
                if place.name == "store.sqlite":
                    problems += store_problems(home, kind, outcome)
                elif kind != "one bit flipped" and outcome.code != 4:
                    problems.append(f"exit code {outcome.code}")
                counts.add(kind, f"{place.parts[0]}: {place.suffix[1:]} file", [f"{place.name}: {p}" for p in problems])


def store_problems(home: Path, kind: str, outcome: Outcome) -> list[str]:
    """Problems of `data verify` on a damaged store; 1 is the exit code for the number of a newer schema."""
    verified = run(("data", "verify"), home)
    problems = [f"verify: {problem}" for problem in verified.problems() if "lines about" not in problem]
    if kind != "one bit flipped" and verified.code != 4:
        problems.append(f"verify: exit code {verified.code}")
    if outcome.code not in (0, 1, 4):
        problems.append(f"exit code {outcome.code}")
    return problems


def compiled_shim(folder: Path) -> Path:
    """The library, compiled by the system's C compiler."""
    path = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


def main() -> int:
    """Run the campaign; exit code 1 where a trial failed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--trials", type=int, default=40, help="Most trials of one kind in one place.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", default="", help="Disturb these commands alone, such as log,report.")
    arguments = parser.parse_args()
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "FORECAST_OFFLINE": "1"}
    if SHIM not in os.environ:
        with tempfile.TemporaryDirectory() as folder:
            path = str(compiled_shim(Path(folder)))
            environment = {**os.environ, SHIM: path, "LD_PRELOAD": path}
            return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode
    warnings.filterwarnings("ignore", "os.fork")  # the engine has threads; the processes do not use it
    counts = Counts()
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        if names := [name for name in arguments.commands.split(",") if name]:
            project.commands = {name: project.commands[name] for name in names}
        disturb_writes(project, arguments.trials, rng, counts)
        kill_at_random(project, max(arguments.trials // 2, 1), rng, counts)
        if not arguments.commands:
            damage_files(project, arguments.trials, rng, counts)
            for name, problems in forge_runs(project, arguments.trials, rng):
                counts.add("forged, with fitting hashes", name, problems)
    sys.stdout.write(counts.table() + "\n")
    return 1 if counts.failures else 0


if __name__ == "__main__":
    sys.exit(main())
