"""Connections to a Ray cluster, each in a bounded time."""

import contextlib
import logging
import os
import queue
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forecaster.errors import ForecasterError, UsageError
from forecaster.experiments.executors.capacity import default_processes

__all__ = ["connected", "head_answers"]

ADDRESS_VARIABLE = "RAY_ADDRESS"  # set by Ray in a submitted job

ANSWER_SECONDS = 10.0  # for a machine that is asked whether anything listens at an address
PROBE_SECONDS = 2.0  # for the head of a cluster in use
CONNECT_SECONDS = 30.0
START_SECONDS = 120.0  # for a cluster of this machine
END_SECONDS = 10.0

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # for a cluster of this machine; others are started without this program
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",  # a signal, such as that of ray job stop, is no crash
}

AUTHENTICATION_VARIABLE = "RAY_AUTH_MODE"
TOKEN_VARIABLES = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
TOKEN_FILE = "~/.ray/auth_token"


@contextlib.contextmanager
def connected(address: str | None, jobs: int | None) -> Iterator[Any]:
    """The module ray, connected to a cluster; a connection that the process has already is used and kept.

    Args:
        address: ``HOST:PORT`` or ``auto``; None for the variable RAY_ADDRESS, or else for a cluster of this machine,
            which ends with the context.
        jobs: Processors of a cluster of this machine; as many as its memory allows when None.

    Raises:
        UsageError: The address is malformed, or the cluster has another version of Ray or Python.
        ForecasterError: The cluster does not answer.
    """
    address = address or os.environ.get(ADDRESS_VARIABLE) or "local"
    options = {"num_cpus": jobs or default_processes(), "include_dashboard": False} if address == "local" else {}
    _check_address(address)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    _use_token(address)
    import ray

    if ray.is_initialized():
        yield ray
        return
    ended = threading.Event()
    try:
        _connect(ray, address, options, ended)
        ray._private.worker._worker_logs_enabled = False  # or reports about lost machines go to standard output
        yield ray
    finally:
        _bounded(ray.shutdown, END_SECONDS)
        ray._private.worker._worker_logs_enabled = True
        ended.set()


def _use_token(address: str) -> None:
    """Send the token of the user, where there is one; a cluster of this machine gets one that is not written to disk.

    Ray would write a token into the user's home for such a cluster, and a head that is started later asks for it.
    """
    if AUTHENTICATION_VARIABLE in os.environ:
        return
    has_token = any(name in os.environ for name in TOKEN_VARIABLES) or Path(os.path.expanduser(TOKEN_FILE)).is_file()
    if address == "local" and not has_token:
        os.environ[TOKEN_VARIABLES[0]] = secrets.token_hex(32)
    if address == "local" or has_token:
        os.environ[AUTHENTICATION_VARIABLE] = "token"


def _check_address(address: str) -> None:
    """Prove that something listens at the address; Ray itself would try for many minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if "/" in address or not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise UsageError(
            f"--address {address:.100} is not an address of a Ray cluster; expected HOST:PORT as ray start prints it, "
            "or auto; from a machine outside of the cluster use ray job submit"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except OSError as error:
        raise ForecasterError(
            f"nothing answers at --address {address:.100}: {error.strerror or error}; expected the head of a Ray "
            "cluster; start it with ray start --head, or use --executor local"
        ) from error


def _connect(ray: Any, address: str, options: dict[str, Any], ended: threading.Event) -> None:
    """Connect in a thread that lives until `ended`: the processes that Ray starts end with the thread that has."""
    outcome: queue.Queue[Exception | None] = queue.Queue()

    def connect() -> None:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
        except Exception as error:
            outcome.put(error)
        else:
            outcome.put(None)
            ended.wait()

    threading.Thread(target=connect, name="ray", daemon=True).start()
    seconds = START_SECONDS if address == "local" else CONNECT_SECONDS
    try:
        error = outcome.get(timeout=seconds)
    except queue.Empty as silence:
        raise ForecasterError(
            f"the Ray cluster at {address:.100} did not answer within {seconds:g} seconds; expected its head "
            "at this address, and this machine among its nodes; check ray status, or use --executor local"
        ) from silence
    if error is not None:
        raise _refusal(address, error) from error


def _refusal(address: str, error: Exception) -> ForecasterError:
    text = " ".join(str(error).split())
    if "Version mismatch" in text:
        return UsageError(
            f"the Ray cluster at {address:.100} has another version: {text:.300}; expected the same Ray and Python on "
            "all machines; install them"
        )
    return ForecasterError(
        f"no connection to a Ray cluster at {address:.100}: {text:.300}; expected a running one, and its token "
        f"in {TOKEN_FILE} if it asks for one; start it with ray start --head, or use --executor local"
    )


def _bounded(action: Any, seconds: float) -> None:
    """Run `action` in a thread and wait for at most `seconds`; Ray waits in compiled code, which cannot be stopped."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(seconds)


def head_answers(ray: Any) -> bool:
    """True if the head of the cluster accepts a connection."""
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PROBE_SECONDS).close()
    except OSError:
        return False
    return True
