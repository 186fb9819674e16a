"""Comparison of models: every score of every model on the same cutoffs, each with tests against the other models."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.evaluation.daily_losses import POOLED, DailyLosses, OutOfSample, daily_losses, pool
from forecaster.evaluation.reductions import Value
from forecaster.evaluation.registry import COVERAGES, METRICS, Sample
from forecaster.evaluation.scores import Scorer
from forecaster.quantiles import MEDIAN
from forecaster.stats.bootstrap import Interval, mean_ratio_intervals, model_confidence_set, superior_ability
from forecaster.stats.coverage_tests import christoffersen, kupiec
from forecaster.stats.mean_tests import diebold_mariano, pesaran_timmermann

__all__ = ["CONFIDENCE", "LossTest", "ModelScores", "Standing", "compare", "losses_by_name", "standing"]

Bootstrap = Callable[..., Mapping[str, Mapping[str, Interval | None]]]

CONFIDENCE = 0.9
"""Confidence of the model confidence set."""


class LossTest(NamedTuple):
    """Test of Diebold and Mariano against one model; a statistic below zero means a lower loss than `against`."""

    against: str
    statistic: float | None
    p_value: float | None


class WorstRatio(NamedTuple):
    """Largest CRPS ratio of any instrument."""

    ratio: float | None
    instrument: str


@dataclasses.dataclass(frozen=True)
class ModelScores:
    """Scores of one model at one step, with tests against the other models on the same cutoffs.

    Args:
        instrument: Instrument, or ``pooled``.
        model: Registry key.
        step: Days ahead.
        n: Number of cutoffs.
        metrics: Metric -> value.
        crps_ratio: Other model -> CRPS over that of the other model; None where that is 0.
        crps_ratio_interval: Other model -> ends of the bootstrap interval of this ratio; None where undefined.
        loss_tests: One for each other model.
        coverage_tests: Level -> p-values of ``kupiec`` and ``christoffersen``; None where pooled.
        direction_p_value: One-sided p-value of Pesaran and Timmermann; None where outcomes overlap, or pooled.
        crps_ratio_worst: Other model -> largest ratio of any instrument; None unless pooled.
    """

    instrument: str
    model: str
    step: int
    n: int
    metrics: Mapping[str, Value]
    crps_ratio: Mapping[str, float | None]
    crps_ratio_interval: Mapping[str, Interval | None]
    loss_tests: Sequence[LossTest]
    coverage_tests: Mapping[str, Mapping[str, float | None]] | None = None
    direction_p_value: float | None = None
    crps_ratio_worst: Mapping[str, WorstRatio] | None = None

    @classmethod
    def mean_of(
        cls,
        members: Sequence["ModelScores"],
        others: Sequence[str],
        intervals: Mapping[str, Interval | None],
        loss_tests: Sequence[LossTest],
    ) -> "ModelScores":
        """Scores of one model over several instruments: means, and where a metric says so its own pooled value.

        Args:
            members: Scores of the model for each instrument.
            others: Models that every instrument has.
            intervals: Other model -> interval of the mean ratio.
            loss_tests: Tests that count a day once, however many instruments have it.
        """
        ratios = {
            name: [WorstRatio(member.crps_ratio[name], member.instrument) for member in members] for name in others
        }
        first = members[0]
        return cls(
            instrument=POOLED,
            model=first.model,
            step=first.step,
            n=sum(member.n for member in members),
            metrics={name: METRICS[name].pool([member.metrics[name] for member in members]) for name in first.metrics},
            crps_ratio={name: _mean([ratio for ratio, _ in ratios[name]]) for name in others},
            crps_ratio_interval=intervals,
            loss_tests=loss_tests,
            crps_ratio_worst={name: max(ratios[name], key=lambda worst: worst.ratio or 0.0) for name in others},
        )


@dataclasses.dataclass(frozen=True)
class Standing:
    """All models together, by their daily CRPS.

    Args:
        step: Days ahead.
        name: Instrument, or ``pooled``.
        days: Number of days.
        model: Registry key of the evaluated model.
        against: The other models.
        models: Models of the confidence set, which holds the best one; None with too few days.
        p_values: Model -> p-value of the confidence set; None likewise.
        spa_p_value: P-value of the test of superior predictive ability, whose null is that no other model is better
            than the evaluated one; None with too few days or equal models.
    """

    step: int
    name: str
    days: int
    model: str
    against: tuple[str, ...]
    models: tuple[str, ...] | None
    p_values: Mapping[str, float] | None
    spa_p_value: float | None


def losses_by_name(samples: Sequence[OutOfSample], evaluated_model: str) -> dict[str, DailyLosses]:
    """Name -> daily losses of each instrument, and under `POOLED` of all together where there are several.

    Args:
        samples: Forecasts of several instruments at one step.
        evaluated_model: Registry key; instruments without this model evaluate another one, and are not pooled.
    """
    losses = {sample.instrument: daily_losses(sample) for sample in samples}
    members = [member for member in losses.values() if member.model == evaluated_model]
    return losses | ({POOLED: pool(members)} if len(members) > 1 else {})


def standing(losses: DailyLosses, seed: int = 0) -> Standing:
    """Compute the model confidence set, and test whether any other model is better than the evaluated one."""
    confidence_set = model_confidence_set(losses.crps, 1 - CONFIDENCE, seed, overlap=losses.overlap)
    others = {name: losses.crps[name] for name in losses.baselines}
    return Standing(
        step=losses.step,
        name=losses.name,
        days=len(losses),
        model=losses.model,
        against=tuple(others),
        models=None if confidence_set is None else tuple(confidence_set.included),
        p_values=None if confidence_set is None else dict(confidence_set.p_values),
        spa_p_value=superior_ability(losses.crps[losses.model], others, seed, overlap=losses.overlap),
    )


def compare(
    samples: Sequence[OutOfSample], losses: Mapping[str, DailyLosses], seed: int = 0, *, intervals: bool = True
) -> list[ModelScores]:
    """Score every model of every instrument, and all instruments together where `losses` has them pooled.

    Args:
        samples: Forecasts of several instruments at one step.
        losses: Result of `losses_by_name` for these samples.
        seed: Seed of the bootstrap of the intervals of the CRPS ratios.
        intervals: False to leave out these intervals, which take most of the time.
    """
    bootstrap = functools.partial(mean_ratio_intervals, seed=seed) if intervals else _no_intervals
    scores = [row for sample in samples for row in _model_scores(sample, losses[sample.instrument], bootstrap)]
    whole = losses.get(POOLED)
    if whole is None:
        return scores
    members = [losses[sample.instrument] for sample in samples if sample.evaluated_model == whole.model]
    return scores + _pooled_scores(whole, members, scores, bootstrap)


def _no_intervals(losses: Mapping[str, FloatArray], *, overlap: int) -> dict[str, dict[str, Interval | None]]:
    return {model: dict.fromkeys(other for other in losses if other != model) for model in losses}


def _model_scores(sample: OutOfSample, losses: DailyLosses, bootstrap: Bootstrap) -> list[ModelScores]:
    intervals = bootstrap(losses.crps, overlap=losses.overlap)
    rows = []
    for model, quantiles in sample.quantiles.items():
        scorer = Scorer()
        scorer.add(quantiles, sample.outcomes)
        others = [name for name in sample.quantiles if name != model]
        signs = pesaran_timmermann(quantiles[:, MEDIAN], sample.outcomes) if losses.overlap == 1 else None
        rows.append(
            ModelScores(
                instrument=sample.instrument,
                model=model,
                step=sample.step,
                n=scorer.n,
                metrics=scorer.results(),
                crps_ratio={name: _ratio(losses.crps[model], losses.crps[name]) for name in others},
                crps_ratio_interval=intervals[model],
                loss_tests=[_loss_test(losses, model, name) for name in others],
                coverage_tests=_coverage_tests(Sample(quantiles, sample.outcomes), losses.overlap),
                direction_p_value=None if signs is None else signs.p_above,
            )
        )
    return rows


def _coverage_tests(sample: Sample, overlap: int) -> dict[str, dict[str, float | None]]:
    """P-values by level: of the share inside, and of the share and the independence of misses."""
    return {
        format(level, "g"): {
            "kupiec": kupiec(inside, level, overlap).p_value,
            "christoffersen": christoffersen(inside, level, overlap).p_value,
        }
        for level, inside in zip(COVERAGES, sample.inside, strict=True)
    }


def _pooled_scores(
    whole: DailyLosses, members: Sequence[DailyLosses], scores: Sequence[ModelScores], bootstrap: Bootstrap
) -> list[ModelScores]:
    """Scores over the members, of the models that every member has."""
    names = {member.name for member in members}
    aligned = {model: _aligned(members, model, whole.dates) for model in whole.crps}
    intervals = bootstrap(aligned, overlap=whole.overlap)
    pooled = []
    for model in whole.crps:
        others = [name for name in whole.crps if name != model]
        rows = [row for row in scores if row.model == model and row.instrument in names]
        loss_tests = [_loss_test(whole, model, name) for name in others]
        pooled.append(ModelScores.mean_of(rows, others, intervals[model], loss_tests))
    return pooled


def _aligned(members: Sequence[DailyLosses], model: str, dates: DateArray) -> FloatArray:
    """(N, I) daily CRPS of a model on all days of any instrument, NaN where an instrument does not have the day."""
    result = np.full((len(dates), len(members)), np.nan)
    for column, member in enumerate(members):
        result[np.searchsorted(dates, member.dates), column] = member.crps[model]
    return result


def _ratio(losses: FloatArray, reference: FloatArray) -> float | None:
    total = float(reference.mean())
    return float(losses.mean()) / total if total > 0 else None


def _loss_test(losses: DailyLosses, model: str, against: str) -> LossTest:
    test = diebold_mariano(losses.crps[model] - losses.crps[against], losses.overlap)
    return LossTest(against, test.statistic, test.p_two_sided)


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return float(np.mean(numbers)) if numbers else None
