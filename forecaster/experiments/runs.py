"""Run folders: one recorded training each, written at once, readable with a text editor.

runs/<time>-<instrument>-<hash>/
    config.yaml     the whole configuration
    manifest.json   what was trained, on which data, with which versions, and how it scored
    weights.npz     named arrays, never code
    history.csv     the learning curve
"""

import csv
import dataclasses
import datetime
import functools
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.config import Config, load_config
from forecaster.data.series import PriceSeries
from forecaster.errors import DamageError, ForecasterError, NewerSchemaError, RunNotFoundError
from forecaster.files import json_text, plain, sha256_of, write_folder
from forecaster.models.base import Fitted
from forecaster.pipeline import forecaster_of

__all__ = ["SCHEMA", "Run", "find_run", "list_runs", "runs_folder", "save_run", "series_facts"]

SCHEMA = 1
_FILES = ("manifest.json", "weights.npz", "config.yaml")
_NEEDED = (
    "run_id",
    "model",
    "source",
    "instruments",
    "members",
    "horizon",
    "split",
    "fitted_until",
    "seen_until",
    "state",
    "files",
)


def runs_folder(home: Path) -> Path:
    """Where the runs of a project are."""
    return home / "runs"


def series_facts(series: PriceSeries) -> dict[str, Any]:
    """What a manifest and a result say of a history."""
    return {
        "series": series.name,
        "rows": len(series),
        "first": str(series.dates[0]),
        "last": str(series.dates[-1]),
        "sha256": series.sha256,
    }


