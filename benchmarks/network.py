"""Gain of the network over the panel regression, and of other ways to train it.

The 16 pairs and folds of `benchmarks/skill.py` (cutoffs 2011-01-03 to 2020-12-31), every fit every three years. Prints
the mean CRPS x 1e4, and for each variant its difference to the regression in percent and the t-statistic of the daily
differences by the test of the verdict (below 0 the variant is better). All have the calendar of volatility.

- `default`: mean of network and regression, as in the default model.
- `network`: the network alone.
- `correction`: the network learns from outcomes in units of the volatility that the regression predicts, and starts
  from the shape of these: it can only learn what the regression does not see.
- `correction + regression`: the mean of both.
- `own inputs + regression`: the mean of the regression and a network without the inputs of the market, whose errors
  differ more from those of the regression.

    python benchmarks/network.py               # about three minutes on two cores
"""

import argparse
import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from skill import DEVELOPMENT, SCORED, STEPS, Losses, differences, forecast_losses, load_panel, pair_means

from forecaster.config import Config, load_config
from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.splits import Split
from forecaster.features import suitable_features
from forecaster.features.history import History
from forecaster.forecast import Forecasts
from forecaster.models.architectures.lstm import LSTM
from forecaster.models.base import FitRequest, Fitted
from forecaster.models.engine import use_engine
from forecaster.models.panel_members import Member
from forecaster.models.quantile.initial_shape import counted_shape
from forecaster.models.volatility_regression import VolatilityRegression, fit_volatility_regression
from forecaster.pipeline import default_forecaster, fit


class CorrectionLSTM(LSTM):
    """Network that is trained on outcomes in units of the volatility that the panel regression predicts."""

    regression: VolatilityRegression

    def _members(self, request: FitRequest) -> list[Member]:
        members = super()._members(request)
        options = self.options
        regression = fit_volatility_regression(
            members, options.feature_names, self.knots, options.windows.warm_up, request.horizon
        )
        if regression is None:
            raise ValueError("expected enough rows for a regression")
        self.regression = regression
        return [
            dataclasses.replace(member, targets=(member.targets / self.unit(member.features)).astype(np.float32))
            for member in members
        ]

    def unit(self, features: np.ndarray) -> np.ndarray:
        """(N, K) predicted volatility over the scaling one, for inputs (N, F)."""
        quantiles = self.regression.quantiles(features)
        return np.asarray(quantiles[..., -1] / self.regression.shape[:, -1])

    def _initialise(self, network: Any, members: Sequence[Member], samples: Any) -> None:
        head = network.get_layer("head")
        shape = counted_shape([windows.targets[: max(windows.end_row, 0)] for windows in samples], self.knots)
        head.spread.bias.assign(shape.reshape(head.spread.bias.shape).astype(np.float32))
        head.direct.kernel.assign(self._direct(members))


class Corrected(NamedTuple):
    """A fitted `CorrectionLSTM`, with its outcomes in units of the EWMA volatility again."""

    forecaster: CorrectionLSTM
    fitted: Fitted

    def forecast(self, series: PriceSeries, rows: np.ndarray) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        from forecaster.features import feature_matrix

        forecasts = self.fitted.forecast(series, rows)
        features = feature_matrix(History.of(series), self.forecaster.options.feature_names)[rows]
        return dataclasses.replace(forecasts, scaled=forecasts.scaled * self.forecaster.unit(features)[..., None])


class Mean(NamedTuple):
    """Mean of the quantiles of two fitted models."""

    first: Any
    second: Any

    def forecast(self, series: PriceSeries, rows: np.ndarray) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        first, second = (fitted.forecast(series, rows) for fitted in self)
        return dataclasses.replace(first, scaled=(first.scaled + second.scaled) / 2)


class Fits:
    """Fits of one fold, each made once.

    Args:
        panel: The series.
        config: Configuration of the default model.
        start: First day of the fold.
    """

    def __init__(self, panel: Panel, config: Config, start: np.datetime64) -> None:
        self._panel = panel
        self._config = config
        self._split = Split(start, start)
        market = tuple(panel.series[0].inputs)
        own = suitable_features(panel.between(end=start))
        self.regression: Any = self._fitted(default_forecaster("panel_har", config, panel, start))
        self.default: Any = self._fitted(self._network(LSTM, (*own, *market), config.model.linear_share))
        self.network: Any = self._fitted(self._network(LSTM, (*own, *market), 0.0))
        correction = self._network(CorrectionLSTM, (*own, *market), 0.0)
        self.correction: Any = Corrected(correction, self._fitted(correction))
        self.own_inputs: Any = self._fitted(self._network(LSTM, own, 0.0))

    def _network(self, kind: type[LSTM], features: tuple[str, ...], linear_share: float) -> Any:
        changes = {"features": features, "linear_share": linear_share, "volatility_calendar": True, "location": "never"}
        return kind(self._config.model.model_copy(update=changes), self._config.horizon)

    def _fitted(self, forecaster: Any) -> Fitted:
        return fit(forecaster, self._panel, self._split, self._config)


VARIANTS: dict[str, Callable[[Fits], Any]] = {
    "regression": lambda fits: fits.regression,
    "default": lambda fits: fits.default,
    "network": lambda fits: fits.network,
    "correction": lambda fits: fits.correction,
    "correction + regression": lambda fits: Mean(fits.correction, fits.regression),
    "own inputs + regression": lambda fits: Mean(fits.own_inputs, fits.regression),
}


def compare(panel: Panel, config: Config) -> dict[str, Losses]:
    """Losses of every variant in every fold."""
    parts: dict[str, dict[str, list[Any]]] = {name: {pair: [] for pair in SCORED} for name in VARIANTS}
    for start, end in itertools.pairwise(DEVELOPMENT.folds("lstm")):
        fits = Fits(panel, config, start)
        for (name, variant), pair in itertools.product(VARIANTS.items(), SCORED):
            parts[name][pair].append(forecast_losses(variant(fits), panel[parse_pair(pair).canonical.name], start, end))
    return {
        name: {pair: tuple(map(np.concatenate, zip(*folds, strict=True))) for pair, folds in table.items()}
        for name, table in parts.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--format", choices=["table", "json"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    use_engine("auto")
    results = compare(load_panel(), load_config(assignments=parsed.assignments))
    means = {name: np.mean(list(pair_means(losses).values()), axis=0) * 1e4 for name, losses in results.items()}
    rows = dict(means)
    for name in list(VARIANTS)[1:]:
        rows[f"{name}, %"] = 100 * (means[name] / means["regression"] - 1)
        rows[f"{name}, t"] = differences(results[name], results["regression"])
    if parsed.layout == "table":
        print(f"{'':<32}" + "".join(f"{f'h={step}':>10}" for step in STEPS))
        for name, values in rows.items():
            print(f"{name:<32}" + "".join(f"{value:10.{3 if name in means else 2}f}" for value in values))
    figures = {name: dict(zip(STEPS, values.tolist(), strict=True)) for name, values in rows.items()}
    print(json.dumps({"benchmark": "network", "rows": figures}))


if __name__ == "__main__":
    main()
