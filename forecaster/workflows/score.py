"""`score`: forecasts that somebody else has made, graded beside our models on the same rows."""

import collections
import dataclasses
import datetime
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.config import Config
from forecaster.data.forecast_files import ForecastFile, read_forecasts
from forecaster.data.instrument_names import recognised_kind
from forecaster.data.instruments import parse_pair, parse_ticker, shown
from forecaster.data.series import PriceSeries
from forecaster.datasets.keywords import (
    BacktestKeywords,
    Day,
    Texts,
    config_of,
    day_of,
    exact_keywords,
    selection_of,
    texts_of,
)
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import InstrumentError, NotEnoughDataError, UsageError
from forecaster.evaluation import DEFAULT_BASELINES
from forecaster.evaluation.external_forecasts import MIN_ROWS, Units
from forecaster.evaluation.splits import parse_refit
from forecaster.experiments import forecast_grades
from forecaster.frames import with_fields
from forecaster.workflows.backtest import MIN_TRAINING_ROWS, BacktestRequest, model_names, recorded_backtest
from forecaster.workflows.executor_choice import ExecutorOptions

__all__ = ["ForecastGrades", "score"]

MAX_STEPS = 30
"""Steps that are scored at once."""

MAX_STEP = 1000


@with_fields
class ForecastGrades(forecast_grades.ForecastGrades):
    """Result of `score`, with a picture."""

    def figure(self) -> Any:
        """Gains over the baselines and coverage day by day, a `matplotlib.figure.Figure`."""
        from forecaster.output.backtest_figure import backtest_pictures, draw_backtest

        return draw_backtest(*backtest_pictures(self.result, self.result.losses, self.result.id))


@exact_keywords
def score(
    *,
    forecasts: str | Path,
    units: Units = "price",
    forecaster: str | None = None,
    models: Texts = (),
    config: Config | str | Path | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    start: Day | None = None,
    schedule: str = "yearly",
    calibrate: bool = True,
    jobs: int | None = 1,
    executor: str = "local",
    address: str | None = None,
    gpu_share: float | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **keywords: Unpack[BacktestKeywords],
) -> ForecastGrades:
    """Score the forecasts of a file beside the baselines, which are fitted again as time passes.

    Args:
        forecasts: File with the columns instrument, cutoff and step, and quantiles or mean and sigma.
        units: ``price``, or ``return`` for log returns from the cutoff.
        forecaster: Forecaster of the column ``model`` to evaluate; the first one when None.
        models: Registry keys of further models to compare with, such as ``lstm``.
        config: Configuration of the network: an object, a YAML file or a shipped name.
        set: Key of the configuration -> value.
        start: First cutoff; the first one of the file when None.
        schedule: Times of the refits: ``never``, ``yearly``, ``monthly`` or after a number of rows.
        calibrate: True if past coverage adjusts the widths of the intervals of networks.
        jobs: Fits of networks at once on a CPU; None for what processors and memory allow.
        executor: ``local`` or ``ray``, a Ray cluster.
        address: Address of the cluster.
        gpu_share: Share of a GPU of the cluster for each fit.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        keywords: The instruments to grade, which are those of the file when none is named, and their data; see
            `BacktestKeywords`.

    Raises:
        InputFileError: The file cannot be read as forecasts.
        UsageError: A model or the forecaster is unknown, or the file has no valid step, or too many.
        NotEnoughDataError: No forecast can be scored.
    """
    environment = environment or Environment.at(home)
    environment.progress("data", 0, 1, detail="loading histories")
    file = _read(forecasts, keywords.get("date_order"), forecaster)
    if not keywords.get("csv"):
        keywords.pop("date_order", None)  # no other source has dates to read
    requested = config_of(config, set, keywords)
    _check_frequency(file, requested.data.frequency)
    selection = selection_of(keywords)
    if selection.is_empty:
        selection = _selection_of_file(file, selection)
    request = BacktestRequest(
        config=requested,
        selection=selection,
        models=model_names((*texts_of(models), *DEFAULT_BASELINES)),
        steps=_steps(file),
        refit=parse_refit(schedule),
        where=ExecutorOptions(executor, jobs, address, gpu_share),
        last_cutoff=file.cutoffs.max(),
    )
    begin = functools.partial(_begin, file, day_of(start, "start"))
    plan, records = recorded_backtest(request, begin, environment)
    spellings = _spellings(file, plan.named, is_pair=plan.panel[plan.named[0]].instrument.kind == "pair")
    environment.progress("evaluate", 0, 1, detail="scores and tests")
    grades = forecast_grades.grade_forecasts(file, units, spellings, plan, records, calibrated=calibrate)
    environment.progress("evaluate", 1, 1)
    return ForecastGrades(**vars(grades))


