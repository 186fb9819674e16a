"""Conditions and order of a list of runs: any fact, tag or metric of their summaries."""

import dataclasses
import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from forecaster.errors import UsageError
from forecaster.experiments.run_summaries import RunSummary

__all__ = ["Condition", "parse_condition", "selected_runs"]

Value = float | str | tuple[str, ...] | None

_FACTS: dict[str, Callable[[RunSummary], Value]] = {
    "id": lambda run: run.id,
    "created": lambda run: run.created,
    "instrument": lambda run: run.instruments,
    "member": lambda run: tuple(run.members),
    "series": lambda run: len(run.members),
    "source": lambda run: run.source,
    "frequency": lambda run: run.frequency,
    "model": lambda run: run.model,
    "horizon": lambda run: run.horizon,
    "seed": lambda run: run.seed,
    "configuration": lambda run: run.configuration.base,
    "refit": lambda run: str(run.refit).lower(),
    "fitted_until": lambda run: run.fitted_until,
    "tag": lambda run: run.tags,
    "density": lambda run: run.whole.get("density", ("",))[0],
    "coverage": lambda run: run.whole.get("coverage", ("",))[0],
}
"""Name -> fact of a run; further names are metrics."""

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*([A-Za-z_][\w.@]*)\s*(<=|>=|!=|=|<|>)\s*(.*\S)\s*")


@dataclasses.dataclass(frozen=True)
class Condition:
    """A condition that a run must meet.

    Args:
        name: Fact or metric.
        sign: Comparison.
        value: Value to compare with, as text.
    """

    name: str
    sign: str
    value: str

    def holds(self, run: RunSummary) -> bool:
        """True if a run meets the condition; one that lacks the value does not, unless it should differ from it."""
        value = _value(run, self.name)
        if isinstance(value, tuple):
            return (self.value.lower() in map(str.lower, value)) == (self.sign == "=")
        if value is None:
            return self.sign == "!="
        if isinstance(value, str):
            return _OPERATORS[self.sign](value, self.value)
        return _OPERATORS[self.sign](value, float(self.value))


def parse_condition(text: str) -> Condition:
    """The condition that `text` means.

    Raises:
        UsageError: It is not a condition.

    Example:
        >>> parse_condition("crps_ratio.garch@5 < 1")
        Condition(name='crps_ratio.garch@5', sign='<', value='1')
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"condition {text[:80]!r} is not valid; expected a fact or metric, a sign and a value, such as model=gru, "
            "tag=best or 'crps_ratio.garch@1<0.998'; change --where"
        )
    return Condition(*match.groups())


def selected_runs(
    runs: Sequence[RunSummary], conditions: Sequence[Condition], sort: str | None, descending: bool
) -> list[RunSummary]:
    """The runs that meet every condition, in an order.

    Args:
        runs: All runs, newest first.
        conditions: The conditions.
        sort: Fact or metric to sort by, the smallest first; runs without it come last. The newest first when None.
        descending: True to reverse the order.

    Raises:
        UsageError: No run has such a fact or metric, or a value is not a number or cannot be compared.
    """
    for condition in conditions:
        _check_condition(condition, runs)
    chosen = [run for run in runs if all(condition.holds(run) for condition in conditions)]
    if sort is None:
        return chosen[::-1] if descending else chosen
    _check_name(sort, runs)
    values = [(_value(run, sort), run) for run in chosen]
    comparable = [(value, run) for value, run in values if value is not None]
    ordered = sorted(comparable, key=lambda pair: pair[0], reverse=descending)
    return [run for _, run in ordered] + [run for value, run in values if value is None]


def _value(run: RunSummary, name: str) -> Value:
    fact = _FACTS.get(name)
    return run.metric(name) if fact is None else fact(run)


def _check_name(name: str, runs: Iterable[RunSummary]) -> None:
    metrics = dict.fromkeys(metric for names in {run.metric_names for run in runs} for metric in names)
    if name in _FACTS or name in metrics or not metrics:
        return
    near = difflib.get_close_matches(name, [*_FACTS, *metrics], n=1)
    examples = ", ".join([*_FACTS][:6])
    raise UsageError(
        f"no run has the fact or metric {name[:80]!r}; expected {examples} or a metric; "
        + (f"did you mean {near[0]}" if near else "forecast runs show lists them")
    )


def _check_condition(condition: Condition, runs: Sequence[RunSummary]) -> None:
    _check_name(condition.name, runs)
    values = [value for run in runs[:1] if (value := _value(run, condition.name)) is not None]
    if values and isinstance(values[0], tuple) and condition.sign not in ("=", "!="):
        raise UsageError(f"{condition.name} has several values; expected = or !=; got {condition.sign}; change --where")
    if condition.name not in _FACTS or any(isinstance(value, int | float) for value in values):
        try:
            float(condition.value)
        except ValueError:
            raise UsageError(
                f"{condition.name} is a number; got {condition.value[:80]!r}; expected one such as 0.99; change --where"
            ) from None
