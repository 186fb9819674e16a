"""CRPS of the default model and of every baseline on 16 currency pairs, development window or held-out years.

Walk-forward backtest on ECB rates with cutoffs 2011-01-03 to 2020-12-31; later rows are cut off before any other step.
With --held-out the cutoffs are those from 2021 on instead. Nothing may be chosen by them; docs/evaluation.md says when
they were looked at.

Prints the mean CRPS x 1e4 of 16 pairs at 1, 5, 10 and 20 days, the ratios to GARCH, and t-statistics of the daily
differences by the test of the verdict (Diebold and Mariano; below 0 the first is better). `plain_lstm` is the network
alone, with only the closes of its pair as input.

With several seeds or engines the first seed of the first engine is reported as above. Every other seed on the first
engine, and the first seed on every other engine, is fitted in a process of its own, and the spread is printed: the
largest less the smallest CRPS of the default model, in percent of their mean, for the 16 pairs and for USDJPY alone.

    python benchmarks/skill.py                                         # about two minutes on two cores
    python benchmarks/skill.py --models lstm                           # the default model alone, half a minute
    python benchmarks/skill.py --models lstm --seeds 0,1,2 --backend jax,tensorflow    # four minutes
    python benchmarks/skill.py --held-out                              # one minute
"""

import argparse
import dataclasses
import datetime
import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from processes import last_json, run

from forecaster.config import Config, load_config
from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.universes import universe
from forecaster.evaluation.distribution_scores import crps
from forecaster.evaluation.splits import Split
from forecaster.features import RETURN_FEATURES, suitable_features
from forecaster.features.market_volatility import market_activity
from forecaster.models import baseline_names, create, is_network, traits_of
from forecaster.models.base import FitRequest, Fitted
from forecaster.models.engine import use_engine
from forecaster.pipeline import default_forecaster, fit, forecaster_of
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.mean_tests import diebold_mariano

SCORED = (
    *("USDJPY", "EURUSD", "GBPUSD", "AUDUSD", "USDCHF", "USDCAD", "EURGBP", "EURJPY"),
    *("NZDUSD", "USDSEK", "USDNOK", "USDZAR", "USDKRW", "USDMXN", "USDPLN", "AUDNZD"),
)
STEPS = (1, 5, 10, 20)


NETWORKS = ("lstm", "plain_lstm")
Losses = dict[str, tuple[np.ndarray, np.ndarray]]
"""Pair -> cutoffs (N,) and CRPS x 1e4 (N, 4), NaN where the outcome is not known."""


@dataclasses.dataclass(frozen=True)
class Window:
    """Cutoffs that are scored.

    Args:
        name: Its name in the result.
        last: Last row that is read.
        networks: First cutoffs of the fits of a network, and the end.
        others: The same for all other models.
    """

    name: str
    last: datetime.date
    networks: Sequence[str]
    others: Sequence[str]

    def folds(self, name: str) -> list[np.datetime64]:
        """First cutoffs of the fits of a model, and the end."""
        return [np.datetime64(day) for day in (self.networks if _is_network(name) else self.others)]


DEVELOPMENT = Window(
    "development",
    last=datetime.date(2020, 12, 31),
    networks=("2011-01-03", "2014-01-02", "2017-01-02", "2021-01-01"),
    others=[f"{year}-01-01" for year in range(2011, 2022)],
)
HELD_OUT = Window(
    "held out",
    last=datetime.date(2026, 10, 30),
    networks=("2021-01-01", "2024-01-01", "2026-10-31"),
    others=[*(f"{year}-01-01" for year in range(2021, 2027)), "2026-10-31"],
)


def load_panel(window: Window = DEVELOPMENT) -> Panel:
    """Load all crosses of the default universe up to the end of a window, with the market volatility."""
    source = get_source("ecb")
    pairs = universe("currencies", [parse_pair(name).canonical for name in SCORED])
    today = window.last + datetime.timedelta(days=1)
    end = np.datetime64(window.last)
    series = [source.load(LoadRequest(pair, Path(), today)).series.between(end=end) for pair in pairs]
    market = market_activity([single for single in series if "EUR" in single.instrument.name])
    long = [single for single in series if len(single) > 1000]
    return Panel(tuple(dataclasses.replace(single, inputs=market.features_on(single.dates)) for single in long))


