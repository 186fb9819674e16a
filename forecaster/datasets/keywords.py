"""Keywords of the public functions, named like the flags of the command line, as a selection and a configuration."""

import datetime
import functools
import inspect
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast, get_args

from forecaster.config import Config, configuration_keys, load_config
from forecaster.data.calendars import calendar_code
from forecaster.data.corrections import Corrections, parse_split
from forecaster.data.horizons import rows_of_span
from forecaster.data.sources.base import Network
from forecaster.data.sources.memory import memory_history
from forecaster.data.spellings import parse_day
from forecaster.datasets.selection import Selection
from forecaster.environment import OFFLINE_VARIABLE
from forecaster.errors import UsageError, did_you_mean
from forecaster.models.option_aliases import KEY_ALIASES

__all__ = [
    "AuditKeywords",
    "BacktestKeywords",
    "ConfigKeywords",
    "Day",
    "InstrumentKeywords",
    "Texts",
    "TrainingKeywords",
    "config_of",
    "day_of",
    "exact_keywords",
    "is_given",
    "levels_of",
    "selection_of",
    "steps_of",
    "texts_of",
]

Texts = str | Sequence[str]
"""A text with one value or several separated by commas, or a list of texts."""

Day = datetime.date | str
"""A date, or a text such as ``"2024-03-01"``."""


class InstrumentKeywords(TypedDict, total=False):
    """Instruments, by exactly one of pair, ticker, csv and history; their source; and how the source is used.

    A history is a pandas data frame or series with dates as index, or a `PriceSeries` such as ``load_history`` returns.
    """

    pair: Texts
    ticker: Texts
    csv: str | Path | Sequence[str | Path]
    history: Any
    source: str | None
    name: str | None
    date_column: str | None
    price_column: str | None
    symbol: str | None
    date_order: str | None
    decimal: str | None
    timezone: str | None
    daily_close: str | None
    sheet: str | None
    refresh: bool
    offline: bool
    strict: bool
    calendar: str | None
    differences: bool
    split: Mapping[str, float] | Texts
    drop: Texts
    keep: Texts
    events: str | Path | None


class ConfigKeywords(TypedDict, total=False):
    """Keys of the configuration that have a flag of their own; they come before the file and before ``set``."""

    universe: str | None
    seed: int | None
    backend: str | None
    device: str | None
    frequency: str | None
    end: Day | None
    peers: Texts
    inputs: Texts
    exog: str | Path | None
    lag: Mapping[str, int]


class BacktestKeywords(InstrumentKeywords, ConfigKeywords, total=False):
    """Instruments and configuration; the first cutoff of a backtest is a parameter of its own."""


class AuditKeywords(BacktestKeywords, total=False):
    """Instruments and configuration, with the first row to use."""

    start: Day | None


class TrainingKeywords(AuditKeywords, total=False):
    """Instruments and configuration, with the choices of a training that is recorded."""

    horizon: int | str | None
    refit: bool


_KEYS = {
    **{name: name for name in ("universe", "horizon", "seed", "backend", "device", "refit")},
    **{name: f"data.{name}" for name in ("start", "end", "peers", "inputs", "exog")},
    "frequency": "data.frequency",
    "lag": "data.lags",
}
"""Keyword -> key of the configuration."""


_FILE_KEYWORDS = (
    *("date_column", "price_column", "symbol", "date_order"),
    *("decimal", "timezone", "daily_close", "sheet"),
)
"""Keywords that say how a file is read."""


_Function = TypeVar("_Function", bound=Callable[..., Any])


def exact_keywords(function: _Function) -> _Function:
    """Make a function with ``**keywords: Unpack[...]`` reject the keywords that it does not know.

    Python accepts any keyword there: one that is misspelt would have no effect, and nobody would notice.
    """
    parameters = inspect.signature(function).parameters
    names = {name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD}
    (others,) = [parameters[name].annotation for name in parameters if name not in names]
    names |= set(get_args(others)[0].__annotations__)

    is_positional = any(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in parameters.values())

    @functools.wraps(function)
    def checked(*values: Any, **keywords: Any) -> Any:
        if values and not is_positional:
            raise TypeError(f"{function.__name__} takes keywords only, such as {function.__name__}(pair='USDJPY')")
        for name, value in keywords.items():
            if name not in names:
                raise TypeError(f"{function.__name__} has no keyword {name!r}{_keyword_hint(name, value, names)}")
        return function(*values, **keywords)

    return cast(_Function, checked)


def _keyword_hint(name: str, value: Any, names: Collection[str]) -> str:
    """End of a message about an unknown keyword: what to write in its place."""
    key = KEY_ALIASES.get(name) or next((key for key in configuration_keys() if key.rpartition(".")[2] == name), None)
    if "set" in names and key is not None:
        return f"; a configuration has the key {key}: set={{{key!r}: ...}}"
    if "config" in names and name in ("model", "kind", "architecture", "network"):
        return f"; the kind of network is a configuration: config={value!r}"
    if name in ("above", "below", "between"):
        return f"; probabilities of prices are odds({name}={value!r})"
    return did_you_mean(name, names)


