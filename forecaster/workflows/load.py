"""`load_run` and `load_history`: what a project holds, for use in Python."""

from pathlib import Path
from typing import Any, Unpack

from forecaster.data.series import PriceSeries
from forecaster.datasets.histories import Histories
from forecaster.datasets.keywords import Day, InstrumentKeywords, config_of, exact_keywords, selection_of
from forecaster.datasets.selection import named_instruments
from forecaster.environment import Environment
from forecaster.errors import InstrumentError
from forecaster.experiments.runs import Run, find_run, runs_folder

__all__ = ["load_history", "load_run"]


def load_run(run: str = "latest", *, home: str | Path | None = None) -> Run:
    """A recorded training: its configuration, its manifest, its learning curve and the fitted model.

    Args:
        run: Id of the run or its beginning; ``latest`` is the newest.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.

    Raises:
        RunNotFoundError: There is no such run, or several.
        DamageError: The run is damaged.
    """
    return find_run(runs_folder(Environment.at(home).home), run)


@exact_keywords
def load_history(
    prices: Any = None,
    *,
    start: Day | None = None,
    end: Day | None = None,
    frequency: str | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instrument: Unpack[InstrumentKeywords],
) -> PriceSeries:
    """The validated history of one instrument, in canonical orientation: USDJPY for ``pair="JPYUSD"``.

    Args:
        prices: Rows in memory in place of an instrument: a pandas DataFrame or Series with dates as index. Such a
            history has the source ``memory`` and the name ``name``.
        start: First row; the oldest when None.
        end: Last row; the newest when None. Rows are validated as they would have been on that day.
        frequency: ``1d``, ``1wk`` or ``1mo``; days when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instrument: ``pair``, ``ticker`` or ``csv``, and the source; see `InstrumentKeywords`.

    Raises:
        InstrumentError: Not exactly one instrument is named.
        SourceError: The source has no such history, or cannot be reached and the store has none.
        InputFileError, NotEnoughDataError: The history cannot be used, or has no row in the span.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(instrument if prices is None else {**instrument, "history": prices})
    data = choice.applied(config_of(None, (), {"start": start, "end": end, "frequency": frequency}).data)
    instruments = named_instruments(data)
    if len(instruments) != 1:
        raise InstrumentError(f"{len(instruments)} instruments are named; expected one; call load_history for each")
    histories = Histories.of_section(environment, data, instruments, choice.network, choice.open_sources())
    return histories.load(instruments[0]).series
