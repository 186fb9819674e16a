"""Order of the runs that can forecast an instrument, and what speaks against each of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from forecaster.config import Config
from forecaster.data.instruments import Instrument
from forecaster.data.sources.registry import AUTO, default_source, source_traits
from forecaster.experiments.configurations import ConfigurationFacts, described_configuration
from forecaster.experiments.run_summaries import RunSummary
from forecaster.forecast import MAX_SCALING

__all__ = ["may_fit", "ranked_runs", "run_problems", "with_configuration"]


def ranked_runs(
    runs: Iterable[RunSummary], instrument: Instrument, pinned: Sequence[str], horizon: int | None
) -> list[RunSummary]:
    """Runs that have an instrument in their panel, the one to use first.

    First come pinned runs, then runs that can answer for the horizon, scaled or not, that named and scored the
    instrument, that have no problem (`run_problems`), that look as far as the horizon, that used the default
    configuration, and that are newer, in this order.

    Args:
        runs: The runs.
        instrument: In either orientation.
        pinned: Ids of pinned runs. A run is preferred to all others only for an instrument that it scored.
        horizon: Rows ahead that are wanted; None for those of the run.
    """
    name = instrument.canonical.name
    rows = 0 if horizon is None else horizon

    def rank(run: RunSummary) -> tuple[bool | str, ...]:
        scored = name in run.scored
        return (
            scored and run.id in pinned,
            MAX_SCALING * run.horizon >= rows,
            scored,
            run.id in pinned,
            not run_problems(run, instrument),
            run.horizon >= rows,
            run.configuration.is_default,
            run.id,
        )

    return sorted(runs, key=rank, reverse=True)


def may_fit(run: RunSummary, instrument: Instrument, source: str | None) -> bool:
    """True if a run has an instrument of a source, at any frequency."""
    return (
        _may_come_from(run.source, instrument)
        and source in (None, AUTO, run.source)
        and instrument.canonical.name in run.members
    )


def _may_come_from(source: str, instrument: Instrument) -> bool:
    """True if a source may have an instrument; one that the user gives has a source of its own."""
    own = default_source(instrument)
    return source == own or not (source_traits(source).is_given or source_traits(own).is_given)


def with_configuration(runs: Sequence[RunSummary], config: Config) -> list[RunSummary]:
    """Those of `runs` whose training had the configuration `config`, whatever the horizon."""
    wanted = {source: _but_horizon(described_configuration(config, source)) for source in {run.source for run in runs}}
    return [run for run in runs if _but_horizon(run.configuration) == wanted[run.source]]


def _but_horizon(facts: ConfigurationFacts) -> tuple[str, dict[str, Any]]:
    return facts.base, {key: value for key, value in facts.changes.items() if key != "horizon"}


def run_problems(run: RunSummary, instrument: Instrument) -> list[str]:
    """Reasons to distrust the forecasts that a run makes of an instrument, each as the end of a sentence."""
    verdict = run.outcomes.get(instrument.canonical.name, {})
    worse = {kind for kind, (outcome, _) in verdict.items() if outcome == "worse"}
    problems = [f"was worse than {verdict[kind][1]} in its test ({kind})" for kind in sorted(worse - {"coverage"})]
    if "coverage" in worse:
        problems.append("had ranges in its test that held too often or too seldom")
    if run.configuration.shortened is not None:
        problems.append(f"was trained for {run.configuration.shortened} only")
    return problems