def _is_network(name: str) -> bool:
    return name in NETWORKS or is_network(name)


def walk_forward(
    name: str,
    panel: Panel,
    config: Config,
    window: Window = DEVELOPMENT,
    on_fit: Callable[[Fitted, float], None] = lambda fitted, seconds: None,
) -> Losses:
    """Compute the CRPS x 1e4 of every scored pair; each fold is fitted on the rows before it.

    Args:
        name: Model.
        panel: The series.
        config: Configuration of a network.
        window: Cutoffs that are scored.
        on_fit: Called with each fitted model and the processor seconds of its fit.
    """
    losses: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {pair: [] for pair in SCORED}
    for start, end in itertools.pairwise(window.folds(name)):
        begun = time.perf_counter()
        used = time.process_time()
        fitted = _fit(name, panel, config, start)
        on_fit(fitted, time.process_time() - used)
        if _is_network(name):
            print(f"# {name} fitted before {start} in {time.perf_counter() - begun:.1f} s", file=sys.stderr)
        for pair in SCORED:
            series = panel[parse_pair(pair).canonical.name]
            losses[pair].append(forecast_losses(fitted, series, start, end))
    return {
        pair: (np.concatenate([dates for dates, _ in parts]), np.concatenate([crps for _, crps in parts]) * 1e4)
        for pair, parts in losses.items()
    }


def _fit(name: str, panel: Panel, config: Config, start: np.datetime64) -> Fitted:
    split = Split(start, start)
    if _is_network(name):
        if name == "plain_lstm":
            changes: dict[str, Any] = {"features": _features(config, RETURN_FEATURES), "linear_share": 0.0}
            changes["volatility_calendar"] = False
        else:
            covariates = () if config.data.market is False else tuple(panel.series[0].inputs)
            changes = {"features": (*_features(config, suitable_features(panel.between(end=start))), *covariates)}
            changes["volatility_calendar"] = config.model.resolved(panel, start).volatility_calendar
        options = config.model.model_copy(update=changes)
        config = config.model_copy(update={"model": options})
        return fit(forecaster_of(config), panel, split, config)
    if traits_of(name).panel:
        return fit(default_forecaster(name, config, panel, start), panel, split, config)
    rows = {series.instrument.name: split.training_rows(series.dates, 0) for series in panel}
    names = {parse_pair(pair).canonical.name for pair in SCORED}
    scored = Panel(tuple(series for series in panel if series.instrument.name in names))
    return create(name, 20).fit(FitRequest(scored, rows, {}, 20))


def _features(config: Config, automatic: tuple[str, ...]) -> tuple[str, ...]:
    """Features that --set names, or else the automatic ones."""
    return automatic if config.model.features == "auto" else config.model.features


