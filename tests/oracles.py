"""Slow and obvious versions of what the package computes fast, and made-up series to compare them on.

Tests load this file by its path (the tests are no package):
``ORACLES = SimpleNamespace(**runpy.run_path(...))``.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries

# --- made-up series ---------------------------------------------------------------------------------------------------


def series_of(prices: Sequence[float], name: str = "USDJPY", rounding: object = None, skip: int = 0) -> PriceSeries:
    """A pair (six capital letters) or ticker with these closing prices, `skip` business days after 2000-01-03."""
    kind = "pair" if len(name) == 6 and name.isupper() else "ticker"
    dates = np.busday_offset(np.datetime64("2000-01-03"), np.arange(skip, skip + len(prices)))
    return PriceSeries(Instrument(kind, name), "test", name, dates, {"close": np.asarray(prices, float)}, rounding)


def walk(
    rows: int, seed: int = 0, name: str = "USDJPY", volatility: float = 0.006, rounded: bool = False
) -> PriceSeries:
    """A random walk whose volatility changes slowly."""
    rng = np.random.default_rng(seed)
    slow = np.exp(0.5 * np.sin(np.arange(rows) / 97))
    prices = 100 * np.exp(np.cumsum(rng.normal(size=rows) * volatility * slow))
    return series_of(prices, name, rng.uniform(1e-6, 1e-3, rows) if rounded else None)


def scrambled(series: PriceSeries, cutoff: int, seed: int = 1) -> PriceSeries:
    """`series` with every number after row `cutoff` replaced by nonsense."""
    rng = np.random.default_rng(seed)
    after = np.arange(len(series)) > cutoff
    close = np.where(after, np.exp(rng.uniform(-20, 20, len(series))), series.close)
    rounding = None if series.rounding is None else np.where(after, rng.uniform(1, 2, len(series)), series.rounding)
    return dataclasses.replace(series, columns={"close": close}, rounding=rounding)


def truncated(series: PriceSeries, cutoff: int) -> PriceSeries:
    """`series` up to row `cutoff`."""
    return series.between(end=series.dates[cutoff])


# --- features ---------------------------------------------------------------------------------------------------------


def ewma(values: Sequence[float], decay: float) -> list[float]:
    result = []
    for t in range(len(values)):
        weights = [decay**k for k in range(t + 1)]
        result.append(math.fsum(w * values[t - k] for k, w in enumerate(weights)) / math.fsum(weights))
    return result


def floors(series: PriceSeries) -> list[float]:
    if series.rounding is None:
        return [1e-6] * len(series)
    pairs = [(series.rounding[max(t - 1, 0)], series.rounding[t]) for t in range(len(series))]
    return [max(math.hypot(*pair), 1e-6) for pair in pairs]


def volatilities(series: PriceSeries, decay: float) -> list[float]:
    """Row 0 has no return: the floor alone."""
    squares = [math.log(b / a) ** 2 for a, b in zip(series.close, series.close[1:], strict=False)]
    found, floor = [0.0, *map(math.sqrt, ewma(squares, decay))], floors(series)
    return [max(one, least) for one, least in zip(found, floor, strict=True)]


def features(series: PriceSeries) -> dict[str, list[float]]:
    """Every feature in every row, from the prices, one number at a time."""
    price, rows = [math.log(one) for one in series.close], range(len(series))
    scale, floor = volatilities(series, 0.97), floors(series)

    def bounded(value: float, most: float) -> float:
        return min(max(value, -most), most)

    def scaled(t: int) -> float:
        return bounded((price[t] - price[t - 1]) / scale[t - 1], 6) if t else 0.0

    def momentum(t: int, days: int) -> float:
        return bounded((price[t] - price[t - days]) / (scale[t] * math.sqrt(days)), 5) if t >= days else 0.0

    def whole(t: int) -> float:
        squares = [(price[k] - price[k - 1]) ** 2 for k in range(1, t + 1)]
        return max(math.sqrt(math.fsum(squares) / t) if t else 0.0, floor[t])

    def ratio(decay: float) -> list[float]:
        return [math.log(other / one) for other, one in zip(volatilities(series, decay), scale, strict=True)]

    return {
        "scaled_return": [scaled(t) for t in rows],
        "momentum_5": [momentum(t, 5) for t in rows],
        "momentum_20": [momentum(t, 20) for t in rows],
        "absolute_return": [abs(scaled(t)) - 0.75 for t in rows],
        "volatility_fast": ratio(0.90),
        "volatility_slow": ratio(0.99),
        "volatility_slowest": ratio(0.997),
        "volatility_anchor": [math.log(whole(t) / scale[t]) for t in rows],
    }


# --- models -----------------------------------------------------------------------------------------------------------


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def lstm_stack(arrays: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Outputs (T, U) of the layers ``lstm_0, lstm_1, ...`` for x (T, F), gate by gate as in the Keras docs."""
    for layer in range(sum(name.endswith("/recurrent_kernel") for name in arrays)):
        kernel, recurrent, bias = (
            arrays[f"lstm_{layer}/lstm_cell/{part}"].astype(float) for part in ("kernel", "recurrent_kernel", "bias")
        )
        units = recurrent.shape[0]
        hidden, cell, rows = [0.0] * units, [0.0] * units, []
        for row in x:
            z = row @ kernel + np.array(hidden) @ recurrent + bias
            for u in range(units):
                enter, forget, candidate, leave = (z[u + gate * units] for gate in range(4))
                cell[u] = sigmoid(forget) * cell[u] + sigmoid(enter) * math.tanh(candidate)
                hidden[u] = sigmoid(leave) * math.tanh(cell[u])
            rows.append(list(hidden))
        x = np.array(rows)
    return x


