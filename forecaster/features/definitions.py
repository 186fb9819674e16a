"""Formulas of the features, for programs that compute them without this package.

They are expressions of NumPy over whole columns; a test evaluates them. `SYMBOLS` says what their names are.
"""

from collections.abc import Mapping

from forecaster.features.covariates import is_covariate

__all__ = ["FORMULAS", "SYMBOLS", "formula"]

SYMBOLS: Mapping[str, str] = {
    "p": "log of the price, of the total return where there are dividends; the price itself in a run of differences",
    "r": "p less p of the row before; the first row has none and is left out of averages",
    "floor": "standard deviation of r that the rounding of the quotation alone causes, at least 1e-6",
    "ewma(x, d)": "mean of all x so far, weighted by d**age, the weights divided by their sum",
    "mean(x, n)": "mean of the last n rows of x, of all where there are fewer",
    "before(x, n)": "x of n rows earlier; the result of a feature is 0 where there is none",
    "clip(x, a, b)": "x, at least a and at most b",
    "v": "maximum(floor, sqrt(ewma(r**2, 0.97))), the scaling volatility; it is the input volatility in the last row",
    "open, high, low, close": "raw prices of the row; a row without a bar of positive width leaves averages unchanged",
    "volume": "traded volume; a row without one is 0 in the result",
}
"""Name in a formula -> meaning."""

_RANGE = "0.5*log(high/low)**2 - (2*log(2) - 1)*log(close/open)**2"
_GAP = "(r - log(close/open))"

FORMULAS: Mapping[str, str] = {
    "scaled_return": "clip(r/before(v, 1), -6, 6)",
    "momentum_5": "clip((p - before(p, 5))/(v*sqrt(5)), -5, 5)",
    "momentum_20": "clip((p - before(p, 20))/(v*sqrt(20)), -5, 5)",
    "absolute_return": "abs(clip(r/before(v, 1), -6, 6)) - 0.75",
    "volatility_fast": "log(maximum(floor, sqrt(ewma(r**2, 0.90)))/v)",
    "volatility_slow": "log(maximum(floor, sqrt(ewma(r**2, 0.99)))/v)",
    "volatility_slowest": "log(maximum(floor, sqrt(ewma(r**2, 0.997)))/v)",
    "volatility_anchor": "log(maximum(floor, sqrt(ewma(r**2, 1)))/v)",
    "absolute_5": "log(maximum(floor, sqrt(pi/2)*mean(abs(r), 5))/v)",
    "absolute_22": "log(maximum(floor, sqrt(pi/2)*mean(abs(r), 22))/v)",
    "absolute_66": "log(maximum(floor, sqrt(pi/2)*mean(abs(r), 66))/v)",
    "range_day": "clip(log(maximum(floor, log(high/low)/sqrt(4*log(2)))/v), -3, 3)",
    "range_fast": f"clip(log(maximum(floor, sqrt(ewma({_RANGE}, 0.75)))/v), -3, 3)",
    "range_slow": f"clip(log(maximum(floor, sqrt(ewma({_RANGE}, 0.94)))/v), -3, 3)",
    "overnight_gap": f"clip({_GAP}/before(v, 1), -6, 6)",
    "overnight_share": f"ewma({_GAP}**2, 0.97)/ewma({_GAP}**2 + {_RANGE}, 0.97) - 0.25",
    "volume_ratio": "clip(log(volume) - ewma(log(volume), 0.99), -3, 3)",
}
"""Feature of the series itself -> formula."""

_ELSEWHERE = {
    "market:week": "log of the activity of 17 currencies over 5 rows over its EWMA(0.97); see docs/model.md",
    "market:month": "log of the activity of 17 currencies over 22 rows over its EWMA(0.97); see docs/model.md",
    "market:anchor": "log of the EWMA(0.97) of that activity over its mean of the whole past; see docs/model.md",
    "move": "change of the covariate since the row before over its usual size, within 6; 0 where unknown",
    "level": "covariate less its EWMA(0.997) over the deviation from it, within 5; 0 where unknown",
    "spread": "log of the recent over the usual size of its changes, EWMA(0.97) over EWMA(0.997), within 3",
}


def formula(name: str) -> str:
    """Formula of a feature; a description for one that needs other series or has no formula."""
    if not is_covariate(name):
        return FORMULAS.get(name, "a feature of your own")
    return _ELSEWHERE.get(name) or _ELSEWHERE[name.rpartition(":")[2]]
