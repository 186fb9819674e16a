"""Run folders: one recorded training each, written all or nothing, readable with a text editor.

runs/<time>-<instrument>-<hash>/
    config.yaml     the whole configuration
    manifest.json   what was trained, on which data, with which versions, and how it scored
    weights.npz     named arrays, never code
    history.csv     the learning curve
"""

import contextlib
import csv
import dataclasses
import datetime
import difflib
import functools
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from forecaster.config import Config, load_config
from forecaster.data.series import PriceSeries
from forecaster.data.sources.options import parse_options
from forecaster.data.sources.registry import source_traits
from forecaster.errors import DamageError, ForecasterError, NewerSchemaError, RunNotFoundError, UsageError
from forecaster.evaluation.splits import Split, whole_history
from forecaster.experiments.configurations import ConfigurationFacts, described_configuration
from forecaster.experiments.manifest import SCHEMA, Manifest
from forecaster.experiments.manifest_schema import check_document
from forecaster.experiments.stored_files import (
    MAX_FILE_BYTES,
    MAX_TEXT_BYTES,
    document_checksum,
    parse_arrays,
    parse_json,
    require_finite,
    sealed_json,
)
from forecaster.files import read_regular_file, sha256_of, write_folder
from forecaster.models.base import Fitted, Forecaster
from forecaster.models.engine import use_engine
from forecaster.pipeline import DivergedError, forecaster_of

__all__ = [
    "Run",
    "RunListing",
    "find_run",
    "folder_names",
    "holds_files",
    "list_runs",
    "read_run",
    "run_folders",
    "runs_folder",
    "save_run",
]

_FILES = ("manifest.json", "weights.npz", "config.yaml")
_CURVE = ("step", "loss", "validation_loss")  # columns of history.csv
MIN_LIKENESS = 0.6  # of an id that may have been meant
MAX_SHOWN = 80  # characters of an id in a message


def runs_folder(home: Path) -> Path:
    """Folder of the runs of a project."""
    return home / "runs"


