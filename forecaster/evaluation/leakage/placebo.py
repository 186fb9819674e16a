"""What an audit says of a model's behaviour: no skill where there is none, and whether it repeats yesterday."""

from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.evaluation.leakage.types import Check, Finding
from forecaster.evaluation.verdict import Kind, Verdict

__all__ = ["PLACEBO_WALKS", "best_lag", "check_persistence", "check_placebo", "placebo_walk"]


PLACEBO_WALKS = 3
_SUSPICIOUS = 2  # of the walks: chance claims the same kind on two of three in at most 2 % of all audits
_SKILL: tuple[Kind, ...] = ("point", "direction", "density")
_LONGEST_LAG = 10
_HARDLY_WORSE = 1.001  # than the last price: a median beside it that only accounts for a skew repeats nothing


def placebo_walk(series: PriceSeries, seed: int) -> PriceSeries:
    """A random walk on the dates of `series`, with moves of its usual size, and inputs that say nothing."""
    rng = np.random.default_rng([seed, len(series)])
    size = float(np.std(np.diff(series.log_price))) or 0.01
    moves = np.concatenate([[0.0], rng.normal(0, size, len(series) - 1)])
    return PriceSeries(
        instrument=series.instrument,
        source="placebo",
        symbol=f"placebo_{seed}",
        dates=series.dates,
        columns={"close": 100 * np.exp(np.cumsum(moves))},
        frequency=series.frequency,
        inputs={name: np.zeros(len(series)) for name in series.inputs},
    )


def check_placebo(verdicts: Sequence[Verdict], file: str) -> Check:
    """Skill on random walks is a leak, or luck: the latter hardly ever on two of three.

    Args:
        verdicts: One for each walk.
        file: That a finding names.
    """
    findings = []
    for kind in _SKILL:
        claims = [verdict[kind] for verdict in verdicts if verdict[kind].outcome == "better"]
        if len(claims) >= _SUSPICIOUS:
            text = (
                f"skill on {len(claims)} of {len(verdicts)} random walks: {kind} better than {claims[0].against}, "
                f"p = {claims[0].p_value:.2g}"
            )
            findings.append(Finding(file, kind, None, text))
    what = f"The model learns {len(verdicts)} random walks: no skill of point, direction or density on more than one."
    if len(verdicts) < _SUSPICIOUS:
        return Check("placebo", f"{what} (On too few a verdict is possible.)", "not_applicable")
    return Check.of("placebo", what, findings)


def best_lag(forecasts: FloatArray, prices: FloatArray, rows: IntArray) -> tuple[int, FloatArray]:
    """Which day's price forecasts of the next day fit best: 0 the one that is meant, 1 the day they were made, ...

    Args:
        forecasts: (N,) of the price one row after each of `rows`.
        prices: (T,).
        rows: (N,) from `_LONGEST_LAG` to T - 2.

    Returns:
        The lag, and (11,) the root mean squared error at each.
    """
    errors = np.array([np.sqrt(np.mean((forecasts - prices[rows + 1 - lag]) ** 2)) for lag in range(_LONGEST_LAG + 1)])
    return int(errors.argmin()), errors


def check_persistence(forecasts: FloatArray, series: PriceSeries, rows: IntArray, file: str) -> Check:
    """Name a model whose forecasts fit an earlier row best, and the next one worse than the last price does.

    This is no leak. It is what a picture of such a model hides: the curve follows the prices, a day late.

    Args:
        forecasts: (N,) medians of the price one row after each of `rows`.
        series: What was forecast.
        rows: (N,) cutoffs that the weights have not seen.
        file: That the finding names.
    """
    what = "Forecasts of the next day are compared with the prices of that day and of the ten before it."
    kept = (rows >= _LONGEST_LAG) & (rows < len(series) - 1)
    rows, forecasts, prices = rows[kept], forecasts[kept], series.close
    if len(rows) < _LONGEST_LAG:
        return Check("persistence", f"{what} (Too few rows.)", "not_applicable")
    if np.array_equal(forecasts, prices[rows]):
        return Check("persistence", f"{what} The forecast is the last price, and the model says so.", "passed")
    lag, errors = best_lag(forecasts, prices, rows)
    naive = float(np.sqrt(np.mean((prices[rows] - prices[rows + 1]) ** 2)))
    if lag == 0 or errors[0] < naive * _HARDLY_WORSE:
        return Check("persistence", what, "passed")
    before = "the price of the row before" if lag == 1 else f"the price {lag} rows before"
    text = (
        f"merely repeats {'yesterday' if lag == 1 else 'the past'}: forecasts fit {before} the one they are meant for "
        f"best (RMSE {errors[lag]:.4g} against {errors[0]:.4g}), and are no closer to it than the last "
        f"price is ({naive:.4g})"
    )
    return Check("persistence", what, "named", (Finding(file, "median at step 1", str(series.dates[rows[0]]), text),))
