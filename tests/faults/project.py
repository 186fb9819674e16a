"""A small project for trials of faults, and commands in forked processes that work on copies of it."""

import atexit
import contextlib
import ctypes
import dataclasses
import datetime
import errno
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

INDEX = ".index.json"
"""Cache of the summaries of runs, which any command makes again."""
CHANGED = (INDEX, "pinned.json")
"""Files that commands change."""
SHIM = "FAULTS_SHIM"  # variable with the path of the preloaded library
SECONDS = 60.0  # longest time of one command
ROWS = 700
PRUNABLE = 2  # number of the version that is neither the newest nor used by the run
HERE = "HOME"  # in a word of a command: the project folder
MODEL = (
    *("--config", "quick", "--set", "model.training.steps=2", "--set", "model.units=[4]", "--set", "universe=none"),
    *("--set", "split.test_rows=60", "--set", "split.validation_rows=60", "--backend", "jax"),
)
ERROR_DOCUMENT = '{"schema": "error/'  # of a command with --format json
DOCUMENTED_CODES = {0, 1, 2, 3, 4}
ERRORS = {"I/O error": errno.EIO, "no permission": errno.EACCES, "full disk": errno.ENOSPC}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Exit code of a command, negative for a signal, and what it printed."""

    code: int
    output: str
    notes: str

    def problems(self) -> list[str]:
        """Reasons to call the outcome a failure of the program."""
        problems = ["traceback"] if "Traceback" in self.notes else []
        if self.code not in DOCUMENTED_CODES:
            problems.append(f"exit code {self.code}")
        errors = [line for line in self.notes.splitlines() if line.startswith(("error:", ERROR_DOCUMENT))]
        if self.code and len(errors) != 1:
            problems.append(f"{len(errors)} lines about an error with exit code {self.code}")
        return problems


class Project:
    """The project that is copied for each trial, and the commands that work on it.

    Args:
        folder: Folder for the project and its input files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        # The newest version ends today, so that its forecasts can be logged.
        self._dates = np.busday_offset(np.datetime64("today"), np.arange(-ROWS - 3, 1), roll="backward")
        prices = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, ROWS + 9)))
        for version in range(1, 5):
            path = self.csv(version)
            path.parent.mkdir()
            dates = self._dates[: ROWS + version]
            lines = [f"{date},{price:.4f}" for date, price in zip(dates, prices, strict=False)]
            path.write_text("\n".join(["date,close", *lines, ""]))
        self.commands = {
            "train": ("train", "--csv", self.csv(3), *MODEL),
            "fetch": ("data", "fetch", "--csv", self.csv(4)),
            "backtest": self._backtest("ewma_t,random_walk"),
            "prune": ("data", "prune"),
            "log": ("predict", "--csv", self.csv(4), "--log", "--out", f"{HERE}/forecasts.csv"),
            "runs note": ("runs", "note", "latest", "a note"),
            "runs use": ("runs", "use", "latest"),
            "runs export": ("runs", "export", "latest", "--out", f"{HERE}/run.capsule"),
            "runs import": ("runs", "import", folder / "other.capsule"),
            "init": ("init", "--csv", self.csv(1), "--yes", "--out", f"{HERE}/forecast.yaml"),
            "report": ("report", "--csv", self.csv(1), "--out", f"{HERE}/report.html"),
        }
        self._build()

    def csv(self, version: int) -> Path:
        return self.folder / f"v{version}" / "a.csv"

    def _backtest(self, models: str) -> tuple[object, ...]:
        start = self._dates[ROWS - 70]
        return ("backtest", "--csv", self.csv(3), "--models", models, "--start", start, "--schedule", "never")

    @property
    def finished_backtest(self) -> tuple[object, ...]:
        return self._backtest("ewma,random_walk")

    def _build(self) -> None:
        """Fill the project, and take the fit of its run for all later trainings."""
        from forecaster.experiments import training_fits

        fit = training_fits.fit
        fits: list[object] = []

        def recorded_fit(*arguments: object, **keywords: object) -> object:
            fits.append(fit(*arguments, **keywords))  # type: ignore[arg-type]
            return fits[-1]

        training_fits.fit = recorded_fit  # type: ignore[assignment]
        train = ("train", "--csv", self.csv(1), *MODEL)
        invoke_here(train, self.home)
        training_fits.fit = lambda *arguments, **keywords: fits[0]  # type: ignore[assignment, return-value]
        other = self.folder / "other"
        invoke_here(("train", "--csv", self.csv(2), *MODEL), other)
        invoke_here(("runs", "export", "latest", "--out", self.folder / "other.capsule"), other)
        invoke_here(self.commands["log"], self.home)
        for command in (*(("data", "fetch", "--csv", self.csv(version)) for version in (2, 3)), self.finished_backtest):
            invoke_here(command, self.home)
        for words in (("note", "latest", "a note"), ("use", "latest")):
            invoke_here(("runs", *words), self.home)
        self._search()

    def _search(self) -> None:
        """Record a study of two trials, as a search would; no network is fitted."""
        from forecaster.experiments.search_findings import FILE, Findings, Luck
        from forecaster.experiments.studies import SCHEMA, Study, Trial, searches_folder, study_id

        facts = {
            "schema": SCHEMA,
            "named": ["a"],
            "config": {"model": {"kind": "lstm"}},
            "space": {"model.dropout": {"low": 0.0, "high": 0.5, "log": False}},
            "baseline": "ewma",
            "steps": [1],
            "folds": [["2021-06-01", "2022-01-03"]],
            "lockbox": ["2022-01-03", "2022-06-01"],
        }
        now = datetime.datetime(2022, 6, 1, tzinfo=datetime.UTC)
        study = Study.open(searches_folder(self.home) / study_id(facts), facts, now)
        for number, loss in enumerate((0.99, 0.98)):
            settings = {"model.dropout": 0.2} if number else {}
            study.put(Trial(number, settings, "complete", (loss,), (loss,)))
        study.write_document(FILE, Findings(Luck(2, 120, 0.4, 0.04), (), "forecast train").to_json())
        study.record_lockbox({"winner": 1, "opened": now.isoformat(), "trials": 2, "earlier_openings": 0})

    @contextlib.contextmanager
    def copy(self, original: Path | None = None) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            home = Path(folder) / "home"
            shutil.copytree(original or self.home, home)
            yield home


