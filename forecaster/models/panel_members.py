"""The series of a panel as a fit reads them: features, outcomes, and the number of training rows."""

import dataclasses
import threading
import weakref
from collections.abc import Sequence
from typing import NamedTuple

from forecaster.arrays import Float32Array
from forecaster.data.series import PriceSeries
from forecaster.features import feature_matrix
from forecaster.features.history import History
from forecaster.features.outcomes import forward_returns
from forecaster.models.base import FitRequest

__all__ = ["Member", "invertible", "members_of"]


@dataclasses.dataclass(frozen=True, eq=False)
class Member:
    """One series of the panel.

    Args:
        series: The series.
        features: (T, F).
        targets: (T, K) scaled outcomes.
        training_rows: Number of leading rows that may be learned from.
    """

    series: PriceSeries
    features: Float32Array
    targets: Float32Array
    training_rows: int

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return self.series.instrument.name


def members_of(request: FitRequest, feature_names: Sequence[str], steps: Sequence[int]) -> list[Member]:
    """The members of a panel, in its order, with targets at `steps` (K,)."""
    members = []
    for number, series in enumerate(request.panel):
        columns = _columns_of(series, tuple(feature_names), tuple(steps))
        rows = request.training_rows[series.instrument.name]
        members.append(Member(series, columns.features, columns.targets, rows))
        request.progress("features", number + 1, len(request.panel))
    return members


def invertible(members: Sequence[Member]) -> bool:
    """True if every quotation can be inverted: USDJPY up is JPYUSD down, a stock has no such inverse."""
    return all(member.series.instrument.kind == "pair" for member in members)


class _Columns(NamedTuple):
    """Read-only features (T, F) and targets (T, K) of a series, and the names and steps that they are of."""

    feature_names: tuple[str, ...]
    steps: tuple[int, ...]
    features: Float32Array
    targets: Float32Array


_columns: weakref.WeakKeyDictionary[PriceSeries, _Columns] = weakref.WeakKeyDictionary()
"""The columns that were computed last for each series. A series never changes, and they are dropped with it."""

_lock = threading.Lock()


def _columns_of(series: PriceSeries, feature_names: tuple[str, ...], steps: tuple[int, ...]) -> _Columns:
    """Columns of `series`; all fits on it, such as those of the folds of a backtest, share them."""
    with _lock:
        columns = _columns.get(series)
        if columns is None or (columns.feature_names, columns.steps) != (feature_names, steps):
            history = History.of(series)
            features = feature_matrix(history, feature_names)
            targets = forward_returns(history.log_price, history.volatility, steps)
            for array in (features, targets):
                array.setflags(write=False)
            columns = _Columns(feature_names, steps, features, targets)
            _columns[series] = columns
    return columns
