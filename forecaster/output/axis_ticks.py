"""Ticks of the charts of a page, by the same rules as in its script."""

import math
from collections.abc import Callable, Iterable

import numpy as np

from forecaster.arrays import DateArray

__all__ = ["LOG_RATIO", "date_ticks", "value_ticks"]

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
LOG_RATIO = 8.0  # on a linear axis such a history shows only its latest part


def value_ticks(low: float, high: float, most: int, is_log: bool = False) -> list[tuple[float, str]]:
    """Round values from `low` to `high` and their texts.

    >>> value_ticks(98.2, 107.9, 5)
    [(100.0, '100'), (102.0, '102'), (104.0, '104'), (106.0, '106')]
    >>> value_ticks(0.2, 30.0, 6, is_log=True)
    [(0.2, '0.2'), (0.5, '0.5'), (1.0, '1'), (2.0, '2'), (5.0, '5'), (10.0, '10'), (20.0, '20')]
    """
    if not high > low:
        return [(low, f"{low:g}")]
    if is_log and high > LOG_RATIO * low > 0:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        factors = (1, 2, 5) if high < 1000 * low else (1,)
        values = [float(f"{factor}e{power}") for power in powers for factor in factors]
        return [(value, f"{value:,.10g}") for value in values if low <= value <= high]
    step = _round_step((high - low) / most)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    values = [round((first + number) * step, decimals) + 0.0 for number in range(count)]
    return [(value, f"{value:,.{decimals}f}") for value in values]


def _round_step(width: float) -> float:
    """The smallest of 1, 2, 5, 10, ... that is not below `width`."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width * (1 - 1e-9))


def date_ticks(dates: DateArray, most: int) -> list[tuple[int, str]]:
    """Rows that begin a year, a month or some days, at most `most`, and their texts.

    >>> date_ticks(np.arange("2020-01-01", "2022-12-31", dtype="datetime64[D]"), 4)
    [(366, '2021'), (731, '2022')]
    """
    months = dates.astype("datetime64[M]").astype(int)
    days = (dates.astype("datetime64[D]") - dates.astype("datetime64[M]")).astype(int) + 1
    rows = np.arange(len(dates))

    def day_text(row: int) -> str:
        return f"{days[row]} {_MONTHS[months[row] % 12]}"

    def month_text(row: int) -> str:
        return f"{_MONTHS[months[row] % 12]} {1970 + months[row] // 12}"

    def year_text(row: int) -> str:
        return f"{1970 + months[row] // 12}"

    choices: Iterable[tuple[np.ndarray, int, Callable[[int], str]]] = [
        *((rows, step, day_text) for step in (1, 2, 5, 10)),
        *((months, step, month_text) for step in (1, 2, 3, 6)),
        *((months, 12 * step, year_text) for step in (1, 2, 5, 10, 20, 50)),
    ]
    for keys, step, text in choices:
        changes = np.flatnonzero(np.diff(keys // step)) + 1
        if len(changes) <= most:
            return [(row, text(row)) for row in changes.tolist()]
    return []
