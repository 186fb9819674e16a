"""MLflow as a tracker: runs in the tables of its page, written by its client, without autolog and without telemetry."""

import contextlib
import importlib.util
import logging
import math
import os
import re
import sqlite3
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from forecaster.experiments.tracking import TrackedMetric, TrackedRun

if sys.platform != "win32":
    import fcntl

__all__ = ["EXPERIMENT", "MlflowTracker", "missing_packages"]

EXPERIMENT = "forecaster"
"""Name of the experiment that holds all runs."""

MAX_MESSAGE = 200  # characters of an error, whose rest is a page of HTML or of internals

MAX_LOCK_SECONDS = 120.0  # a store is made in seconds, on a busy machine in half a minute

MAX_BUSY_SECONDS = 30.0  # that another program, such as the server of MLflow, writes to the store

MAX_SERVER_SECONDS = 60.0  # for one record; every request has a limit of its own

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # seconds; by default a server that is away takes minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
}
"""Environment variable -> value, unless the user has set it; MLflow reads them when it is imported."""

T = TypeVar("T")

_MAX_METRICS = 1000  # of one request, as are the next two
_MAX_PARAMETERS = 100
_MAX_TAGS = 100
_MAX_DATA = 1000
_GROUP_TAG = "forecaster.group"
_MAX_TEXT = 5000
_MAX_DIGEST = 36
_STRANGE = re.compile(r"[^\w\-. :/]")  # letters that no name in MLflow has
_PASSWORD = re.compile(r"//[^/@\s]*@")


def missing_packages(uri: str) -> list[str]:
    """Packages that are needed for a store or server and are not installed."""
    needed = ["mlflow"] if uri.startswith(("http:", "https:")) else ["mlflow", "sqlalchemy", "alembic"]
    return [name for name in needed if importlib.util.find_spec(name) is None]


