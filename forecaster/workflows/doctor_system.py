"""Checks of `doctor` outside of the project: Python, packages, engines, GPU, caches, folder, network."""

import concurrent.futures
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from forecaster.data.sources.ecb_refresh import URL
from forecaster.environment import OFFLINE_VARIABLE, Environment
from forecaster.experiments.diagnosis import Finding, Outcome
from forecaster.models.engine import compiled_programs_folder, driver_sees_gpu

__all__ = ["CHECKS", "check_network", "check_no_network", "is_forbidden"]

DISTRIBUTION = "forecaster"
ENGINE_SECONDS = 60  # a first import reads a gigabyte
CONNECT_SECONDS = 3.0
MIN_FREE_BYTES = 100 << 20  # a training writes some megabytes, a compiled program as many
ENOUGH_FREE_BYTES = 2 << 30
MAX_CACHE_BYTES = 4 << 30

_ENGINES: Mapping[str, str] = {
    "jax": "import jax; print(jax.__version__, jax.default_backend())",
    "tensorflow": (
        "import tensorflow as tf; print(tf.__version__, 'gpu' if tf.config.list_physical_devices('GPU') else 'cpu')"
    ),
}
"""Engine -> program that prints its version and its device."""

_SERVERS = {"the ECB": urllib.parse.urlsplit(URL).hostname or "", "Yahoo": "query1.finance.yahoo.com"}


def check_python(environment: Environment) -> Iterator[Finding]:
    """Version of Python and the platform."""
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    try:
        needed = SpecifierSet(metadata.metadata(DISTRIBUTION)["Requires-Python"] or "")
    except metadata.PackageNotFoundError:
        yield Finding("python", "warning", f"{text}; the program is not installed, it runs from its folder")
        return
    if needed.contains(platform.python_version(), prereleases=True):
        yield Finding("python", "ok", text)
    else:
        yield Finding("python", "problem", f"{text}; expected {needed}; install another Python")


def check_packages(environment: Environment) -> Iterator[Finding]:
    """Required packages within their ranges, and extras that are not installed."""
    try:
        requirements = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        yield Finding("packages", "warning", "not checked: the program is not installed", ("pip install .",))
        return
    needed = [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
    faults = [fault for requirement in needed if (fault := _fault_of(requirement)) is not None]
    for fault in faults:
        yield Finding("packages", "problem", fault, (f"pip install --upgrade {DISTRIBUTION}",))
    if not faults:
        extras = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
        missing = [extra for extra in extras if extra not in ("dev", "docs") and not _has_extra(extra, requirements)]
        text = f"{len(needed)} within their ranges" + (f"; extras not installed: {', '.join(missing)}" * bool(missing))
        yield Finding("packages", "ok", text)


def _fault_of(requirement: Requirement) -> str | None:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed; expected {requirement.specifier or 'any version'}"
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return f"{requirement.name} {version} is out of range; expected {requirement.specifier}"


def _has_extra(extra: str, requirements: Iterable[Requirement]) -> bool:
    parts = [each for each in requirements if each.marker is not None and each.marker.evaluate({"extra": extra})]
    needed = [each for each in parts if each.marker is not None and not each.marker.evaluate({"extra": ""})]
    return all(_fault_of(requirement) is None for requirement in needed)


def check_engines(environment: Environment) -> Iterator[Finding]:
    """Import each engine in a process of its own."""
    with concurrent.futures.ThreadPoolExecutor(len(_ENGINES)) as pool:
        yield from pool.map(_engine_finding, _ENGINES)


def _engine_finding(name: str) -> Finding:
    commands = (f"pip install --force-reinstall {name}",)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ENGINES[name]],
            capture_output=True,
            text=True,
            timeout=ENGINE_SECONDS,
            check=False,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except subprocess.TimeoutExpired:
        return Finding(name, "warning", f"did not load within {ENGINE_SECONDS} s; is the machine busy?")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return Finding(name, "problem", f"cannot be loaded: {last[:200]}", commands)
    return Finding(name, "ok", ", on ".join(done.stdout.split()[-2:]))


def check_gpu(environment: Environment) -> Iterator[Finding]:
    """A GPU that the driver sees; the engines above say whether they use it."""
    if driver_sees_gpu():
        yield Finding(
            "gpu", "ok", "the NVIDIA driver sees one; engines on cpu above need: pip install 'forecaster[gpu]'"
        )
    else:
        yield Finding("gpu", "ok", "none; trainings use the processor")


def check_caches(environment: Environment) -> Iterator[Finding]:
    """Folder of compiled programs."""
    folder = compiled_programs_folder()
    if not folder.exists():
        yield Finding("cache", "ok", f"no compiled programs yet in {folder.parent}")
        return
    size = sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())
    text = f"{size / 1e6:,.0f} MB of compiled programs in {folder}"
    if not os.access(folder, os.W_OK):
        yield Finding("cache", "warning", f"{text}, which cannot be written: each training compiles its programs again")
    elif size > MAX_CACHE_BYTES:
        yield Finding("cache", "warning", f"{text}; it may be deleted")
    else:
        yield Finding("cache", "ok", text)


def check_home(environment: Environment) -> Iterator[Finding]:
    """The project folder can be written, and its disk has space."""
    home = environment.home.absolute()
    existing = next(path for path in (home, *home.parents) if path.exists())
    new = "" if existing == home else " (made when something is stored)"
    if not existing.is_dir():
        yield Finding("home", "problem", f"{existing} is a file; expected a folder; choose another --home")
        return
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        yield Finding("home", "problem", f"{home} cannot be written: {error.strerror}; choose another --home")
        return
    free = shutil.disk_usage(existing).free
    text = f"{home}{new}; {free / 1e9:,.1f} GB free"
    outcome: Outcome = "problem" if free < MIN_FREE_BYTES else "warning" if free < ENOUGH_FREE_BYTES else "ok"
    advice = "" if outcome == "ok" else "; trainings may not be saved: make room"
    yield Finding("home", outcome, f"{text}{advice}")


def is_forbidden() -> bool:
    """True if a variable forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no", "off")


def check_no_network(environment: Environment) -> Iterator[Finding]:
    """The network is not asked."""
    reason = f"{OFFLINE_VARIABLE} forbids it" if is_forbidden() else "as asked"
    yield Finding("network", "ok", f"not used: {reason}", ("forecast doctor --online",) * is_forbidden())


def check_network(environment: Environment) -> Iterator[Finding]:
    """Connect to each server of prices, or to the proxy."""
    proxy = urllib.request.getproxies().get("https")
    if proxy is not None:
        parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"//{proxy}")
        places = {"the proxy": (parts.hostname or "", parts.port or 80)}
    else:
        places = {name: (host, 443) for name, host in _SERVERS.items()}
    pool = concurrent.futures.ThreadPoolExecutor(len(places))
    answers = {name: pool.submit(_connection_fault, *place) for name, place in places.items()}
    concurrent.futures.wait(answers.values(), CONNECT_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)  # a name server may keep a thread waiting
    for name, answer in answers.items():
        fault = answer.result() if answer.done() else f"no answer within {CONNECT_SECONDS:g} s"
        if fault is None:
            yield Finding("network", "ok", f"{name} can be reached")
        else:
            text = f"{name} cannot be reached ({fault}); installed and stored prices are used"
            yield Finding("network", "warning", text, (f"export {OFFLINE_VARIABLE}=1",))


def _connection_fault(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return None


CHECKS = {
    "python": check_python,
    "packages": check_packages,
    "engines": check_engines,
    "gpu": check_gpu,
    "cache": check_caches,
    "home": check_home,
}
"""Subject -> check."""
