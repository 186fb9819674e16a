"""Metric registry: every score is one object, which training, backtest, tables, documents and docs read.

A metric has a statistic of each forecast (`stat`), and a reduction of these to one value. To add one, write

    METRICS["bias"] = Metric("bias", "log return", "0", "mean(median - outcome)", lambda sample: sample.error)

Outcomes and forecasts are log returns, and a point forecast is the median, so that the error of the random walk is the
outcome itself.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, FloatArray
from forecaster.evaluation.distribution_scores import crps, log_score
from forecaster.evaluation.metrics import interval_score, pit_bins, weighted_quantile_loss
from forecaster.evaluation.reductions import (
    DefinedMean,
    Directions,
    Mean,
    RatioOf,
    Reduction,
    RootMeanSquare,
    Value,
    WorstWindow,
    all_directions,
    least_of,
    mean_of,
    mean_of_all,
)
from forecaster.quantiles import MEDIAN, SCORING_LEVELS, central

__all__ = ["COVERAGES", "METRICS", "Column", "Metric", "Sample", "metric_table"]

COVERAGES = (0.8, 0.9, 0.95)
"""Nominal coverages of the central intervals that are scored."""

_KEYS = tuple(format(level, "g") for level in COVERAGES)


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """Forecasts of one model for one series at one step, in order of time, with their outcomes.

    Args:
        quantiles: (N, 9) at `SCORING_LEVELS`, non-decreasing.
        outcomes: (N,) in the same units.

    Raises:
        ValueError: The shapes do not fit.
    """

    quantiles: FloatArray
    outcomes: FloatArray

    def __post_init__(self) -> None:
        expected = (len(self.outcomes), len(SCORING_LEVELS))
        if self.quantiles.shape != expected:
            raise ValueError(f"expected quantiles of shape {expected}; got {self.quantiles.shape}")

    @property
    def median(self) -> FloatArray:
        """(N,) point forecasts."""
        return self.quantiles[:, MEDIAN]

    @functools.cached_property
    def error(self) -> FloatArray:
        """(N,) median minus outcome."""
        return self.median - self.outcomes

    def ends(self, coverage: float) -> tuple[FloatArray, FloatArray]:
        """(N,) lower and upper ends of a central interval."""
        low, high = central(coverage)
        return self.quantiles[:, low], self.quantiles[:, high]

    @functools.cached_property
    def inside(self) -> BoolArray:
        """(L, N) whether each outcome lies in the central interval of each of `COVERAGES`."""
        ends = [self.ends(level) for level in COVERAGES]
        return np.stack([(lower <= self.outcomes) & (self.outcomes <= upper) for lower, upper in ends])


@dataclasses.dataclass(frozen=True)
class Column:
    """A table column of a metric.

    Args:
        heading: Head of the column.
        layout: Format of a number.
        factor: Multiplier of the value.
        key: Key of the value, where it is a mapping.
    """

    heading: str
    layout: str = "{:.4f}"
    factor: float = 1.0
    key: str | None = None

    def text(self, value: Value) -> str:
        """The value as printed; a dash where there is none."""
        number = value if self.key is None or value is None else value[self.key]
        return "-" if number is None else self.layout.format(self.factor * number)


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score of forecasts.

    Args:
        name: Key in the registry, in documents and in CSV columns.
        unit: Unit of the value.
        best: Best value.
        formula: Definition, as text.
        stat: Maps a sample to the statistic of each forecast: (N,), or (L, N) for L values.
        reduce: Makes a reduction of these statistics.
        keys: Names of L values, which become a mapping; without, they are a list.
        pool: Maps the values of several instruments to the value of all together.
        training: Models for which the document of a training has the metric; None leaves it out.
        columns: Table columns; None for a single one headed by the name.
    """

    name: str
    unit: str
    best: str
    formula: str
    stat: Callable[[Sample], AnyArray]
    reduce: Callable[[], Reduction] = Mean
    keys: tuple[str, ...] = ()
    pool: Callable[[Sequence[Value]], Value] = mean_of
    training: Literal["every_model", "evaluated_model"] | None = "evaluated_model"
    columns: tuple[Column, ...] | None = None

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """Columns of this metric in a table of scores."""
        return (Column(self.name),) if self.columns is None else self.columns

    def of(self, sample: Sample) -> Value:
        """The value for one sample."""
        reduction = self.reduce()
        reduction.add(self.stat(sample))
        return self.named(reduction.result())

    def named(self, result: Value) -> Value:
        """The result of the reduction, as a mapping where the metric has keys."""
        if not self.keys:
            return result
        return dict(zip(self.keys, [None] * len(self.keys) if result is None else result, strict=True))


def _widths(sample: Sample) -> FloatArray:
    return np.stack([upper - lower for lower, upper in map(sample.ends, COVERAGES)])


