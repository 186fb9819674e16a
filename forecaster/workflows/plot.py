"""`plot`: actual prices blue, train predictions green, test predictions red, and the coming days."""

import dataclasses
import datetime
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.calendars import SPANS
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, exact_keywords, levels_of, selection_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import UsageError, did_you_mean
from forecaster.evaluation.metrics import rmse
from forecaster.evaluation.splits import PARTS
from forecaster.evaluation.threshold_check import comma_slip
from forecaster.evaluation.verdict import KINDS
from forecaster.experiments.forecasting import DEFAULT_LEVELS, described_forecast, forecast_of, run_forecasts
from forecaster.experiments.manifest import SeriesFacts
from forecaster.experiments.run_selection import RunQuery, SelectedRun, announce, select_runs
from forecaster.experiments.runs import Run
from forecaster.features.outcomes import returns_after
from forecaster.forecast import Forecast, Forecasts
from forecaster.output.figure_request import FigureRequest, HistoryFigureRequest
from forecaster.output.forecast_picture import ForecastPicture, PartScore, Predictions, ScoreSummary, Window
from forecaster.pipeline import next_steps
from forecaster.quantiles import level_weights
from forecaster.workflows.figure_requests import backtest_request, comparison_request
from forecaster.workflows.figures import BACKTEST_FIGURES, COMPARISON_FIGURES, FIGURES, HISTORY_FIGURES, OPTIONS
from forecaster.workflows.predict import Until, coming_dates, forecast_request, wanted_horizon

__all__ = ["fan_figure", "forecast_figure", "loss_figure", "picture_of", "plot", "price_unit"]

BAND_LEVELS = (0.1, 0.5, 0.9)  # the 80 % interval and the median
DEFAULT_FAN_ROWS = 60


