"""The verdict on a model: four tests, each reported with its minimum detectable effect.

One test of each kind, chosen before any result is seen, at one step (the next day unless told otherwise) except for
point and coverage:

- *point*: Clark and West against "tomorrow = today", which is nested in every model that can move its median, at every
  step at which it moves; the smallest p-value times the number of these steps. "Better" also needs the smaller squared
  error in the sample at that step, since information alone is no better forecast.
- *direction*: Pesaran and Timmermann, signs of the median against signs of the outcome.
- *density*: Diebold and Mariano with Harvey, Leybourne and Newbold's correction on the mean CRPS, better than *all*
  baselines at once. The p-value is the largest of the one-sided ones (intersection-union, Berger 1982,
  Technometrics 24): when the model is not better than some baseline, the test against that one alone keeps the
  level, and rejecting all of them is rarer still. No correction for the number of baselines is needed.
- *coverage*: central 80 and 95 % intervals against their nominal coverage, both sides, `coverage_test`, at every step
  that is scored and has enough outcomes (`step_coverage`); the smallest p-value times the number of steps and of
  intervals. There is no "better" here: "no_difference" is consistent with the
  nominal coverage, "worse" is miscalibrated, be the intervals too narrow or too wide.

**Two families, each at `LEVEL`.** Claims are the three "better" and the alarm of coverage: Holm over the four, so
that the probability of any false claim is at most 5 %, whatever their dependence. Warnings are the three "worse", with
the one-sided p-values of the other side (for point Diebold and Mariano, for density the smallest over the k baselines
times k): Holm over the three. A kind without a test counts as one with a p-value of 1. The level holds for each
verdict: of the verdicts on twenty instruments one may be false, which is why there is one on all of them pooled.

The *minimum detectable effect* is found with probability 80 % at the level of Holm's first step, a quarter of `LEVEL`,
given the standard error of this sample; later steps detect more. For density it is the gain over the best baseline,
the others being as far behind it as estimated, and counts that all of them must be beaten.

Results are numbers; `forecaster.output.verdict_wording` turns them into sentences.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from forecaster.evaluation.claims import (
    KINDS,
    LEVEL,
    Kind,
    Outcome,
    TestedClaim,
    Untestable,
    coverage,
    density,
    direction,
    point,
)
from forecaster.evaluation.daily_losses import DailyLosses
from forecaster.stats.mean_tests import holm

__all__ = ["KINDS", "LEVEL", "ClaimResult", "Kind", "Outcome", "Verdict", "verdict"]


@dataclasses.dataclass(frozen=True)
class ClaimResult:
    """Result of one kind, after Holm's correction.

    Args:
        kind: ``point``, ``direction``, ``density`` or ``coverage``.
        outcome: The claim or warning, or that there is none.
        against: ``random_walk``, ``chance``, a baseline (for density the one that decided) or ``nominal``.
        p_value: P-value adjusted by Holm, comparable with `LEVEL`: of "worse" where that is the outcome, else of the
            claim; None where nothing was tested.
        raw_p_value: The same before Holm.
        detectable: Minimum detectable effect at a power of 80 %, in `unit`; None where nothing was tested or no
            possible effect is detectable.
        unit: Unit of `detectable`: ``rmse_ratio``, ``hit_rate``, ``crps_percent`` (below the baseline) or
            ``coverage_points`` (either way).
        measured: Measured numbers by name, as JSON values.
        untestable: Reason why nothing was tested; None where there was a test.
    """

    kind: Kind
    outcome: Outcome
    against: str | None
    p_value: float | None
    raw_p_value: float | None
    detectable: float | None
    unit: str
    measured: Mapping[str, Any]
    untestable: Untestable | None = None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Results of the four kinds for one instrument, or for several pooled.

    Args:
        name: Instrument, or ``pooled``.
        model: Registry key of the evaluated model.
        step: Days ahead.
        days: Number of days that were tested.
        instruments: Number of instruments.
        window: First and last cutoff.
        results: Kind -> result.
    """

    name: str
    model: str
    step: int
    days: int
    instruments: int
    window: tuple[str, str]
    results: Mapping[Kind, ClaimResult]

    def __getitem__(self, kind: Kind) -> ClaimResult:
        return self.results[kind]


def verdict(losses: DailyLosses, later: Sequence[DailyLosses] = ()) -> Verdict:
    """Test a model by its daily losses, of one instrument or pooled (`forecaster.evaluation.daily_losses`).

    Args:
        losses: Losses at the step of the verdict.
        later: Losses at further steps, whose coverage is tested as well, and whose median where it moves.
    """
    tested: dict[Kind, TestedClaim] = {
        "point": point(losses, later),
        "direction": direction(losses),
        "density": density(losses),
        "coverage": coverage(losses, later),
    }
    claims = holm({kind: claim.p_claim for kind, claim in tested.items()})
    warnings = holm({kind: claim.p_warning for kind, claim in tested.items() if kind != "coverage"})
    return Verdict(
        name=losses.name,
        model=losses.model,
        step=losses.step,
        days=len(losses),
        instruments=losses.instruments,
        window=(str(losses.dates[0]), str(losses.dates[-1])),
        results={kind: _result(kind, claim, claims[kind], warnings.get(kind)) for kind, claim in tested.items()},
    )


def _result(kind: Kind, tested: TestedClaim, claim: float | None, warning: float | None) -> ClaimResult:
    """The outcome that the adjusted p-values allow."""
    outcome: Outcome = "no_difference"
    if claim is None and warning is None:
        outcome = tested.untested_outcome
    elif claim is not None and claim <= LEVEL and tested.claimed is not None:
        outcome = tested.claimed
    elif warning is not None and warning <= LEVEL:
        outcome = "worse"
    is_warning = outcome == "worse" and tested.claimed != "worse"
    return ClaimResult(
        kind=kind,
        outcome=outcome,
        against=tested.warning_against if is_warning and tested.warning_against else tested.against,
        p_value=warning if is_warning else claim,
        raw_p_value=tested.p_warning if is_warning else tested.p_claim,
        detectable=tested.detectable,
        unit=tested.unit,
        measured=tested.measured,
        untestable=tested.untestable,
    )