def words_of(command: tuple[object, ...], home: Path) -> list[str]:
    """Words after ``forecast``."""
    return [*(str(word).replace(HERE, str(home)) for word in command), "--home", str(home)]


def invoke_here(command: tuple[object, ...], home: Path) -> str:
    """Run a command in this process."""
    from click.testing import CliRunner

    from forecaster.cli import cli

    result = CliRunner().invoke(cli, words_of(command, home))
    if result.exit_code:
        raise SystemExit(f"{command} failed: {result.output}")
    return result.stdout


def run(
    command: tuple[object, ...], home: Path, prepare: Callable[[], object] = lambda: None, kill_after: float = 0.0
) -> Outcome:
    """Run a command in a forked process.

    Args:
        command: Words after ``forecast``.
        home: Project folder.
        prepare: Called in the process before the command.
        kill_after: Seconds until SIGKILL; never when 0.
    """
    paths = [home.parent / name for name in ("stdout", "stderr")]
    for path in paths:
        path.write_bytes(b"")  # a process may be killed before it opens them
    process = os.fork()
    if not process:
        atexit._clear()  # those of the parent would delete its folders
        for number, path in enumerate(paths, start=1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        sys.argv = ["forecast", *words_of(command, home)]
        from forecaster.cli import main

        prepare()
        code: object = 99
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(code))  # type: ignore[call-overload]
    code = _waited(process, kill_after)
    return Outcome(code, *(path.read_text(errors="replace") for path in paths))


def _waited(process: int, kill_after: float) -> int:
    begun = time.monotonic()
    limit = kill_after or SECONDS
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() - begun > limit:
            os.kill(process, signal.SIGKILL)
            status = os.waitpid(process, 0)[1]
            return os.waitstatus_to_exitcode(status) if kill_after else -signal.SIGALRM
        time.sleep(0.002)


@dataclasses.dataclass(frozen=True)
class State:
    """What must survive in a project."""

    files: dict[str, str]
    versions: dict[str, int]
    ledger: bytes

    @classmethod
    def of(cls, home: Path) -> "State":
        from forecaster.data.store import Store, store_path
        from forecaster.experiments.ledger import ledger_path

        paths = [path for name in ("runs", "backtests") for path in (home / name).rglob("*") if path.is_file()]
        paths = [path for path in paths if path.name not in CHANGED]
        files = {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        with Store.open(store_path(home)) as store:
            versions = {version.sha256: version.id for version in store.all_versions()}
        return cls(files, versions, ledger_path(home).read_bytes())

    def losses(self, home: Path) -> list[str]:
        """What is missing or changed, and every damage; a version that may be pruned may be missing."""
        from forecaster.data.store import Store, store_path
        from forecaster.experiments.ledger import ledger_path
        from forecaster.experiments.runs import list_runs, runs_folder

        now = State.of(home)
        changed = [name for name, sha256 in self.files.items() if now.files.get(name) != sha256]
        missing = [
            str(number) for sha256, number in self.versions.items() if sha256 not in now.versions and number != 2
        ]
        with Store.open(store_path(home)) as store:
            damage = [checkup.damage for checkup in store.verify() if checkup.damage] + list(store.faults())
        damaged = [str(error) for error in list_runs(runs_folder(home)).damaged]
        if not ledger_path(home).read_bytes().startswith(self.ledger):
            damaged.append("the ledger has lost lines")
        return (
            [f"changed: {name}" for name in changed]
            + [f"lost: version {number}" for number in missing]
            + damage
            + damaged
        )


def library() -> ctypes.CDLL:
    return ctypes.CDLL(os.environ[SHIM])


def arm(home: Path, number: int, error: int, repeated: bool) -> None:
    library().arm(os.fsencode(home), ctypes.c_long(number), error, int(repeated))


def writes_of(command: tuple[object, ...], home: Path) -> int:
    """Number of writes of a command, which is run."""
    counter = home.parent / "count"

    def prepare() -> None:
        arm(home, 0, 0, False)
        exit_now = os._exit

        def leave(code: int) -> None:
            counter.write_text(str(library().count()))
            exit_now(code)

        os._exit = leave  # type: ignore[assignment]

    outcome = run(command, home, prepare)
    if outcome.code:
        raise SystemExit(f"{command} failed: {outcome.notes}")
    return int(counter.read_text())
