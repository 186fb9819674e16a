"""False openings of the location gate on unpredictable returns, and its power on predictable ones.

**False openings.** Walks with normal, Student and GARCH(1,1)-t returns without drift, alone and as a panel of eight
with one common factor, are forecast by a location that is noise: a combination of the scaled return, the momenta of 5
and 20 days and a constant, with random weights that change a little at every refit. The evidence of each fold and the
decisions are those of the program (`forecaster.models.quantile.location_gate`); only the network is left out, so
thousands of backtests are cheap. An opening at any step in any fold is false. The target is at most 1 % of backtests.

With `--fitted N`, the networks of `forecast backtest --csv` with yearly refits decide on N walks of five years after
nine years of history.

**Power.** Series of 3000 days with an autocorrelation, split as in `train`: the location is the linear map that the
program estimates before the validation. The share of series in which the gate opens at any step is printed, after the
validation of a training (500 days) and in the course of a backtest of five years.

**Drift.** The same for the drift of single series (`forecaster.models.quantile.drift`): the share of walks in which it
opens in any row of ten years, and the share of walks with a drift of so many daily volatilities in which it is open
after two and four years of it.

    python benchmarks/gate.py                # 10,000 backtests of each kind, 2,000 of panels, about ten minutes
    python benchmarks/gate.py --fitted 20    # five more minutes, with 100 networks
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from placebo import DAILY, PAIR, shocks
from processes import machine, positive, print_result
from trainings import write_walk

from forecaster.data.series import PriceSeries
from forecaster.features.history import History
from forecaster.models.quantile.drift import MIN_T, drift_statistics
from forecaster.models.quantile.linear_location import TrainingRows, direct_kernel
from forecaster.models.quantile.location_gate import (
    MAX_FALSE_OPENINGS,
    LocationGains,
    ValidationRows,
    decisions,
    gather_gains,
)

FloatArray = npt.NDArray[np.float64]
STEPS = (1, 5, 10, 20)
KINDS = ("normal", "student", "garch")
SETTLE = 260  # days before the first that is used
YEAR = 252
YEARS = 10
VALIDATION = 500
TRAINED = 2250
PANEL = 8
PANEL_SHARE = 5  # of panels there are so many times fewer backtests
COMMON = 0.5  # share of the variance of a panel that all its series have in common
SIZE = 0.02  # of the location, in volatilities
DECAY = 0.97  # of the volatility
FIRST_DAY = np.datetime64("2000-01-03")
CHUNK = 250  # walks at once


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Inputs of a location, of W walks: features (W, T, 4) and scaled outcomes (W, T, K), NaN at the end."""

    features: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]


def returns(kind: str, shape: tuple[int, int], rng: np.random.Generator, phi: float = 0.0) -> FloatArray:
    """(W, T) returns; the walks of a panel follow one another and share a factor."""
    walks, days = shape
    drawn = shocks(kind, (days, walks), rng)
    return _filtered(drawn, kind, phi)