@dataclasses.dataclass(frozen=True)
class Run:
    """One recorded training.

    Args:
        folder: Where it is.
        manifest: The facts in ``manifest.json``.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def source(self) -> str:
        """Registry key of the source of its data."""
        return str(self.manifest["source"])

    @property
    def interval(self) -> str:
        """Span of one row."""
        return str(self.manifest.get("interval", "1d"))

    @property
    def seen_until(self) -> np.datetime64:
        """Last date that fitting or choosing has used; forecasts made before it are in-sample."""
        return np.datetime64(self.manifest["seen_until"])

    @property
    def fitted_until(self) -> np.datetime64:
        """Last date that the weights have seen."""
        return np.datetime64(self.manifest["fitted_until"])

    @property
    def unseen_from(self) -> np.datetime64:
        """First date that the weights have not seen; from there on intervals can be calibrated."""
        return self.fitted_until + np.timedelta64(1, "D")

    @functools.cached_property
    def config(self) -> Config:
        """The configuration of the training."""
        return load_config(self._checked("config.yaml"))

    @functools.cached_property
    def fitted(self) -> Fitted:
        """The model with its weights.

        Raises:
            DamageError: The weights are missing, altered or do not fit the configuration.
        """
        path = self._checked("weights.npz")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return forecaster_of(self.config).restore(arrays, self.manifest["state"])
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise DamageError(_damage(path, f"cannot be read as weights: {error}")) from error

    def history(self) -> list[dict[str, float]]:
        """The learning curve."""
        with open(self._checked("history.csv"), encoding="utf-8", newline="") as file:
            return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]

    def covers(self, series: PriceSeries) -> bool:
        """Whether the run was trained on this series: same source and name; for a CSV, rows it still begins with."""
        member = self.manifest["members"].get(series.instrument.name)
        if member is None or series.source != self.source:
            return False
        return series.source != "csv" or not self.history_changed(series)

    def history_changed(self, series: PriceSeries) -> bool:
        """Whether `series` no longer begins with exactly the rows that the run was trained on."""
        member = self.manifest["members"][series.instrument.name]
        span = series.between(end=np.datetime64(member["last"]))
        return len(span) == 0 or span.sha256 != member["sha256"]

    def _checked(self, name: str) -> Path:
        path = self.folder / name
        expected = self.manifest["files"].get(name)
        try:
            found = sha256_of(path.read_bytes())
        except OSError as error:
            raise DamageError(_damage(path, f"cannot be read: {error.strerror}")) from error
        if found != expected:
            raise DamageError(_damage(path, "is not what the manifest recorded (SHA-256 differs)"))
        return path


def _damage(path: Path, what: str) -> str:
    return f"{path} {what}; expected the file as the training wrote it; train again or choose another with --run ID"


def save_run(folder: Path, now: datetime.datetime, config_text: str, fitted: Fitted, facts: Mapping[str, Any]) -> Run:
    """Write a new run folder, all or nothing.

    Args:
        folder: Of the runs.
        now: Current time, with a zone.
        config_text: The whole configuration as YAML.
        fitted: The model.
        facts: What the manifest says beyond the files; ``instruments`` among them.

    Raises:
        StorageError: The folder refuses the write.
    """
    weights = io.BytesIO()
    np.savez(weights, allow_pickle=False, **fitted.arrays())
    files = {
        "config.yaml": config_text.encode(),
        "weights.npz": weights.getvalue(),
        "history.csv": _history_csv(fitted.history),
    }
    hashes = {name: sha256_of(content) for name, content in files.items()}
    tail = sha256_of("".join([now.isoformat(), *hashes.values()]).encode())[:6]
    label = "".join(c if c.isalnum() else "_" for c in facts["instruments"][0])[:24]
    run_id = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{label}-{tail}"
    manifest = {"schema": SCHEMA, "run_id": run_id, **facts, "state": fitted.state(), "files": hashes}
    manifest["checksum"] = _checksum(manifest)
    write_folder(folder / run_id, {**files, "manifest.json": (json_text(manifest) + "\n").encode()})
    return _read(folder / run_id)


def _checksum(manifest: Mapping[str, Any]) -> str:
    body = {key: value for key, value in plain(manifest).items() if key != "checksum"}
    return sha256_of(json.dumps(body, sort_keys=True, allow_nan=False).encode())


def _history_csv(rows: Sequence[Mapping[str, float]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["step", "loss", "validation_loss"], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _read(folder: Path) -> Run:
    """The run in `folder`.

    Raises:
        NewerSchemaError: A newer version wrote it.
        DamageError: Its manifest is missing or altered.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DamageError(_damage(path, f"cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise DamageError(_damage(path, f"is not valid JSON: {error}")) from error
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerSchemaError(
            f"{path} has schema {schema}; this version reads up to {SCHEMA}; "
            "upgrade with pip install --upgrade forecaster, or choose another with --run ID"
        )
    if (
        schema != SCHEMA
        or not all(key in manifest for key in _NEEDED)
        or manifest.get("checksum") != _checksum(manifest)
    ):
        raise DamageError(_damage(path, "does not match its own checksum"))
    return Run(folder, manifest)


def _folders(folder: Path) -> list[Path]:
    """Folders that hold any file of a run, newest first."""
    if not folder.is_dir():
        return []
    shown = (one for one in folder.iterdir() if one.is_dir() and one.name[0] != ".")
    return sorted((one for one in shown if any((one / name).exists() for name in _FILES)), reverse=True)


def list_runs(folder: Path) -> Iterator[Run | ForecasterError]:
    """All runs, newest first; for one that cannot be read, what is wrong with it."""
    for one in _folders(folder):
        try:
            yield _read(one)
        except (DamageError, NewerSchemaError) as error:
            yield error


def find_run(folder: Path, run_id: str) -> Run:
    """The run whose id is, or uniquely begins with, `run_id`; ``latest`` is the newest.

    Raises:
        RunNotFoundError: There is none, or several.
    """
    found = list(_folders(folder))
    matching = found[:1] if run_id == "latest" else [one for one in found if one.name == run_id]
    matching = matching or [one for one in found if one.name.startswith(run_id)]
    if len(matching) != 1:
        some = ", ".join(one.name for one in (matching or found)[:3])
        what = f"{len(matching)} runs begin with" if matching else "no run is called"
        known = f"; there are {some}" if some else "; there is none yet"
        raise RunNotFoundError(f"{what} {run_id!r} in {folder}{known}; give the whole id")
    return _read(matching[0])
