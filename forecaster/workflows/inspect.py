"""`inspect`: gates, memory length, importance of the inputs and learning curve of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, exact_keywords, selection_of, steps_of
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.experiments import inspections
from forecaster.experiments.inspections import DEFAULT_ROWS, InspectionRequest
from forecaster.experiments.run_selection import RunQuery, announce, select_runs
from forecaster.frames import with_fields
from forecaster.models.ensemble import members_of
from forecaster.output.figure_request import FigureRequest

__all__ = ["Inspection", "inspect", "inspection_figure"]


@with_fields
class Inspection(inspections.Inspection):
    """Result of `inspect`, with a picture."""

    def figure(self) -> Any:
        """Gates, memory, importances and learning curve, a `matplotlib.figure.Figure`."""
        from forecaster.output.inspection_figure import draw_inspection

        return draw_inspection(self)


@exact_keywords
def inspect(
    *,
    run: str | None = None,
    step: int | Sequence[int] = 1,
    last: int | None = None,
    as_of: Day | None = None,
    out: str | Path | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> list[Inspection]:
    """Look into a run: what its gates do, how long it remembers, which inputs matter, how it was trained.

    Args:
        run: Id of the run; the best one that fits the instrument when None.
        step: Days ahead at which the importance of the inputs is measured, one or several.
        last: Rows whose gates are read; 500 when None.
        as_of: Last row that is read; the newest when None.
        out: Picture to write, png, svg or pdf; none when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`. None are needed with
            the id of a run.

    Returns:
        One inspection for each instrument.

    Raises:
        RunNotFoundError: No run fits.
        UsageError: A step lies beyond the horizon of the run, or `out` names one file for several instruments.
    """
    environment = environment or Environment.at(home)
    day = day_of(as_of, "as_of")
    steps = steps_of(step)
    request = InspectionRequest(steps or (1,), last or DEFAULT_ROWS)
    selected = [
        selection.until(day) for selection in select_runs(selection_of(instruments), RunQuery(run), environment)
    ]
    if out is not None and len(selected) > 1:
        raise UsageError(f"--out names one file; got {len(selected)} instruments; name one of them")
    announce(selected, environment)
    results = []
    for selection in selected:
        run_used = selection.run
        if run_used.manifest.split.refit:
            environment.note(f"warning: run {run_used.id} was fitted again on all rows: its importances are in-sample")
        if count := len(members_of(run_used.fitted)):
            environment.note(f"ensemble of {count}: gates are those of one member, the rest is of their mean")
        result = inspections.inspect_run(
            run_used, selection.instrument, selection.series, request, environment.progress
        )
        results.append(Inspection(**vars(result)))
    if out is not None:
        from forecaster.output.canvas import save_figure

        save_figure(results[0].figure(), Path(out))
    return results


def inspection_figure(request: FigureRequest) -> Any:
    """Gates, memory, importances and learning curve of the run, as a matplotlib figure."""
    from forecaster.output.inspection_figure import draw_inspection

    selection = request.selection
    wanted = InspectionRequest(last=request.last or DEFAULT_ROWS)
    result = inspections.inspect_run(selection.run, selection.instrument, selection.series, wanted)
    return draw_inspection(result, request.title)
