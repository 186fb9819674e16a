"""Drift of the ECB's rates up to 2020: where it opens, and what it gains there.

For every rate against the euro and the dollar with at least 800 rows: the share of rows in which the drift of
`forecaster.models.quantile.drift` is open, the largest t-statistic, and on the open rows the squared error saved in
percent and the coverage of an 80 % interval of EWMA width around the last price and around the drift, one and twenty
days ahead. The t-value is that of the squared error that is saved 20 days ahead, over all open rows. Rates in which it
is never open are counted, those of the 17 currencies of the default panel apart. Rows after 2020 are cut off before any
other step.

    python benchmarks/drift.py    # half a minute
"""

import argparse
import datetime
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from processes import print_result

from forecaster.data.instruments import CURRENCIES, Instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.universes import PANEL_CURRENCIES
from forecaster.errors import ForecasterError
from forecaster.features.history import History
from forecaster.features.outcomes import forward_returns
from forecaster.models.quantile.drift import drift_locations, drift_statistics
from forecaster.stats.mean_tests import mean_test

FloatArray = npt.NDArray[np.float64]
LAST = np.datetime64("2020-12-31")
STEPS = (1, 20)
MIN_ROWS = 800
HALF_WIDTH = 1.2816  # of an 80 % interval, in standard deviations
PEGS = ("EURDKK", "EURBGN", "EUREEK", "EURLTL", "USDHKD")  # their prices hardly move


def load_rates() -> list[PriceSeries]:
    """Every rate against the euro and the dollar, and the other crosses of the default panel."""
    pairs = {
        *(
            Instrument("pair", base + quote).canonical
            for base in ("EUR", "USD")
            for quote in CURRENCIES
            if quote != base
        ),
        *(Instrument("pair", base + quote).canonical for base, quote in itertools.combinations(PANEL_CURRENCIES, 2)),
    }
    source = get_source("ecb")
    rates = []
    for pair in sorted(pairs, key=lambda each: each.name):
        try:
            series = source.load(LoadRequest(pair, Path(), datetime.date(2021, 1, 1))).series.between(end=LAST)
        except ForecasterError:  # the source has no such rate, or none of this time
            continue
        if len(series) >= MIN_ROWS and pair.name not in PEGS:
            rates.append(series)
    return rates


def measure(series: PriceSeries) -> dict[str, Any]:
    """Openings, gains and coverage of one rate."""
    history = History.of(series)
    location = drift_locations(history, STEPS)
    outcome = forward_returns(history.log_price, history.volatility, STEPS).astype(float)
    opened = (location[:, 0] != 0) & np.isfinite(outcome).all(axis=1)
    result: dict[str, Any] = {
        "opened": float(np.mean(location[:, 0] != 0)),
        "largest_t": float(np.abs(drift_statistics(history)[1]).max()),
    }
    if not opened.any():
        return result
    for k, step in enumerate(STEPS):
        before = outcome[opened, k]
        after = before - location[opened, k]
        gain = before**2 - after**2
        result[str(step)] = {
            "saved_percent": 100 * float(gain.sum() / (before**2).sum()),
            "t": mean_test(gain, step).statistic,
            "coverage": float(np.mean(np.abs(before) < HALF_WIDTH)),
            "coverage_with_drift": float(np.mean(np.abs(after) < HALF_WIDTH)),
        }
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    parsed = parser.parse_args(arguments)
    measured = {series.instrument.name: measure(series) for series in load_rates()}
    in_panel = {name for name in measured if {name[:3], name[3:]} <= set(PANEL_CURRENCIES)}
    table = [("rate", "open rows", "largest t", "saved h=1", "saved h=20", "t", "80 % interval h=20", "with drift")]
    for name, rate in measured.items():
        if rate["opened"]:
            far = rate["20"]
            saved = [f"{rate[str(step)]['saved_percent']:.1f} %" for step in STEPS]
            shares = [f"{100 * far[key]:.0f} %" for key in ("coverage", "coverage_with_drift")]
            share = f"{100 * rate['opened']:.1f} %"
            table.append((name, share, f"{rate['largest_t']:.1f}", *saved, f"{far['t'] or 0:.1f}", *shares))
    counts = {
        "rates": len(measured),
        "opened": sum(rate["opened"] > 0 for rate in measured.values()),
        "of_the_panel": len(in_panel),
        "of_the_panel_opened": sum(measured[name]["opened"] > 0 for name in in_panel),
        "largest_t_of_the_panel": max(measured[name]["largest_t"] for name in in_panel),
    }
    print_result(table, {"benchmark": "drift", "last": str(LAST), "counts": counts, "rates": measured}, parsed.format)


if __name__ == "__main__":
    main()
