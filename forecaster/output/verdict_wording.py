"""Sentences about results: the words of a verdict."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from forecaster.evaluation.claims import FIRST_LEVEL, Untestable
from forecaster.evaluation.step_coverage import CoverageOutcome, StepCoverage
from forecaster.evaluation.verdict import KINDS, ClaimResult, Kind, Verdict

__all__ = ["claim_text", "joined_names", "p_value_text", "percent_text", "verdict_summary", "verdict_texts"]

_UNTESTABLE: Mapping[Untestable, str] = {
    "constant_price": "not tested: the price is constant",
    "no_baseline": "not applicable: there is no baseline",
    "no_direction": "not applicable: the median is the last price",
    "one_direction": "not applicable: the median, or the price, moves in one direction only",
}

_UNCORRECTED = " by its own test, not when corrected"

_SUMMARIES = {
    "better": "better",
    "worse": "worse",
    "no_difference": "no significant difference",
    "not_applicable": "not applicable",
}


def verdict_texts(verdict: Verdict) -> list[str]:
    """One sentence for each kind."""
    return [claim_text(verdict[kind]) for kind in KINDS]


def claim_text(result: ClaimResult) -> str:
    """The sentence on one kind, such as ``coverage: consistent with nominal (...)``."""
    if result.untestable is not None:
        words = _UNTESTABLE.get(result.untestable) or f"not tested: {_too_few(result)}"
        return f"{result.kind}: {words}"
    statement, facts = _STATEMENTS[result.kind](result)
    if result.p_value is not None:
        facts = [*facts, p_value_text(result.p_value)]
    detectable = _detectable(result)
    details = "; ".join(filter(None, [", ".join(facts), detectable]))
    return f"{result.kind}: {statement} ({details})" if details else f"{result.kind}: {statement}"


def p_value_text(p_value: float) -> str:
    """The p-value to three digits.

    >>> p_value_text(0.0321)
    'p = 0.032'
    >>> p_value_text(0.00001)
    'p < 0.001'
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def joined_names(names: Sequence[str]) -> str:
    """Names as in a sentence.

    >>> joined_names(["garch", "ewma", "random_walk"])
    'garch, ewma and random_walk'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def verdict_summary(document: Mapping[str, Any]) -> str:
    """The four outcomes of a verdict in one line, such as ``density better; coverage consistent with nominal``.

    Args:
        document: A verdict, as in a document.
    """
    words = {kind: _SUMMARIES[document[kind]["outcome"]] for kind in KINDS}
    worse = document["coverage"]["outcome"] == "worse"
    words["coverage"] = "miscalibrated" if worse else _coverage_words(document["coverage"])
    return "; ".join(f"{kind} {word}" for kind, word in words.items())


def _too_few(result: ClaimResult) -> str:
    days = result.measured.get("days_with_direction")
    return "too few cutoffs" if days is None else f"too few cutoffs with a direction ({days})"


Statement = tuple[str, list[str]]
"""Statement of a claim, and its measured numbers."""


def _point(result: ClaimResult) -> Statement:
    ratio = result.measured["rmse_ratio"]
    if result.measured["median_is_last_price"]:
        return "same as the random walk, the median is the last price", []
    steps = result.measured.get("steps", ())
    if steps:
        decisive = min(steps, key=lambda step: 1.0 if step["p_value"] is None else step["p_value"])
        ratio = decisive["rmse_ratio"]
    informative = result.raw_p_value is not None and result.raw_p_value <= FIRST_LEVEL
    if result.outcome == "no_difference" and ratio >= 1 and informative:
        statement = "informative, but its error is not smaller than the random walk's"
    else:
        statement = _compared(result, "the random walk")
    if len(steps) <= 1:
        at = "" if not steps or steps[0]["step"] == 1 else f" at step {steps[0]['step']}"
        return statement + at, [f"RMSE ratio of returns {ratio:.4f}"]
    ratios = "/".join(f"{step['rmse_ratio']:.4f}" for step in steps)
    at = f"at steps {'/'.join(str(step['step']) for step in steps)}"
    where = f" at step {decisive['step']}" if result.outcome == "better" else ""
    return statement + where, [f"RMSE ratio of returns {ratios} {at}"]


def _direction(result: ClaimResult) -> Statement:
    rate = result.measured["hit_rate"]
    chance = result.measured["hit_rate_by_chance"]
    return _compared(result, "chance"), [f"{100 * rate:.1f} % correct", f"{100 * chance:.1f} % expected by chance"]


def _density(result: ClaimResult) -> Statement:
    names = result.measured["baselines"]
    reference = result.measured["best"] if result.outcome == "better" else str(result.against)
    ratio = _ratio_text(result.measured["crps_ratio"][reference])
    if result.outcome == "better":
        which = "" if len(names) == 1 else " than the best of them"
        return f"better than {joined_names(names)}", [f"{ratio}{which}"]
    statement = _compared(result, reference)
    if result.outcome == "worse" or len(names) == 1:
        return statement, [ratio]
    best = result.measured["best"]
    if best == reference:
        return f"{statement}, the strongest baseline", [ratio]
    # Differences from a weaker baseline can be noisier, and thus harder to tell from chance.
    best_ratio = _ratio_text(result.measured["crps_ratio"][best])
    return statement, [ratio, f"{best_ratio} than {best}, the strongest baseline"]


def _coverage(result: ClaimResult) -> Statement:
    steps = [StepCoverage.from_json(step) for step in result.measured.get("steps", ())]
    statement = _coverage_statement(steps, is_worse=result.outcome == "worse")
    if len(steps) <= 1:
        return statement, [
            f"{_percentage(share)} in the {_interval(level)}" for level, share in result.measured["coverage"].items()
        ]
    facts = []
    for level in result.measured["coverage"]:
        shares = "/".join(f"{100 * step.coverage[level]:.0f}" for step in steps)
        facts.append(f"{_interval(level)} {shares} %")
    return statement, [*facts, f"at steps {'/'.join(str(step.step) for step in steps)}"]


def _coverage_statement(steps: Sequence[StepCoverage], *, is_worse: bool) -> str:
    """The judgement of every step; verdicts of early runs have none, or steps that were not judged."""

    def judged(words: str, *outcomes: CoverageOutcome, after: str = "") -> list[str]:
        those = [step for step in steps if step.outcome in outcomes]
        if not those:
            return []
        return [words + (f" at {_steps(those)}" if len(steps) > 1 else "") + after]

    if is_worse:
        parts = judged("miscalibrated", "too_narrow", "too_wide") or ["miscalibrated"]
    else:
        parts = [
            *judged("consistent with nominal", "consistent"),
            *judged("too narrow", "too_narrow", after=_UNCORRECTED),
            *judged("too wide", "too_wide", after=_UNCORRECTED),
        ]
    return "; ".join([*parts, *judged("too few rows to tell", "too_few_rows")]) or "consistent with nominal"


def _coverage_words(measured: Mapping[str, Any]) -> str:
    """A coverage that is not miscalibrated, in a few words.

    Args:
        measured: Numbers of the claim, as in a document; verdicts of early runs have no steps.
    """
    judged = [step["outcome"] for step in measured.get("steps", ())]
    return "too few rows to tell" if judged and set(judged) == {"too_few_rows"} else "consistent with nominal"


def _steps(steps: Sequence[StepCoverage]) -> str:
    return f"step{'s' if len(steps) > 1 else ''} {joined_names([str(step.step) for step in steps])}"


def _percentage(share: float) -> str:
    return f"{100 * share:.1f} %"


def _interval(level: str) -> str:
    return f"{100 * float(level):g} % interval"


_STATEMENTS: Mapping[Kind, Callable[[ClaimResult], Statement]] = {
    "point": _point,
    "direction": _direction,
    "density": _density,
    "coverage": _coverage,
}


def _compared(result: ClaimResult, reference: str) -> str:
    words = {"better": "better than", "worse": "worse than", "no_difference": "not significantly better than"}
    return f"{words[result.outcome]} {reference}"


def _ratio_text(ratio: float | None) -> str:
    """The relative CRPS, such as ``CRPS 0.62 % lower``."""
    if ratio is None:
        return "the CRPS of the baseline is 0"
    return f"CRPS {percent_text(100 * abs(1 - ratio))} % {'lower' if ratio <= 1 else 'higher'}"


def percent_text(value: float) -> str:
    """A percentage without its sign, with two decimals below 1."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def _detectable(result: ClaimResult) -> str:
    """The minimum detectable effect; empty where none is known."""
    if result.detectable is None:
        return ""
    if result.unit == "coverage_points":
        points = result.measured["detectable_by_level"]
        values = " and ".join(f"{value:.1f}" for value in points.values())
        some = "" if len(points) == len(result.measured["coverage"]) else _of_intervals(points)
        return f"minimum detectable {values} points{some}"
    effects = {
        "rmse_ratio": f"RMSE ratio of returns {result.detectable:.3f}",
        "hit_rate": f"{100 * result.detectable:.1f} %",
        "crps_percent": f"{percent_text(result.detectable)} %",
    }
    return f"minimum detectable {effects[result.unit]}"


def _of_intervals(levels: Iterable[str]) -> str:
    return " in the " + " and ".join(f"{100 * float(level):g} % interval" for level in levels)