@dataclasses.dataclass(frozen=True)
class Run:
    """One recorded training.

    Args:
        folder: Folder of the run.
        manifest: Content of ``manifest.json``.
    """

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def source(self) -> str:
        """Registry key of the source of its data."""
        return self.manifest.data.source

    @property
    def frequency(self) -> str:
        """Length of one row: ``1d``, ``1wk`` or ``1mo``."""
        return self.manifest.data.frequency

    @property
    def seen_until(self) -> np.datetime64:
        """Last date that weights or choices have seen; forecasts from earlier cutoffs are in-sample."""
        return self.manifest.split.seen_until

    @property
    def fitted_until(self) -> np.datetime64:
        """Last date that the weights have seen."""
        return self.manifest.split.fitted_until

    @property
    def unseen_from(self) -> np.datetime64:
        """First date that the weights have not seen; intervals can be calibrated from there on."""
        return self.fitted_until + np.timedelta64(1, "D")

    @property
    def split(self) -> Split:
        """Rows that the weights have seen; a refit has seen every row that there was."""
        facts = self.manifest.split
        if facts.refit:
            return whole_history([self.seen_until])
        return Split(facts.parts["validation"].first, facts.parts["test"].first)

    @property
    def scored(self) -> frozenset[str]:
        """Names of the instruments that the run named and scored."""
        return frozenset(self.manifest.scores.verdicts)

    @functools.cached_property
    def configuration(self) -> ConfigurationFacts:
        """The shipped configuration that is nearest to that of the training, and the keys that differ."""
        recorded = self.manifest.configuration
        return described_configuration(self.config, self.source, resolved=True) if recorded is None else recorded

    @functools.cached_property
    def config(self) -> Config:
        """The configuration of the training.

        Raises:
            DamageError: It is missing, altered, not a configuration, or not that of the manifest.
        """
        path = self.folder / "config.yaml"
        self._checked("config.yaml", MAX_TEXT_BYTES)
        try:
            config = load_config(path)
            parse_options(source_traits(self.source).options, config.data.options, self.source)
        except UsageError as error:
            raise DamageError(_damage(path, f"is not a valid configuration: {error.messages[0]}")) from error
        self._require_same_model(config)
        return config

    def _require_same_model(self, config: Config) -> None:
        """Refuse a configuration of another training than the manifest's."""
        manifest = self.manifest
        configured = (config.kind, config.horizon, config.refit, config.data.frequency)
        recorded = (manifest.model.model, manifest.model.horizon, manifest.split.refit)
        for fact, value in zip((*recorded, self.frequency), configured, strict=True):
            if fact != value:
                raise DamageError(_damage(self.folder / "config.yaml", f"says {value}, and the manifest says {fact}"))

    @functools.cached_property
    def fitted(self) -> Fitted:
        """The model with its weights.

        Raises:
            DamageError: The weights are missing, altered or do not fit the configuration.
        """
        content = self._checked("weights.npz")
        model = self._prepared()
        try:
            arrays = parse_arrays(content)
            require_finite(arrays)
            return model.restore(arrays, self.manifest.report)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            path = self.folder / "weights.npz"
            raise DamageError(_damage(path, f"cannot be used as weights: {error}")) from error

    def require_readable(self) -> None:
        """Read every file; the network is not built.

        Raises:
            DamageError: Configuration, weights or learning curve are missing, altered or not valid.
        """
        _ = self.config
        self.history()
        try:
            require_finite(parse_arrays(self._checked("weights.npz")))
        except ValueError as error:
            raise DamageError(_damage(self.folder / "weights.npz", f"cannot be used as weights: {error}")) from error

    def _prepared(self) -> Forecaster:
        """The model of the run, not yet fitted, with the engine of the training where its forecasts need one."""
        model = forecaster_of(self.config)
        if not model.traits.numpy_forecast:
            engine = self.manifest.engine.engine
            use_engine("auto" if engine is None else engine.backend)
        return model

    def history(self) -> list[dict[str, float]]:
        """Learning curve: rows with ``step``, ``loss`` and, where it was measured, ``validation_loss``."""
        text = io.StringIO(self._checked("history.csv", MAX_TEXT_BYTES).decode("utf-8", "replace"), newline="")
        try:
            reader = csv.DictReader(text, strict=True)
            rows = [{key: float(value) for key, value in row.items() if value} for row in reader]
            if tuple(reader.fieldnames or ()) != _CURVE or not all("step" in row for row in rows):
                raise ValueError(f"expected the columns {', '.join(_CURVE)}")
        except (ValueError, TypeError, csv.Error) as error:
            raise DamageError(_damage(self.folder / "history.csv", f"is not a learning curve: {error}")) from error
        return rows

    @contextlib.contextmanager
    def damage_of_forecasts(self) -> Iterator[None]:
        """Turn a forecast that is not finite into the damage of the weights behind it."""
        try:
            yield
        except DivergedError as error:
            raise DamageError(
                _damage(self.folder / "weights.npz", f"gives no forecast: {error.messages[0]}")
            ) from error

    def covers(self, series: PriceSeries) -> bool:
        """True if the run was trained on `series`: same source and name; for a CSV, rows it still begins with."""
        if series.instrument.name not in self.manifest.data.members or series.source != self.source:
            return False
        return not source_traits(series.source).is_given or not self.history_changed(series)

    def history_changed(self, series: PriceSeries) -> bool:
        """True if `series` no longer begins with exactly the rows that the run was trained on."""
        member = self.manifest.data.members[series.instrument.name]
        trained = series.between(end=member.last)
        return len(trained) == 0 or trained.sha256 != member.sha256

    def _checked(self, name: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """Content of a file of the run, whose hash is that of the manifest."""
        path = self.folder / name
        content = _read(path, limit)
        if sha256_of(content) != self.manifest.files.get(name):
            raise DamageError(_damage(path, "is not what the manifest recorded (SHA-256 differs)"))
        return content


def _read(path: Path, limit: int) -> bytes:
    try:
        return read_regular_file(path, limit)
    except OSError as error:
        advice = "change its mode" if isinstance(error, PermissionError) else "train again"
        raise DamageError(_damage(path, f"cannot be read: {error.strerror}", advice)) from error
    except ValueError as error:
        raise DamageError(_damage(path, f"cannot be read: {error}")) from error


def _damage(path: Path, problem: str, advice: str = "train again") -> str:
    return f"{path} {problem}; expected the file as the training wrote it; {advice} or choose another with --run ID"


def save_run(folder: Path, now: datetime.datetime, config_text: str, fitted: Fitted, manifest: Manifest) -> Run:
    """Write a new run folder, all or nothing.

    Args:
        folder: Folder of all runs.
        now: Current time, with a time zone.
        config_text: The whole configuration as YAML.
        fitted: Fitted model.
        manifest: Facts about the training; the id, the files and the state of the model are added here.

    Raises:
        StorageError: The folder refuses the write.
    """
    weights = io.BytesIO()
    np.savez(weights, allow_pickle=False, **fitted.arrays())
    files = {
        "config.yaml": config_text.encode(),
        "weights.npz": weights.getvalue(),
        "history.csv": _history_csv(fitted.report.curve),
    }
    hashes = {name: sha256_of(content) for name, content in files.items()}
    tail = sha256_of("".join([now.isoformat(), *hashes.values()]).encode())[:6]
    label = "".join(c if c.isalnum() else "_" for c in manifest.data.instruments[0])[:24]
    run_id = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{label}-{tail}"
    document = dataclasses.replace(manifest, run_id=run_id, files=hashes, report=fitted.report).to_json()
    write_folder(folder / run_id, {**files, "manifest.json": sealed_json(document)})
    return read_run(folder / run_id)


def _history_csv(rows: Sequence[Mapping[str, float]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _CURVE, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read_run(folder: Path) -> Run:
    """The run in `folder`.

    Raises:
        NewerSchemaError: A newer version wrote it.
        DamageError: Its manifest is missing, altered or forged, or is that of another folder.
    """
    path = folder / "manifest.json"
    content = _read(path, MAX_TEXT_BYTES)
    try:
        document = parse_json(content)
    except ValueError as error:
        raise DamageError(_damage(path, f"is not valid JSON: {error}")) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerSchemaError(
            f"{path} has schema {schema}; this version reads up to {SCHEMA}; "
            "upgrade with pip install --upgrade forecaster, or choose another with --run ID"
        )
    if schema != SCHEMA or document.get("checksum") != document_checksum(document):
        raise DamageError(_damage(path, "does not match its own checksum"))
    try:
        check_document(document)
        manifest = Manifest.from_json(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamageError(_damage(path, f"lacks a fact, or holds a false one ({error})")) from error
    if manifest.run_id != folder.name:
        raise DamageError(
            f"{folder} holds the run {manifest.run_id}; expected a folder with the name of its run; rename the folder "
            "to it, or delete it, or choose another with --run ID"
        )
    return Run(folder, manifest)


def run_folders(folder: Path) -> list[Path]:
    """Folders that hold any file of a run, newest first."""
    return [folder / name for name in folder_names(folder) if holds_files(folder / name)]


def folder_names(folder: Path) -> list[str]:
    """Names of the visible folders in `folder`, the last one first."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted((entry.name for entry in entries if entry.name[0] != "." and entry.is_dir()), reverse=True)


def holds_files(folder: Path) -> bool:
    """True if a folder has files of a run, or may not be looked into: then reading it reports the reason."""
    return any(_may_exist(f"{folder}{os.sep}{name}") for name in _FILES)


def _may_exist(path: str) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
    return True


@dataclasses.dataclass(frozen=True)
class RunListing:
    """All runs of a project.

    Args:
        runs: Those that can be read, newest first.
        damaged: An error for each that cannot be read, newest first.
    """

    runs: tuple[Run, ...]
    damaged: tuple[ForecasterError, ...]


def list_runs(folder: Path) -> RunListing:
    """Every run in `folder`."""
    runs: list[Run] = []
    damaged: list[ForecasterError] = []
    for path in run_folders(folder):
        try:
            runs.append(read_run(path))
        except (DamageError, NewerSchemaError) as error:
            damaged.append(error)
    return RunListing(tuple(runs), tuple(damaged))


def find_run(folder: Path, run_id: str) -> Run:
    """The run whose id is `run_id` or alone begins with it; ``latest`` is the newest.

    Raises:
        RunNotFoundError: There is none, or several.
        UsageError: The id is empty.
    """
    folders = run_folders(folder)
    if not run_id:
        raise UsageError("the id of a run is empty; expected an id, its beginning, or latest; name one")
    matching = folders[:1] if run_id == "latest" else [path for path in folders if path.name == run_id]
    matching = matching or [path for path in folders if path.name.startswith(run_id)]
    if len(matching) != 1:
        names = [path.name for path in matching or folders]
        of_instrument = [name for name in names if run_id.lower() in name.lower().split("-")]
        likely = ["latest", *names] if names else []
        near = of_instrument or difflib.get_close_matches(run_id, likely, n=1, cutoff=MIN_LIKENESS)
        near = [] if matching else near
        problem = f"{len(matching)} runs begin with" if matching else "no run is called"
        existing = f"; there are {', '.join(names[:3])}" if names else "; there is none yet"
        advice = f"; did you mean {near[0]}?" if near else f"{existing}; give the whole id"
        raise RunNotFoundError(f"{problem} {run_id[:MAX_SHOWN]!r} in {folder}{advice}")
    return read_run(matching[0])
