"""False anomalies on simulated series without any, and the power to find planted ones.

Every series is a GARCH(1,1) with fixed parameters and Student-t or skewed innovations, so each anomalous day and each
change of the regime of volatility that is reported is false. For each kind of series: the share of series with a false
anomalous day by Benjamini and Hochberg and by LORD++ (nominal: at most `--rate` percent), the false anomalies in a
hundred years, and the years from one false change of volatility to the next. Then one shock of 6, 8, 10, 15 times the
volatility of the day is planted in each series: the share that is found, and that is found on its own day; and the same
shock as a bad tick that the next row takes back: the share of those found that is told apart. At last the volatility is
doubled from the middle of each series on: the share that is detected within a year, and the median delay in rows.

    python benchmarks/anomalies.py                 # 300 series of 3000 rows of each kind
    python benchmarks/anomalies.py --model garch --series 100
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from processes import positive, print_result

from forecaster.config import load_config
from forecaster.data.instruments import memory_instrument
from forecaster.data.series import PriceSeries
from forecaster.evaluation.anomalies import anomalous_days, day_tests
from forecaster.models import baseline_names
from forecaster.pipeline_walk_forward import walk_forward
from forecaster.stats.false_discoveries import online_discoveries
from forecaster.stats.volatility_changes import volatility_changes

FloatArray = npt.NDArray[np.float64]
YEAR = 252
BURN = 500  # rows of a series before its first one
SHOCKS = (6.0, 8.0, 10.0, 15.0)
MIN_ROWS = 1500


class Law(NamedTuple):
    """A GARCH(1,1): weights of the last squared return and of the last variance, and freedom of the t innovations.

    Without `freedom` the innovations are those of a gamma distribution, skewed to falls.
    """

    alpha: float
    beta: float
    freedom: float | None

    def shocks(self, count: int, rng: np.random.Generator) -> FloatArray:
        """(count,) innovations with a mean of 0 and a variance of 1."""
        if self.freedom is None:
            return (2 - rng.gamma(2.0, size=count)) / np.sqrt(2)
        return rng.standard_t(self.freedom, count) * np.sqrt((self.freedom - 2) / self.freedom)


LAWS = {
    "constant": Law(0.0, 0.0, 5.0),
    "currency": Law(0.05, 0.93, 6.0),
    "lasting": Law(0.04, 0.955, 8.0),
    "share": Law(0.1, 0.87, 4.5),
    "skewed": Law(0.05, 0.93, None),
}


def simulate(law: Law, rows: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """(rows - 1,) returns of a series, and their volatility."""
    count = BURN + rows - 1
    shocks = law.shocks(count, rng)
    variance = typical = 0.006**2
    omega = typical * (1 - law.alpha - law.beta)
    returns = np.empty(count)
    volatility = np.empty(count)
    for row in range(count):
        volatility[row] = np.sqrt(variance)
        returns[row] = volatility[row] * shocks[row]
        variance = omega + law.alpha * returns[row] ** 2 + law.beta * variance
    return returns[BURN:], volatility[BURN:]


def series_of(returns: FloatArray) -> PriceSeries:
    """The returns as a history of prices."""
    dates = np.busday_offset(np.datetime64("2000-01-03"), np.arange(len(returns) + 1))
    prices = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    return PriceSeries(memory_instrument("simulated"), "memory", "simulated", dates, {"close": prices})


def findings(returns: FloatArray, model: str, rate: float) -> tuple[int, dict[int, str], set[int]]:
    """Days tested; return -> kind of the anomalous days; and the returns that LORD++ discovers."""
    series = series_of(returns)
    tests = day_tests(series, walk_forward(model, series, load_config(None, (), {"horizon": 1})))
    days = anomalous_days(series, tests, rate, {})
    kinds = {int(np.searchsorted(series.dates, day.date)) - 1: day.kind for day in days}
    return len(tests.rows), kinds, {int(row) - 1 for row in tests.rows[online_discoveries(tests.p_values, rate)]}


def false_findings(law: Law, options: argparse.Namespace, rng: np.random.Generator) -> dict[str, Any]:
    """False findings in series without anomalies."""
    with_any = with_online = false_days = changes = tested = monitored = 0
    for _ in range(options.series):
        returns, _ = simulate(law, options.rows, rng)
        count, kinds, online = findings(returns, options.model, options.rate / 100)
        with_any += bool(kinds)
        with_online += bool(online)
        false_days += len(kinds)
        tested += count
        changes += len(volatility_changes(returns))
        monitored += len(returns) - 250
    share = with_any / options.series
    return {
        "series": options.series,
        "with_false_day": share,
        "error": float(np.sqrt(max(share, 0.01) * (1 - share) / options.series)),
        "with_false_day_online": with_online / options.series,
        "false_days_in_100_years": 100 * YEAR * false_days / tested,
        "years_per_false_change": monitored / YEAR / changes if changes else None,
    }


def planted(law: Law, options: argparse.Namespace, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Findings of a planted shock, and of the same as a bad tick."""
    for size in SHOCKS:
        counts = dict.fromkeys(("found", "at_once", "ticks", "ticks_told"), 0)
        for _ in range(options.planted):
            returns, volatility = simulate(law, options.rows, rng)
            place = int(rng.integers(options.rows * 2 // 3, options.rows - 100))
            shock = size * volatility[place] * rng.choice([-1, 1])
            for is_tick in (False, True):
                changed = returns.copy()
                changed[place] += shock
                changed[place + 1] -= shock if is_tick else 0.0
                _, kinds, online = findings(changed, options.model, options.rate / 100)
                if is_tick:
                    counts["ticks"] += place in kinds
                    counts["ticks_told"] += kinds.get(place) == "bad tick"
                else:
                    counts["found"] += place in kinds
                    counts["at_once"] += place in online
        shares = {name: counts[name] / max(options.planted, 1) for name in ("found", "at_once")}
        share = counts["ticks_told"] / counts["ticks"] if counts["ticks"] else None
        yield {"size": size, **shares, "ticks_told_apart": share}


def doubled(law: Law, options: argparse.Namespace, rng: np.random.Generator) -> dict[str, Any]:
    """Detections of a volatility that doubles."""
    delays = []
    for _ in range(options.series):
        returns, _ = simulate(law, options.rows, rng)
        middle = len(returns) // 2
        returns[middle:] *= 2
        alarms = [change.alarm for change in volatility_changes(returns) if change.direction == "up"]
        delays += (
            [next(alarm - middle for alarm in alarms if alarm >= middle)] if max(alarms, default=0) >= middle else []
        )
    in_time = [delay for delay in delays if delay <= YEAR]
    return {
        "detected": len(in_time) / options.series,
        "median_delay": float(np.median(in_time)) if in_time else None,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=positive, default=300, help="series of each kind")
    parser.add_argument("--planted", type=positive, default=60, help="series with a planted shock of each size")
    parser.add_argument("--rows", type=positive, default=3000)
    parser.add_argument("--model", default="panel_har", choices=baseline_names())
    parser.add_argument("--rate", type=float, default=5.0, help="percent")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    options = parser.parse_args(arguments)
    if options.rows < MIN_ROWS:
        parser.error(f"argument --rows: {options.rows} rows; expected at least {MIN_ROWS}")
    laws: dict[str, Any] = {}
    table = [("series", "with a false day", "online", "false days in 100 years", "years per false change", "doubled")]
    for name, law in LAWS.items():
        rng = np.random.default_rng(options.seed)
        row = false_findings(law, options, rng) | {"doubled": doubled(law, options, rng)}
        laws[name] = row
        years = row["years_per_false_change"]
        table.append(
            (
                name,
                f"{100 * row['with_false_day']:.1f} % +- {100 * row['error']:.1f}",
                f"{100 * row['with_false_day_online']:.1f} %",
                f"{row['false_days_in_100_years']:.2f}",
                "none" if years is None else f"{years:.0f}",
                f"{100 * row['doubled']['detected']:.0f} %, {row['doubled']['median_delay']} rows",
            )
        )
    shocks = list(planted(LAWS["currency"], options, np.random.default_rng(options.seed)))
    table.append(("", "", "", "", "", ""))
    table.append(("shock", "found", "on its own day", "bad ticks told apart", "", ""))
    for shock in shocks:
        share = shock["ticks_told_apart"]
        shares = [f"{100 * shock[key]:.0f} %" for key in ("found", "at_once")]
        table.append((f"{shock['size']:g}", *shares, "-" if share is None else f"{100 * share:.0f} %", "", ""))
    document = {"benchmark": "anomalies", "model": options.model, "rate": options.rate, "laws": laws, "shocks": shocks}
    print_result(table, document, options.format)


if __name__ == "__main__":
    main()