def _read(forecasts: str | Path, date_order: str | None, forecaster: str | None) -> ForecastFile:
    """The file, whose name is that of forecasters without one, with the evaluated forecaster first."""
    if not isinstance(forecasts, str | Path):
        kind = type(forecasts).__name__
        raise UsageError(f"forecasts is a {kind}; expected the path of a file; a data frame writes one: to_csv(path)")
    path = Path(forecasts)
    file = read_forecasts(path, date_order)
    return _evaluated_first(dataclasses.replace(file, models=[name or path.stem for name in file.models]), forecaster)


def _check_frequency(file: ForecastFile, frequency: str) -> None:
    """Refuse steps that count other rows than those of the histories."""
    if file.frequency not in (None, frequency):
        raise UsageError(
            f"{file.label} forecasts rows of {file.frequency}, by its column frequency; expected {frequency}; "
            f"add --frequency {file.frequency}"
        )


def _evaluated_first(file: ForecastFile, forecaster: str | None) -> ForecastFile:
    """`file` with the rows of one forecaster before those of the others."""
    if forecaster is None:
        return file
    if forecaster not in file.models:
        names = ", ".join(list(dict.fromkeys(file.models))[:10])
        raise UsageError(f"--forecaster {forecaster:.40} is not in {file.label}; expected one of {names}")
    order = np.argsort([model != forecaster for model in file.models], kind="stable")
    return file.take(order)


def _selection_of_file(file: ForecastFile, selection: Selection) -> Selection:
    """`selection` with the pairs or the symbols of the file, of which most rows are.

    Raises:
        InstrumentError: The file has neither.
    """
    counts = collections.Counter(file.instruments)
    pairs = {name: pair[0] for name in counts if (pair := _pair(name)) is not None}
    tickers = [name for name in counts if name not in pairs and recognised_kind(name) == "ticker"]
    if not (pairs or tickers):
        raise InstrumentError(
            f"{file.label} names no known instrument ({shown(file.instruments[0])}); expected pairs such as USDJPY or "
            "symbols such as AAPL; name others with --csv FILE"
        )
    if sum(counts[name] for name in pairs) >= sum(counts[name] for name in tickers):
        return dataclasses.replace(selection, pairs=tuple(dict.fromkeys(pairs.values())))
    return dataclasses.replace(selection, tickers=tuple(tickers))


def _pair(name: str) -> tuple[str, bool] | None:
    """Canonical name of a pair, and True for the inverse quotation; None for other names."""
    try:
        instrument = parse_pair(name)
    except InstrumentError:
        return None
    return instrument.canonical.name, instrument.sign < 0


def _spellings(file: ForecastFile, named: Sequence[str], *, is_pair: bool) -> dict[str, tuple[str, bool]]:
    """Instrument as the file names it -> name of its series, and True for the inverse quotation."""
    spellings: dict[str, tuple[str, bool]] = {}
    for name in dict.fromkeys(file.instruments):
        canonical = _pair(name) if is_pair else (_ticker(name) if name not in named else name, False)
        if canonical is not None and canonical[0] in named:
            spellings[name] = canonical
    return spellings


def _ticker(name: str) -> str:
    try:
        return parse_ticker(name).name
    except InstrumentError:
        return name


def _steps(file: ForecastFile) -> tuple[int, ...]:
    steps = forecast_grades.readable_steps(file)
    if not steps or len(steps) > MAX_STEPS or steps[-1] > MAX_STEP:
        problem = f"{len(steps)} steps, the longest {steps[-1]}" if steps else "no step"
        raise UsageError(
            f"{file.label} has {problem}; expected up to {MAX_STEPS} different whole numbers of rows ahead, from 1 to "
            f"{MAX_STEP}; keep the rows that are needed"
        )
    return steps


def _begin(
    file: ForecastFile, start: datetime.date | None, min_rows: Sequence[int], named: Sequence[PriceSeries]
) -> np.datetime64:
    """The first cutoff: as given, or that of the file, or after `min_rows` of every model.

    Raises:
        NotEnoughDataError: Too few cutoffs of the file are days of the histories.
    """
    if start is not None:
        return np.datetime64(start)
    dates = np.unique(np.concatenate([series.dates for series in named]))
    cutoffs = file.cutoffs[np.isin(file.cutoffs, dates)]
    if not len(cutoffs):
        raise NotEnoughDataError(
            f"none of the {len(file):,} cutoffs of {file.label}, from {file.cutoffs.min()} to {file.cutoffs.max()}, is "
            f"a day of the histories, which go from {dates[0]} to {dates[-1]}"
        )
    if (count := len(np.unique(cutoffs))) < MIN_ROWS:
        raise NotEnoughDataError(
            f"no forecast of {file.label} can be scored: fewer than {MIN_ROWS} cutoffs ({count}); expected "
            f"forecasts of {MIN_ROWS} days or more; single ones: forecast predict --log, later forecast score"
        )
    earliest: np.datetime64 = dates[min(max([MIN_TRAINING_ROWS, *min_rows]), len(dates) // 2)]
    return max(cutoffs.min(), earliest)
