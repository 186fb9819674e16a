"""Walk forward: forecasts of a baseline that is fitted again each year, a file of the room `forecaster.pipeline`."""

from forecaster.config import Config
from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import Progress, no_progress
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.splits import folds
from forecaster.forecast import Forecasts
from forecaster.pipeline import default_forecaster, fit, forecasts

__all__ = ["walk_forward"]


def walk_forward(
    name: str, series: PriceSeries, config: Config, progress: Progress = no_progress
) -> tuple[Forecasts, ...]:
    """Forecasts one step ahead of a baseline that is fitted again each year, from the first row that it can forecast.

    Args:
        name: Registry key.
        series: The history.
        config: Frequency of the data, and seed; its horizon is 1.
        progress: Called after every fit.

    Raises:
        NotEnoughDataError: The history is too short for one fit.
    """
    panel = Panel((series,))
    least = default_forecaster(name, config, panel, series.dates[-1]).least_training_rows()
    first = least + config.horizon  # the outcomes of the training rows lie before the first cutoff
    if first + 2 > len(series):
        raise NotEnoughDataError(
            f"{series.instrument.name} has {len(series)} rows; {name} needs {first + 2}; use a longer history or "
            "a model that needs fewer rows"
        )
    years = folds(series.dates, series.dates[first], "yearly")
    result = []
    for number, year in enumerate(years, start=1):
        fitted = fit(default_forecaster(name, config, panel, year.start), panel, year.split, config)
        result.append(forecasts(fitted, series, year.rows(series.dates), 1, year.start))
        progress("anomalies", number, len(years))
    return tuple(result)
