"""Grades of the ledger: logged forecasts whose outcomes are known, beside the baselines that were logged with them.

Nothing is fitted: quantiles of model and baselines come from the ledger, outcomes from the histories of today. So the
same ledger and the same prices give the same grades, to the bit, on any machine.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.comparison import ModelScores, compare, losses_by_name
from forecaster.evaluation.daily_losses import POOLED, DailyLosses, OutOfSample
from forecaster.evaluation.drift import DriftAlarm, IssuedForecasts, drift_alarms
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.experiments.ledger_check import LedgerCheck
from forecaster.experiments.ledger_columns import SeriesKey, columns_by_series
from forecaster.experiments.ledger_histories import (
    DueForecasts,
    History,
    LedgerLoader,
    Ungraded,
    issued_forecasts,
)
from forecaster.frames import Row, Tabular, flat

__all__ = ["ForecasterGrades", "LedgerGrades", "Month", "grade_ledger"]


@dataclasses.dataclass(frozen=True)
class Month:
    """Grades of the forecasts from the cutoffs of one month, of all instruments together.

    Args:
        month: Year and month, such as ``2026-11``.
        step: Rows ahead.
        n: Days.
        crps_ratio: Baseline -> CRPS over that of the baseline; None where that is 0.
        coverage: Central interval -> share of outcomes inside.
        hit_rate: Share of directions that were right; None without a direction.
    """

    month: str
    step: int
    n: int
    crps_ratio: Mapping[str, float | None]
    coverage: Mapping[str, float]
    hit_rate: float | None


@dataclasses.dataclass(frozen=True)
class ForecasterGrades:
    """Grades of the forecasts of one model, in one unit.

    Args:
        model: Registry key.
        differences: True if its forecasts are of price changes instead of log returns.
        runs: Run -> number of its forecasts that are graded.
        losses: Step -> name -> losses of each instrument, and of all pooled where there are several.
        scores: Scores of the model and its baselines, step by step.
        verdicts: Name -> verdict at the first step; ``pooled`` where there are several instruments.
        months: Grades by month and step.
        alarms: Drift alarms, in order of time.
    """

    model: str
    differences: bool
    runs: Mapping[str, int]
    losses: Mapping[int, Mapping[str, DailyLosses]]
    scores: Sequence[ModelScores]
    verdicts: Mapping[str, Verdict]
    months: Sequence[Month]
    alarms: Sequence[DriftAlarm]

    @property
    def name(self) -> str:
        """The only instrument, or ``pooled``."""
        return POOLED if POOLED in self.verdicts else next(iter(self.verdicts))

    @property
    def verdict(self) -> Verdict:
        """The verdict on all instruments together, or on the only one."""
        return self.verdicts[self.name]

    @property
    def models(self) -> tuple[str, ...]:
        """The model, then its baselines."""
        return tuple(dict.fromkeys(row.model for row in self.scores))


@dataclasses.dataclass(frozen=True)
class LedgerGrades(Tabular):
    """Grades of the logged forecasts that have come true.

    Args:
        file: The ledger.
        check: Check of its chain.
        frequency: Length of a row of the graded forecasts.
        forecasts: Forecasts that were chosen by instrument and day of issue.
        graded: Those with at least one step whose outcome is known.
        pending: Those without such a step yet.
        scored: Steps that are graded, over all forecasts.
        due_later: Steps whose outcome is not known yet, at the steps that are graded.
        ungraded: Forecasts that are not graded, one entry for each instrument and reason.
        other_frequencies: Frequency -> forecasts with such rows, which are not graded.
        revised: Instrument -> graded forecasts whose last price is another one today.
        checked: Histories whose hash was compared: the last of each month and instrument.
        changed: Instrument -> those of them that are not what they were at issue.
        forecasters: Grades of each model.
    """

    file: str
    check: LedgerCheck
    frequency: str
    forecasts: int
    graded: int
    pending: int
    scored: int
    due_later: int
    ungraded: Sequence[Ungraded]
    other_frequencies: Mapping[str, int]
    revised: Mapping[str, int]
    checked: int
    changed: Mapping[str, int]
    forecasters: Sequence[ForecasterGrades]

    @property
    def title(self) -> str:
        """The ledger and its size."""
        return f"ledger {self.file}, {self.graded} of {self.forecasts} forecasts"

    def table_rows(self) -> list[Row]:
        """A row for each forecaster, instrument, model and step, with every metric and the CRPS ratios."""
        rows: list[Row] = []
        for forecaster in self.forecasters:
            for scores in forecaster.scores:
                about = {key: getattr(scores, key) for key in ("instrument", "model", "step", "n")}
                measured = {**scores.metrics, "crps_ratio": scores.crps_ratio}
                columns = [flat(name, value) for name, value in measured.items()]
                about |= {"differences": forecaster.differences}
                rows.append({"forecaster": forecaster.model, **about, **dict(itertools.chain.from_iterable(columns))})
        return rows


def grade_ledger(
    entries: Sequence[Mapping[str, Any]],
    check: LedgerCheck,
    file: str,
    frequency: str,
    history_of: Callable[[SeriesKey, Mapping[str, Any]], History],
) -> LedgerGrades:
    """Grade logged forecasts.

    Args:
        entries: Entries in order of their issue.
        check: Check of the chain.
        file: Name of the ledger.
        frequency: Length of a row; forecasts with other rows are counted.
        history_of: Gives the history of a key and of its newest entry; raises `ForecasterError` where it cannot.

    Raises:
        NotEnoughDataError: No outcome is known.
    """
    others = Counter(entry["frequency"] for entry in entries if entry["frequency"] != frequency)
    every = columns_by_series(entry for entry in entries if entry["frequency"] == frequency)
    loader = LedgerLoader(every, history_of)
    due = [each for columns in every if (each := loader.due(columns)) is not None]
    members: dict[tuple[str, str], list[DueForecasts]] = {}
    for each in due:
        members.setdefault((each.columns.model, each.columns.key.unit), []).append(each)
    forecasters = [_forecaster(*kind, each) for kind, each in members.items()]
    ready = [each.graded() for each in due]
    graded = sum(len(places) for places in ready)
    if not graded:
        reasons = "; ".join(f"{each.n} of {each.instrument}: {each.text}" for each in loader.ungraded[:3])
        raise NotEnoughDataError(
            f"{file}: none of {len(entries)} forecasts has come true yet"
            f"{f' or can be graded ({reasons})' if reasons else ''}; expected an outcome; wait for newer prices"
        )
    for each, places in zip(due, ready, strict=True):
        loader.compare_data(each, places)
    steps = [(each, step) for each in due for step in each.columns.steps]
    scored = sum(len(each.at(step)[0]) for each, step in steps)
    wanted = sum(len(each.columns.entries[place]["baseline_steps"]) for each in due for place in each.places)
    return LedgerGrades(
        file=file,
        check=check,
        frequency=frequency,
        forecasts=len(entries),
        graded=graded,
        pending=sum(len(each.places) for each in due) - graded,
        scored=scored,
        due_later=wanted - scored,
        ungraded=loader.ungraded,
        other_frequencies=others,
        revised=loader.revised,
        checked=loader.checked,
        changed=loader.changed,
        forecasters=[each for each in forecasters if each is not None],
    )


def _forecaster(model: str, unit: str, members: Sequence[DueForecasts]) -> ForecasterGrades | None:
    """Grades of one model in one unit; None where no outcome is known."""
    samples: dict[int, list[OutOfSample]] = {}
    issued: list[IssuedForecasts] = []
    for step in sorted({step for each in members for step in each.columns.steps}):
        for each in members:
            forecasts = issued_forecasts(each, step)
            if forecasts is not None:
                samples.setdefault(step, []).append(forecasts[0])
                issued.append(forecasts[1])
    if not samples:
        return None
    losses = {step: losses_by_name(list(members), model) for step, members in samples.items()}
    first = losses[min(losses)]
    return ForecasterGrades(
        model=model,
        differences=unit == "change",
        runs=Counter(run for each in members for run in each.runs(each.graded())),
        losses=losses,
        scores=[row for step, each in samples.items() for row in compare(each, losses[step], intervals=False)],
        verdicts={
            name: verdict(
                member, [by_name[name] for step, by_name in losses.items() if step > min(losses) and name in by_name]
            )
            for name, member in first.items()
        },
        months=[month for by_name in losses.values() for month in _months(_whole(by_name))],
        alarms=drift_alarms(issued),
    )


def _whole(by_name: Mapping[str, DailyLosses]) -> DailyLosses:
    return by_name.get(POOLED) or next(iter(by_name.values()))


def _months(losses: DailyLosses) -> Iterator[Month]:
    months = losses.dates.astype("datetime64[M]")
    own = losses.crps[losses.model]
    for month in np.unique(months):
        inside = months == month
        hits = losses.hits[inside & np.isfinite(losses.hits)]
        means = {name: float(losses.crps[name][inside].mean()) for name in losses.baselines}
        mean = float(own[inside].mean())
        yield Month(
            month=str(month),
            step=losses.step,
            n=int(inside.sum()),
            crps_ratio={name: mean / value if value > 0 else None for name, value in means.items()},
            coverage={level: float(share[inside].mean()) for level, share in losses.inside.items()},
            hit_rate=float(hits.mean()) if len(hits) else None,
        )
