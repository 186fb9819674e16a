"""CRPS of the default model and of every baseline on the development window, 16 currency pairs.

Walk-forward backtest on ECB rates with cutoffs 2011-01-03 to 2020-12-31; later rows are cut off before any other step.
Prints the mean CRPS x 1e4 of 16 pairs at 1, 5, 10 and 20 days, the ratios to GARCH, and t-statistics of the daily
differences (below 0 the first is better). `plain_lstm` is the network alone, with only the closes of its pair as input.

    python benchmarks/skill.py                 # about two minutes on two cores
    python benchmarks/skill.py --models lstm   # the default model alone, half a minute
"""

import argparse
import dataclasses
import datetime
import itertools
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.config import Config, load_config
from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.universes import universe
from forecaster.evaluation.metrics import crps
from forecaster.evaluation.splits import Split
from forecaster.features import RETURN_FEATURES, suitable_features
from forecaster.features.market_volatility import market_activity
from forecaster.models import baseline_names, create
from forecaster.models.base import FitRequest, Fitted
from forecaster.models.engine import use_engine
from forecaster.models.quantile.location_gate import mean_t_statistic
from forecaster.pipeline import fit, forecaster_of
from forecaster.quantiles import SCORING_LEVELS

SCORED = (
    *("USDJPY", "EURUSD", "GBPUSD", "AUDUSD", "USDCHF", "USDCAD", "EURGBP", "EURJPY"),
    *("NZDUSD", "USDSEK", "USDNOK", "USDZAR", "USDKRW", "USDMXN", "USDPLN", "AUDNZD"),
)
STEPS = (1, 5, 10, 20)
LAST = np.datetime64("2020-12-31")
THREE_YEARLY = [np.datetime64(day) for day in ("2011-01-03", "2014-01-02", "2017-01-02", "2021-01-01")]
YEARLY = [np.datetime64(f"{year}-01-01") for year in range(2011, 2022)]


NETWORKS = ("lstm", "plain_lstm")
Losses = dict[str, tuple[np.ndarray, np.ndarray]]
"""Pair -> cutoffs (N,) and CRPS x 1e4 (N, 4), NaN where the outcome is not known."""


def load_panel() -> Panel:
    """Load all crosses of the default universe up to the end of the development window, with the market volatility."""
    source = get_source("ecb")
    pairs = universe("currencies", [parse_pair(name).canonical for name in SCORED])
    today = datetime.date(2021, 1, 1)
    series = [source.load(LoadRequest(pair, Path(), today)).series.between(end=LAST) for pair in pairs]
    market = market_activity([single for single in series if "EUR" in single.instrument.name])
    long = [single for single in series if len(single) > 1000]
    return Panel(tuple(dataclasses.replace(single, inputs=market.features_on(single.dates)) for single in long))


def walk_forward(name: str, panel: Panel, config: Config) -> Losses:
    """Compute the CRPS x 1e4 of every scored pair; each fold is fitted on the rows before it."""
    losses: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {pair: [] for pair in SCORED}
    folds = THREE_YEARLY if name in NETWORKS else YEARLY
    for start, end in itertools.pairwise(folds):
        begun = time.perf_counter()
        fitted = _fit(name, panel, config, start)
        if name in NETWORKS:
            print(f"# {name} fitted before {start} in {time.perf_counter() - begun:.1f} s", file=sys.stderr)
        for pair in SCORED:
            series = panel[parse_pair(pair).canonical.name]
            losses[pair].append(_losses(fitted, series, start, end))
    return {
        pair: (np.concatenate([dates for dates, _ in parts]), np.concatenate([crps for _, crps in parts]) * 1e4)
        for pair, parts in losses.items()
    }


def _fit(name: str, panel: Panel, config: Config, start: np.datetime64) -> Fitted:
    split = Split(start, start)
    if name in NETWORKS:
        if name == "plain_lstm":
            changes: dict[str, Any] = {"features": _features(config, RETURN_FEATURES), "linear_share": 0.0}
        else:
            covariates = () if config.data.market is False else tuple(panel.series[0].inputs)
            changes = {"features": (*_features(config, suitable_features(panel.between(end=start))), *covariates)}
        options = config.model.model_copy(update=changes)
        config = config.model_copy(update={"model": options})
        return fit(forecaster_of(config), panel, split, config)
    rows = {series.instrument.name: split.training_rows(series.dates, 0) for series in panel}
    names = {parse_pair(pair).canonical.name for pair in SCORED}
    scored = Panel(tuple(series for series in panel if series.instrument.name in names))
    return create(name, 20).fit(FitRequest(scored, rows, {}, 20))


