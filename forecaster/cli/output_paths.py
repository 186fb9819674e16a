"""Files that the output of a command must not replace: its own inputs, and what a project has recorded."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.errors import ConfigError, UsageError
from forecaster.files import PARTIAL_PREFIX

__all__ = ["check_output_paths"]

_OUTPUTS = ("out", "forecasts", "folder")
_INPUTS = (
    *("csv", "exog", "events", "config", "universe", "peers", "inputs", "graded"),
    *("ledger", "portfolio", "rules", "space"),
)
_RECORDED = ("runs", "backtests", "searches", "data/ecb", "data/yfinance")
_FILES = (
    *("ledger.jsonl", "data/yahoo-pause.json"),
    *("data/store.sqlite", "data/store.sqlite-wal", "data/store.sqlite-shm"),
)
_RUN_FILES = ("manifest.json", "weights.npz")
_BEGINNINGS = (b"SQLite format 3\0", b'{"entry":')
"""First bytes of a store or another database, and of a ledger."""


def check_output_paths(values: Mapping[str, Any], home: Path) -> None:
    """Refuse an output file that a command reads or that a project has recorded, before anything is written.

    Args:
        values: Options of the command by their names.
        home: Project folder.

    Raises:
        UsageError: Such a file is named.
    """
    written: dict[Path, str] = {}
    for name in _OUTPUTS:
        out = values.get(name)
        if out is None:
            continue
        if str(out) == "-":
            raise UsageError(f"--{name} - names no file; expected the name of one; choose a name")
        path = Path(os.path.realpath(out))
        if path in written:
            raise UsageError(f"--{name} {out} is the file of --{written[path]} too; choose another name")
        written[path] = name
        if _is_recorded(path, Path(os.path.realpath(home))):
            raise UsageError(
                f"--{name} {out} belongs to what a project has recorded; expected another place; choose another name"
            )
        if any(_is_same(path, read) for read in _inputs(values)):
            raise UsageError(f"--{name} {out} is a file that this command reads; choose another name")


def _is_recorded(path: Path, home: Path) -> bool:
    if any(path.is_relative_to(home / name) for name in _RECORDED) or path in [home / name for name in _FILES]:
        return True
    if path.name.startswith(PARTIAL_PREFIX):  # the next command would clear it
        return True
    if path.name in (*_RUN_FILES, "config.yaml", "history.csv") and all(
        (path.parent / name).exists() for name in _RUN_FILES
    ):
        return True
    return any(_has_records(Path(str(path).removesuffix(ending))) for ending in ("", "-wal", "-shm"))


def _has_records(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(max(map(len, _BEGINNINGS))).startswith(_BEGINNINGS)


def _inputs(values: Mapping[str, Any]) -> Iterator[Path]:
    """Every file that the options, and the configuration that they name, lead to."""
    yield from _paths([values.get(name) for name in _INPUTS])
    if values.get("config") is not None or values.get("set"):
        from forecaster.config import load_config

        try:
            config = load_config(values.get("config"), values.get("set") or ())
        except ConfigError:
            return  # the command itself will report it
        data = config.data
        yield from _paths([data.csv, data.exog, data.events, data.peers, data.inputs, config.universe])


def _paths(names: Sequence[Any]) -> Iterator[Path]:
    for name in names:
        if isinstance(name, tuple | list):
            yield from _paths(name)
        elif name is not None:
            yield Path(name)


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):  # one of them does not exist
        return False