def forecast_losses(
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
    tests = [diebold_mariano(values, step) for values, step in zip(daily, STEPS, strict=True)]
    return np.array([test.statistic or 0.0 for test in tests])  # equal losses have no statistic


def pair_means(losses: Losses) -> dict[str, np.ndarray]:
    """Pair -> (4,) mean CRPS x 1e4."""
    return {pair: np.nanmean(values, axis=0) for pair, (_, values) in losses.items()}


def report(
    results: dict[str, Losses],
    layout: str = "table",
    variants: Mapping[str, Mapping[str, Any]] | None = None,
    window: Window = DEVELOPMENT,
) -> None:
    """Print the table and a line of JSON; or that line alone.

    Args:
        results: Model -> losses. The default model gets ratios and t-statistics.
        layout: ``table`` or ``json``.
        variants: Other fits of the default model, such as ``"jax, seed 1"`` -> pair -> (4,) mean CRPS x 1e4; the first
            is that of `results`. None where there is one fit only.
        window: Cutoffs that are scored.
    """
    means = {name: pair_means(table) for name, table in results.items()}
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
    if variants:
        rows |= spread(variants)
    if layout == "table":
        print(f"{'':<32}" + "".join(f"{f'h={step}':>10}" for step in STEPS))
        for name, values in rows.items():
            digits = 2 if name.endswith(", t") else 4 if name in ("mean ratio", "worst pair") else 3
            print(f"{name:<32}" + "".join(f"{value:10.{digits}f}" for value in values))
        print()
    figures = {name: dict(zip(STEPS, values.tolist(), strict=True)) for name, values in rows.items()}
    pairs = {name: {pair: mean.tolist() for pair, mean in table.items()} for name, table in means.items()}
    print(
        json.dumps(
            {"benchmark": "skill", "window": window.name, "last": str(window.last), "rows": figures, "pairs": pairs}
        )
    )


def spread(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Rows of the table: CRPS of each fit, over the 16 pairs and of USDJPY, and their spreads in percent."""
    rows = {}
    for scope, pairs in (("16 pairs", SCORED), ("USDJPY", ("USDJPY",))):
        losses = {name: np.mean([means[pair] for pair in pairs], axis=0) for name, means in variants.items()}
        values = np.array(list(losses.values()))
        rows |= {f"{scope}: {name}": loss for name, loss in losses.items()}
        rows[f"{scope}: spread, %"] = 100 * np.ptp(values, axis=0) / values.mean(axis=0)
    return rows


def other_fits(seeds: Sequence[int], engines: Sequence[str], assignments: Sequence[str]) -> dict[str, Any]:
    """Mean CRPS of the default model by pair, of all seeds on the first engine and of the first on all others."""
    variants = {}
    for engine, seed in [*((engines[0], seed) for seed in seeds[1:]), *((engine, seeds[0]) for engine in engines[1:])]:
        options = ["--models=lstm", f"--seeds={seed}", f"--backend={engine}", "--format=json"]
        options += [f"--set={assignment}" for assignment in assignments]
        print(f"# {engine}, seed {seed}", file=sys.stderr)
        variants[f"{engine}, seed {seed}"] = last_json(run([sys.executable, __file__, *options]))["pairs"]["lstm"]
    return variants


def model_names(text: str) -> list[str]:
    """Parse and check model names."""
    registered = [*baseline_names(), *NETWORKS]
    names = text.split(",")
    if unknown := [name for name in names if name not in registered]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of {','.join(registered)}")
    return names


def engine_names(text: str) -> list[str]:
    """Parse and check engines."""
    names = text.split(",")
    if unknown := [name for name in names if name not in ("auto", "jax", "tensorflow")]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of auto,jax,tensorflow")
    return names


def seed_numbers(text: str) -> list[int]:
    """Parse seeds."""
    return [int(word) for word in text.split(",")]


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
    parser.add_argument("--seeds", type=seed_numbers, default=[], help="seeds of the default model, such as 0,1,2")
    parser.add_argument("--backend", type=engine_names, default=["auto"], help="engines: auto, or jax,tensorflow")
    parser.add_argument("--format", choices=["table", "json"], default="table", dest="layout")
    parser.add_argument("--held-out", action="store_true", help="cutoffs from 2021 on, by which nothing is chosen")
    parsed = parser.parse_args(arguments)
    window = HELD_OUT if parsed.held_out else DEVELOPMENT
    several = len(parsed.seeds) > 1 or len(parsed.backend) > 1
    if several and parsed.held_out:
        parser.error("--held-out is scored once; leave out --seeds and --backend")
    if several and "lstm" not in parsed.models:
        parser.error("--seeds and --backend compare fits of the model lstm; add it to --models")
    use_engine(parsed.backend[0])
    panel = load_panel(window)
    config = load_config(assignments=parsed.assignments, flags={"seed": parsed.seeds[0]} if parsed.seeds else None)
    results = {name: walk_forward(name, panel, config, window) for name in parsed.models}
    variants = {}
    if several:
        first = {f"{parsed.backend[0]}, seed {config.seed}": pair_means(results["lstm"])}
        variants = first | other_fits(parsed.seeds or [config.seed], parsed.backend, parsed.assignments)
    report(results, parsed.layout, variants, window)


if __name__ == "__main__":
    main()
