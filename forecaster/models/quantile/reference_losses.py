"""Loss of the EWMA baseline in the unit of the learning curve: what a training has to fall below."""

from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.features.history import History
from forecaster.models.baselines.base import ewma_of
from forecaster.models.baselines.ewma import EWMA, EWMAOptions
from forecaster.models.panel_members import Member
from forecaster.models.quantile.location_gate import MAX_OUTCOME
from forecaster.models.quantile.members import curve_members
from forecaster.models.quantile.sampling import Sampling
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["reference_losses"]


def reference_losses(
    members: Sequence[Member], validation_rows: Mapping[str, IntArray], sampling: Sampling, warm_up: int
) -> dict[str, float]:
    """Loss of the baseline ``ewma`` on the samples of the validation, or on the training rows where there is none.

    Args:
        members: Members of the panel.
        validation_rows: Name -> rows (N,) of the validation.
        sampling: Cuts the samples of the validation.
        warm_up: Rows at the start of a history that are left out.
    """
    parts = []
    for member in curve_members(members):
        rows = validation_rows.get(member.name, np.empty(0, np.intp))
        sample = sampling.validation(_relative_volatility(member), member.targets, rows)
        if sample is not None:
            x, y = sample
            parts.append(_losses(x[:, -1] if y.ndim == 2 else x[:, -y.shape[1] :], y))
    if not parts:
        for member in members:
            scored = slice(warm_up, max(member.training_rows, warm_up))
            parts.append(_losses(_relative_volatility(member)[scored], member.targets[scored]))
    losses = np.concatenate(parts)
    return {EWMA.name: float(losses.mean())} if len(losses) else {}


def _relative_volatility(member: Member) -> Float32Array:
    """(T, 1) volatility of the baseline over the one that divides the targets; the first row has none, and is 1."""
    ratio = np.ones(len(member.series), dtype=np.float32)
    ratio[1:] = ewma_of(member.series, EWMAOptions().decay) / History.of(member.series).volatility[1:]
    return ratio[:, None]


def _losses(volatility: Float32Array, outcomes: Float32Array) -> FloatArray:
    """(M,) losses of the known ones of `outcomes` (..., K), as `QuantileLoss` computes them."""
    error = outcomes[..., None].astype(float) - normal_scores(SCORING_LEVELS) * volatility[..., None]
    levels = np.asarray(SCORING_LEVELS)
    pinball = np.maximum(levels * error, (levels - 1) * error).mean(axis=-1)
    losses = pinball + np.clip(outcomes, -MAX_OUTCOME, MAX_OUTCOME) ** 2
    return np.asarray(losses[np.isfinite(losses)])
