"""`plot`: actual blue, train predictions green, test predictions red, and the coming days."""

import dataclasses
import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.data.calendars import SPANS
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.evaluation.metrics import rmse
from forecaster.evaluation.splits import PARTS, Split, whole_history
from forecaster.experiments.run_selection import Served, Wanted, serve, tell
from forecaster.experiments.runs import Run
from forecaster.output.forecast_picture import ForecastPicture, Predictions
from forecaster.pipeline import forecasts
from forecaster.quantiles import level_weights
from forecaster.workflows.predict import predict_served

__all__ = ["PlotRequest", "plot"]


_BAND = (0.1, 0.5, 0.9)  # the 80 % interval and the median


@dataclasses.dataclass(frozen=True)
class PlotRequest:
    """What is asked of `plot`.

    Args:
        choice: The instruments.
        kind: ``forecast``, the overlay, or ``loss``, the learning curve.
        out: File to write, png, svg or pdf; named after the instrument when None.
        last: Show only the last rows.
        start: First date to show.
        end: Last date to show.
        interval: Span of a row; that of the run when None.
        run_id: A run; the newest fitting one when None.
        show: Whether to open a window instead of writing a file.
        calibrate: Whether intervals follow how often those of the days before have held.
    """

    choice: Selection
    kind: Literal["forecast", "loss"] = "forecast"
    out: Path | None = None
    last: int | None = None
    start: datetime.date | None = None
    end: datetime.date | None = None
    interval: str | None = None
    run_id: str | None = None
    show: bool = False
    calibrate: bool = True


def plot(request: PlotRequest, environment: Environment) -> list[Path]:
    """Draw one picture for each named instrument and return the files written.

    Raises:
        RunNotFoundError: No run fits.
        StorageError: The file cannot be written.
    """
    served = [
        one.until(None) for one in serve(request.choice, Wanted(request.run_id, interval=request.interval), environment)
    ]
    if request.out is not None and len(served) > 1:
        raise UsageError(f"--out names one file; got {len(served)} instruments; leave it out to name a file after each")
    tell(served, environment)
    return [path for one in served if (path := _plot_one(one, request)) is not None]


def _plot_one(served: Served, request: PlotRequest) -> Path | None:
    from forecaster.output.forecast_figure import draw_forecast, draw_losses, save_figure, show_figure

    if request.kind == "loss":
        title = f"{served.instrument.name}: learning curve of run {served.run.id}"
        figure = draw_losses(served.run.history(), title, _corner(served))
    else:
        figure = draw_forecast(_picture(served, request.calibrate), _window(request, served.series.dates))
    if request.show:
        show_figure(figure)
        return None
    path = request.out or Path(f"{served.instrument.name}-{request.kind}.png")
    save_figure(figure, path)
    return path


def _window(request: PlotRequest, dates: DateArray) -> tuple[np.datetime64, np.datetime64] | None:
    """The span to show, or None for everything.

    Raises:
        UsageError: It holds no rows.
    """
    if request.last is None and request.start is None and request.end is None:
        return None
    first = np.datetime64(request.start) if request.start else dates[0]
    end = np.datetime64(request.end) if request.end else dates[-1]
    kept = dates[(dates >= first) & (dates <= end)]
    if request.last is not None:
        kept = kept[-request.last :]
    if len(kept) < 2:
        raise UsageError(
            f"{len(kept)} rows from --start {first} to --end {request.end or 'the newest'}; a picture needs 2; "
            f"the history runs from {dates[0]} to {dates[-1]}"
        )
    return kept[0], end if request.end else dates[-1]


def _picture(served: Served, calibrate: bool) -> ForecastPicture:
    """Everything that the overlay shows, in the orientation that the user asked for."""
    series, run, instrument = served.series, served.run, served.instrument
    rows = np.arange(run.fitted.first_row, len(series) - 1)
    returns = forecasts(run.fitted, series, rows, 1, run.unseen_from if calibrate else None)
    band = returns.log_returns([1])[:, 0] @ level_weights(returns.quantile_levels, _BAND)
    if instrument.sign < 0:
        prices, band = 1 / series.close, -band[:, ::-1]
    else:
        prices = series.close
    predicted = prices[rows, None] * np.exp(band)
    split = _split(run)
    return ForecastPicture(
        instrument=instrument.name,
        unit=f"{instrument.quote} per {instrument.base}" if instrument.kind == "pair" else "price",
        dates=series.dates,
        prices=prices,
        predictions=Predictions(series.dates[rows + 1], *predicted.T),
        train_end=series.dates[series.dates < split.validation_start][-1],
        test_start=split.test_start,
        forecast=predict_served(served, None, calibrate).forecast,
        rmse=_one_step_rmse(prices, predicted[:, 1], rows, split, series.dates),
        note=_corner(served),
        run_id=run.id,
        model=run.manifest["model"],
        span=SPANS[series.interval],
    )


def _split(run: Run) -> Split:
    """What the weights have seen and what not; a refit has seen every row that there was."""
    if run.manifest["refit"]:
        return whole_history([run.seen_until])
    parts = run.manifest["split"]
    return Split(np.datetime64(parts["validation"]["first"]), np.datetime64(parts["test"]["first"]))


def _one_step_rmse(
    prices: FloatArray, median: FloatArray, rows: IntArray, split: Split, dates: DateArray
) -> dict[str, tuple[float, float]]:
    """Part -> RMSE of the median and of the last price, one step ahead, in units of the price."""
    found: dict[str, tuple[float, float]] = {}
    for part in PARTS:
        kept = np.isin(rows, split.cutoffs(dates, part, 1))
        if kept.any():
            outcome = prices[rows[kept] + 1]
            found[part] = rmse(median[kept] - outcome), rmse(prices[rows[kept]] - outcome)
    return found


def _corner(served: Served) -> str:
    series = served.series
    label = "computed from ECB euro reference rates" if series.source == "ecb" else series.source
    return f"{label}, {len(series)} rows to {series.dates[-1]}, sha256 {series.sha256[:12]}"