def panel_returns(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """(W * PANEL, T) returns of panels, the series of a panel in neighbouring rows."""
    panels, days = shape
    own = shocks(kind, (days, panels * PANEL), rng)
    common = np.repeat(shocks(kind, (days, panels), rng), PANEL, axis=1)
    return _filtered(np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own, kind, 0.0)


def _filtered(drawn: FloatArray, kind: str, phi: float) -> FloatArray:
    """(W, T) returns from shocks (T, W) with variance 1."""
    alpha, beta = (0.07, 0.91) if kind == "garch" else (0.0, 0.0)
    result = np.empty_like(drawn)
    variance = np.ones(drawn.shape[1])
    last = np.zeros(drawn.shape[1])
    for day, shock in enumerate(drawn):
        moved = np.sqrt(variance) * shock
        result[day] = last = phi * last + moved
        variance = (1 - alpha - beta) + alpha * moved**2 + beta * variance
    return np.ascontiguousarray(result.T)


def inputs_of(moves: FloatArray) -> Inputs:
    """Scaled return, momenta of 5 and 20 days and a constant, and outcomes over `STEPS`, of returns (W, T)."""
    walks, days = moves.shape
    volatility = np.empty((walks, days))
    variance = np.ones(walks)
    for day in range(days):
        variance = DECAY * variance + (1 - DECAY) * moves[:, day] ** 2
        volatility[:, day] = np.sqrt(variance)
    price = np.cumsum(moves, axis=1)
    features = np.ones((walks, days, 4), dtype=np.float32)
    features[:, 1:, 0] = np.clip(moves[:, 1:] / volatility[:, :-1], -6, 6)
    for column, span in ((1, 5), (2, 20)):
        momentum = (price[:, span:] - price[:, :-span]) / (volatility[:, span:] * np.sqrt(span))
        features[:, span:, column] = np.clip(momentum, -5, 5)
    targets = np.full((walks, days, len(STEPS)), np.nan, dtype=np.float32)
    for k, step in enumerate(STEPS):
        targets[:, :-step, k] = (price[:, step:] - price[:, :-step]) / (volatility[:, :-step] * np.sqrt(step))
    return Inputs(features, targets)


def evidence(inputs: Inputs, walks: Sequence[int], rows: range, weights: FloatArray) -> LocationGains:
    """Evidence of one fold or validation about the location ``features @ weights`` (4, K)."""
    dates = FIRST_DAY + np.arange(inputs.features.shape[1])
    used = np.arange(rows.start, rows.stop - max(STEPS))  # rows whose outcomes lie in the fold
    members = [ValidationRows(dates, inputs.features[walk], inputs.targets[walk], used, SETTLE) for walk in walks]
    return gather_gains(STEPS, members, lambda x: (x @ weights).astype(np.float32))


def noise(rng: np.random.Generator, folds: int) -> list[FloatArray]:
    """Weights (4, K) of a location that is noise, for each fold: those of the fold before, a little changed."""
    drawn = rng.normal(size=(folds, 4, len(STEPS)))
    weights = [drawn[0]]
    for innovation in drawn[1:]:
        weights.append(0.95 * weights[-1] + np.sqrt(1 - 0.95**2) * innovation)
    return [SIZE * each for each in weights]


def openings(inputs: Inputs, walks: Sequence[int], rng: np.random.Generator) -> tuple[bool, bool, bool]:
    """True if the gate opens after a validation, in a backtest of five years, and in one of ten."""
    folds = [range(start, start + YEAR) for start in range(SETTLE, SETTLE + (YEARS - 1) * YEAR, YEAR)]
    weights = noise(rng, len(folds))
    parts = [evidence(inputs, walks, fold, each) for fold, each in zip(folds, weights, strict=True)]
    opened = [bool(steps) for steps in decisions(parts, STEPS)]  # for the folds after the first
    trained = evidence(inputs, walks, range(SETTLE, SETTLE + VALIDATION), noise(rng, 1)[0])
    return bool(trained.supported(STEPS)), any(opened[:4]), any(opened)


def false_openings(kind: str, size: int, backtests: int, seed: int) -> dict[str, Any]:
    """Rates of false openings on single walks or on panels of `size` series."""
    days = SETTLE + YEARS * YEAR
    opened: list[tuple[bool, bool, bool]] = []
    chunk = max(CHUNK // size, 1)
    for number, start in enumerate(range(0, backtests, chunk)):
        rng = np.random.default_rng([seed, KINDS.index(kind), size, number])
        count = min(chunk, backtests - start)
        draw: Callable[..., FloatArray] = returns if size == 1 else panel_returns
        inputs = inputs_of(draw(kind, (count, days), rng))
        opened += [openings(inputs, range(k * size, (k + 1) * size), rng) for k in range(count)]
    rates = dict(zip(("training", "five_years", "ten_years"), np.mean(opened, axis=0).tolist(), strict=True))
    met = all(rate <= MAX_FALSE_OPENINGS + 2 * (rate * (1 - rate) / backtests) ** 0.5 for rate in rates.values())
    return {**rates, "backtests": backtests, "series": size, "met": met}


def power(phi: float, count: int, seed: int) -> dict[str, float]:
    """Shares of series with autocorrelation `phi` at which the gate opens."""
    rng = np.random.default_rng([seed, 9, round(100 * phi)])
    days = TRAINED + 5 * YEAR
    antisymmetric = np.array([True, True, True, False])
    dates = FIRST_DAY + np.arange(days)
    opened = []
    for start in range(0, count, CHUNK):
        inputs = inputs_of(returns("normal", (min(CHUNK, count - start), days), rng, phi))
        for walk in range(len(inputs.features)):
            rows = slice(SETTLE, TRAINED - max(STEPS))
            learned = TrainingRows(dates[rows], inputs.features[walk, rows], inputs.targets[walk, rows])
            weights = direct_kernel([learned], antisymmetric, STEPS).astype(np.float64)
            folds = [range(TRAINED + year * YEAR, TRAINED + (year + 1) * YEAR) for year in range(4)]
            parts = [evidence(inputs, [walk], fold, weights) for fold in folds]
            trained = evidence(inputs, [walk], range(TRAINED, TRAINED + VALIDATION), weights)
            opened.append((bool(trained.supported(STEPS)), any(decisions(parts, STEPS))))
    training, backtest = np.mean(opened, axis=0).tolist()
    return {"training": training, "five_years": backtest}


def drift_openings(kind: str, count: int, seed: int) -> dict[str, Any]:
    """Share of walks with a false drift in ten years, and whether a backtest of 16 series has one in at most 1 %."""
    rng = np.random.default_rng([seed, 11, KINDS.index(kind)])
    walks = np.concatenate(
        [returns(kind, (min(CHUNK, count - start), SETTLE + YEARS * YEAR), rng) for start in range(0, count, CHUNK)]
    )
    rate = float(np.mean([drift_statistic(walk).max() >= MIN_T for walk in walks]))
    return {"ten_years": rate, "sixteen_series": 1 - (1 - rate) ** 16, "walks": count}


def drift_power(size: float, count: int, seed: int) -> dict[str, float]:
    """Shares of walks whose drift of `size` daily volatilities is open two and four years after it began."""
    rng = np.random.default_rng([seed, 12, round(100 * size)])
    walks = returns("garch", (count, SETTLE + 8 * YEAR), rng)
    begin = SETTLE + 4 * YEAR
    walks[:, begin:] += size
    statistics = np.array([drift_statistic(walk)[[begin + 2 * YEAR, -1]] for walk in walks])
    two, four = np.mean(statistics >= MIN_T, axis=0).tolist()
    return {"two_years": two, "four_years": four}


def drift_statistic(walk: FloatArray) -> FloatArray:
    """(T + 1,) absolute t-statistic of the drift in each row of a price with the log returns `walk` (T,)."""
    close = np.exp(DAILY * np.concatenate([[0.0], np.cumsum(walk)]))
    series = PriceSeries(PAIR, "synthetic", "gate", FIRST_DAY + np.arange(len(close)), {"close": close})
    return np.abs(drift_statistics(History.of(series))[1])


def fitted_openings(count: int, seed: int) -> dict[str, Any]:
    """Openings in backtests of five years with the real networks, on walks of each kind in turn."""
    from forecaster.environment import Environment
    from forecaster.workflows.backtest import backtest

    opened = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            rng = np.random.default_rng([seed, 10, number])
            file = write_walk(Path(folder) / f"walk{number}.csv", DAILY * returns(kind, (1, 14 * YEAR), rng)[0])
            start = np.datetime64("2010-01-04") + 365 * 9
            result = backtest(
                csv=str(file), models=("lstm",), start=str(start), environment=Environment(home=Path(folder))
            )
            steps = [state["location_steps"] for record in result.records for state in record.facts["states"]]
            opened.append(any(steps))
            print(f"backtest {number + 1} of {count}: {steps}", file=sys.stderr)
    return {"backtests": count, "opened": int(sum(opened)), "expected": count * MAX_FALSE_OPENINGS}


def cells(
    rates: dict[str, dict[str, Any]],
    powers: dict[str, dict[str, float]],
    drifts: dict[str, dict[str, Any]],
    drift_powers: dict[str, dict[str, float]],
    fitted: dict[str, Any] | None,
) -> list[list[str]]:
    """The cells of all tables."""

    def shown(rate: float) -> str:
        return f"{100 * rate:.2f} %"

    rows = [["opened without predictability", "training", "5 years", "10 years", "backtests", "at most 1 %"]]
    for name, rate in rates.items():
        shares = [shown(rate[key]) for key in ("training", "five_years", "ten_years")]
        rows.append([name, *shares, str(rate["backtests"]), "yes" if rate["met"] else "no"])
    rows.append(["opened with autocorrelation", "training", "5 years", "", "", ""])
    rows += [[name, shown(rate["training"]), shown(rate["five_years"]), "", "", ""] for name, rate in powers.items()]
    rows.append(["drift without drift", "", "", "10 years", "walks", "16 series"])
    for name, rate in drifts.items():
        rows.append(
            [name, "", "", f"{100 * rate['ten_years']:.3f} %", str(rate["walks"]), shown(rate["sixteen_series"])]
        )
    rows.append(["drift in volatilities a day", "2 years", "4 years", "", "", ""])
    rows += [
        [name, shown(rate["two_years"]), shown(rate["four_years"]), "", "", ""] for name, rate in drift_powers.items()
    ]
    if fitted is not None:
        rows.append(["networks on walks", "", str(fitted["opened"]), "", str(fitted["backtests"]), ""])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backtests", type=positive, default=10_000)
    parser.add_argument("--series", type=positive, default=1000, help="number of series for each autocorrelation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fitted", type=positive, metavar="N", help="N backtests with the real networks")
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    rates = {}
    for kind in KINDS:
        for size, name in ((1, "one walk"), (PANEL, f"panel of {PANEL}")):
            count = parsed.backtests if size == 1 else max(parsed.backtests // PANEL_SHARE, 1)
            rates[f"{kind}, {name}"] = false_openings(kind, size, count, parsed.seed)
            print(f"{kind}, {name}: {rates[f'{kind}, {name}']}", file=sys.stderr)
    powers = {f"AR(1), phi = {phi:g}": power(phi, parsed.series, parsed.seed) for phi in (0.05, 0.1, 0.2, 0.3)}
    drifts = {kind: drift_openings(kind, parsed.backtests, parsed.seed) for kind in KINDS}
    drift_powers = {
        f"{size:g}": drift_power(size, max(parsed.series // 4, 1), parsed.seed) for size in (0.1, 0.2, 0.3, 0.4)
    }
    fitted = fitted_openings(parsed.fitted, parsed.seed) if parsed.fitted else None
    document = {"benchmark": "gate", "machine": machine(), "seed": parsed.seed}
    document |= {"rows": rates, "power": powers, "drift": drifts, "drift_power": drift_powers, "fitted": fitted}
    print_result(cells(rates, powers, drifts, drift_powers, fitted), document, parsed.layout)


if __name__ == "__main__":
    main()
