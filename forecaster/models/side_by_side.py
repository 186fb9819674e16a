"""Several histories read side by side: one forward pass of the network for all, with the bits of one pass for each."""

from collections.abc import Sequence
from typing import Protocol, cast

from forecaster.data.series import PriceSeries
from forecaster.models import traits_of
from forecaster.models.base import Fitted
from forecaster.models.ensemble import FittedEnsemble, members_of

__all__ = ["SideBySide", "readers"]


class SideBySide(Fitted, Protocol):
    """A fitted model with the trait `side_by_side`."""

    def readers(self, histories: Sequence[PriceSeries]) -> Sequence[Fitted]:
        """This model for each of `histories`, which its network has read; each forecasts its own history alone."""


def readers(fitted: Fitted, histories: Sequence[PriceSeries]) -> Sequence[Fitted]:
    """`fitted` for each of `histories`, which are read together where its kind can; see `SideBySide`.

    Args:
        fitted: The model.
        histories: Series with at least as many rows as a forecast needs.
    """
    members = members_of(fitted)
    if members:
        of_members = [readers(member, histories) for member in members]
        return [FittedEnsemble(parts, fitted.report, fitted.name) for parts in zip(*of_members, strict=True)]
    if not traits_of(fitted.name).side_by_side:
        return [fitted] * len(histories)
    return cast(SideBySide, fitted).readers(histories)