class MlflowTracker:
    """Writes runs to a store or a server of MLflow.

    Args:
        uri: ``http://...``, ``sqlite:///...`` or another database.
        home: Project folder.
        note: Receives one warning when something fails.
    """

    def __init__(self, uri: str, home: Path, note: Callable[[str], None]) -> None:
        self.uri = uri
        self._home = home
        self._note = note
        self._has_failed = False

    def record(self, run: TrackedRun, parent: str | None = None) -> str | None:
        """Record a finished training; see `Tracker.record`."""

        def write(client: Any) -> str:
            record = _started(client, run, {} if parent is None else {"mlflow.parentRunId": parent})
            try:
                _write(client, record, run)
            except BaseException:
                with contextlib.suppress(Exception):
                    client.set_terminated(record, "FAILED")
                raise
            client.set_terminated(record, "FINISHED", _end(run))
            return record

        record = self._tried(run.name, write)
        if record is not None and parent is None:
            self._note(f"tracked: {run.name} in the experiment {EXPERIMENT} of {_shown(self.uri)}")
        return record

    def open_group(self, run: TrackedRun) -> str | None:
        """Begin a record that others belong to; see `Tracker.open_group`."""

        def write(client: Any) -> str:
            earlier = _groups_of_name(client, run.name)
            record = earlier[0] if earlier else _started(client, run, {_GROUP_TAG: run.name})
            _write(client, record, run)
            return record

        return self._tried(run.name, write)

    def members(self, group: str | None) -> Collection[str]:
        """Names of the finished records that belong to a group; one that broke off is deleted, to be made again."""
        return () if group is None else self._tried(group, lambda client: _members(client, group)) or ()

    def close_group(self, group: str | None, run: TrackedRun) -> None:
        """End it; see `Tracker.close_group`."""

        def write(client: Any) -> str:
            _write(client, str(group), run)
            client.set_terminated(str(group), "FINISHED", _end(run))
            return str(group)

        if group is not None:
            self._tried(run.name, write)

    def _tried(self, name: str, write: Callable[[Any], T]) -> T | None:
        """Result of `write` with a client; None after an error, which is one warning, and the end of all tracking."""
        if self._has_failed:  # a server that is away costs seconds each time
            return None
        try:
            with self._alone(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of packages below MLflow, about one another
                return self._bounded(lambda: write(_client_of(self.uri)))
        except Exception as error:  # whatever it is, the run is recorded already
            self._has_failed = True
            text = _shown(_reason(error))[:MAX_MESSAGE]
            self._note(f"warning: tracking of {name} at {_shown(self.uri)} failed: {text}; the project has it recorded")
            return None

    def _bounded(self, call: Callable[[], T]) -> T:
        """Result of a call, which a server cannot delay for ever by a few bytes each second.

        Raises:
            TimeoutError: The server has not answered in time.
        """
        if self.uri.startswith("sqlite:"):
            return call()
        answers: Future[T] = Future()

        def answer() -> None:
            try:
                answers.set_result(call())
            except BaseException as error:
                answers.set_exception(error)

        threading.Thread(target=answer, name="mlflow", daemon=True).start()
        try:
            return answers.result(MAX_SERVER_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(str(error) or f"no complete answer within {MAX_SERVER_SECONDS:.0f} s") from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of a store that is a file: its first use makes tables, which only one process can."""
        if not self.uri.startswith("sqlite:") or sys.platform == "win32":
            yield
            return
        name = self.uri.partition(":///")[2].partition("?")[0]
        store = Path(name or self._home / "mlflow")
        descriptor = os.open(store.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _wait_for(descriptor)
            if name:  # empty for a store in memory
                _check_store(store)
            yield
        finally:
            os.close(descriptor)


def _shown(text: str) -> str:
    """Text without passwords in its URIs.

    >>> _shown("http://me:secret@tracking.example/page")
    'http://tracking.example/page'
    """
    return _PASSWORD.sub("//", text)


def _wait_for(descriptor: int) -> None:
    """Lock a file; wait while another process has it.

    Raises:
        TimeoutError: It had it for too long.
    """
    end = time.monotonic() + MAX_LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError(f"another process used the store for {MAX_LOCK_SECONDS:.0f} s") from None
            time.sleep(0.05)
        except OSError:  # a file system without locks
            return


def _check_store(path: Path) -> None:
    """Prove that a store can be written: MLflow would try for two minutes and report every try.

    Raises:
        sqlite3.Error: The file is locked, no database, or not writable.
    """
    with contextlib.closing(sqlite3.connect(path, timeout=MAX_BUSY_SECONDS)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


def _reason(error: BaseException) -> str:
    """The first cause of an error in one line, such as a refused connection."""
    reason = " ".join(str(error).split())
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
        if not isinstance(error, LookupError) and str(error):  # a name that was looked up in vain says little
            reason = " ".join(str(error).split())
    return reason


def _client_of(uri: str) -> Any:
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("alembic", "mlflow"):  # they report every table of a new store
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri)


def _end(run: TrackedRun) -> int:
    """End of a run in milliseconds since 1970."""
    return round(1000 * (run.started + run.seconds))


def _groups_of_name(client: Any, name: str) -> list[str]:
    """Ids of the groups with a name."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return []
    return [
        str(record.info.run_id) for record in client.search_runs([experiment.experiment_id], _same(_GROUP_TAG, name))
    ]


def _members(client: Any, group: str) -> set[str]:
    """Names of the finished records of a group; the others are deleted."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    names = set()
    token = None
    while experiment is not None:
        page = client.search_runs([experiment.experiment_id], _same("mlflow.parentRunId", group), page_token=token)
        for record in page:
            if record.info.status == "FINISHED":
                names.add(str(record.info.run_name))
            else:
                client.delete_run(record.info.run_id)
        token = page.token
        if not token:
            break
    return names


def _same(tag: str, value: str) -> str:
    """A filter of records by a tag."""
    return f"tags.`{tag}` = '{value}'"


def _started(client: Any, run: TrackedRun, tags: dict[str, str]) -> str:
    """Id of a new record in the experiment, which is made where it does not exist."""
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        try:
            number = client.create_experiment(EXPERIMENT)
        except MlflowException:  # another process was faster
            number = client.get_experiment_by_name(EXPERIMENT).experiment_id
    else:
        number = experiment.experiment_id
    source = {"mlflow.source.name": "forecast", "mlflow.source.type": "LOCAL"}
    record = client.create_run(number, start_time=round(1000 * run.started), run_name=run.name, tags={**source, **tags})
    return str(record.info.run_id)


def _write(client: Any, record: str, run: TrackedRun) -> None:
    """Write all facts in as few requests as the server allows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    time_stamp = _end(run)
    metrics = [Metric(_name(each.name), float(each.value), time_stamp, each.step) for each in _finite(run.metrics)]
    parameters = [Param(_name(name), str(value)[:_MAX_TEXT]) for name, value in run.parameters.items()]
    tags = [RunTag(_name(name), str(value)[:_MAX_TEXT]) for name, value in run.tags.items()]
    for first in range(0, len(parameters), _MAX_PARAMETERS):
        client.log_batch(record, params=parameters[first : first + _MAX_PARAMETERS])
    for first in range(0, len(tags), _MAX_TAGS):
        client.log_batch(record, tags=tags[first : first + _MAX_TAGS])
    for first in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(record, metrics=metrics[first : first + _MAX_METRICS])
    data = [
        DatasetInput(
            Dataset(name=each.name, digest=each.sha256[:_MAX_DIGEST], source_type="forecaster", source=each.source),
            [InputTag("sha256", each.sha256), InputTag("mlflow.data.context", "training")],
        )
        for each in run.data
    ]
    for first in range(0, len(data), _MAX_DATA):
        client.log_inputs(record, datasets=data[first : first + _MAX_DATA])


def _finite(metrics: Sequence[TrackedMetric]) -> Iterator[TrackedMetric]:
    return (each for each in metrics if math.isfinite(each.value))


def _name(text: str) -> str:
    """A name that MLflow accepts.

    >>> _name("seconds/fit"), _name("crps@5")
    ('seconds/fit', 'crps_5')
    """
    return _STRANGE.sub("_", text)[:250]
