"""Checks of a model's behaviour: no skill on random walks, and no repetition of past prices."""

from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import DIFFERENCES, PriceSeries
from forecaster.evaluation.leakage.types import Check, Finding
from forecaster.evaluation.verdict import Kind, Verdict

__all__ = ["PLACEBO_BASELINES", "PLACEBO_WALKS", "best_lag", "check_persistence", "check_placebo", "placebo_walk"]

PLACEBO_WALKS = 3
PLACEBO_BASELINES = ("garch", "ewma", "random_walk")
"""Baselines of these verdicts: each learns from the walk alone, and none is strong enough to hide a leak."""
_MIN_CLAIMS = 2  # walks with skill of one kind that are a finding: by chance in at most 2 % of all audits
_SKILL: tuple[Kind, ...] = ("point", "direction", "density")
_MAX_LAG = 10
_MAX_RMSE_RATIO = 1.001  # to the last price: a median next to it that only accounts for a skew repeats nothing


def placebo_walk(series: PriceSeries, seed: int) -> PriceSeries:
    """A random walk on the dates of `series`, with its volatility and with constant covariates."""
    rng = np.random.default_rng([seed, len(series)])
    volatility = float(np.std(np.diff(series.log_price))) or 0.01
    path = np.cumsum(np.concatenate([[0.0], rng.normal(0, volatility, len(series) - 1)]))
    return PriceSeries(
        instrument=series.instrument,
        source="placebo",
        symbol=f"placebo_{seed}",
        dates=series.dates,
        columns={"close": path if series.differences else 100 * np.exp(path)},
        frequency=series.frequency,
        meta={DIFFERENCES: "yes"} if series.differences else {},
        inputs={name: np.zeros(len(series)) for name in series.inputs},
    )


def check_placebo(verdicts: Sequence[Verdict], file: str) -> Check:
    """Check that the model has no skill on random walks, where skill is a leak or chance.

    Args:
        verdicts: One for each walk.
        file: Source file for findings.
    """
    findings = []
    for kind in _SKILL:
        claims = [verdict[kind] for verdict in verdicts if verdict[kind].outcome == "better"]
        if len(claims) >= _MIN_CLAIMS:
            text = (
                f"skill on {len(claims)} of {len(verdicts)} random walks: {kind} better than {claims[0].against}, "
                f"p = {claims[0].p_value:.2g}"
            )
            findings.append(Finding(file, kind, None, text))
    what = f"The model is fitted to {len(verdicts)} random walks: no skill of one kind on more than one of them."
    if len(verdicts) < _MIN_CLAIMS:
        return Check("placebo", f"{what} (Too few walks have a verdict.)", "not_applicable")
    return Check.of("placebo", what, findings)


def best_lag(forecasts: FloatArray, prices: FloatArray, rows: IntArray) -> tuple[int, FloatArray]:
    """Lag of the price that forecasts of the next row fit best.

    Args:
        forecasts: (N,) forecasts of the price one row after each of `rows`.
        prices: (T,) prices.
        rows: (N,) cutoffs, from `_MAX_LAG` to T - 2.

    Returns:
        The lag: 0 for the row that was forecast, 1 for the cutoff, and so on; and (11,) the root mean squared error at
        each lag.
    """
    errors = np.array([np.sqrt(np.mean((forecasts - prices[rows + 1 - lag]) ** 2)) for lag in range(_MAX_LAG + 1)])
    return int(errors.argmin()), errors


def check_persistence(forecasts: FloatArray, series: PriceSeries, rows: IntArray, file: str) -> Check:
    """Name a model whose forecasts fit an earlier row best, and are no closer to the next row than the last price.

    This is no leak. In a chart the forecasts of such a model seem to follow the prices, but a row late.

    Args:
        forecasts: (N,) medians of the price one row after each of `rows`.
        series: History that was forecast.
        rows: (N,) cutoffs that the weights have not seen.
        file: Source file for the finding.
    """
    what = "Forecasts of the next row are compared with the prices of that row and of the ten before it."
    usable = (rows >= _MAX_LAG) & (rows < len(series) - 1)
    rows = rows[usable]
    unit = series.current_unit
    forecasts = forecasts[usable] * unit[rows]
    prices = series.close * unit
    if len(rows) < _MAX_LAG:
        return Check("persistence", f"{what} (Too few rows.)", "not_applicable")
    if np.array_equal(forecasts, prices[rows]):
        return Check("persistence", f"{what} The forecast is the last price, as the model reports.", "passed")
    lag, errors = best_lag(forecasts, prices, rows)
    naive = float(np.sqrt(np.mean((prices[rows] - prices[rows + 1]) ** 2)))
    if lag == 0 or errors[0] < naive * _MAX_RMSE_RATIO:
        return Check("persistence", what, "passed")
    source = "yesterday" if lag == 1 else "the past"
    earlier = (
        "the price at the cutoff" if lag == 1 else f"the price {lag - 1} row{'s' if lag > 2 else ''} before the cutoff"
    )
    text = (
        f"merely repeats {source}: forecasts fit {earlier} best (RMSE {errors[lag]:.4g}, against {errors[0]:.4g} for "
        f"the next price), and are no closer to the next price than the last price is ({naive:.4g})"
    )
    return Check("persistence", what, "named", (Finding(file, "median at step 1", str(series.dates[rows[0]]), text),))
