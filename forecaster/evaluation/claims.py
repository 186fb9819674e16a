"""The four tests of a verdict, each before Holm's correction: `forecaster.evaluation.verdict` says which and why."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from forecaster.evaluation.daily_losses import TESTED_COVERAGES, DailyLosses
from forecaster.stats.coverage_tests import coverage_test
from forecaster.stats.mean_tests import (
    LEAST_DAYS,
    MeanTest,
    detectable_gain,
    detectable_shift,
    diebold_mariano,
    hac_lags,
    mean_test,
    normal_test,
    unpredictable_lags,
)

__all__ = ["KINDS", "LEVEL", "Examined", "Kind", "Outcome", "coverage", "density", "direction", "point"]

Kind = Literal["point", "direction", "density", "coverage"]
Outcome = Literal["better", "no_difference", "worse", "not_applicable"]

KINDS: tuple[Kind, ...] = ("point", "direction", "density", "coverage")
LEVEL = 0.05
_FIRST_STEP = LEVEL / len(KINDS)


@dataclasses.dataclass(frozen=True)
class Examined:
    """A kind before Holm: p-values of the claim and of the warning, and what the text is made of.

    Args:
        against: What the claim is against.
        unit: Of `detectable`, see `forecaster.evaluation.verdict.Finding`.
        phrases: What is said of each outcome; ``{p}`` stands for the p-value.
        measured: What was found, by name, as JSON values.
        p_claim: One-sided p-value of the claim; None where nothing can be tested.
        p_warning: One-sided p-value of "worse"; None likewise.
        detectable: Smallest effect of the claim seen with probability 80 %; None where none that there can be.
        seen: The same in words.
        claimed: Outcome that a small `p_claim` means; None where the sample forbids it whatever the p-value.
        warned_of: What a warning is against, where that is another baseline than the claim's.
        untested: Outcome where nothing can be tested.
    """

    against: str | None
    unit: str
    phrases: Mapping[Outcome, str]
    measured: Mapping[str, Any]
    p_claim: float | None = None
    p_warning: float | None = None
    detectable: float | None = None
    seen: str = ""
    claimed: Outcome | None = "better"
    warned_of: str | None = None
    untested: Outcome = "no_difference"


def point(evidence: DailyLosses) -> Examined:
    """Clark and West for "better", Diebold and Mariano on squared errors for "worse"; both against the last price."""
    days, against, unit = len(evidence), "random_walk", "rmse_ratio"
    unmoved = bool((evidence.squared == evidence.squared_naive).all())
    naive = float(evidence.squared_naive.mean())
    found = math.sqrt(float(evidence.squared.mean()) / naive) if naive > 0 else None
    measured = {"rmse_ratio": found}
    if days < LEAST_DAYS or found is None:
        return Examined(against, unit, _nothing(_why(days, found)), measured)
    information = mean_test(evidence.gain, evidence.overlap, _unpredictable(evidence, days))
    error = diebold_mariano(evidence.squared - evidence.squared_naive, evidence.overlap)
    seen = _seen_ratio(evidence, information, naive)
    at_ratio = f"(RMSE ratio {found:.4f}{{p}})"
    silent = "no difference from tomorrow = today"
    if found >= 1:
        silent = "no smaller error than tomorrow = today"
        if information.p_above is not None and information.p_above <= _FIRST_STEP:
            silent = f"holds information, yet {silent}"
    same = "no difference from tomorrow = today, the median is the last price"
    return Examined(
        against,
        unit,
        {
            "better": f"better than tomorrow = today {at_ratio}",
            "worse": f"worse than tomorrow = today {at_ratio}",
            "no_difference": same if unmoved else f"{silent} {at_ratio}",
        },
        measured,
        p_claim=information.p_above,
        p_warning=error.p_above,
        detectable=seen,
        seen="" if seen is None else f"an RMSE ratio of {seen:.3f}",
        claimed="better" if found < 1 else None,
    )


def _seen_ratio(evidence: DailyLosses, information: MeanTest, naive: float) -> float | None:
    """RMSE ratio of an efficient forecast of this one's shape whose mean term of Clark and West is detectable.

    None where not even a perfect forecast would be.

    For an efficient forecast c times f the mean term is ``2 c^2 E f^2`` and its standard error c times that of f,
    so that ``c = shift / (2 E f^2)`` and the share of the squared error that it saves is ``c^2 E f^2 / E y^2``.
    Without any forecast to take the shape from, that of one with a constant variance: ``shift^2`` of n days.
    """
    moved = float(evidence.squared_forecast.mean())
    if information.standard_error is None or not moved > 0:
        share = detectable_shift(len(evidence) ** -0.5, _FIRST_STEP) ** 2
    else:
        shift = detectable_shift(information.standard_error, _FIRST_STEP, information.freedom)
        share = (shift / 2) ** 2 / (moved * naive)
    return math.sqrt(1 - share) if share < 1 else None


def _unpredictable(evidence: DailyLosses, days: int) -> int:
    """Lags of a test whose null is that outcomes cannot be foreseen.

    None for one instrument whose outcomes do not overlap. What moves one market today moves another tomorrow, in other
    time zones and after other holidays, so the days of a pool are not independent even then.
    """
    return unpredictable_lags(days, evidence.overlap) if evidence.instruments == 1 else hac_lags(days, evidence.overlap)


def direction(evidence: DailyLosses) -> Examined:
    """Pesaran and Timmermann; pooled, or where outcomes overlap, a HAC test of the hits beyond chance."""
    against, unit = "chance", "hit_rate"
    given = np.isfinite(evidence.excess)
    excess, hits = evidence.excess[given], evidence.hits[given]
    days = len(excess)
    measured: dict[str, Any] = {"hit_rate": float(hits.mean()) if days else None, "days_with_direction": days}
    if not days:
        nothing = "none is given, the median is the last price"
        return Examined(against, unit, {"not_applicable": nothing}, measured, untested="not_applicable")
    if days < LEAST_DAYS:
        return Examined(against, unit, _nothing(f"{days} cutoffs with a direction are too few to say"), measured)
    variance = evidence.independent_variance
    if variance is None:
        test = mean_test(excess, evidence.overlap, _unpredictable(evidence, days))
    else:
        test = normal_test(excess, variance)
    if test.standard_error is None:
        nothing = "the median, or the price, only ever goes one way"
        return Examined(against, unit, {"not_applicable": nothing}, measured, untested="not_applicable")
    rate, chance = float(hits.mean()), float(hits.mean() - excess.mean())
    seen = min(chance + detectable_shift(test.standard_error, _FIRST_STEP, test.freedom), 1.0)
    shares = f"({100 * rate:.1f} % right, {100 * chance:.1f} % by chance{{p}})"
    return Examined(
        against,
        unit,
        {
            "better": f"better than chance {shares}",
            "worse": f"worse than chance {shares}",
            "no_difference": f"no difference from chance {shares}",
        },
        {**measured, "hit_rate_by_chance": chance},
        p_claim=test.p_above,
        p_warning=test.p_below,
        detectable=seen,
        seen=f"{100 * seen:.1f} %",
    )


def density(evidence: DailyLosses) -> Examined:
    """Diebold and Mariano on the CRPS, against all baselines at once."""
    names, unit, days = evidence.baselines, "crps_percent", len(evidence)
    own = float(evidence.crps[evidence.model].mean())
    means = {name: float(evidence.crps[name].mean()) for name in names}
    ratios = {name: own / mean if mean > 0 else None for name, mean in means.items()}
    measured = {"crps_ratio": ratios, "baselines": list(names), "left_out": list(evidence.left_out)}
    if not names:
        nothing = "there is no baseline to compare with"
        return Examined(None, unit, {"not_applicable": nothing}, measured, untested="not_applicable")
    moves = evidence.squared_naive.any()
    if days < LEAST_DAYS or not moves:
        return Examined(None, unit, _nothing(_why(days, 1.0 if moves else None)), measured)
    tests = {
        name: diebold_mariano(evidence.crps[evidence.model] - evidence.crps[name], evidence.overlap) for name in names
    }
    hardest = max(names, key=lambda name: (_known(tests[name].p_below), -means[name]))
    winner = min(names, key=lambda name: (_known(tests[name].p_above), means[name]))
    best = min(names, key=lambda name: means[name])
    seen = _seen_gain(evidence, tests, best)
    return Examined(
        hardest,
        unit,
        {
            "better": f"better than {_listed(names)} ({_beside(ratios[best])} {_the_best(names)}{{p}})",
            "worse": f"worse than {winner} ({_beside(ratios[winner])} it{{p}})",
            "no_difference": _undecided(hardest, names, ratios[hardest], tests[hardest]),
        },
        {**measured, "raw_p_values": {name: test.p_below for name, test in tests.items()}},
        p_claim=_largest([test.p_below for test in tests.values()]),
        p_warning=_smallest([test.p_above for test in tests.values()]),
        detectable=seen,
        seen="" if seen is None else f"{_percent(seen)} %",
        warned_of=winner,
    )


def _seen_gain(evidence: DailyLosses, tests: Mapping[str, MeanTest], best: str) -> float | None:
    """Percent of the best baseline's CRPS; None where the model is the same as some baseline, or nothing can be seen.

    How far another baseline is behind the best is an estimate as well: a standard error is taken off.
    """
    errors = [test.standard_error for test in tests.values() if test.standard_error is not None]
    size = float(evidence.crps[best].mean())
    if len(errors) < len(tests) or not size > 0:
        return None
    behind = [mean_test(evidence.crps[name] - evidence.crps[best], evidence.overlap) for name in tests]
    leads = [max(one.mean - (one.standard_error or 0.0), 0.0) for one in behind]
    freedom = min(test.freedom for test in tests.values())
    percent = 100 * detectable_gain(errors, leads, _FIRST_STEP, freedom) / size
    return percent if percent < 100 else None  # no CRPS is below 0


def coverage(evidence: DailyLosses) -> Examined:
    """Central intervals against their promise."""
    against, unit, days = "nominal", "coverage_points", len(evidence)
    found = {level: float(evidence.inside[level].mean()) for level in evidence.inside}
    measured: dict[str, Any] = {"coverage": found}
    moves = evidence.squared_naive.any()
    if days < LEAST_DAYS or not moves:
        return Examined(against, unit, _nothing(_why(days, 1.0 if moves else None)), measured)
    tests = {level: coverage_test(evidence.inside[level], float(level), evidence.overlap) for level in found}
    smallest = min(_known(test.p_two_sided) for test in tests.values())
    # Two sides and two intervals share the level of the first step.
    shifts = {
        level: detectable_shift(test.standard_error, _FIRST_STEP / 4, test.freedom)
        for level, test in tests.items()
        if test.standard_error is not None
    }
    points = {level: 100 * shift for level, shift in shifts.items() if shift < float(level)}  # no share is below 0
    shares = " and ".join(f"{100 * share:.1f} % in the {100 * float(level):g} %" for level, share in found.items())
    return Examined(
        against,
        unit,
        {
            "worse": f"miscalibrated ({shares} interval{{p}})",
            "no_difference": f"as promised, as far as can be seen ({shares} interval{{p}})",
        },
        {**measured, "detectable_by_level": points},
        p_claim=min(1.0, len(tests) * smallest) if shifts else None,
        detectable=max(points.values(), default=None),
        seen=_seen_points(points),
        claimed="worse",
    )


def _seen_points(points: Mapping[str, float]) -> str:
    if len(points) == len(TESTED_COVERAGES):
        return " and ".join(f"{value:.1f}" for value in points.values()) + " points"
    return " and ".join(f"{value:.1f} points of the {100 * float(level):g} %" for level, value in points.items())


def _nothing(why: str) -> dict[Outcome, str]:
    return {"no_difference": why}


def _why(days: int, found: float | None) -> str:
    return "the price never moved" if found is None else f"{days} cutoffs are too few to say"


def _known(p_value: float | None) -> float:
    """A test that found nothing to test has found nothing."""
    return 1.0 if p_value is None else p_value


def _largest(p_values: Sequence[float | None]) -> float | None:
    """Of an intersection-union test; None when no member was tested."""
    return None if all(one is None for one in p_values) else max(map(_known, p_values))


def _smallest(p_values: Sequence[float | None]) -> float | None:
    """Bonferroni's p-value of "at least one is true"; None when none was tested."""
    return None if all(one is None for one in p_values) else min(1.0, len(p_values) * min(map(_known, p_values)))


def _percent(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def _beside(ratio: float | None) -> str:
    """`CRPS 0.62 % below`, to be followed by what it is compared with."""
    if ratio is None:
        return "CRPS above the 0 of"
    return f"CRPS {_percent(100 * abs(1 - ratio))} % {'below' if ratio <= 1 else 'above'}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _the_best(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "the best of them"


def _undecided(hardest: str, names: Sequence[str], ratio: float | None, test: MeanTest) -> str:
    among = "" if len(names) == 1 else f", the hardest of {_listed(names)}"
    if test.p_below is None:
        return f"no difference from {hardest}{among}"
    return f"no difference from {hardest}{among} ({_beside(ratio)} it{{p}})"
