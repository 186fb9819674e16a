"""CRPS of the default model and of every baseline on two stock indices with ranges and volume.

Walk-forward backtest on the two sample indices (S&P 500 and NASDAQ Composite), every model refitted each January,
cutoffs 2005 to 2018. Prints the mean CRPS x 1e4 at 1, 5, 10 and 20 days, the ratios to GARCH, and t-statistics of the
daily differences, averaged over the indices, by the test of the verdict (Diebold and Mariano).

    python benchmarks/stocks.py                               # about three minutes on two cores
    python benchmarks/stocks.py --models lstm,returns_lstm    # the network with and without the ranges
"""

import argparse
import datetime
import itertools
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forecaster.config import Config, load_config
from forecaster.data.instruments import parse_ticker
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.sources.sample import SAMPLES
from forecaster.evaluation.distribution_scores import crps
from forecaster.evaluation.splits import Split
from forecaster.features import RETURN_FEATURES, suitable_features
from forecaster.models import baseline_names, create, traits_of
from forecaster.models.architectures.lstm import LSTMOptions
from forecaster.models.base import FitRequest, Fitted
from forecaster.models.engine import use_engine
from forecaster.pipeline import default_forecaster, fit, forecaster_of
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.mean_tests import diebold_mariano

STEPS = (1, 5, 10, 20)
LAST = np.datetime64("2018-12-31")
FOLDS = [np.datetime64(f"{year}-01-01") for year in range(2005, 2020)]
NETWORKS = {"lstm": "with all available features", "returns_lstm": "with features of returns only"}
MODELS = (*baseline_names(), *NETWORKS)


def load_panel() -> Panel:
    """Load the sample indices up to the end of the window."""
    source = get_source("sample")
    today = datetime.date(2019, 1, 1)
    series = [source.load(LoadRequest(parse_ticker(name), Path(), today)).series for name in SAMPLES]
    return Panel(tuple(single.between(end=LAST) for single in series))


def walk_forward(name: str, panel: Panel, config: Config) -> np.ndarray:
    """Compute the (S, N, 4) CRPS x 1e4 of each series at each cutoff and step, NaN where the outcome is not known.

    The indices trade on the same days, so a cutoff is a day.
    """
    parts, seconds = [], []
    for start, end in itertools.pairwise(FOLDS):
        begun = time.perf_counter()
        fitted = _fit(name, panel, config, start)
        seconds.append(time.perf_counter() - begun)
        parts.append(np.stack([_losses(fitted, series, start, end) for series in panel]))
    print(f"# {name}: {np.mean(seconds):.1f} s per fit", file=sys.stderr)
    return np.concatenate(parts, axis=1) * 1e4


def _fit(name: str, panel: Panel, config: Config, start: np.datetime64) -> Fitted:
    split = Split(start, start)
    if name in NETWORKS:
        options = config.model
        if not isinstance(options, LSTMOptions):
            raise SystemExit("error: this benchmark needs model.kind=lstm; remove the option")
        names = suitable_features(panel.between(end=start)) if name == "lstm" else RETURN_FEATURES
        config = config.model_copy(update={"model": options.model_copy(update={"features": names})})
        return fit(forecaster_of(config), panel, split, config)
    if traits_of(name).panel:
        return fit(default_forecaster(name, config, panel, start), panel, split, config)
    rows = {series.instrument.name: split.training_rows(series.dates, 0) for series in panel}
    return create(name, STEPS[-1]).fit(FitRequest(panel, rows, {}, STEPS[-1]))


def _losses(fitted: Fitted, series: PriceSeries, start: np.datetime64, end: np.datetime64) -> np.ndarray:
    """(N, 4) CRPS of the cutoffs in [start, end), NaN where the outcome is not known."""
    rows = np.flatnonzero((series.dates >= start) & (series.dates < end))
    quantiles = fitted.forecast(series, rows).log_returns(STEPS)
    result = np.full((len(rows), len(STEPS)), np.nan)
    for k, step in enumerate(STEPS):
        has_outcome = rows + step < len(series)
        log_return = series.log_price[rows[has_outcome] + step] - series.log_price[rows[has_outcome]]
        result[has_outcome, k] = crps(quantiles[has_outcome, k], SCORING_LEVELS, log_return)
    return result


def differences(losses: np.ndarray, reference: np.ndarray) -> list[float]:
    """(4,) t-statistics of the mean loss less the reference loss, both (S, N, 4); below 0 is better."""
    daily = (losses - reference).mean(axis=0)
    columns = zip(daily.T, STEPS, strict=True)
    tests = [diebold_mariano(values[np.isfinite(values)], step) for values, step in columns]
    return [test.statistic or 0.0 for test in tests]  # equal losses have no statistic


def report(results: dict[str, np.ndarray], names: Sequence[str], layout: str = "table") -> None:
    """Print the table and a line of JSON, or that line alone; `names` are the names of the series."""
    rows: dict[str, list[float]] = {}
    for model, losses in results.items():
        rows[model] = np.nanmean(losses, axis=(0, 1)).tolist()
    reference = results.get("garch")
    if reference is not None:
        expected = np.nanmean(reference, axis=1)
        for model, losses in results.items():
            if model != "garch":
                ratio = np.nanmean(losses, axis=1) / expected
                rows |= {f"{model} / garch, {name}": ratio[k].tolist() for k, name in enumerate(names)}
                rows[f"{model} - garch, t"] = differences(losses, reference)
    if "lstm" in results:
        others = (name for name in results if name not in ("lstm", "garch"))
        rows |= {f"lstm - {name}, t": differences(results["lstm"], results[name]) for name in others}
    if layout == "table":
        print(f"{'':<30}" + "".join(f"{f'h={step}':>10}" for step in STEPS))
        for name, values in rows.items():
            digits = 3 if name in results else 2 if name.endswith(" t") else 4
            print(f"{name:<30}" + "".join(f"{value:10.{digits}f}" for value in values))
        print()
    figures = {name: dict(zip(map(str, STEPS), values, strict=True)) for name, values in rows.items()}
    print(json.dumps({"benchmark": "stocks", "last": str(LAST), "rows": figures}))


def model_names(text: str) -> list[str]:
    """Parse and check model names."""
    names = text.split(",")
    if unknown := [name for name in names if name not in MODELS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of {','.join(MODELS)}")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=model_names, default=[*MODELS], help=",".join(MODELS))
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--backend", choices=["auto", "jax", "tensorflow"], default="auto")
    parser.add_argument("--format", choices=["table", "json"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    use_engine(parsed.backend)
    panel = load_panel()
    config = load_config(assignments=parsed.assignments)
    report({name: walk_forward(name, panel, config) for name in parsed.models}, panel.names, parsed.layout)


if __name__ == "__main__":
    main()
