"""Contribution of each kind of coming day to the CRPS of the default model, 16 currency pairs.

The network is fitted without a calendar of volatility, every three years; its quantiles and those of GARCH and HAR are
then multiplied by the widths of a calendar that is fitted every January on the days before. Each variant knows other
announcements. Prints the ratios to GARCH at 1, 5, 10 and 20 days on cutoffs 2005 to 2014, by which the announcements
were chosen, and 2015 to 2020, by which they were confirmed; and t-statistics of the daily differences to another
variant by the test of the verdict (Diebold and Mariano; below 0 the first is better).

    python benchmarks/coming_days.py                            # ten minutes on one core
    python benchmarks/coming_days.py --meetings candidates.csv  # each bank of a file in the format of the shipped one
"""

import argparse
import dataclasses
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skill

from forecaster.config import load_config
from forecaster.data.announcements import Announcements, announcement_rows, central_bank_meetings, read_meetings
from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.distribution_scores import crps
from forecaster.features.day_features import FEATURE_NAMES, PADDING, DayFeatures, day_features
from forecaster.models import volatility_calendar
from forecaster.models.coming_days import ComingDays, days_between
from forecaster.models.engine import use_engine
from forecaster.models.volatility_calendar import VolatilityCalendar
from forecaster.quantiles import SCORING_LEVELS

YEARS = [np.datetime64(f"{year}-01-01") for year in range(2005, 2022)]
NETWORK_FOLDS = [np.datetime64(day) for day in ("2005-01-03", "2008-01-02")] + skill.DEVELOPMENT.folds("lstm")
WINDOWS = {"2005-2014": (YEARS[0], YEARS[10]), "2015-2020": (YEARS[10], YEARS[16]), "2011-2020": (YEARS[6], YEARS[16])}
MIN_DAYS = 700  # of a history before a fold
EVENTS = ("us_payrolls", "fed_meeting", "ecb_meeting")
OWN = ("Fed", "RBA", "BoC", "RBNZ")
SCORED = skill.SCORED