def _interval_scores(sample: Sample) -> FloatArray:
    return np.stack([interval_score(*sample.ends(level), sample.outcomes, level) for level in COVERAGES])


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "crps",
            unit="log return; tables in basis points",
            best="0",
            formula="mean of the integral of (F(x) - 1{x >= y})^2, F the whole forecast distribution",
            stat=lambda sample: crps(sample.quantiles, SCORING_LEVELS, sample.outcomes),
            training="every_model",
            columns=(Column("CRPS", "{:.2f}", 1e4),),
        ),
        Metric(
            "weighted_quantile_loss",
            unit="log return",
            best="0",
            formula="mean of 2 sum_i w_i max(tau_i (y - q_i), (tau_i - 1) (y - q_i)), i over the nine scoring levels",
            stat=lambda sample: weighted_quantile_loss(sample.quantiles, SCORING_LEVELS, sample.outcomes),
            training="every_model",
            columns=(),
        ),
        Metric(
            "log_score",
            unit="nats",
            best="low, also below 0",
            formula="-mean(log f(y)), f the density of the log return; null if any density is 0 or infinite",
            stat=lambda sample: log_score(sample.quantiles, SCORING_LEVELS, sample.outcomes),
            reduce=DefinedMean,
            pool=mean_of_all,
            training="every_model",
            columns=(),
        ),
        Metric(
            "rmse",
            unit="log return; price in a training",
            best="0",
            formula="sqrt(mean((median - y)^2))",
            stat=lambda sample: sample.error,
            reduce=RootMeanSquare,
            training=None,
            columns=(),
        ),
        Metric(
            "mae",
            unit="log return; price in a training",
            best="0",
            formula="mean(|median - y|)",
            stat=lambda sample: np.abs(sample.error),
            training=None,
            columns=(),
        ),
        Metric(
            "rmse_ratio_random_walk",
            unit="ratio",
            best="0",
            formula="rmse / sqrt(mean(y^2))",
            stat=lambda sample: np.stack([sample.error, sample.outcomes]),
            reduce=lambda: RatioOf(RootMeanSquare),
            training=None,
            columns=(Column("RMSE"),),
        ),
        Metric(
            "mae_ratio_random_walk",
            unit="ratio",
            best="0",
            formula="mae / mean(|y|)",
            stat=lambda sample: np.abs(np.stack([sample.error, sample.outcomes])),
            reduce=lambda: RatioOf(Mean),
            training=None,
            columns=(),
        ),
        Metric(
            "coverage",
            unit="share",
            best="the level",
            formula="share of outcomes inside the central interval, ends included",
            stat=lambda sample: sample.inside,
            keys=_KEYS,
            columns=(Column("in 80 %", "{:.1%}", key="0.8"), Column("in 95 %", "{:.1%}", key="0.95")),
        ),
        Metric(
            "width",
            unit="log return",
            best="small, at the right coverage",
            formula="mean(upper - lower) of the central interval",
            stat=_widths,
            keys=_KEYS,
            training=None,
            columns=(),
        ),
        Metric(
            "interval_score",
            unit="log return",
            best="0",
            formula="mean(upper - lower + 2 / (1 - level) * distance of y from the interval)",
            stat=_interval_scores,
            keys=_KEYS,
            training=None,
            columns=(),
        ),
        Metric(
            "worst_coverage_250",
            unit="share",
            best="the level",
            formula="lowest coverage in any 250 consecutive cutoffs; the worst instrument's where pooled",
            stat=lambda sample: sample.inside,
            reduce=WorstWindow,
            keys=_KEYS,
            pool=least_of,
            training=None,
            columns=(Column("worst", "{:.1%}", key="0.9"),),
        ),
        Metric(
            "pit",
            unit="share",
            best="0.1 in each of ten bins",
            formula="share of outcomes in each tenth of the forecast distribution",
            stat=lambda sample: pit_bins(sample.quantiles, SCORING_LEVELS, sample.outcomes),
            training=None,
            columns=(),
        ),
        Metric(
            "direction",
            unit="share",
            best="1",
            formula="share of forecasts with the sign of their outcome, among those with a direction",
            stat=lambda sample: np.stack([sample.median, sample.outcomes]),
            reduce=Directions,
            pool=all_directions,
            training=None,
            columns=(),
        ),
    )
}


def metric_table() -> str:
    """The registered metrics as a Markdown table, for the documentation."""
    rows = ["| metric | unit | best | formula |", "|---|---|---|---|"]
    rows += [
        f"| `{metric.name}` | {metric.unit} | {metric.best} | {metric.formula.replace('|', chr(92) + '|')} |"
        for metric in METRICS.values()
    ]
    return "\n".join(rows)
