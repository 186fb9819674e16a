"""`report`: one HTML page about an instrument, or an overview of several."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from forecaster.data.universes import listed
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, exact_keywords, selection_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, RunNotFoundError, UsageError
from forecaster.experiments.forecasting import Wanted, forecasts_together
from forecaster.experiments.predictions import FailedPrediction
from forecaster.experiments.run_selection import RunQuery, RunSelector, SelectedRun, announce, select_runs
from forecaster.files import check_target, write_file
from forecaster.output.report_content import InstrumentReport, Report
from forecaster.output.report_page import report_page
from forecaster.workflows.predict import forecast_request, reaching, wanted_horizon
from forecaster.workflows.report_parts import ReportOptions, brief_report, detailed_report

__all__ = ["report"]

_ABOVE = "--above names prices of one instrument"


@exact_keywords
def report(
    *,
    universe: str | None = None,
    above: float | Sequence[float] = (),
    horizon: int | str | None = None,
    until: Day | None = None,
    as_of: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    calibrate: bool = True,
    out: str | Path | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> Path:
    """Write a page about an instrument, or an overview of several; it needs neither a network nor a server.

    Two reports of the same run and the same rows are equal byte by byte.

    Args:
        universe: Universe to give an overview of: ``currencies``, ``ecb-all``, a file with one symbol a line, or the
            name of one in ``data/universes``.
        above: Prices whose probabilities are added to the odds.
        horizon: Rows ahead, or a span such as ``"1mo"``; the rows of the run when None.
        until: Last day to forecast, in place of `horizon`.
        as_of: Last row that the report may use; the newest when None.
        frequency: Length of a row; that of the run when None.
        run: Id of a run; the best one that fits when None.
        calibrate: True if past coverage adjusts the widths of the intervals.
        out: File to write, html; named after the instrument or the universe when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`. None are needed with
            the id of a run or with a universe.

    Returns:
        The file.

    Raises:
        RunNotFoundError: No run fits.
        UsageError: The ending of `out` is another one, or a universe and an instrument are given.
        StorageError: The file cannot be written.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(instruments)
    if universe is not None and not choice.is_empty:
        raise UsageError("a universe and an instrument are given; expected one of them; remove --universe or the name")
    path = None if out is None else _checked(Path(out))
    options = ReportOptions(
        query=RunQuery(run, frequency=frequency),
        wanted=wanted_horizon(horizon, until),
        as_of=day_of(as_of, "as_of"),
        calibrate=calibrate,
        above=tuple(above) if isinstance(above, Sequence) else (above,),
    )
    options = dataclasses.replace(options, flags=_flags(horizon, until, options))
    if isinstance(options.wanted, int):
        options = dataclasses.replace(options, query=dataclasses.replace(options.query, horizon=options.wanted))
    if options.above and universe is not None:
        raise UsageError(f"{_ABOVE}; got a universe; remove --above")
    if universe is not None:
        content = _of_universe(universe, choice, options, environment)
    else:
        content = _of_named(choice, options, environment)
    path = path or _checked(Path(_file_name(content)))
    write_file(path, report_page(content))
    return path


def _flags(horizon: int | str | None, until: Day | None, options: ReportOptions) -> tuple[str, ...]:
    """The options that decide the content of a page, as words of a command line."""
    flags = [] if horizon is None else ["--horizon", str(horizon)]
    flags += [] if until is None else ["--until", str(until)]
    flags += ["--above", ",".join(f"{price:.10g}" for price in options.above)] if options.above else []
    return (*flags, *([] if options.calibrate else ["--no-calibration"]))


def _checked(path: Path) -> Path:
    """The path of a page that can be written.

    Raises:
        UsageError: It has another ending.
        StorageError: It cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {path}: a report is a page; expected a name that ends with .html; change it")
    check_target(path)
    return path


def _file_name(content: Report) -> str:
    if content.universe is not None:
        return f"{Path(content.universe).stem}-report.html"
    first = content.instruments[0]
    name = first.name if isinstance(first, InstrumentReport) else first.instrument.name
    return "report.html" if len(content.instruments) > 1 else f"{name}-report.html"


def _of_named(choice: Selection, options: ReportOptions, environment: Environment) -> Report:
    """The report on the instruments that are named, or that the run has."""
    whole = select_runs(choice, options.query, environment)
    cut = [
        reaching(selection, choice, options.query, options.wanted, options.as_of, environment) for selection in whole
    ]
    announce(cut, environment)
    if len(cut) > 1 and options.above:
        raise UsageError(f"{_ABOVE}; got {len(cut)}; remove --above, or name one of them")
    if len(cut) > 1:
        return Report(_brief(cut, choice, options, environment))
    wanted = _wanted(cut[0], choice, options, environment)
    (prediction,) = forecasts_together(cut[0].run, [wanted])
    if isinstance(prediction, ForecasterError):
        raise prediction
    return Report([detailed_report(cut[0], whole[0], prediction, choice, options, environment)])


def _of_universe(name: str, choice: Selection, options: ReportOptions, environment: Environment) -> Report:
    """The overview of a universe; an instrument without a run is named with the reason."""
    members = listed(name, environment.home)
    for mistake in members.mistakes:
        environment.note(f"universe: left out: {mistake}")
    quiet = dataclasses.replace(environment, note=lambda text: None)
    selector = RunSelector(choice, options.query, quiet)
    selected: list[SelectedRun | FailedPrediction] = []
    with selector.loading_ahead(members.instruments):
        for number, instrument in enumerate(members.instruments):
            environment.progress("report", number, len(members.instruments), detail=instrument.name)
            try:
                current = selector.select(instrument)
                alone = choice.alone(instrument)
                selected.append(reaching(current, alone, options.query, options.wanted, options.as_of, quiet))
            except ForecasterError as error:
                selected.append(FailedPrediction(instrument, error))
    reports = _brief(selected, choice, options, quiet)
    failed = [each for each in reports if isinstance(each, FailedPrediction)]
    if len(failed) == len(reports):
        raise RunNotFoundError(*(f"{each.instrument.name}: {each.error.messages[0]}" for each in failed[:5]))
    if failed:
        environment.note(f"failed: {len(failed)} of {len(reports)} instruments, which the page lists")
    return Report(reports, name)


def _brief(
    selected: Sequence[SelectedRun | FailedPrediction],
    choice: Selection,
    options: ReportOptions,
    environment: Environment,
) -> list[InstrumentReport | FailedPrediction]:
    """Reports for an overview; forecasts of one run are made together."""
    reports: dict[int, InstrumentReport | FailedPrediction] = {}
    by_run: dict[str, list[tuple[int, SelectedRun]]] = {}
    for number, selection in enumerate(selected):
        if isinstance(selection, FailedPrediction):
            reports[number] = selection
        else:
            by_run.setdefault(selection.run.id, []).append((number, selection))
    for same in by_run.values():
        wanted = [_wanted(selection, choice, options, environment) for _, selection in same]
        outcomes = forecasts_together(same[0][1].run, wanted)
        for (number, selection), outcome in zip(same, outcomes, strict=True):
            if isinstance(outcome, ForecasterError):
                reports[number] = FailedPrediction(selection.instrument, outcome)
            else:
                reports[number] = brief_report(selection, outcome, choice, options)
    return [reports[number] for number in range(len(selected))]


def _wanted(selection: SelectedRun, choice: Selection, options: ReportOptions, environment: Environment) -> Wanted:
    request = forecast_request(selection, options.wanted, choice, options.calibrate, environment)
    return Wanted(selection.instrument, selection.series, dataclasses.replace(request, keep_earlier=True))
