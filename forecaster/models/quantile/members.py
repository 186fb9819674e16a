"""The series of a panel as a fit reads them: features, outcomes, and the number of training rows."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import BoolArray, Float32Array, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features import antisymmetric_features, feature_matrix
from forecaster.features.history import History
from forecaster.features.outcomes import forward_returns, forward_volatility
from forecaster.models.base import FitRequest
from forecaster.models.quantile.linear_location import TrainingRows, direct_kernel
from forecaster.models.quantile.location_gate import ValidationRows
from forecaster.models.quantile.volatility_regression import MIN_SPAN, VolatilityRegression, VolatilityRows

__all__ = [
    "Member",
    "curve_members",
    "invertible",
    "linear_location",
    "members_of",
    "validation_of",
    "volatility_regression",
]


MAX_CURVE_SERIES = 32


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
        history = History.of(series)
        features = feature_matrix(history, feature_names)
        targets = forward_returns(history.log_price, history.volatility, steps)
        members.append(Member(series, features, targets, request.training_rows[series.instrument.name]))
        request.progress("features", number + 1, len(request.panel))
    return members


def curve_members(members: Sequence[Member]) -> Sequence[Member]:
    """Members spread over the panel, whose validation loss is computed during the training."""
    return members[:: max(len(members) // MAX_CURVE_SERIES, 1)]


def invertible(members: Sequence[Member]) -> bool:
    """True if every quotation can be inverted: USDJPY up is JPYUSD down, a stock has no such inverse."""
    return all(member.series.instrument.kind == "pair" for member in members)


def linear_location(
    members: Sequence[Member], feature_names: Sequence[str], steps: Sequence[int], warm_up: int
) -> Float32Array:
    """(F, K) weights from the inputs to the location, from the training rows; see `direct_kernel`."""
    parts = []
    for member in members:
        rows = slice(warm_up, max(member.training_rows, warm_up))
        parts.append(TrainingRows(member.series.dates[rows], member.features[rows], member.targets[rows]))
    return direct_kernel(parts, antisymmetric_features(feature_names), steps)


def volatility_regression(
    members: Sequence[Member], feature_names: Sequence[str], steps: Sequence[int], warm_up: int, horizon: int
) -> VolatilityRegression | None:
    """The regression whose quantiles are averaged with those of the head, from the training rows.

    Args:
        members: Members of the panel.
        feature_names: (F,) inputs.
        steps: (K,) steps.
        warm_up: Rows at the start of a history that are left out.
        horizon: Rows that were purged between training and validation.
    """
    spans = [max(step, MIN_SPAN) for step in steps]
    parts = []
    for member in members:
        history = History.of(member.series)
        volatility = forward_volatility(history.log_return, history.volatility, spans)
        # A mean over more days than were purged would reach into the validation.
        end = member.training_rows - max(spans[-1] - horizon, 0)
        rows = slice(warm_up, max(end, warm_up))
        parts.append(VolatilityRows(member.features[rows], volatility[rows], member.targets[rows]))
    symmetric = invertible(members)
    used: BoolArray = ~antisymmetric_features(feature_names) if symmetric else np.ones(len(feature_names), dtype=bool)
    return VolatilityRegression.fit(parts, used, spans, symmetric)


def validation_of(member: Member, rows: IntArray, warm_up: int) -> ValidationRows | None:
    """Rows of a member that decide about its location; None where too few precede them for its features to settle.

    Args:
        member: Member of the panel.
        rows: (N,) consecutive cutoffs.
        warm_up: First row that the network reads.
    """
    settled = rows[rows >= 2 * warm_up]
    if not len(settled):
        return None
    return ValidationRows(member.series.dates, member.features, member.targets, settled, warm_up)
