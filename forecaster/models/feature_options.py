"""Options of a model whose inputs are named features."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from pydantic import field_validator

from forecaster.data.series import Panel
from forecaster.features import FEATURES, RETURN_FEATURES, suitable_features
from forecaster.features.covariates import is_covariate
from forecaster.models.base import ModelOptions

__all__ = ["FeatureOptions"]


class FeatureOptions(ModelOptions):
    """Options of a model that reads features: those that suit the panel (``auto``), or those that are listed."""

    features: tuple[str, ...] | Literal["auto"] = "auto"

    @field_validator("features", mode="before")
    @classmethod
    def _known_features(cls, names: Any) -> Any:
        if names == "auto":
            return names
        if not isinstance(names, (list, tuple)) or not names:
            raise ValueError("expected auto, or a list of at least 1 feature")
        unknown = [name for name in map(str, names) if not (name in FEATURES or is_covariate(name))]
        if unknown:
            raise ValueError(f"unknown feature {', '.join(unknown)}; the features are {', '.join(FEATURES)}")
        if len(set(names)) < len(names):
            raise ValueError("a feature is listed twice")
        return names

    @property
    def feature_names(self) -> tuple[str, ...]:
        """(F,) inputs in their order; only those of the returns while ``auto`` is not resolved."""
        return RETURN_FEATURES if self.features == "auto" else self.features

    def resolved(self, panel: Panel, before: np.datetime64) -> Self:
        """These options with every ``auto`` decided for `panel`, and its covariates added to the features.

        Args:
            panel: Series that are fitted together.
            before: Only rows before this date decide.

        Raises:
            UsageError: An option does not suit the panel.
        """
        chosen = suitable_features(panel, before) if self.features == "auto" else self.features
        covariates = panel.series[0].inputs
        features = tuple(dict.fromkeys((*chosen, *covariates)))
        return self.model_copy(update={"features": features, **self.further_choices(panel)})

    def further_choices(self, panel: Panel) -> Mapping[str, Any]:
        """Values of other options with ``auto``, which no row of `panel` decides."""
        return {}
