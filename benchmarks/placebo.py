"""False claims of the verdict on data without skill, and its power on data with a known gain.

**Placebo.** Random walks of three kinds (normal returns, Student's t with 4 degrees of freedom, GARCH(1,1)-t; no
drift) with 750 test days each, as in `train`, are passed to `verdict()`. The evaluated model is EWMA(0.97) with
quantiles estimated on another 100,000 days of the same kind, so it is calibrated. It is used once with the last price
as its median and once with an AR(1) fitted to the 500 days before the test, which is noise. The baselines are
EWMA(0.94), historical simulation over 500 days, and GARCH with the true parameters, which no model can beat. Every
"better" and every rejection of coverage is false. In the kind `twins` the model and two baselines all know the true
volatility up to noise of the same size, so they are equally good; this null hypothesis is the hardest one. Warnings
("worse") are a separate family: those of direction are false here, and those of density between twins; the others may
be true.

With `--fitted` (the default) the evaluated model is also the real one: the network of the default configuration and
GARCH, fitted once on eight walks of 4000 days of the same kind, then applied to every walk with 1500 days before the
test.

With `--command-line N`, another N walks, the same number of each kind, are trained with `forecast train --csv`
(`trainings.py`).

**Power.** Data with a known gain of the size of the reported minimum detectable effect: an AR(1) with a coefficient
known to the model (point and, with a larger coefficient, direction), GARCH volatility known to the model against
baselines of constant and rolling width (density, with the number of days at which the gain equals the reported one),
and intervals that are too narrow (coverage). The share of samples in which the test rejects at the level of Holm's
first step must be at least 80 %.

    python benchmarks/placebo.py                      # about five minutes
    python benchmarks/placebo.py --fitted none        # two minutes, without the network
    python benchmarks/placebo.py --command-line 20    # two more minutes, with 20 trainings
"""

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from processes import machine, positive, print_result
from trainings import claims, train_on_walks

from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.claims import KINDS, LEVEL
from forecaster.evaluation.daily_losses import OutOfSample, daily_losses
from forecaster.evaluation.splits import Split
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.models import create
from forecaster.models.base import FitRequest, Fitted
from forecaster.quantiles import MEDIAN, SCORING_LEVELS, level_weights, normal_scores
from forecaster.stats.mean_tests import POWER, detectable_shift

FloatArray = npt.NDArray[np.float64]
# Returns (W, T) and the number of test rows N -> model -> quantiles (W, N, 9) of the last N returns, each computed from
# the returns before it; the first model is evaluated.
Maker = Callable[["Walks", int], Mapping[str, FloatArray]]

BEFORE = 500  # days before the test
DAILY = 0.006  # typical size of a daily return
WINDOW = 500  # days of the historical simulation
LEARNED_ON = 100_000
FIRST_STEP = LEVEL / len(KINDS)
FIRST_DAY = np.datetime64("2000-01-03")
KINDS_OF_WALKS = ("normal", "student", "garch")
PAIR = parse_pair("USDJPY").canonical
SCORED = ("USDJPY", "EURUSD", "GBPUSD", "AUDUSD", "USDCHF", "USDCAD", "EURGBP", "EURJPY")
BESIDE = ("ewma", "random_walk")


@dataclasses.dataclass(frozen=True)
class Walks:
    """Simulated log returns (W, T), and the true volatility of each, which is known on the day before."""

    kind: str
    returns: FloatArray
    volatility: FloatArray


