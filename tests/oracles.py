"""Slow and obvious versions of what the package computes fast, and made-up series to compare them on.

Tests load this file by its path (the tests are no package):
``ORACLES = SimpleNamespace(**runpy.run_path(...))``.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import integrate, special

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


def bars(rows: int, seed: int = 0, name: str = "SPX", holes: bool = True, moves: int = 40) -> PriceSeries:
    """Geometric Brownian motion with gaps overnight, dividends, volume and, with `holes`, days that lack something."""
    rng = np.random.default_rng(seed)
    gaps, days = rng.normal(size=rows) * 0.005, rng.normal(size=(rows, moves)) * 0.008 / moves**0.5
    ends = 4 + np.cumsum(gaps + days.sum(axis=1))
    opened = ends - days.sum(axis=1)
    paths = np.concatenate([opened[:, None], opened[:, None] + np.cumsum(days, axis=1)], axis=1)
    columns = {"open": paths[:, 0], "high": paths.max(axis=1), "low": paths.min(axis=1), "close": paths[:, -1]}
    columns = {one: np.exp(values) for one, values in columns.items()}
    paid = np.where(np.arange(rows) % 63 == 50, 0.01, 0.0)
    columns["adj_close"] = columns["close"] * np.exp(np.cumsum(paid) - paid.sum())
    columns["volume"] = np.round(np.exp(rng.normal(size=rows)) * 1e6)
    if holes:
        for column, value in (("open", np.nan), ("high", np.nan), ("low", 0.0), ("adj_close", np.nan), ("volume", 0.0)):
            columns[column][rng.random(rows) < 0.04] = value
        still, turned = rng.random(rows) < 0.03, rng.random(rows) < 0.03
        columns["low"][turned] = columns["high"][turned] * 1.1
        for column in ("open", "high", "low"):
            columns[column][still] = columns["close"][still]
    dates = np.busday_offset(np.datetime64("2000-01-03"), np.arange(rows))
    return PriceSeries(Instrument("ticker", name), "test", name, dates, columns)


def scrambled(series: PriceSeries, cutoff: int, seed: int = 1) -> PriceSeries:
    """`series` with every number after row `cutoff` replaced by nonsense."""
    rng = np.random.default_rng(seed)
    after = np.arange(len(series)) > cutoff
    columns = {
        name: np.where(after, np.exp(rng.uniform(-20, 20, len(series))), values)
        for name, values in series.columns.items()
    }
    rounding = None if series.rounding is None else np.where(after, rng.uniform(1, 2, len(series)), series.rounding)
    inputs = {name: np.where(after, rng.uniform(-9, 9, len(series)), values) for name, values in series.inputs.items()}
    return dataclasses.replace(series, columns=columns, rounding=rounding, inputs=inputs)


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


def log_prices(series: PriceSeries) -> list[float]:
    """Log closes whose differences are total returns: of adjusted closes where there are two, else of the raw ones."""
    close, adjusted = series.close, series.columns.get("adj_close", np.full(len(series), np.nan))
    result = [math.log(close[0])]
    for t in range(1, len(series)):
        chosen = adjusted if adjusted[t] > 0 and adjusted[t - 1] > 0 else close
        result.append(result[-1] + math.log(chosen[t] / chosen[t - 1]))
    return result


def floors(series: PriceSeries) -> list[float]:
    if series.rounding is None:
        return [1e-6] * len(series)
    pairs = [(series.rounding[max(t - 1, 0)], series.rounding[t]) for t in range(len(series))]
    return [max(math.hypot(*pair), 1e-6) for pair in pairs]


def volatilities(series: PriceSeries, decay: float) -> list[float]:
    """Row 0 has no return: the floor alone."""
    price = log_prices(series)
    squares = [(b - a) ** 2 for a, b in itertools.pairwise(price)]
    found, floor = [0.0, *map(math.sqrt, ewma(squares, decay))], floors(series)
    return [max(one, least) for one, least in zip(found, floor, strict=True)]


def features(series: PriceSeries) -> dict[str, list[float]]:
    """Every feature in every row, from the prices, one number at a time."""
    price, rows = log_prices(series), range(len(series))
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

    def absolute(t: int, days: int) -> float:
        moves = [abs(price[k] - price[k - 1]) for k in range(max(t - days, 0) + 1, t + 1)]
        mean = math.fsum(moves) / len(moves) * math.sqrt(math.pi / 2) if moves else 0.0
        return math.log(max(mean, floor[t]) / scale[t])

    return {
        "scaled_return": [scaled(t) for t in rows],
        "momentum_5": [momentum(t, 5) for t in rows],
        "momentum_20": [momentum(t, 20) for t in rows],
        "absolute_return": [abs(scaled(t)) - 0.75 for t in rows],
        "volatility_fast": ratio(0.90),
        "volatility_slow": ratio(0.99),
        "volatility_slowest": ratio(0.997),
        "volatility_anchor": [math.log(whole(t) / scale[t]) for t in rows],
        **{f"absolute_{days}": [absolute(t, days) for t in rows] for days in (5, 22, 66)},
        **bar_features(series, price, scale),
    }


def bar_features(series: PriceSeries, price: Sequence[float], scale: Sequence[float]) -> dict[str, list[float]]:
    """The features that need more of a day than its close; a day that lacks them leaves the state as it was."""
    rows, floor = range(len(series)), floors(series)
    missing = np.full(len(series), np.nan)
    opened, high, low, volume = (series.columns.get(one, missing) for one in ("open", "high", "low", "volume"))
    close = series.close

    def gap(t: int) -> float | None:
        return price[t] - price[t - 1] - math.log(close[t] / opened[t]) if t and opened[t] > 0 else None

    def variance(t: int, parkinson: bool = False) -> float | None:
        if not (0 < low[t] < high[t] and low[t] <= opened[t] <= high[t] and low[t] <= close[t] <= high[t]):
            return None
        height, body = math.log(high[t] / low[t]), math.log(close[t] / opened[t])
        return height**2 / (4 * math.log(2)) if parkinson else height**2 / 2 - (2 * math.log(2) - 1) * body**2

    def bounded(value: float | None, most: float) -> float:
        return 0.0 if value is None else min(max(value, -most), most)

    def carried(values: Sequence[float | None], decay: float) -> list[float | None]:
        means = iter(ewma([one for one in values if one is not None], decay))
        result: list[float | None] = []
        for one in values:
            result.append(next(means) if one is not None else result[-1] if result else None)
        return result

    def ranges(values: Sequence[float | None]) -> list[float]:
        return [
            0.0 if one is None else bounded(math.log(max(math.sqrt(one), floor[t]) / scale[t]), 3)
            for t, one in enumerate(values)
        ]

    gaps, days = [gap(t) for t in rows], [variance(t) for t in rows]
    both = [(a**2, b) if a is not None and b is not None else None for a, b in zip(gaps, days, strict=True)]
    night = carried([one and one[0] for one in both], 0.97)
    whole = carried([one and sum(one) for one in both], 0.97)
    logs = [math.log(one) if one > 0 else None for one in volume]
    usual = carried(logs, 0.99)
    return {
        "range_day": ranges(carried([variance(t, parkinson=True) for t in rows], 1e-300)),
        "range_fast": ranges(carried(days, 0.75)),
        "range_slow": ranges(carried(days, 0.94)),
        "overnight_gap": [bounded(one and one / scale[t - 1], 6) for t, one in enumerate(gaps)],
        "overnight_share": [0.0 if a is None else a / b - 0.25 for a, b in zip(night, whole, strict=True)],
        "volume_ratio": [0.0 if a is None else bounded(a - b, 3) for a, b in zip(logs, usual, strict=True)],
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
    shapes["head/direct/kernel"] = (features, knots)
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


def weighted_quantile_loss(quantiles: Sequence[float], levels: Sequence[float], actual: float) -> float:
    """Twice the pinball losses, each weighted by the part of (0, 1) that is nearest to its level."""
    total = 0.0
    for i, (level, quantile) in enumerate(zip(levels, quantiles, strict=True)):
        left = 0.0 if i == 0 else (levels[i - 1] + level) / 2
        right = 1.0 if i == len(levels) - 1 else (level + levels[i + 1]) / 2
        loss = level * (actual - quantile) if actual >= quantile else (1 - level) * (quantile - actual)
        total += 2 * (right - left) * loss
    return total


def distribution(quantiles: Sequence[float], levels: Sequence[float], x: float) -> float:
    """Distribution function: linear in the normal score between levels, the tail of Student's t (4) beyond."""
    right = next((i for i, quantile in enumerate(quantiles) if quantile > x), len(quantiles))
    is_tail = right in (0, len(quantiles))
    right = min(max(right, 1), len(quantiles) - 1)
    low, high = quantiles[right - 1], quantiles[right]
    if low == high:
        return 0.0 if x < low else 1.0
    ends = [float(special.stdtrit(4, level) if is_tail else special.ndtri(level)) for level in levels]
    score = ends[right - 1] + (x - low) / (high - low) * (ends[right] - ends[right - 1])
    return float(special.stdtr(4, score) if is_tail else special.ndtr(score))