def _features(config: Config, automatic: tuple[str, ...]) -> tuple[str, ...]:
    """Features that --set names, or else the automatic ones."""
    return automatic if config.model.features == "auto" else config.model.features


def _losses(
    fitted: Fitted, series: PriceSeries, start: np.datetime64, end: np.datetime64
) -> tuple[np.ndarray, np.ndarray]:
    """Cutoffs in [start, end) and their CRPS (N, 4), NaN where the outcome is not known."""
    rows = np.flatnonzero((series.dates >= start) & (series.dates < end))
    quantiles = fitted.forecast(series, rows).log_returns(STEPS)
    log_price = np.log(series.close)
    result = np.full((len(rows), len(STEPS)), np.nan)
    for k, step in enumerate(STEPS):
        has_outcome = rows + step < len(series)
        log_return = log_price[rows[has_outcome] + step] - log_price[rows[has_outcome]]
        result[has_outcome, k] = crps(quantiles[has_outcome, k], SCORING_LEVELS, log_return)
    return series.dates[rows], result


def differences(first: Losses, second: Losses) -> np.ndarray:
    """(4,) t-statistics of the first loss less the second, averaged over the pairs of a day; below 0 is better."""
    days = np.unique(np.concatenate([dates for dates, _ in first.values()]))
    total = np.zeros((len(days), len(STEPS)))
    count = np.zeros((len(days), len(STEPS)))
    for pair, (dates, losses) in first.items():
        index = np.searchsorted(days, dates)
        difference = losses - second[pair][1]
        total[index] += np.nan_to_num(difference)
        count[index] += np.isfinite(difference)
    daily = [total[count[:, k] > 0, k] / count[count[:, k] > 0, k] for k in range(len(STEPS))]
    return np.array(
        [
            mean_t_statistic(differences_of_step, lags=step)
            for differences_of_step, step in zip(daily, STEPS, strict=True)
        ]
    )


def report(results: dict[str, Losses], layout: str = "table") -> None:
    """Print the table, with ratios and t-statistics of the default model, and a line of JSON; or that line alone."""
    means = {
        name: {pair: np.nanmean(losses, axis=0) for pair, (_, losses) in table.items()}
        for name, table in results.items()
    }
    rows = {name: np.mean(list(table.values()), axis=0) for name, table in means.items()}
    if {"lstm", "garch"} <= results.keys():
        ratios = np.array([means["lstm"][pair] / means["garch"][pair] for pair in SCORED])
        rows |= {"mean ratio": ratios.mean(axis=0), "worst pair": ratios.max(axis=0)}
    if "lstm" in results:
        rows |= {
            f"lstm - {name}, t": differences(results["lstm"], other)
            for name, other in results.items()
            if name != "lstm"
        }
    if layout == "table":
        print(f"{'':<32}" + "".join(f"{f'h={step}':>10}" for step in STEPS))
        for name, values in rows.items():
            digits = 3 if name in results else 2 if name.endswith(", t") else 4
            print(f"{name:<32}" + "".join(f"{value:10.{digits}f}" for value in values))
        print()
    figures = {name: dict(zip(STEPS, values.tolist(), strict=True)) for name, values in rows.items()}
    print(json.dumps({"benchmark": "skill", "last": str(LAST), "rows": figures}))


def model_names(text: str) -> list[str]:
    """Parse and check model names."""
    registered = [*baseline_names(), *NETWORKS]
    names = text.split(",")
    if unknown := [name for name in names if name not in registered]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of {','.join(registered)}")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--models",
        type=model_names,
        default=[*baseline_names(), *NETWORKS],
        help=",".join([*baseline_names(), *NETWORKS]),
    )
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--backend", choices=["auto", "jax", "tensorflow"], default="auto")
    parser.add_argument("--format", choices=["table", "json"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    use_engine(parsed.backend)
    panel = load_panel()
    config = load_config(assignments=parsed.assignments)
    report({name: walk_forward(name, panel, config) for name in parsed.models}, parsed.layout)


if __name__ == "__main__":
    main()
