"""Members of a panel as a quantile forecaster reads them: for the learning curve, the location and its gate."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from forecaster.arrays import Float32Array, IntArray
from forecaster.features import antisymmetric_features
from forecaster.models.panel_members import Member
from forecaster.models.quantile.linear_location import TrainingRows, direct_kernel
from forecaster.models.quantile.location_gate import ValidationRows

__all__ = ["curve_members", "curve_samples", "linear_location", "validation_of"]


MAX_CURVE_SERIES = 32


def curve_members(members: Sequence[Member]) -> Sequence[Member]:
    """Members spread over the panel, whose validation loss is computed during the training."""
    return members[:: max(len(members) // MAX_CURVE_SERIES, 1)]


Cut = Callable[[Member, IntArray], tuple[Float32Array, Float32Array] | None]
"""Member and its cutoffs (N,) of the validation -> samples x and y."""


def curve_samples(
    members: Sequence[Member], rows: Mapping[str, IntArray], cut: Cut
) -> tuple[Float32Array, Float32Array] | None:
    """Samples of the validation for learning curve and early stopping, from members spread over the panel."""
    parts = []
    for member in curve_members(members):
        cutoffs = rows.get(member.name, np.empty(0, np.intp))
        if (part := cut(member, cutoffs)) is not None:
            parts.append(part)
    if not parts:
        return None
    x, y = zip(*parts, strict=True)
    return np.concatenate(x), np.concatenate(y)


def linear_location(
    members: Sequence[Member], feature_names: Sequence[str], steps: Sequence[int], warm_up: int
) -> Float32Array:
    """(F, K) weights from the inputs to the location, from the training rows; see `direct_kernel`."""
    parts = []
    for member in members:
        rows = slice(warm_up, max(member.training_rows, warm_up))
        parts.append(TrainingRows(member.series.dates[rows], member.features[rows], member.targets[rows]))
    return direct_kernel(parts, antisymmetric_features(feature_names), steps)


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
