"""Walk-forward record of the value at risk of a portfolio, and the correlations of its prices at each day."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.evaluation.position_risk import LossRecord, recorded_losses
from forecaster.features.volatility import ewma_volatility
from forecaster.forecast import Forecasts
from forecaster.stats.correlations import rank_scores, shrunk_correlation, square_root
from forecaster.stats.first_passage import variance_clock
from forecaster.stats.joint_walks import correlation_at_end, stratified_scores, values_at_scores

__all__ = ["CORRELATION_ROWS", "Holding", "PastLosses", "past_losses", "recent_correlation"]

CORRELATION_ROWS = 750
"""Rows before the cutoff that decide about the correlations."""

EVERY = 20
"""Cutoffs of the record after which the correlations are estimated again."""

PATHS = 4000
"""Draws at each cutoff of the record."""

MAX_CUTOFFS = 750
"""Cutoffs of the record; of more, every second, third, ... is used."""

MIN_ROWS = 60
SPANS_PER_STEP = 4
"""Cutoffs of the record in the time that one span takes: more would overlap."""

_DECAY = 0.97  # of the volatility that standardises the moves
_MIN_VOLATILITY = 1e-8


@dataclasses.dataclass(frozen=True, eq=False)
class Holding:
    """A position, the history of its price, and the forecasts at earlier cutoffs.

    Args:
        value: Value of the position at the last price.
        series: History up to the cutoff, in canonical orientation.
        sign: -1 where the price of the position is the inverse of that of `series`.
        earlier: Forecasts at earlier cutoffs, none of them in-sample; None where there are none.
    """

    value: float
    series: PriceSeries
    sign: int
    earlier: Forecasts | None

    def log_price(self, dates: DateArray) -> FloatArray:
        """Log prices in the orientation of the position on days that the history has."""
        return self.sign * self.series.log_price[np.searchsorted(self.series.dates, dates)]


def common_dates(holdings: Sequence[Holding]) -> DateArray:
    """Days on which all histories have a price."""
    dates = holdings[0].series.dates
    for holding in holdings[1:]:
        dates = np.intersect1d(dates, holding.series.dates)
    return dates


def standardised_moves(holdings: Sequence[Holding]) -> tuple[DateArray, FloatArray]:
    """Days (T,), and moves (T, K) up to them, in units of the volatility known on the day before."""
    dates = common_dates(holdings)
    moves = np.column_stack([np.diff(holding.log_price(dates)) for holding in holdings])
    volatility = np.column_stack([ewma_volatility(moves[:, column], _DECAY) for column in range(moves.shape[1])])
    return dates[2:], moves[1:] / np.maximum(volatility[:-1], _MIN_VOLATILITY)


def recent_correlation(moves: FloatArray) -> tuple[FloatArray, float]:
    """Correlations after the last of `moves` (T, K), from at most `CORRELATION_ROWS`, and their shrinkage."""
    return shrunk_correlation(rank_scores(moves[-CORRELATION_ROWS:]))


@dataclasses.dataclass(frozen=True, eq=False)
class PastLosses:
    """Losses of a portfolio with the weights of today, and its value at risk, at earlier cutoffs.

    Args:
        step: Rows from a cutoff to its outcome.
        stride: Cutoffs of the histories from one of the record to the next.
        dates: (N,) cutoffs.
        losses: (N,) losses, in the currency of the portfolio.
        values_at_risk: Level -> (N,) value at risk.
    """

    step: int
    stride: int
    dates: DateArray
    losses: FloatArray
    values_at_risk: Mapping[float, FloatArray]

    def record(self, level: float) -> LossRecord:
        """Share of the losses within the value at risk."""
        inside = (self.losses <= self.values_at_risk[level]).astype(float)
        return recorded_losses(inside, -(-self.step // self.stride), level, moves=bool(self.losses.any()))


def past_losses(
    holdings: Sequence[Holding], step: int, levels: Sequence[float], rng: np.random.Generator
) -> PastLosses | None:
    """The record at one step: forecasts and correlations at each cutoff read no later row.

    Args:
        holdings: The positions.
        step: Rows ahead.
        levels: Confidence levels.
        rng: Source of the draws, which are the same at every cutoff.

    Returns:
        None where no cutoff has forecasts of all prices, a known outcome, and enough rows before it.
    """
    cutoffs, ends = _cutoffs(holdings, step)
    dates, moves = standardised_moves(holdings)
    counts = np.searchsorted(dates, cutoffs, side="right")
    able = np.flatnonzero(counts >= MIN_ROWS)
    stride = max(1, step // SPANS_PER_STEP, -(-len(able) // MAX_CUTOFFS))
    chosen = able[::-1][::stride][::-1]
    if not len(chosen):
        return None
    cutoffs = cutoffs[chosen]
    ends = ends[chosen]
    marginals = [_Marginal.of(holding, cutoffs, step) for holding in holdings]
    draws = stratified_scores(PATHS, len(holdings), rng)
    ranks = [max(0, PATHS - max(1, round(PATHS * (1 - level))) - 1) for level in levels]
    table = np.empty((len(cutoffs), len(levels)))
    correlation = np.eye(len(holdings))
    for number, count in enumerate(counts[chosen].tolist()):
        if number % EVERY == 0:
            correlation, _ = recent_correlation(moves[:count])
        clocks = np.stack([marginal.clocks[number] for marginal in marginals])
        scores = draws @ square_root(correlation_at_end(correlation, clocks)).T
        losses = sum(marginal.losses(number, scores[:, column]) for column, marginal in enumerate(marginals))
        table[number] = np.sort(losses)[ranks]
    realised = [-holding.value * np.expm1(holding.log_price(ends) - holding.log_price(cutoffs)) for holding in holdings]
    columns = {level: table[:, column] for column, level in enumerate(levels)}
    return PastLosses(step, stride, cutoffs, np.sum(realised, axis=0), columns)


def _cutoffs(holdings: Sequence[Holding], step: int) -> tuple[DateArray, DateArray]:
    """Days with a forecast of every price, and the days of their outcomes, which must be one day."""
    pairs: dict[np.datetime64, set[np.datetime64]] | None = None
    for holding in holdings:
        if holding.earlier is None:
            return np.empty(0, "datetime64[D]"), np.empty(0, "datetime64[D]")
        rows: IntArray = holding.earlier.rows[holding.earlier.rows + step < len(holding.series)]
        own = dict(zip(holding.series.dates[rows].tolist(), holding.series.dates[rows + step].tolist(), strict=True))
        pairs = own if pairs is None else {day: end for day, end in pairs.items() if own.get(day) == end}
    days = sorted(pairs or {})
    return np.array(days, "datetime64[D]"), np.array([pairs[day] for day in days] if pairs else [], "datetime64[D]")


@dataclasses.dataclass(frozen=True, eq=False)
class _Marginal:
    """Distributions of the loss of one position at the cutoffs."""

    value: float
    values: FloatArray
    levels: tuple[float, ...]
    clocks: FloatArray

    @classmethod
    def of(cls, holding: Holding, cutoffs: DateArray, step: int) -> "_Marginal":
        if holding.earlier is None:
            raise ValueError("a marginal needs earlier forecasts")
        rows = np.searchsorted(holding.series.dates, cutoffs)
        earlier = holding.earlier.take(np.searchsorted(holding.earlier.rows, rows))
        values = earlier.extended_log_returns(range(1, step + 1))
        clocks = variance_clock(values, earlier.quantile_levels)
        if holding.sign > 0:
            return cls(holding.value, values[:, -1], earlier.quantile_levels, clocks)
        levels = tuple(round(1 - level, 12) for level in reversed(earlier.quantile_levels))
        return cls(holding.value, -values[:, -1, ::-1], levels, clocks)

    def losses(self, number: int, scores: FloatArray) -> FloatArray:
        """(N,) losses at a cutoff for normal scores (N,) of the price."""
        return -self.value * np.expm1(values_at_scores(self.values[number], self.levels, scores))