Forecasts = dict[str, list[tuple[np.ndarray, np.ndarray]]]
"""Pair -> rows (N,) and quantiles (N, 4, 9) of the log return, fold by fold."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """Announcements that a calendar knows.

    Args:
        name: Row of the table.
        events: Features of all currencies.
        own: Central banks whose meetings move their own currency in particular.
        against: Variant that it is compared with.
    """

    name: str
    events: tuple[str, ...]
    own: tuple[Announcements, ...]
    against: str = "no calendar"

    def features(self, days: np.ndarray, at_fixing: bool) -> DayFeatures:
        """Features of trading days, without the announcements that are left out."""
        features = day_features(days, at_fixing)
        left_out = tuple(set(EVENTS) - set(self.events))
        common = features.common.copy()
        common[:, [place for place, name in enumerate(FEATURE_NAMES) if name.startswith(left_out)]] = False
        own = {bank.currency: announcement_rows(bank, days, at_fixing)[PADDING:-PADDING] for bank in self.own}
        return dataclasses.replace(features, common=common, own=own)


def variants(candidates: Sequence[Announcements]) -> list[Variant]:
    """One announcement more in each variant, then the default without each, then with each candidate."""
    meetings = central_bank_meetings()
    own = tuple(meetings[bank] for bank in OWN)
    default = "+ own banks: default"
    growing = ["dates alone", "+ US payrolls", "+ Fed", "+ ECB"]
    result = [
        Variant(name, EVENTS[:count], (), growing[count - 1] if count else "no calendar")
        for count, name in enumerate(growing)
    ]
    result.append(Variant(default, EVENTS, own, growing[-1]))
    for bank in own:
        others = tuple(other for other in own if other.name != bank.name)
        result.append(Variant(f"without own {bank.name}", EVENTS, others, default))
    result += [Variant(f"with own {bank.name}", EVENTS, (*own, bank), default) for bank in candidates]
    return result


def forecasts(name: str, panel: Panel) -> Forecasts:
    """Quantiles of a model without a calendar, each fold fitted on the rows before it."""
    result: Forecasts = {}
    config = load_config(assignments=["model.volatility_calendar=false"])
    for start, end in itertools.pairwise(NETWORK_FOLDS if name == "lstm" else YEARS):
        long = Panel(tuple(series for series in panel if (series.dates < start).sum() > MIN_DAYS))
        skill.SCORED = tuple(pair for pair in SCORED if parse_pair(pair).canonical.name in long.names)
        fitted = skill._fit(name, long, config, start)
        print(f"# {name} fitted before {start}", file=sys.stderr)
        for pair in skill.SCORED:
            series = long[parse_pair(pair).canonical.name]
            rows = np.flatnonzero((series.dates >= start) & (series.dates < end))
            quantiles = fitted.forecast(series, rows).log_returns(skill.STEPS)
            result.setdefault(pair, []).append((rows, quantiles))
    return result


def losses(by_pair: Forecasts, panel: Panel, calendars: Sequence[ComingDays] | None = None) -> skill.Losses:
    """CRPS x 1e4 of forecasts, whose quantiles are multiplied by the widths of the calendar of each year."""
    result: skill.Losses = {}
    for pair, folds in by_pair.items():
        series = panel[parse_pair(pair).canonical.name]
        rows, quantiles = (np.concatenate(part) for part in zip(*folds, strict=True))
        if calendars is not None:
            quantiles = quantiles * _widths(series, rows, calendars)[..., None]
        values = np.full((len(rows), len(skill.STEPS)), np.nan)
        for k, step in enumerate(skill.STEPS):
            has_outcome = rows + step < len(series)
            moved = series.log_price[rows[has_outcome] + step] - series.log_price[rows[has_outcome]]
            values[has_outcome, k] = crps(quantiles[has_outcome, k], SCORING_LEVELS, moved) * 1e4
        result[pair] = (series.dates[rows], values)
    return result


def _widths(series: PriceSeries, rows: np.ndarray, calendars: Sequence[ComingDays]) -> np.ndarray:
    """(N, 4) widths of the steps, from the calendar of the year of each row."""
    result = np.ones((len(rows), len(skill.STEPS)))
    for calendar, (start, end) in zip(calendars, itertools.pairwise(YEARS), strict=True):
        year = (series.dates[rows] >= start) & (series.dates[rows] < end)
        if year.any():
            widths = calendar.widths(series, rows[year], skill.STEPS[-1])
            result[year] = 1.0 if widths is None else widths[:, np.array(skill.STEPS) - 1]
    return result


def yearly_calendars(panel: Panel) -> list[ComingDays]:
    """The calendar of each year, fitted on the days before it."""
    euro = [series for series in panel if "EUR" in series.instrument.name]
    result = []
    for start in YEARS[:-1]:
        before = [cut for series in euro if len(cut := series.between(end=start - 1))]
        result.append(ComingDays(VolatilityCalendar.fit(before, days_between)))
    return result


def within(table: skill.Losses, window: tuple[np.datetime64, np.datetime64]) -> skill.Losses:
    """The losses of cutoffs in a window; pairs without any are left out."""
    cut = {pair: (dates >= window[0]) & (dates < window[1]) for pair, (dates, _) in table.items()}
    return {pair: (dates[cut[pair]], values[cut[pair]]) for pair, (dates, values) in table.items() if cut[pair].any()}


def report(
    name: str, table: skill.Losses, garch: skill.Losses, other: skill.Losses, layout: str
) -> dict[str, list[float]]:
    """Print a line for each window in the layout ``table``, and return the figures."""
    figures: dict[str, list[float]] = {}
    for window, span in WINDOWS.items():
        first, reference = within(table, span), within(garch, span)
        pairs = [pair for pair in first if window != "2005-2014" or pair != "USDMXN"]
        means, expected = skill.pair_means(first), skill.pair_means(reference)
        ratios = np.array([means[pair] / expected[pair] for pair in pairs])
        line = f"{name:<28}{window:<11}" + " ".join(f"{value:.4f}" for value in ratios.mean(axis=0))
        figures[f"{window} ratio"] = ratios.mean(axis=0).tolist()
        figures[f"{window} t"] = skill.differences(first, within(other, span)).tolist()
        line += "  t " + " ".join(f"{value:5.1f}" for value in figures[f"{window} t"])
        if layout == "table":
            print(line, flush=True)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--meetings", type=Path, help="meetings of further banks, in the format of the shipped file")
    parser.add_argument("--backend", choices=["auto", "jax", "tensorflow"], default="auto")
    parser.add_argument("--format", choices=["table", "json"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    shipped = central_bank_meetings()
    listed = {} if parsed.meetings is None else read_meetings(parsed.meetings)
    candidates = [bank for name, bank in listed.items() if name not in shipped]
    use_engine(parsed.backend)
    panel = skill.load_panel()
    models = {name: forecasts(name, panel) for name in ("garch", "har", "lstm")}
    plain = {name: losses(quantiles, panel) for name, quantiles in models.items()}
    figures = {
        "har": report("har", plain["har"], plain["garch"], plain["garch"], parsed.layout),
        "no calendar": report("lstm, no calendar", plain["lstm"], plain["garch"], plain["garch"], parsed.layout),
    }
    tables = {"no calendar": plain["lstm"]}
    for variant in variants(candidates):
        volatility_calendar.day_features = variant.features
        calendars = yearly_calendars(panel)
        tables[variant.name] = losses(models["lstm"], panel, calendars)
        figures[variant.name] = report(
            variant.name, tables[variant.name], plain["garch"], tables[variant.against], parsed.layout
        )
        if "default" in variant.name:
            for name in ("garch", "har"):
                times = losses(models[name], panel, calendars)
                row = f"{name} x default"
                figures[row] = report(row, times, plain["garch"], plain[name], parsed.layout)
    print(json.dumps({"benchmark": "coming_days", "last": str(skill.DEVELOPMENT.last), "rows": figures}))


if __name__ == "__main__":
    main()
