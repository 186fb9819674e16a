"""`plot`: actual prices blue, train predictions green, test predictions red, and the coming days."""

import importlib
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.data.calendars import SPANS
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, selection_of
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.evaluation.metrics import rmse
from forecaster.evaluation.splits import PARTS, Split, whole_history
from forecaster.experiments.forecasting import described_forecast, run_forecasts
from forecaster.experiments.run_selection import RunQuery, SelectedRun, announce, select_runs
from forecaster.experiments.runs import Run
from forecaster.forecast import Forecast, Forecasts
from forecaster.output.figure_request import FigureRequest
from forecaster.output.forecast_picture import ForecastPicture, Predictions, Window
from forecaster.pipeline import next_steps
from forecaster.quantiles import level_weights
from forecaster.workflows.figures import FIGURES
from forecaster.workflows.predict import coming_dates

__all__ = ["forecast_figure", "loss_figure", "picture_of", "plot"]

BAND_LEVELS = (0.1, 0.5, 0.9)  # the 80 % interval and the median


def plot(
    *,
    kind: str = "forecast",
    as_of: Day | None = None,
    from_date: Day | None = None,
    to_date: Day | None = None,
    last: int | None = None,
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
        kind: ``forecast``: history, predictions and the coming days; ``loss``: the learning curve.
        as_of: Last row that the forecast may use; the newest when None. Later prices are drawn as far as the forecast
            reaches, for comparison.
        from_date: First date to draw.
        to_date: Last date to draw.
        last: Draw only so many rows up to the cutoff.
        frequency: Length of a row; that of the run when None.
        run: Id of a run; the best run that fits when None.
        calibrate: True if past coverage adjusts the widths of the intervals.
        out: File to write, png, svg or pdf; named after the instrument when None.
        show: True to open a window instead of writing a file.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`.

    Raises:
        RunNotFoundError: No run fits.
        StorageError: The file cannot be written.
    """
    environment = environment or Environment.at(home)
    day = day_of(as_of, "as_of")
    first = day_of(from_date, "from_date")
    end = day_of(to_date, "to_date")
    draw = _drawing_function(kind)
    whole = select_runs(selection_of(instruments), RunQuery(run, frequency=frequency), environment)
    if out is not None and len(whole) > 1:
        raise UsageError(f"--out names one file; got {len(whole)} instruments; leave it out to name a file after each")
    cut = [selection.until(day) for selection in whole]
    announce(cut, environment)
    paths = []
    for selection, current in zip(cut, whole, strict=True):
        name = selection.instrument.name
        path = None if show else Path(out or f"{name}-{kind}.png")
        _write(draw(FigureRequest(selection, current.series, calibrate, first, end, last)), path)
        paths += [] if path is None else [path]
    return paths


def _drawing_function(kind: str) -> Any:
    if kind not in FIGURES:
        raise UsageError(f"figure {kind:.50} is unknown; expected one of {', '.join(FIGURES)}")
    module, _, name = FIGURES[kind].partition(":")
    return getattr(importlib.import_module(module), name)


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
    return draw_forecast(picture, _window(picture, request))


def loss_figure(request: FigureRequest) -> Any:
    """The learning curve of the run, as a matplotlib figure."""
    from forecaster.output.learning_curve import draw_losses

    selection = request.selection
    title = f"{selection.instrument.name}: learning curve of run {selection.run.id}"
    return draw_losses(selection.run.history(), title, _corner(selection))


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
    later = current.between(start=series.dates[-1] + np.timedelta64(1, "D"), end=forecast.dates[-1])
    dates = np.concatenate([series.dates, later.dates])
    prices = _in_unit_of_cutoff(series, later, current)
    if instrument.sign < 0:
        prices = 1 / prices
        band = -band[:, ::-1]
    predicted = prices[rows, None] + band if series.differences else prices[rows, None] * np.exp(band)
    split = _split(selection.run)
    return ForecastPicture(
        instrument=instrument.name,
        unit=f"{instrument.quote} per {instrument.base}" if instrument.kind == "pair" else "price",
        dates=dates,
        prices=prices,
        predictions=Predictions(dates[rows + 1], *predicted.T),
        train_end=current.dates[current.dates < split.validation_start][-1],
        test_start=split.test_start,
        forecast=forecast,
        rmse=_one_step_rmse(prices, predicted[:, 1], rows, split, series.dates),
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


def _split(run: Run) -> Split:
    """Rows that the weights have seen; a refit has seen every row that there was."""
    if run.manifest.split.refit:
        return whole_history([run.seen_until])
    parts = run.manifest.split.parts
    return Split(parts["validation"].first, parts["test"].first)


def _one_step_rmse(
    prices: FloatArray, median: FloatArray, rows: IntArray, split: Split, dates: DateArray
) -> dict[str, tuple[float, float]]:
    """Part -> RMSE of the median and of the last price, one step ahead, in units of the price."""
    errors: dict[str, tuple[float, float]] = {}
    for part in PARTS:
        scored = np.isin(rows, split.cutoffs(dates, part, 1))
        if scored.any():
            outcome = prices[rows[scored] + 1]
            errors[part] = rmse(median[scored] - outcome), rmse(prices[rows[scored]] - outcome)
    return errors


def _corner(selection: SelectedRun) -> str:
    series = selection.series
    label = source_traits(series.source).description or series.source
    seen = ", in-sample" if selection.in_sample else ""
    return f"{label}, {len(series)} rows to {series.dates[-1]}{seen}, sha256 {series.sha256[:12]}"
