"""`export`: the whole forecaster of a run as a file for programs that do not have this package."""

import contextlib
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UsageError, did_you_mean
from forecaster.experiments.results import ExportResult
from forecaster.experiments.run_selection import RunQuery, SelectedRun, select_runs
from forecaster.experiments.runs import Run, find_run, runs_folder
from forecaster.files import json_text, storage_faults, write_folder
from forecaster.models import network_names, traits_of
from forecaster.models.engine import use_engine
from forecaster.models.ensemble import members_of
from forecaster.models.exports import FORMATS, export_format
from forecaster.models.exports.base import ExportableFitted, ExportFormat, ExportSample
from forecaster.models.keras_import import without_tensorflow
from forecaster.output.export_documents import (
    DESCRIPTION,
    EXAMPLE,
    EXAMPLE_INPUTS,
    example_program,
    export_document,
)

__all__ = ["TOLERANCE", "export"]

TOLERANCE = 1e-5
"""Largest difference from `predict`, in units of the volatility."""

EARLY_ROWS = 64  # after the first forecast, of a cutoff with a short history


def export(
    *,
    run: str = "latest",
    format: str = "keras",
    folder: str | Path | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
) -> ExportResult:
    """Export the whole forecaster of a run, after a comparison with `predict`.

    Args:
        run: Id of the run or its beginning; ``latest`` is the newest.
        format: ``keras``, ``onnx`` or ``saved-model``.
        folder: New folder; ``exports/RUN-FORMAT`` in the project when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.

    Raises:
        UsageError: The format is unknown or needs the extra ``export``, the model cannot be exported, or the folder
            exists.
        RunNotFoundError: There is no such run, or several.
        ForecasterError: The exported forecaster differs from `predict`; nothing is left behind.
        StorageError: The disk is full, or the folder cannot be made.
    """
    environment = environment or Environment.at(home)
    if format not in FORMATS:
        raise UsageError(
            f"--format {format} is unknown; expected one of {', '.join(FORMATS)}{did_you_mean(format, FORMATS)}"
        )
    writer = export_format(format)
    writer.require()
    recorded = find_run(runs_folder(environment.home), run)
    _check_exportable(recorded)
    target = environment.home / "exports" / f"{recorded.id}-{format}" if folder is None else Path(folder)
    if target.exists():
        raise UsageError(f"{target} exists; expected a new folder; remove it, or name another one with --folder")
    (selected, *_) = select_runs(Selection(network="never"), RunQuery(recorded.id), environment)
    with storage_faults(target), tempfile.TemporaryDirectory(prefix="forecaster-") as scratch:
        with without_tensorflow() if environment.own_process else contextlib.nullcontext():
            result = _write(writer, selected, Path(scratch), target)
        files = {
            path.relative_to(scratch).as_posix(): path.read_bytes()
            for path in sorted(Path(scratch).rglob("*"))
            if path.is_file()
        }
    write_folder(target, files)
    environment.note(
        f"checked: {result.forecasts} forecasts of {result.instrument} differ from those of predict by at most "
        f"{result.difference:.1e} volatilities (limit {TOLERANCE:g})"
    )
    return result


def _check_exportable(run: Run) -> None:
    """Raise a UsageError for a run whose model has no form of one network."""
    name = run.manifest.model.model
    if not traits_of(name).exportable:
        kinds = ", ".join(kind for kind in network_names() if traits_of(kind).exportable)
        raise UsageError(
            f"run {run.id} has the model {name}, which cannot be exported; expected a run of {kinds}; "
            "list the runs with: forecast runs list"
        )
    if members := members_of(run.fitted):
        raise UsageError(
            f"run {run.id} is an ensemble of {len(members)}, which cannot be exported; expected a run of one "
            "network; train it with --set members=1"
        )


def _write(writer: ExportFormat, selected: SelectedRun, scratch: Path, folder: Path) -> ExportResult:
    """Write all files into `scratch` and compare the forecaster with `predict`."""
    run = selected.run
    fitted = cast(ExportableFitted, run.fitted)
    if "keras" not in sys.modules:
        use_engine(device="cpu")
    series = _trained_rows(run, selected.series)
    rows = _cutoffs(fitted.first_row, len(series))
    samples = [fitted.export_sample(series, row) for row in rows]
    inputs = fitted.export_inputs()
    settled = [sample.last(inputs.window or inputs.settled) for sample in samples[-1:]]
    outputs = writer.write(fitted.forecast_model(), scratch, [*samples, *settled])
    differences = [sample.difference(output) for sample, output in zip([*samples, *settled], outputs, strict=True)]
    difference = max(differences[: len(samples)])
    if not difference <= TOLERANCE:
        raise ForecasterError(
            f"the exported forecaster of run {run.id} differs from predict by {difference:.1e} volatilities; expected "
            f"at most {TOLERANCE:g}; nothing was exported; choose another --format or run"
        )
    result = ExportResult(
        folder=folder,
        file=writer.file,
        format=writer.name,
        run_id=run.id,
        model=fitted.name,
        instrument=series.instrument.name,
        frequency=run.frequency,
        differences=series.differences,
        inputs=inputs,
        forecasts=len(samples),
        difference=difference,
        tolerance=TOLERANCE,
        settled_difference=differences[-1],
        cutoff=series.dates[-1],
        last_price=float(series.close[-1]),
    )
    (scratch / DESCRIPTION).write_text(json_text(export_document(result)) + "\n", encoding="utf-8")
    (scratch / EXAMPLE).write_text(example_program(result, writer.example), encoding="utf-8")
    (scratch / EXAMPLE_INPUTS).write_bytes(_example_inputs(settled[0]))
    return result


def _trained_rows(run: Run, series: PriceSeries) -> PriceSeries:
    """The rows of the training, so that an export does not depend on the day on which it is made."""
    return series.between(end=run.manifest.data.members[series.instrument.name].last)


def _cutoffs(first: int, rows: int) -> Sequence[int]:
    """An early, a middle and the last row of a history."""
    last = rows - 1
    early = min(first + EARLY_ROWS, last)
    return sorted({early, (early + last) // 2, last})


def _example_inputs(sample: ExportSample) -> bytes:
    content = io.BytesIO()
    np.savez(
        content,
        allow_pickle=False,
        features=sample.features,
        volatility=sample.volatility,
        forecast=sample.quantiles.astype(np.float32),
    )
    return content.getvalue()
