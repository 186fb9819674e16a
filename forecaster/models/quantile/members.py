"""Members of a panel as a quantile forecaster reads them: for the learning curve, the location and its gate."""

from collections.abc import Sequence

from forecaster.arrays import Float32Array, IntArray
from forecaster.features import antisymmetric_features
from forecaster.models.panel_members import Member
from forecaster.models.quantile.linear_location import TrainingRows, direct_kernel
from forecaster.models.quantile.location_gate import ValidationRows

__all__ = ["curve_members", "linear_location", "validation_of"]


MAX_CURVE_SERIES = 32


def curve_members(members: Sequence[Member]) -> Sequence[Member]:
    """Members spread over the panel, whose validation loss is computed during the training."""
    return members[:: max(len(members) // MAX_CURVE_SERIES, 1)]


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
