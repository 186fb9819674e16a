"""GJR-GARCH(1,1)-t: a GARCH whose variance rises more after a fall (Glosten, Jagannathan and Runkle 1993)."""

from typing import Annotated, Literal

from pydantic import Field

from forecaster.models.base import ModelOptions
from forecaster.models.baselines.garch import GARCH

__all__ = ["GJRGARCH", "GJRGARCHOptions"]


class GJRGARCHOptions(ModelOptions):
    """Options of the baseline ``gjr_garch``."""

    kind: Literal["gjr_garch"] = "gjr_garch"
    paths: Annotated[int, Field(ge=100)] = 20_000


class GJRGARCH(GARCH):
    """Forecaster: one GJR-GARCH(1,1,1)-t for each series, fitted by maximum likelihood on all its training rows.

    It has one parameter more than ``garch``: the addition to the variance after a fall. That makes the distribution
    over several days skewed, so its median may differ from the last price.
    """

    Options = GJRGARCHOptions
    name = "gjr_garch"
    asymmetric = True