def crps(quantiles: Sequence[float], levels: Sequence[float], actual: float) -> float:
    """The integral of the squared distance of the distribution from the step at `actual`, by quadrature."""
    cuts = sorted({*quantiles, actual})
    pieces = [(-math.inf, cuts[0]), *itertools.pairwise(cuts), (cuts[-1], math.inf)]

    def integrand(x: float) -> float:
        return (distribution(quantiles, levels, x) - (x >= actual)) ** 2

    return sum(integrate.quad(integrand, *piece, epsabs=1e-11, epsrel=1e-11, limit=100)[0] for piece in pieces)


def width_factors(
    quantiles: Sequence, rows: Sequence[int], outcomes: Sequence, steps: Sequence[int]
) -> list[list[list[float]]]:
    """Factors of the central intervals [cutoff][step][interval], replayed day by day as a live program would.

    Six experts per step and interval each hold one factor. When an outcome becomes known, `step` rows after its cutoff,
    it is compared with the factors that the experts held at that cutoff. An outcome that never comes (NaN), or that
    meets an interval without width, changes no factor and adds no loss, but its day is forgotten as any other.
    """
    central = ((3, 5, 0.5), (2, 6, 0.8), (1, 7, 0.9), (0, 8, 0.95))  # columns, coverage
    result = [[[1.0] * 4 for _ in steps] for _ in rows]
    for (k, step), (i, (low, high, coverage)) in itertools.product(enumerate(steps), enumerate(central)):
        rates = [size / step for size in (0.0003, 0.00125, 0.0025, 0.005, 0.01, 0.04)]
        penalties = [penalty / step ** (1 / 3) for penalty in (0, 0, 1, 3, 6, 12)]
        factors, losses = [1.0] * 6, [0.0] * 6
        held_at, pending, count = [], [], 0
        for n, row in enumerate(rows):
            while pending and rows[pending[0]] + step <= row:
                cutoff = pending.pop(0)
                losses = [loss * (1 - 1 / 250 / step) for loss in losses]
                median, error = quantiles[cutoff][k][4], outcomes[cutoff][k] - quantiles[cutoff][k][4]
                width = quantiles[cutoff][k][high] - median if error >= 0 else median - quantiles[cutoff][k][low]
                if math.isnan(error) or width <= 0:
                    continue
                needed, count = min(abs(error) / width, 32.0), count + 1
                for e, rate in enumerate(rates):
                    held = held_at[cutoff][e]
                    change = math.exp(rate * coverage) if needed > held else math.exp(-rate * (1 - coverage))
                    factors[e] = min(max(factors[e] * change, 1 / 16), 16.0)
                    interval_score = (1 - coverage) * held + max(needed - held, 0.0)
                    losses[e] += interval_score / math.sqrt(coverage * (1 - coverage))
            behind = [2.0 / step * loss + penalty for loss, penalty in zip(losses, penalties, strict=True)]
            weights = [math.exp(min(behind) - one) for one in behind]
            mean = math.fsum(w * f for w, f in zip(weights, factors, strict=True)) / math.fsum(weights)
            result[n][k][i] = 1 + min(count / 100, 1.0) * (mean - 1)
            held_at.append(list(factors))
            pending.append(n)
    return result