def shocks(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Draw independent shocks with variance 1."""
    if kind == "normal" or kind == "twins" or kind == "ar1":
        return rng.standard_normal(shape)
    freedom = 4 if kind == "student" else 6
    return np.asarray(rng.standard_t(freedom, shape) * np.sqrt((freedom - 2) / freedom))


def simulate(kind: str, walks: int, days: int, rng: np.random.Generator, phi: float = 0.0) -> Walks:
    """Simulate returns without drift; `phi` is their first autocorrelation."""
    alpha, beta = (0.07, 0.91) if kind == "garch" else (0.0, 0.0)
    drawn = shocks(kind, (days, walks), rng)
    returns, volatility = np.empty((days, walks)), np.empty((days, walks))
    variance = np.ones(walks)
    last = np.zeros(walks)
    for day in range(days):
        volatility[day] = np.sqrt(variance)
        shock = volatility[day] * drawn[day]
        returns[day] = last = phi * last + shock
        variance = (1 - alpha - beta) + alpha * shock**2 + beta * variance
    return Walks(kind, DAILY * returns.T, DAILY * volatility.T)


def true_scores(kind: str) -> FloatArray:
    """(9,) quantiles of the shocks of a kind at `SCORING_LEVELS`."""
    from scipy import stats

    if kind in ("normal", "twins", "ar1"):
        return normal_scores(SCORING_LEVELS)
    freedom = 4 if kind == "student" else 6
    return np.asarray(stats.t.ppf(SCORING_LEVELS, freedom) * np.sqrt((freedom - 2) / freedom))


def smoothed(returns: FloatArray, decay: float) -> FloatArray:
    """(W, T) EWMA volatility of the days before each day; column 0 is the typical size."""
    variance = np.full(len(returns), DAILY**2)
    result = np.empty_like(returns)
    for day in range(returns.shape[1]):
        result[:, day] = np.sqrt(variance)
        variance = decay * variance + (1 - decay) * returns[:, day] ** 2
    return result


def historical(returns: FloatArray, rows: int) -> FloatArray:
    """(W, N, 9) quantiles of the last days around their median, as in the baseline `random_walk`."""
    result = np.empty((len(returns), rows, len(SCORING_LEVELS)))
    days = returns.shape[1]
    for row in range(rows):
        end = days - rows + row
        result[:, row] = np.quantile(returns[:, end - WINDOW : end], SCORING_LEVELS, axis=1).T
    return np.asarray(result - result[:, :, [MEDIAN]])


def stand_in(kind: str, moves: bool, seed: int) -> Maker:
    """The calibrated EWMA model and its baselines; with `moves` its median is an AR(1) forecast."""
    learned = simulate(kind, 1, LEARNED_ON, np.random.default_rng([seed, 1]))
    scaled = (learned.returns / smoothed(learned.returns, 0.97))[0, 1000:]
    scores = np.quantile(scaled, SCORING_LEVELS)
    scores -= scores[MEDIAN]

    def make(walks: Walks, rows: int) -> dict[str, FloatArray]:
        returns = walks.returns
        model = smoothed(returns, 0.97)[:, -rows:, None] * scores
        if moves:
            before = returns[:, :-rows]
            slope = (before[:, 1:] * before[:, :-1]).sum(1) / (before[:, :-1] ** 2).sum(1)
            model += (slope[:, None] * returns[:, -rows - 1 : -1])[..., None]
        return {
            "model": model,
            "ewma": smoothed(returns, 0.94)[:, -rows:, None] * normal_scores(SCORING_LEVELS),
            "random_walk": historical(returns, rows),
            "garch": walks.volatility[:, -rows:, None] * true_scores(kind),
        }

    return make


def twins(seed: int) -> Maker:
    """Three models that know the true volatility and the zero mean up to noise of the same size."""
    rng = np.random.default_rng([seed, 2])

    def noise(walks: int, rows: int) -> FloatArray:
        """(W, N) persistent noise with variance 1."""
        drawn = rng.standard_normal((rows, walks))
        result = np.empty((rows, walks))
        last = rng.standard_normal(walks)
        for row in range(rows):
            result[row] = last = 0.9 * last + np.sqrt(1 - 0.81) * drawn[row]
        return result.T

    def make(walks: Walks, rows: int) -> dict[str, FloatArray]:
        count = len(walks.returns)
        scores = true_scores(walks.kind)
        result = {}
        for name in ("model", "ewma", "garch"):
            width = np.exp(0.1 * noise(count, rows)) * walks.volatility[:, -rows:]
            result[name] = width[..., None] * scores + (0.05 * DAILY * noise(count, rows))[..., None]
        return result

    return make


def fitted_maker(models: Sequence[Fitted]) -> Maker:
    """Forecasts of fitted models, the first of which is evaluated; one panel fit serves every walk."""

    def make(walks: Walks, rows: int) -> dict[str, FloatArray]:
        days = walks.returns.shape[1]
        cutoffs = np.arange(days - rows, days)  # price row t includes returns up to t - 1, counted from 0
        result: dict[str, list[FloatArray]] = {model.name: [] for model in models}
        for returns in walks.returns:
            series = series_of(returns, PAIR.name)
            for model in models:
                forecasts = model.forecast(series, cutoffs, 1)
                weights = level_weights(forecasts.quantile_levels, SCORING_LEVELS)
                result[model.name].append(forecasts.log_returns([1])[:, 0] @ weights)
        return {name: np.stack(values) for name, values in result.items()}

    return make


def fitted_panel(kind: str, seed: int) -> Maker:
    """Fit the default network and GARCH once on walks of a kind; add EWMA and historical simulation."""
    from forecaster.config import load_config
    from forecaster.models.engine import use_engine
    from forecaster.pipeline import fit, forecaster_of

    use_engine("auto")
    config = load_config()
    learned = simulate(kind, len(SCORED), 4000, np.random.default_rng([seed, 6])).returns
    panel = Panel(tuple(series_of(returns, name) for name, returns in zip(SCORED, learned, strict=True)))
    dates = panel[PAIR.name].dates
    network = fit(forecaster_of(config), panel, Split(dates[3400], dates[3990]), config)
    garch = create("garch", 1).fit(FitRequest(Panel((panel[PAIR.name],)), {PAIR.name: 3400}, {}, 1))
    return fitted_maker([network, garch, *(create(name, 1).fit(FitRequest(panel, {}, {}, 1)) for name in BESIDE)])


def series_of(returns: FloatArray, name: str) -> PriceSeries:
    """Price series with these log returns."""
    prices = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    dates = FIRST_DAY + np.arange(len(prices))
    return PriceSeries(parse_pair(name).canonical, "synthetic", "placebo", dates, {"close": prices})


def verdicts(walks: Walks, rows: int, maker: Maker) -> list[Verdict]:
    """One verdict per walk, over its last `rows` days."""
    forecasts = maker(walks, rows)
    dates = FIRST_DAY + np.arange(rows)
    samples = (
        OutOfSample(
            "walk", 1, dates, walks.returns[walk, -rows:], {name: values[walk] for name, values in forecasts.items()}
        )
        for walk in range(len(walks.returns))
    )
    return [verdict(daily_losses(sample)) for sample in samples]


def share(hits: Sequence[bool]) -> dict[str, float]:
    """Share in percent with its Monte Carlo standard error."""
    rate = float(np.mean(hits))
    return {"percent": 100 * rate, "error": 100 * float(np.sqrt(rate * (1 - rate) / len(hits)))}


def placebo(results: Sequence[Verdict], density_can_be_worse: bool) -> dict[str, Any]:
    """Rates of false claims and warnings; a claim is "better", or "worse" of coverage."""
    claims = {
        kind: [parts[kind].outcome == ("worse" if kind == "coverage" else "better") for parts in results]
        for kind in KINDS
    }
    false_warnings = ["direction"] if density_can_be_worse else ["direction", "density"]
    any_claim = share(np.any(list(claims.values()), axis=0).tolist())
    warned = [any(parts[kind].outcome == "worse" for kind in false_warnings) for parts in results]  # type: ignore[index]
    return {
        "any_claim": any_claim,
        **{kind: share(hits) for kind, hits in claims.items()},
        "false_warning": share(warned),
        "true_or_false_worse": {k: share([parts[k].outcome == "worse" for parts in results]) for k in KINDS[:3]},
        "aim": 100 * LEVEL,
        "met": any_claim["percent"] <= 100 * LEVEL + 2 * any_claim["error"],
    }


def power(results: Sequence[Verdict], kind: Any, gain: float | None = None) -> dict[str, Any]:
    """Power of parts test at the level of Holm's first step and in the whole verdict, with the reported effect.

    `gain` is the true gain; None: the gain of density over the best baseline, estimated from all samples.
    """
    if gain is None:
        ratios = [list(parts["density"].measured["crps_ratio"].values()) for parts in results]
        gain = 100 * float(1 - np.mean(ratios, axis=0).max())
    p_values = [parts[kind].raw_p_value for parts in results]
    rejected = share([value is not None and value <= FIRST_STEP for value in p_values])
    claimed = share([parts[kind].outcome == ("worse" if kind == "coverage" else "better") for parts in results])
    return {
        "gain": gain,
        "stated": float(np.mean([parts[kind].detectable for parts in results])),
        "unit": results[0][kind].unit,
        "days": results[0].days,
        "rejected": rejected,
        "claimed": claimed,
        "aim": 100 * POWER,
        "met": rejected["percent"] >= 100 * POWER - 2 * rejected["error"],
    }


def knowing(phi: float) -> Maker:
    """Forecasts of a model that knows the coefficient of an AR(1), and of one that does not."""

    def make(walks: Walks, rows: int) -> dict[str, FloatArray]:
        width = walks.volatility[:, -rows:, None] * true_scores(walks.kind)
        return {"model": width + phi * walks.returns[:, -rows - 1 : -1, None], "random_walk": width}

    return make


def wide(walks: Walks, rows: int) -> dict[str, FloatArray]:
    """Forecasts of a model that knows the volatility, and baselines of constant and rolling width."""
    scores = true_scores(walks.kind)
    return {
        "model": walks.volatility[:, -rows:, None] * scores,
        "constant": np.broadcast_to(DAILY * scores, (len(walks.returns), rows, len(scores))),
        "random_walk": historical(walks.returns, rows),
    }


def narrow(factor: float) -> Maker:
    """Forecasts with intervals that are too narrow by a factor."""

    def make(walks: Walks, rows: int) -> dict[str, FloatArray]:
        return {"model": factor * walks.volatility[:, -rows:, None] * true_scores(walks.kind)}

    return make


def powers(count: int, rows: int, seed: int) -> dict[str, dict[str, Any]]:
    """Power for samples whose true gain is the reported minimum detectable effect."""
    rng = np.random.default_rng([seed, 3])
    result = {}
    shift = detectable_shift(rows**-0.5, FIRST_STEP)  # in standard errors of one day
    for kind, phi in (("point", shift), ("direction", float(np.sin(np.pi * shift / 2)))):
        gain = np.sqrt(1 - phi**2) if kind == "point" else 0.5 + np.arcsin(phi) / np.pi
        results = verdicts(simulate("ar1", count, BEFORE + rows, rng, phi), rows, knowing(phi))
        result[kind] = power(results, kind, float(gain))
    days = rows
    for _ in range(2):  # the number of days at which the gain equals the reported effect
        pilot = power(verdicts(simulate("garch", max(count // 4, 20), BEFORE + days, rng), days, wide), "density")
        days = int(np.clip(days * (pilot["stated"] / max(pilot["gain"], 0.1)) ** 2, 100, 5000))
    result["density"] = power(verdicts(simulate("garch", count, BEFORE + days, rng), days, wide), "density")
    result["coverage"] = _coverage_power(count, rows, rng)
    return result


def _coverage_power(count: int, rows: int, rng: np.random.Generator) -> dict[str, Any]:
    """Power for intervals too narrow by the minimum detectable effect of the 80 % interval."""
    from scipy import stats

    points = detectable_shift(float(np.sqrt(0.16 / rows)), FIRST_STEP / 4)
    factor = stats.norm.ppf(0.9 - points / 2) / stats.norm.ppf(0.9)
    results = verdicts(simulate("normal", count, BEFORE + rows, rng), rows, narrow(float(factor)))
    return power(results, "coverage", 100 * points)


def through_the_command_line(count: int, days: int, seed: int) -> dict[str, Any]:
    """Claims of trainings on `count` walks; these walks are used nowhere else."""
    kinds = [kind for kind, _ in zip(itertools.cycle(KINDS_OF_WALKS), range(count), strict=False)]
    walks = [simulate(kind, 1, days, np.random.default_rng([seed, 8, k])).returns[0] for k, kind in enumerate(kinds)]
    return claims(train_on_walks(np.stack(walks)))


def cells(
    placebos: Mapping[str, Mapping[str, Any]], tests: Mapping[str, Mapping[str, Any]], trained: Mapping[str, Any] | None
) -> list[list[str]]:
    """The cells of all tables."""

    def shown(rate: Mapping[str, float]) -> str:
        return f"{rate['percent']:.1f} +- {rate['error']:.1f}"

    rows = [["walks, % of false claims", "any", *KINDS, "false warning", "target", "met"]]
    for name, rates in placebos.items():
        shares = [shown(rates[kind]) for kind in ("any_claim", *KINDS, "false_warning")]
        rows.append([name, *shares, f"at most {rates['aim']:g}", "yes" if rates["met"] else "no"])
    rows.append(["known gain, % detected", "test", "verdict", "gain", "reported", "unit", "days", "target", "met"])
    for name, test in tests.items():
        figures = [f"{test['gain']:.4g}", f"{test['stated']:.4g}", test["unit"], str(test["days"])]
        met = "yes" if test["met"] else "no"
        rows.append([name, shown(test["rejected"]), shown(test["claimed"]), *figures, f"at least {test['aim']:g}", met])
    if trained is not None:
        rows.append(["trained, false claims", "any", *KINDS, "expected", "p of point or direction", "met"])
        counts = [str(trained["claims"][kind]) for kind in KINDS]
        chance = f"{100 * trained['chance_of_so_many']:.0f} %"
        met = "yes" if trained["met"] else "no"
        claimed = [str(trained["any"]), *counts, f"{trained['expected']:g}"]
        rows.append([f"{trained['walks']} walks", *claimed, chance, met])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--walks", type=positive, default=1000)
    parser.add_argument("--rows", type=positive, default=750, help="number of test days of each walk")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fitted", choices=["all", "none"], default="all", help="all: include the fitted network")
    parser.add_argument("--command-line", type=positive, metavar="N", help="N trainings through the command line")
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    if parsed.rows < 50:
        parser.error(f"--rows: expected at least 50; got {parsed.rows}")
    placebos: dict[str, Any] = {}
    for number, (kind, moves) in enumerate((k, m) for k in KINDS_OF_WALKS for m in (False, True)):
        rng = np.random.default_rng([parsed.seed, 4, number])
        walks = simulate(kind, parsed.walks, BEFORE + parsed.rows, rng)
        results = verdicts(walks, parsed.rows, stand_in(kind, moves, parsed.seed))
        placebos[f"{kind}, {'AR(1) median' if moves else 'last price'}"] = placebo(results, density_can_be_worse=True)
        print(f"{kind}: done", file=sys.stderr)
    walks = simulate("twins", parsed.walks, BEFORE + parsed.rows, np.random.default_rng([parsed.seed, 5]))
    placebos["twins"] = placebo(verdicts(walks, parsed.rows, twins(parsed.seed)), density_can_be_worse=False)
    for number, kind in enumerate(KINDS_OF_WALKS if parsed.fitted == "all" else ()):
        walks = simulate(kind, parsed.walks, 1500 + parsed.rows, np.random.default_rng([parsed.seed, 7, number]))
        results = verdicts(walks, parsed.rows, fitted_panel(kind, parsed.seed))
        placebos[f"{kind}, fitted network"] = placebo(results, density_can_be_worse=True)
        print(f"{kind}, fitted network: done", file=sys.stderr)
    tests = powers(parsed.walks, parsed.rows, parsed.seed)
    trained = None
    if parsed.command_line:
        trained = through_the_command_line(parsed.command_line, 2250 + parsed.rows, parsed.seed)
    sizes = {"walks": parsed.walks, "rows": parsed.rows, "seed": parsed.seed}
    document = {"benchmark": "placebo", "machine": machine(), "sizes": sizes}
    document |= {"rows": placebos, "power": tests, "command_line": trained}
    print_result(cells(placebos, tests, trained), document, parsed.layout)


if __name__ == "__main__":
    main()