def lstm_arrays(
    features: int, units: Sequence[int], knots: int, seed: int = 0, size: float = 0.3
) -> dict[str, np.ndarray]:
    """Random weights of a quantile network, by their names in Keras."""
    rng = np.random.default_rng(seed)
    shapes, inputs = {}, features
    for layer, one in enumerate(units):
        path = f"lstm_{layer}/lstm_cell/"
        shapes |= {
            path + "kernel": (inputs, 4 * one),
            path + "recurrent_kernel": (one, 4 * one),
            path + "bias": (4 * one,),
        }
        inputs = one
    for part, outputs in (("spread", 8 * knots), ("location", knots)):
        shapes |= {f"head/{part}/kernel": (inputs, outputs), f"head/{part}/bias": (outputs,)}
    return {name: rng.normal(0, size, shape).astype(np.float32) for name, shape in shapes.items()}


def random_walk_quantiles(
    prices: Sequence[float], row: int, step: int, days: int, levels: Sequence[float]
) -> list[float]:
    """Quantiles of the last `days` returns over `step` days that end at or before `row`, their median taken off."""
    ends = range(max(row - days + 1, step), row + 1)
    moved = sorted(math.log(prices[end] / prices[end - step]) for end in ends)

    def quantile(level: float) -> float:
        place = level * (len(moved) - 1)
        low = int(place)
        return moved[low] + (place - low) * (moved[min(low + 1, len(moved) - 1)] - moved[low])

    return [quantile(level) - quantile(0.5) for level in levels]


# --- evaluation -------------------------------------------------------------------------------------------------------


def crps(quantiles: Sequence[float], levels: Sequence[float], actual: float) -> float:
    """Twice the pinball losses, each weighted by the part of (0, 1) that is nearest to its level."""
    total = 0.0
    for i, (level, quantile) in enumerate(zip(levels, quantiles, strict=True)):
        left = 0.0 if i == 0 else (levels[i - 1] + level) / 2
        right = 1.0 if i == len(levels) - 1 else (level + levels[i + 1]) / 2
        loss = level * (actual - quantile) if actual >= quantile else (1 - level) * (quantile - actual)
        total += 2 * (right - left) * loss
    return total
