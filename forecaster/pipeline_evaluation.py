"""Evaluate: score a fitted model next to its baselines, the second file of the room `forecaster.pipeline`."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.config import Config
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.daily_losses import DailyLosses, OutOfSample, daily_losses
from forecaster.evaluation.distribution_scores import crps
from forecaster.evaluation.scores import MemberScores, Score, score
from forecaster.evaluation.splits import PARTS, Part, Split
from forecaster.features.outcomes import returns_after
from forecaster.forecast import Forecasts
from forecaster.models import traits_of
from forecaster.models.base import Fitted
from forecaster.models.ensemble import members_of
from forecaster.pipeline import default_forecaster, fit, forecasts
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["Baselines", "Evaluation", "evaluate", "forecasts_on_test", "losses_on_test", "scoring_quantiles"]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores of a model next to its baselines.

    Args:
        scores: One for each part and step.
        test: Forecasts of all models on the test rows, one step ahead; None where there are no rows.
        later_tests: The same at the scored steps after the first.
        fallbacks: Baselines whose parameters could not be estimated; see `FitReport.fallbacks`.
    """

    scores: tuple[Score, ...]
    test: OutOfSample | None
    later_tests: tuple[OutOfSample, ...] = ()
    fallbacks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Baselines:
    """Baselines of one split: those of panels are fitted once, the others for each series.

    Args:
        names: Registry keys.
        panel: Series that a baseline of panels learns from.
        split: Split of the model that is compared with them.
        config: Frequency of the data, horizon and seed.
    """

    names: Sequence[str]
    panel: Panel
    split: Split
    config: Config
    _fitted: dict[str, list[Fitted]] = dataclasses.field(default_factory=dict, init=False, repr=False)

    def of(self, series: PriceSeries) -> list[Fitted]:
        """The baselines fitted on the training rows, for forecasts of `series`; they are fitted once."""
        name = series.instrument.name
        if name not in self._fitted:
            self._fitted[name] = self._fit_all(Panel((series,)))
        return self._fitted[name]

    def _fit_all(self, alone: Panel) -> list[Fitted]:
        return [self._of_panel[name] if name in self._of_panel else self._fit(name, alone) for name in self.names]

    @functools.cached_property
    def _of_panel(self) -> Mapping[str, Fitted]:
        return {name: self._fit(name, self.panel) for name in self.names if traits_of(name).panel}

    def _fit(self, name: str, panel: Panel) -> Fitted:
        model = default_forecaster(name, self.config, panel, self.split.validation_start)
        return fit(model, panel, self.split, self.config)


def evaluate(
    fitted: Fitted, series: PriceSeries, split: Split, steps: Sequence[int], baselines: Baselines
) -> Evaluation:
    """Score a fitted model next to baselines on every part of a split that has rows.

    Each baseline is fitted once, and every model forecasts the rows of a part once.

    Args:
        fitted: The model.
        series: One series of the panel.
        split: Split of the fit.
        steps: Days ahead to score.
        baselines: The models that it is compared with.
    """
    models = [fitted, *baselines.of(series)]
    scores: list[Score] = []
    test = None
    later: list[OutOfSample] = []
    for part in PARTS:
        # Recursive steps are not scored on the training rows, where they cost most and matter least.
        scored_steps = [step for step in steps if part != "train" or step <= fitted.own_steps]
        if not scored_steps:
            continue
        rows = _rows_of_all(models, series, split, part)
        by_model = {
            model.name: forecasts(model, series, rows, max(scored_steps), split.validation_start) for model in models
        }
        for step in scored_steps:
            positions = np.flatnonzero(rows <= split.last_cutoff(series.dates, part, step))
            if len(positions):
                taken = {name: distributions.take(positions) for name, distributions in by_model.items()}
                scores.append(score(series, part, step, taken))
                if part == "test" and step > 1:
                    later.append(_out_of_sample(series, rows[positions], taken, step))
        if part == "test" and len(rows):
            test = _out_of_sample(series, rows, by_model)
    fallbacks = tuple(model.name for model in models[1:] if model.report.fallbacks)
    return Evaluation(tuple(scores), test, tuple(later), fallbacks)


def losses_on_test(fitted: Fitted, series: PriceSeries, split: Split, baselines: Baselines) -> DailyLosses | None:
    """Daily losses on the test rows; see `forecasts_on_test`."""
    sample = forecasts_on_test(fitted, series, split, baselines)
    return None if sample is None else daily_losses(sample)


def forecasts_on_test(
    fitted: Fitted, series: PriceSeries, split: Split, baselines: Baselines | None = None
) -> OutOfSample | None:
    """Forecasts of a model and of baselines on the test rows, one step ahead; None where there are no rows.

    Args:
        fitted: The model.
        series: One series of the panel.
        split: Split of the fit.
        baselines: The models that it is compared with; None for none.
    """
    models = [fitted, *([] if baselines is None else baselines.of(series))]
    rows = _rows_of_all(models, series, split, "test")
    if not len(rows):
        return None
    return _out_of_sample(
        series, rows, {model.name: forecasts(model, series, rows, 1, split.validation_start) for model in models}
    )


def member_scores(fitted: Fitted, series: PriceSeries, split: Split) -> MemberScores | None:
    """Scores of an ensemble and its members on the test rows; None for a single fit, or without such rows.

    Args:
        fitted: The model.
        series: One series of the panel.
        split: Split of the fit.
    """
    members = members_of(fitted)
    whole = forecasts_on_test(fitted, series, split) if members else None
    if whole is None:
        return None
    losses = []
    for model in (fitted, *members):
        sample = forecasts_on_test(model, series, split)
        if sample is None:
            return None
        loss = crps(sample.quantiles[model.name], SCORING_LEVELS, sample.outcomes)
        losses.append(float(loss[-len(whole.outcomes) :].mean()))  # one member may reach further back than another
    names = tuple(model.name for model in members)
    return MemberScores(series.instrument.name, len(whole.outcomes), losses[0], tuple(losses[1:]), names)


def _rows_of_all(models: Sequence[Fitted], series: PriceSeries, split: Split, part: Part) -> IntArray:
    """Cutoffs of a part from which every model can forecast."""
    rows = split.cutoffs(series.dates, part, 1)
    return np.asarray(rows[rows >= max(model.first_row for model in models)])


def _out_of_sample(
    series: PriceSeries, rows: IntArray, by_model: Mapping[str, Forecasts], step: int = 1
) -> OutOfSample:
    quantiles = {name: scoring_quantiles(distributions, step) for name, distributions in by_model.items()}
    outcomes = returns_after(series.log_price, rows, [step])[:, 0]
    return OutOfSample(series.instrument.name, step, series.dates[rows], outcomes, quantiles)


def scoring_quantiles(distributions: Forecasts, step: int) -> FloatArray:
    """(N, 9) quantiles of the log return over `step` rows at `SCORING_LEVELS`."""
    weights = level_weights(distributions.quantile_levels, SCORING_LEVELS)
    return np.asarray(distributions.log_returns([step])[:, 0] @ weights)