def selection_of(keywords: Mapping[str, Any]) -> Selection:
    """The instruments and their source among `keywords`; see `InstrumentKeywords`.

    Raises:
        UsageError: Both ``refresh`` and ``offline`` are given, or a history and an instrument, or a data frame where
            names or files belong.
        InputFileError: The history has no dates or no prices.
    """
    options = {name: keywords[name] for name in _FILE_KEYWORDS if keywords.get(name) is not None}
    for name in ("pair", "ticker", "csv"):
        if not isinstance(keywords.get(name), str | Path | Sequence | None):
            kind = type(keywords[name]).__name__
            raise UsageError(f"{name} is a {kind}; expected a text or several; prices in memory are history=...")
    csv = keywords.get("csv") or ()
    prices = keywords.get("history")
    differences = bool(keywords.get("differences"))
    if prices is not None and (csv or keywords.get("pair") or keywords.get("ticker")):
        raise UsageError("a history and an instrument are given; expected one of history, pair, ticker and csv")
    return Selection(
        pairs=texts_of(keywords.get("pair")),
        tickers=texts_of(keywords.get("ticker")),
        csvs=(str(csv),) if isinstance(csv, Path) else texts_of(csv),
        source=keywords.get("source"),
        name=keywords.get("name") or _name_of_series(keywords.get("symbol"), keywords.get("price_column")),
        options=options,
        network=_network(bool(keywords.get("refresh")), bool(keywords.get("offline"))),
        strict=bool(keywords.get("strict")),
        calendar=_calendar_of(keywords.get("calendar")),
        differences=differences,
        events=None if keywords.get("events") is None else str(keywords["events"]),
        **_corrections_of(keywords),
        history=None if prices is None else memory_history(prices, keywords.get("name"), signed=differences),
    )


def _calendar_of(name: str | None) -> str | None:
    if name is not None:
        calendar_code(name)  # raises for an unknown one
    return name


def _corrections_of(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The corrections among the keywords.

    Raises:
        UsageError: A day or a ratio cannot be read.
    """
    given = keywords.get("split") or {}
    days = {name: texts_of(keywords.get(name)) for name in ("drop", "keep")}
    try:
        pairs = given.items() if isinstance(given, Mapping) else map(parse_split, texts_of(given))
        splits = {str(day): float(ratio) for day, ratio in pairs}
        Corrections.of_texts(splits, **{"dropped": days["drop"], "confirmed": days["keep"]})
    except (TypeError, ValueError) as error:
        raise UsageError(f"split, drop or keep: {error}") from error
    return {"splits": splits, **days}


def _name_of_series(symbol: str | None, price_column: str | None) -> str | None:
    """Name of one series in a file of several, in which no slash may stand: its symbol, or its column.

    A column that is called a price, or by its number, names no series.
    """
    from forecaster.data.tables.names import field_of

    own = symbol
    if own is None and price_column is not None and field_of(price_column) is None:
        own = None if re.fullmatch(r"column \d+", price_column.strip().lower()) else price_column.strip()
    return None if own is None else own.replace("/", "-").replace("\\", "-")


def texts_of(values: Any) -> tuple[str, ...]:
    """The texts of a keyword, each once: those of a list, or of a text with commas; none for None."""
    if isinstance(values, str):
        values = values.split(",")
    return tuple(dict.fromkeys(text.strip() for text in map(str, values or ())))


def steps_of(step: int | Texts | Sequence[int]) -> tuple[int, ...]:
    """The steps of a keyword, each once: one, several, or a text such as ``"1,5"``.

    Raises:
        UsageError: One of them is not a whole number.
    """
    steps = (step,) if isinstance(step, int) else texts_of(step)
    try:
        return tuple(dict.fromkeys(int(number) for number in steps))
    except ValueError:
        raise UsageError(f"step is {step!r:.60}; expected whole numbers of rows ahead, such as [1, 5]") from None


def levels_of(level: float | Sequence[float]) -> tuple[float, ...]:
    """The coverages of a keyword, one or several.

    Raises:
        UsageError: One of them is no share.
    """
    levels = tuple(level) if isinstance(level, Sequence) and not isinstance(level, str) else (level,)
    wrong = [value for value in levels if not (isinstance(value, float) and 0 < value < 1)]
    if wrong:
        raise UsageError(f"level is {wrong[0]!r:.60}; expected shares such as 0.8")
    return levels


def _network(refresh: bool, offline: bool) -> Network:
    if refresh and offline:
        raise UsageError("--refresh needs the network and --offline forbids it; give one of them")
    if refresh:
        return "refresh"
    variable = os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no", "off")
    return "never" if offline or variable else "auto"


def config_of(
    config: Config | str | Path | None, assignments: Mapping[str, Any] | Sequence[str], keywords: Mapping[str, Any]
) -> Config:
    """The configuration: defaults, then `config`, then `assignments`, then `keywords`.

    Args:
        config: A configuration, a YAML file, or a shipped name such as ``"quick"``.
        assignments: Key -> value, such as ``{"model.units": [64]}``; or texts such as ``"model.units=[64]"``.
        keywords: See `ConfigKeywords`; a keyword that is None, empty or False is not given.
    """
    values = {_KEYS[name]: value for name, value in keywords.items() if name in _KEYS and is_given(value)}
    if isinstance(values.get("horizon"), str):
        frequency = str(values.get("data.frequency") or load_config(config, assignments).data.frequency)
        values["horizon"] = rows_of_span(values["horizon"], frequency)
    return load_config(config, assignments, {key: _plain(value) for key, value in values.items()})


def is_given(value: Any) -> bool:
    """False for the value of a keyword that was left out."""
    return value is not None and value is not False and value not in ("", (), [], {})


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path | datetime.date) else value


def day_of(value: Day | None, keyword: str) -> datetime.date | None:
    """The date of a keyword.

    Raises:
        UsageError: A text is not a date.
    """
    if value is None or isinstance(value, datetime.date):
        return value
    try:
        return parse_day(value)
    except UsageError as error:
        raise UsageError(f"{keyword} is {error.messages[0]}") from None
