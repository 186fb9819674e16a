"""Changes of a history since a run was trained on it, such as those of a file that was downloaded again."""

import dataclasses

import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.data.store_difference import ColumnChange, difference
from forecaster.data.store_versions import store_path
from forecaster.environment import Environment
from forecaster.errors import ForecasterError
from forecaster.experiments.runs import Run

__all__ = ["HistoryChange", "change_since"]

_MIN_COMMON_ROWS = 20
_MIN_COMMON_SHARE = 0.9  # of the common rows, with equal returns
_RETURN_TOLERANCE = 1e-3  # a rescaled price is rounded to the cent
_RATIO_TOLERANCE = 1e-3
_DIGITS_TOLERANCE = 1e-5
_CENT = 0.01
_MIN_STRETCH = 10
_MAX_SHOWN_DATES = 3


@dataclasses.dataclass(frozen=True)
class HistoryChange:
    """Changes of a history since a training.

    Args:
        text: The changes in words.
        same: True if most returns are those of the training, so that the run still describes the history.
    """

    text: str
    same: bool


def change_since(run: Run, series: PriceSeries, environment: Environment) -> HistoryChange | None:
    """Changes of a whole history since `run` was trained on it.

    Args:
        run: A run with the history in its panel.
        series: All rows, as their source gives them now.
        environment: Home folder and clock.

    Returns:
        The changes; None if the store no longer has the history of the training, or nothing has changed but newer rows.
    """
    sha256 = run.manifest.data.stored.get(series.instrument.name)
    path = store_path(environment.home)
    if sha256 is None or not path.exists():
        return None
    from forecaster.data.store import Store

    try:
        with Store.open(path, clock=environment.clock) as store:
            versions = store.versions(series.source, series.symbol, series.frequency)
            version = next((version for version in versions if version.sha256 == sha256), None)
            before = None if version is None else store.load_version(version)
    except ForecasterError:  # the run may not be served then, which is reported
        return None
    return None if before is None else _compared(before, series)


def _compared(before: PriceSeries, now: PriceSeries) -> HistoryChange | None:
    parts = [*_window_texts(before, now), *_row_texts(before, now)]
    return HistoryChange(", ".join(parts), _same_returns(before, now)) if parts else None


def _window_texts(before: PriceSeries, now: PriceSeries) -> list[str]:
    texts = []
    if now.dates[0] != before.dates[0]:
        texts.append(f"it begins on {now.dates[0]} instead of {before.dates[0]}")
    if now.dates[-1] < before.dates[-1]:
        texts.append(f"it ends on {now.dates[-1]} instead of {before.dates[-1]}")
    return texts


def _row_texts(before: PriceSeries, now: PriceSeries) -> list[str]:
    """Changes of the rows between the first and the last date that both have."""
    first = max(before.dates[0], now.dates[0])
    last = min(before.dates[-1], now.dates[-1])
    if first > last:
        return []
    changes = difference(before.between(first, last), now.between(first, last))
    texts = [
        f"{len(dates)} row{'s' if len(dates) > 1 else ''} {what} ({_dates_text(dates)})"
        for what, dates in (("added", changes.added), ("removed", changes.removed))
        if len(dates)
    ]
    if "close" in changes.columns:
        texts += _price_texts(changes.columns["close"])
    elif len(changes.revised):
        texts.append(f"values besides the price revised on {_dates_text(changes.revised)}")
    return texts


def _price_texts(change: ColumnChange) -> list[str]:
    """Stretches of prices that were rescaled, as by a dividend or a split, and single revised rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = change.new / change.old
    close = np.abs(ratio - 1) <= _DIGITS_TOLERANCE
    if close.all():
        return [f"{len(ratio)} prices differ in their last digits"]
    rounding = _CENT / np.abs(change.old[1:])
    steps = np.abs(np.diff(ratio)) > _RATIO_TOLERANCE + rounding
    stretches = np.split(np.arange(len(ratio)), np.flatnonzero(steps) + 1)
    long = [rows for rows in stretches if len(rows) >= _MIN_STRETCH]
    rounded = [rows for rows in long if abs(np.median(ratio[rows]) - 1) <= _DIGITS_TOLERANCE]
    rescaled = [rows for rows in long if abs(np.median(ratio[rows]) - 1) > _DIGITS_TOLERANCE]
    texts = [f"{sum(map(len, rounded))} prices rounded otherwise"] if rounded else []
    if rescaled:
        medians = dict.fromkeys(f"{np.median(ratio[rows]):.4g}" for rows in rescaled)
        factors = ", ".join(list(medians)[:_MAX_SHOWN_DATES])
        count = sum(len(rows) for rows in rescaled)
        texts.append(f"{count} prices up to {change.dates[rescaled[-1][-1]]} rescaled by {factors} (dividend or split)")
    single = np.concatenate([rows for rows in stretches if len(rows) < _MIN_STRETCH] or [np.zeros(0, dtype=int)])
    if len(single):
        plural = "s" if len(single) > 1 else ""
        texts.append(f"{len(single)} price{plural} revised ({_dates_text(change.dates[single])})")
    return texts


def _same_returns(before: PriceSeries, now: PriceSeries) -> bool:
    """True if nearly all returns between common rows are the same."""
    common, here, there = np.intersect1d(before.dates, now.dates, assume_unique=True, return_indices=True)
    if len(common) < _MIN_COMMON_ROWS:
        return False
    earlier = np.diff(before.log_price[here])
    later = np.diff(now.log_price[there])
    size = float(np.median(np.abs(earlier)))
    tolerance = min(_RETURN_TOLERANCE, size) if size > 0 else _RETURN_TOLERANCE
    return bool(np.mean(np.abs(later - earlier) <= tolerance) >= _MIN_COMMON_SHARE)


def _dates_text(dates: np.ndarray) -> str:
    more = ", ..." if len(dates) > _MAX_SHOWN_DATES else ""
    return ", ".join(map(str, dates[:_MAX_SHOWN_DATES])) + more
