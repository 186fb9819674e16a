"""Values of options: lists, dates, steps, levels, lags, frequencies."""

import contextlib
import datetime
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from forecaster.errors import did_you_mean

__all__ = [
    "MAX_STEP",
    "CommaList",
    "DayText",
    "FormatChoice",
    "PriceList",
    "RangeText",
    "to_days",
    "to_figure",
    "to_frequency",
    "to_lag",
    "to_level",
    "to_price",
    "to_split",
    "to_step",
]

MAX_STEP = 250  # rows ahead
MAX_PRICE = 1e15


class CommaList(click.ParamType[tuple[Any, ...]]):
    """Values separated by commas.

    Args:
        expected: Description of the values, for the error message.
        item: Reads one value; raises ValueError for another text.
    """

    name = "list"

    def __init__(self, expected: str, item: Callable[[str], Any]) -> None:
        self._expected = expected
        self._item = item

    def __repr__(self) -> str:
        return f"CommaList({self._expected})"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """The values in the text `value`, in order."""
        texts = [text.strip() for text in value.split(",")]
        if not all(texts):
            self.fail(f"expected {self._expected} separated by commas; got an empty one.", param, ctx)
        try:
            return tuple(map(self._item, texts))
        except click.BadParameter as error:  # the value says better what is wrong with it
            self.fail(error.message, param, ctx)
        except ValueError:
            self.fail(f"expected {self._expected}; got {value!r}.", param, ctx)


class PriceList(CommaList):
    """Prices separated by commas; a comma that can only be a decimal sign is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """The prices in the text `value`, in order."""
        prices = super().convert(value, param, ctx)
        has_fraction = any(re.fullmatch(r"0\d+", text.strip()) for text in value.split(","))
        if has_fraction or len(set(prices)) < len(prices):
            meant = value.replace(",", ".", 1)
            self.fail(f"a comma separates prices, and a point is the decimal sign; did you mean {meant}?", param, ctx)
        return prices


class DayText(click.ParamType[datetime.date]):
    """A date in any form that has one meaning, such as 2025-06-30."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime.date:
        """The date in the text `value`."""
        from forecaster.data.spellings import parse_day
        from forecaster.errors import UsageError

        try:
            return parse_day(value)
        except UsageError as error:
            self.fail(f"{error.messages[0]}{_span_advice(value, param)}.", param, ctx)


def _span_advice(text: str, param: click.Parameter | None) -> str:
    """Clause about the option of a span that was typed where a date is expected; empty for other texts."""
    from forecaster.data.horizons import parse_horizon
    from forecaster.errors import UsageError

    flag = {"on": "--within", "until": "--horizon"}.get(str(param.name if param else ""))
    with contextlib.suppress(UsageError):
        parse_horizon(text)
        return f"; a span is written {flag} {text}" if flag else ""
    return ""


class FormatChoice(click.Choice[str]):
    """A format of the output; workbooks and pages are written to files alone."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format `value`."""
        if value in ("xlsx", "excel", "html") and value not in self.choices:
            ending = "html" if value == "html" else "xlsx"
            self.fail(f"{value} is a format of files; expected a file, such as --out result.{ending}.", param, ctx)
        return super().convert(value, param, ctx)


def to_figure(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """The name of a registered figure."""
    from forecaster.workflows.figures import figure_names

    names = figure_names()
    if value not in names:
        word = value.lower().replace("-", "_")
        meant = _FIGURES.get(word)
        hint = f"; did you mean {meant}?" if meant else did_you_mean(word, names) or "."
        raise click.BadParameter(f"{value!r} is unknown; expected one of {', '.join(names)}{hint}")
    return value


_FIGURES: Mapping[str, str] = {
    **dict.fromkeys(("learning", "learning_curve", "curve", "training", "epochs", "history"), "loss"),
    **dict.fromkeys(("lag", "actual", "prediction", "predictions", "test", "train", "price"), "forecast"),
    **dict.fromkeys(("slide", "range", "ranges", "bands"), "fan"),
    **dict.fromkeys(("gates", "importance", "memory", "inspect"), "inspection"),
}
"""Word for a picture -> the figure that has it."""


def to_frequency(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The length of a row; anything finer than a day is refused with a reason."""
    from forecaster.data.spellings import parse_frequency
    from forecaster.errors import UsageError

    try:
        return None if value is None else parse_frequency(value)
    except UsageError as error:
        raise click.BadParameter(f"{error.messages[0]}.") from None


def to_horizon(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    """A number of rows, or a span such as ``1wk``."""
    if value is None:
        return None
    from forecaster.data.horizons import parse_horizon
    from forecaster.errors import UsageError

    try:
        horizon = parse_horizon(value)
    except UsageError as error:
        raise click.BadParameter(f"{error.messages[0]}.") from None
    return horizon if isinstance(horizon, int) else value


def to_step(text: str) -> int:
    """A number of rows ahead."""
    if not (text.isdecimal() and 1 <= int(text) <= MAX_STEP):
        raise ValueError(text)
    return int(text)


def to_level(text: str) -> float:
    """A percentage as a share; a share is refused, because 0.8 may mean 80 %, or 0.8 %."""
    percentage = float(text.removesuffix("%"))
    if 0 < percentage < 1:
        raise click.BadParameter(f"a level is a percentage; got {text}; did you mean {100 * percentage:g}?")
    if not 1 <= percentage <= 99.9:
        raise ValueError(text)
    return percentage / 100


def to_price(text: str) -> float:
    """A price."""
    price = float(text)
    if not math.isfinite(price) or abs(price) > MAX_PRICE:
        raise ValueError(text)
    return price


def to_range(text: str) -> tuple[float, float]:
    """Two prices, the lower one first: ``150,160``, ``150:160`` or ``150..160``."""
    low, high = (to_price(part) for part in re.split(r",|:|\.\.", text, maxsplit=1))
    if low >= high:
        raise ValueError(text)
    return low, high


class RangeText(click.ParamType[tuple[float, float]]):
    """A range of prices."""

    name = "range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """The two prices in the text `value`."""
        try:
            return to_range(value)
        except ValueError:
            self.fail(f"expected two prices, the lower one first, such as 150,160; got {value[:40]!r}.", param, ctx)


def to_lag(text: str) -> tuple[str, int]:
    """``cpi=30`` as a name and a number of days."""
    name, equals, days = text.rpartition("=")
    if not (equals and name.strip() and days.strip().isdecimal()):
        raise ValueError(text)
    return name.strip(), int(days)


def to_split(text: str) -> tuple[str, float]:
    """``2024-06-10=4`` as a day and a ratio."""
    from forecaster.data.corrections import parse_split

    return parse_split(text)


def to_days(text: str) -> str:
    """The text of a day or of a span of days, checked."""
    from forecaster.data.corrections import parse_span

    parse_span(text)
    return text
