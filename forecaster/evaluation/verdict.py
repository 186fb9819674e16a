"""The verdict: what a model is worth, in four sentences, each with the smallest effect it could have seen.

One test a kind, stated before any result is seen, all at one step (the next day unless told otherwise):

- *point*: Clark and West against "tomorrow = today", which is nested in every model that can move its median; "better"
  also needs the smaller squared error in the sample, since information alone is no better forecast.
- *direction*: Pesaran and Timmermann, signs of the median against signs of the outcome.
- *density*: Diebold and Mariano with Harvey, Leybourne and Newbold's correction on the mean CRPS, better than *all*
  baselines at once. The p-value is the largest of the one-sided ones (intersection-union, Berger 1982,
  Technometrics 24): when the model is not better than some baseline, the test against that one alone keeps the
  level, and rejecting all of them is rarer still. No correction for the number of baselines is needed.
- *coverage*: central 80 and 95 % intervals against their promise, both sides, `coverage_test`; the smaller p-value
  doubled, for there are two intervals. There is no "better" here: "no_difference" is calibrated as far as the sample
  can see, "worse" is miscalibrated, be it too narrow or too wide.

**Two families, each at `LEVEL`.** Claims are the three "better" and the alarm of coverage: Holm over the four, so
that with chance at most 5 % any claim is false, however they hang together. Warnings are the three "worse", with the
one-sided p-values of the other side (for point Diebold and Mariano, for density the smallest over the k baselines
times k): Holm over the three. What cannot be tested counts as a test that found nothing. Each verdict keeps the level
for itself: of the verdicts on twenty instruments one may be false, which is why there is one on all of them pooled.

*Detectable* is the effect that the test finds with probability 80 % at the level of Holm's first step, a quarter of
`LEVEL`, from the standard error of this sample; later steps see more. For density it is the gain over the best
baseline, the others being as far behind it as they were found, and counts that all of them must be beaten.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from forecaster.evaluation.claims import KINDS, LEVEL, Examined, Kind, Outcome, coverage, density, direction, point
from forecaster.evaluation.daily_losses import DailyLosses
from forecaster.stats.mean_tests import holm

__all__ = ["KINDS", "LEVEL", "Finding", "Kind", "Outcome", "Verdict", "verdict"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is known of one kind.

    Args:
        kind: ``point``, ``direction``, ``density`` or ``coverage``.
        outcome: The claim or warning, or that there is none.
        against: ``random_walk``, ``chance``, a baseline (of density the one that decided) or ``nominal``.
        p_value: Adjusted by Holm, comparable with `LEVEL`: of "worse" where that is the outcome, else of the claim;
            None where nothing was tested.
        raw_p_value: The same before Holm.
        detectable: Smallest effect seen with probability 80 %, in `unit`; None where nothing was tested
            or no effect that there can be would be seen.
        unit: Of `detectable`: ``rmse_ratio``, ``hit_rate``, ``crps_percent`` (below the baseline) or
            ``coverage_points`` (either way).
        measured: What was found, by name, as JSON values.
        text: One line for people.
    """

    kind: Kind
    outcome: Outcome
    against: str | None
    p_value: float | None
    raw_p_value: float | None
    detectable: float | None
    unit: str
    measured: Mapping[str, Any]
    text: str

    def to_json(self) -> dict[str, Any]:
        """JSON values; `measured` stands beside the rest."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {key: value for key, value in plain.items() if key not in {"kind", "measured"}} | dict(self.measured)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Four findings about one instrument, or about several pooled.

    Args:
        name: Instrument, or ``pooled``.
        model: Registry key of the model that is judged.
        step: Days ahead.
        days: Number of days that were tested.
        instruments: Number of instruments.
        window: First and last cutoff.
        findings: Kind -> finding.
    """

    name: str
    model: str
    step: int
    days: int
    instruments: int
    window: tuple[str, str]
    findings: Mapping[Kind, Finding]

    def __getitem__(self, kind: Kind) -> Finding:
        return self.findings[kind]

    @property
    def lines(self) -> list[str]:
        """One line a kind."""
        return [self.findings[kind].text for kind in KINDS]

    def to_json(self) -> dict[str, Any]:
        """The four kinds, and what the verdict is about."""
        about = {key: getattr(self, key) for key in ("name", "model", "step", "days", "instruments")}
        found = {str(kind): self.findings[kind].to_json() for kind in KINDS}
        return {**found, **about, "window": list(self.window), "level": LEVEL}


def verdict(evidence: DailyLosses) -> Verdict:
    """Judge a model by its evidence, of one instrument or pooled (`forecaster.evaluation.daily_losses`)."""
    tested: dict[Kind, Examined] = {
        "point": point(evidence),
        "direction": direction(evidence),
        "density": density(evidence),
        "coverage": coverage(evidence),
    }
    claims = holm({kind: one.p_claim for kind, one in tested.items()})
    warnings = holm({kind: one.p_warning for kind, one in tested.items() if kind != "coverage"})
    return Verdict(
        name=evidence.name,
        model=evidence.model,
        step=evidence.step,
        days=len(evidence),
        instruments=evidence.instruments,
        window=(str(evidence.dates[0]), str(evidence.dates[-1])),
        findings={kind: _finding(kind, one, claims[kind], warnings.get(kind)) for kind, one in tested.items()},
    )


def _finding(kind: Kind, one: Examined, claim: float | None, warning: float | None) -> Finding:
    """The outcome that the adjusted p-values allow."""
    outcome: Outcome = "no_difference"
    if claim is None and warning is None:
        outcome = one.untested
    elif claim is not None and claim <= LEVEL and one.claimed is not None:
        outcome = one.claimed
    elif warning is not None and warning <= LEVEL:
        outcome = "worse"
    warned = outcome == "worse" and one.claimed != "worse"
    p_value, raw = (warning, one.p_warning) if warned else (claim, one.p_claim)
    chance = "" if p_value is None else f", {_chance(p_value)}"
    seen = f"; could have seen {one.seen}" if one.seen else ""
    return Finding(
        kind=kind,
        outcome=outcome,
        against=one.warned_of if warned and one.warned_of else one.against,
        p_value=p_value,
        raw_p_value=raw,
        detectable=one.detectable,
        unit=one.unit,
        measured=one.measured,
        text=f"{kind}: {one.phrases[outcome].replace('{p}', chance)}{seen}",
    )


def _chance(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