@exact_keywords
def plot(
    *,
    kind: str = "forecast",
    as_of: Day | None = None,
    from_date: Day | None = None,
    to_date: Day | None = None,
    last: int | None = None,
    title: str | None = None,
    above: float | Sequence[float] = (),
    level: float | Sequence[float] = (),
    step: int | Sequence[int] = (),
    horizon: int | str | None = None,
    until: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    calibrate: bool = True,
    out: str | Path | None = None,
    show: bool = False,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> list[Path]:
    """Draw one picture for each named instrument and return the files written.

    Args:
        kind: ``forecast``: history, predictions and the coming days; ``loss``: the learning curve; ``fan``: the coming
            days alone, for a slide; ``backtest``: the newest backtest; ``anomalies``: see `forecaster.anomalies`.
        as_of: Last row that the forecast may use; the newest when None. Later prices are drawn as far as the forecast
            reaches, for comparison.
        from_date: First date to draw.
        to_date: Last date to draw.
        last: Draw only so many rows up to the cutoff.
        title: Title of the picture; that of the kind when None.
        above: Prices at which a fan has a line, with the probability that the last price lies above.
        level: Central intervals of a fan, such as 0.8; 50, 80 and 95 % when empty.
        step: Rows ahead of a backtest that are drawn; the first that it scored when empty.
        horizon: Rows ahead of a fan, or a span such as ``"1mo"``; the rows of the run when None.
        until: Last day of a fan, in place of `horizon`.
        frequency: Length of a row; that of the run when None.
        run: Id of a run, or of a backtest for its picture; the best one that fits when None.
        calibrate: True if past coverage adjusts the widths of the intervals.
        out: File to write, png, svg or pdf; named after the instrument when None.
        show: True to open a window instead of writing a file.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`.

    Raises:
        RunNotFoundError: No run fits.
        UsageError: The kind is unknown or has no such option.
        StorageError: The file cannot be written.
    """
    environment = environment or Environment.at(home)
    draw = _drawing_function(kind)
    day = day_of(as_of, "as_of")
    dates = {"from_date": day_of(from_date, "from_date"), "to_date": day_of(to_date, "to_date")}
    options: dict[str, Any] = {**dates, "last": last, "above": _values(above), "level": levels_of(level)}
    steps = _values(step)
    _check_options(kind, {"as_of": day, **options, "step": steps, "horizon": horizon, "until": until})
    choice = selection_of(instruments)
    requests: Sequence[Any]
    if kind in BACKTEST_FIGURES:
        requests = [backtest_request(choice, run, steps, calibrate, title, environment)]
    elif kind in COMPARISON_FIGURES:
        requests = [comparison_request(choice, run, steps, frequency, title, environment)]
    elif kind in HISTORY_FIGURES:
        requests = HistoryFigureRequest.of_each(choice, environment, frequency=frequency, title=title, **dates)
    else:
        options |= {"calibrate": calibrate, "title": title}
        wanted = wanted_horizon(horizon, until)
        requests = _run_requests(choice, RunQuery(run, frequency=frequency), day, wanted, options, environment)
    paths = [None] * len(requests) if show else _paths(out, [f"{request.name}-{kind}.png" for request in requests])
    for request, path in zip(requests, paths, strict=True):
        _write(draw(request), path)
    return [path for path in paths if path is not None]


def _paths(out: str | Path | None, names: Sequence[str]) -> list[Path]:
    """Files of the pictures: `out` for a single one, else `names` in the working directory."""
    if out is None:
        return [Path(name) for name in names]
    if len(names) > 1:
        raise UsageError(f"--out names one file; got {len(names)} instruments; leave it out to name a file after each")
    return [Path(out)]


def _values(value: Any) -> tuple[Any, ...]:
    """One value or several."""
    return tuple(value) if isinstance(value, Sequence) else (value,)


def _run_requests(
    choice: Selection,
    query: RunQuery,
    day: datetime.date | None,
    wanted: Until,
    options: Mapping[str, Any],
    environment: Environment,
) -> list[FigureRequest]:
    """A request for each instrument, with the history up to `day`."""
    query = dataclasses.replace(query, horizon=wanted if isinstance(wanted, int) else None)
    whole = select_runs(choice, query, environment)
    cut = [selection.until(day) for selection in whole]
    announce(cut, environment)
    requests = []
    for selection, current in zip(cut, whole, strict=True):
        forecast = forecast_request(selection, wanted, choice, options["calibrate"], environment)
        forecast = dataclasses.replace(forecast, today=None if day else environment.today)
        requests.append(FigureRequest(selection, current.series, forecast, **options))
    return requests


def _drawing_function(kind: str) -> Any:
    figures = {**FIGURES, **BACKTEST_FIGURES, **COMPARISON_FIGURES, **HISTORY_FIGURES}
    if kind not in figures:
        raise UsageError(
            f"figure {kind:.50} is unknown; expected one of {', '.join(figures)}{did_you_mean(kind, figures)}"
        )
    module, _, name = figures[kind].partition(":")
    return getattr(importlib.import_module(module), name)


def _check_options(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse options that the figure does not have.

    Raises:
        UsageError: There is one.
    """
    allowed = OPTIONS.get(kind, options.keys())
    wrong = [name for name, value in options.items() if value not in (None, ()) and name not in allowed]
    if wrong:
        flag = "--" + wrong[0].removesuffix("_date").replace("_", "-")
        kinds = " and ".join(name for name, names in OPTIONS.items() if wrong[0] in names)
        raise UsageError(f"{flag} is not an option of --kind {kind}; expected --kind {kinds}; change one of them")


def _write(figure: Any, path: Path | None) -> None:
    """Save the figure; without a path open it in a window."""
    from forecaster.output.canvas import save_figure, show_figure

    if path is None:
        show_figure(figure)
    else:
        save_figure(figure, path)


def forecast_figure(request: FigureRequest) -> Any:
    """The history, the predictions and the coming days, as a matplotlib figure."""
    from forecaster.output.forecast_figure import draw_forecast

    picture = picture_of(request.selection, request.current, request.calibrate)
    return draw_forecast(picture, _window(picture, request), request.title)


def loss_figure(request: FigureRequest) -> Any:
    """The learning curve of the run, as a matplotlib figure."""
    from forecaster.output.learning_curve import draw_losses

    selection = request.selection
    run = selection.run
    title = request.title or f"{selection.instrument.name}: learning curve of run {run.id}"
    report = run.manifest.report
    return draw_losses(run.history(), title, _training_corner(run), report.initial_loss, report.reference_losses)


def fan_figure(request: FigureRequest) -> Any:
    """The coming days alone, as a matplotlib figure for a slide."""
    from forecaster.output.fan_figure import DEFAULT_FAN_LEVELS, FanPicture, draw_fan

    selection = request.selection
    series = selection.series
    instrument = selection.instrument
    levels = tuple(request.level or DEFAULT_FAN_LEVELS)
    wanted = dataclasses.replace(request.forecast, levels=tuple(request.level or DEFAULT_LEVELS))  # as in tables
    prediction = forecast_of(selection.run, instrument, series, wanted)
    if slip := comma_slip(prediction.forecast, "above", request.above):
        raise UsageError(f"{slip}; change it")
    later = _later_rows(series, request.current, prediction.forecast)
    prices = _in_unit_of_cutoff(series, later, request.current)
    prices = prices if instrument.sign > 0 else 1 / prices
    rows = slice(max(len(series) - (request.last or DEFAULT_FAN_ROWS), 0), len(series))
    return draw_fan(
        FanPicture(
            title=request.title,
            prediction=prediction,
            dates=series.dates[rows],
            prices=prices[rows],
            later_dates=later.dates,
            later_prices=prices[len(series) :],
            levels=levels,
            above=request.above,
            unit=price_unit(instrument),
            span=SPANS[series.frequency],
            source=source_traits(series.source).description or series.source,
        )
    )


def _later_rows(series: PriceSeries, current: PriceSeries, forecast: Forecast) -> PriceSeries:
    """Rows of `current` after the last one of `series`, as far as the forecast reaches."""
    return current.between(start=series.dates[-1] + np.timedelta64(1, "D"), end=forecast.dates[-1])


def price_unit(instrument: Instrument) -> str:
    """Unit of the prices of an instrument, such as ``JPY per USD``."""
    return f"{instrument.quote} per {instrument.base}" if instrument.kind == "pair" else "price"


def _window(picture: ForecastPicture, request: FigureRequest) -> Window | None:
    """The dates to draw, or None for all.

    Raises:
        UsageError: Fewer than two rows are left.
    """
    if request.from_date is None and request.to_date is None and request.last is None:
        return None
    dates = picture.dates
    start = dates[0] if request.from_date is None else np.datetime64(request.from_date)
    end = dates[-1] if request.to_date is None else np.datetime64(request.to_date)
    shown = dates[(dates >= start) & (dates <= end)]
    if request.last is not None and picture.forecast is not None:
        shown = shown[max(np.searchsorted(shown, picture.forecast.cutoff, side="right") - request.last, 0) :]
    if len(shown) < 2:
        raise UsageError(
            f"{len(shown)} rows from --from {start} to --to {request.to_date or 'the newest'}; a picture needs 2; "
            f"the history runs from {dates[0]} to {dates[-1]}"
        )
    return shown[0], end


def picture_of(selection: SelectedRun, current: PriceSeries, calibrate: bool) -> ForecastPicture:
    """Content of the picture, in the user's orientation.

    Args:
        selection: Instrument, run and history up to the cutoff.
        current: The history with later rows, where there are any.
        calibrate: True if the intervals are calibrated.
    """
    series = selection.series
    instrument = selection.instrument
    scan, forecast = _scan(selection, calibrate)
    forecast = described_forecast(selection.run, instrument, series, forecast, calibrate).forecast
    rows = scan.rows[:-1]
    band = scan.log_returns([1])[:-1, 0] @ level_weights(scan.quantile_levels, BAND_LEVELS)
    later = _later_rows(series, current, forecast)
    dates = np.concatenate([series.dates, later.dates])
    prices = _in_unit_of_cutoff(series, later, current)
    if instrument.sign < 0:
        prices = 1 / prices
        band = -band[:, ::-1]
    start = prices[rows, None]
    predicted = start + band if series.differences else start * np.exp(band)
    split = selection.run.split
    return ForecastPicture(
        instrument=instrument.name,
        unit=price_unit(instrument),
        dates=dates,
        prices=prices,
        predictions=Predictions(dates[rows + 1], *predicted.T),
        train_end=current.dates[current.dates < split.validation_start][-1],
        test_start=split.test_start,
        forecast=forecast,
        summary=_summary(selection, scan),
        note=_corner(selection),
        run_id=selection.run.id,
        model=selection.run.manifest.model.model,
        span=SPANS[series.frequency],
    )


def _in_unit_of_cutoff(series: PriceSeries, later: PriceSeries, current: PriceSeries) -> FloatArray:
    """Closes of `series` and of the rows after it, a part of `current`, in the unit of the last row of `series`."""
    prices = np.concatenate([series.close, later.close])
    if current.unit_factors is None:
        return prices
    last = len(series) - 1
    rows = np.searchsorted(current.dates, np.concatenate([series.dates, later.dates]))
    factors = current.unit_factors[np.minimum(rows, len(current) - 1)]
    return np.asarray(prices * factors / factors[last])


def _scan(selection: SelectedRun, calibrate: bool) -> tuple[Forecasts, Forecast]:
    """Forecasts at every row that has enough history, and the coming days after the last one.

    Both come from one scan of the history, unless later steps are recursive and would be computed for every row.
    """
    run = selection.run
    series = selection.series
    dates = coming_dates(selection)
    rows = np.arange(run.fitted.first_row, len(series))
    if run.fitted.own_steps >= len(dates):
        scan = run_forecasts(run, series, rows, calibrate=calibrate)
        return scan, next_steps(scan, series, dates, run.fitted.own_steps)
    scan = run_forecasts(run, series, rows, 1, calibrate=calibrate)
    last = run_forecasts(run, series, rows[-1:], calibrate=calibrate)
    return scan, next_steps(last, series, dates, run.fitted.own_steps)


def _summary(selection: SelectedRun, scan: Forecasts) -> ScoreSummary:
    """The scores and the verdict that the run has recorded, or scores of this history where it recorded none."""
    run = selection.run
    name = selection.series.instrument.name
    facts = run.manifest.scores
    recorded = {
        score["part"]: PartScore(score["rmse_return"], score["rmse_return_naive"], score["coverage"]["0.8"], score["n"])
        for score in facts.scores
        if score["instrument"] == name and score["step"] == 1 and _has_return_errors(score)
    }
    verdict = facts.verdicts.get(name, {})
    sentences = [verdict[kind]["text"] for kind in KINDS if "text" in verdict.get(kind, {})]
    if recorded:
        before = " before its refit" if run.manifest.split.refit else ""
        return ScoreSummary(recorded, f"scores of the run{before}", sentences)
    return ScoreSummary(_measured(selection, scan), "measured for this picture", sentences)


def _has_return_errors(score: Mapping[str, Any]) -> bool:
    """False for scores of an early version."""
    errors = (score.get("rmse_return"), score.get("rmse_return_naive"), score.get("coverage", {}).get("0.8"))
    return None not in errors


def _measured(selection: SelectedRun, scan: Forecasts) -> dict[str, PartScore]:
    """Part -> scores one step ahead, of every row whose outcome is known up to the cutoff."""
    series = selection.series
    split = selection.run.split
    bounds = scan.log_returns([1])[:, 0] @ level_weights(scan.quantile_levels, BAND_LEVELS)
    scores: dict[str, PartScore] = {}
    for part in PARTS:
        scored = np.isin(scan.rows, split.cutoffs(series.dates, part, 1))
        outcomes = returns_after(series.log_price, scan.rows[scored], [1])[:, 0]
        if len(outcomes):
            low, median, high = bounds[scored].T
            inside = float(np.mean((low <= outcomes) & (outcomes <= high)))
            scores[part] = PartScore(rmse(median - outcomes), rmse(outcomes), inside, len(outcomes))
    return scores


def _corner(selection: SelectedRun) -> str:
    series = selection.series
    return _data_text(series.source, SeriesFacts.of(series), ", in-sample" if selection.in_sample else "")


def _training_corner(run: Run) -> str:
    """The history that the run was trained on, which may be older than the one of today."""
    data = run.manifest.data
    return _data_text(data.source, next(iter(data.named or data.members.values())))


def _data_text(source: str, facts: SeriesFacts, seen: str = "") -> str:
    label = source_traits(source).description or source
    return f"{label}, {facts.rows} rows to {facts.last}{seen}, sha256 {facts.sha256[:12]}"
