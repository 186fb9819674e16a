"""The quantile forecaster: one network for a whole panel, which corrects the EWMA forecast.

Docs: docs/model.md. The network in the middle is an `Architecture`; sampling, initial shape, volatility regression,
location gate and head are here and the same for all. Keras is imported by a fit, and by a forecast only where the
architecture has no NumPy pass.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import NotEnoughDataError
from forecaster.features import antisymmetric_features
from forecaster.features.windows import DenseWindows, LastWindows
from forecaster.forecast import MAX_SCALING, Forecasts
from forecaster.models.architectures.read_history import ReadHistory
from forecaster.models.base import FitReport, FitRequest, check_rows
from forecaster.models.coming_days import ComingDays
from forecaster.models.exports.base import ExportInputs, ExportSample
from forecaster.models.memory import check_memory
from forecaster.models.panel_members import Member, invertible, members_of
from forecaster.models.quantile.forecast_function import ForecastFunction
from forecaster.models.quantile.initial_shape import counted_shape
from forecaster.models.quantile.inspection import QuantileInspection
from forecaster.models.quantile.location_gate import SETTLING_ROWS, LocationGains, gather_gains
from forecaster.models.quantile.members import curve_samples, linear_location, validation_of
from forecaster.models.quantile.options import MIN_SCORED_ROWS, QuantileOptions
from forecaster.models.quantile.reference_losses import reference_losses
from forecaster.models.quantile.sampling import Sampling, sampling_of
from forecaster.models.quantile.series_inputs import SeriesInputs
from forecaster.models.quantile.weight_check import check_weights
from forecaster.models.traits import Traits
from forecaster.models.volatility_regression import VolatilityRegression, fit_volatility_regression
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["FittedQuantileModel", "QuantileForecaster", "Samples"]


Samples = DenseWindows | LastWindows


class QuantileForecaster:
    """A kind of quantile forecaster; a subclass gives it a name and options that hold its architecture.

    Args:
        options: Section ``model`` of the configuration.
        horizon: Longest step H that will be asked for; knots beyond it are left out, and it becomes a knot.

    Attributes:
        name: Registry key.
        Options: Class of the options.
        traits: Properties of the model, those of every quantile forecaster and of its architecture.
    """

    name: ClassVar[str]
    Options: ClassVar[type[QuantileOptions]]
    traits: ClassVar[Traits]

    def __init_subclass__(cls, *, located: bool = True, samples_paths: bool = False) -> None:
        super().__init_subclass__()
        in_numpy = cls.Options.architecture.has_numpy_pass
        cls.traits = Traits(
            panel=True,
            calibrated=True,
            reads_features=True,
            engine=True,
            numpy_forecast=in_numpy,
            located=located,
            exportable=not samples_paths,
            known_days=True,
            inspectable=True,
            side_by_side=in_numpy and cls.Options.architecture.causal,
            samples_paths=samples_paths,
        )

    def __init__(self, options: QuantileOptions, horizon: int) -> None:
        self.options = options
        self.knots = (*(knot for knot in options.knots if knot < horizon), horizon)
        self.sampling: Sampling = sampling_of(options.windows)

    def least_training_rows(self) -> int:
        """Rows of warm-up, of one context, some to be scored, and of the horizon that is purged."""
        return self.options.windows.warm_up + self.sampling.context_rows + MIN_SCORED_ROWS + self.knots[-1]

    def fit(self, request: FitRequest) -> "FittedQuantileModel":
        """See `forecaster.models.base.Forecaster`."""
        check_memory(self.options.training_bytes)
        members = self._members(request)
        samples = self._samples(members)
        network = self.network(request.seed, self.sampling.skipped_rows)
        self._initialise(network, members, samples)
        history = self._train(network, members, samples, request)
        regression = self._regression(members, request.horizon)
        weights = self._trained(network, samples) | ({} if regression is None else regression.arrays())
        function = self._function(weights)
        coming = ComingDays.fit(request, self.options.volatility_calendar is True)
        report = FitReport(
            chosen={**self._chosen(function, members, request), **history.chosen},
            median="last_price" if regression is None or invertible(members) else "mean_is_last_price",
            learned={"series": len(samples), "steps": self._steps(samples), **coming.facts()},
            parity=function.parity(network, samples[0]),
            parameters=sum(math.prod(weight.shape) for weight in network.trainable_variables),
            curve=tuple(history.curve),
            initial_loss=history.initial_loss,
            reference_losses=self._reference_losses(members, request.validation_rows),
        )
        return self._fitted(weights, report, coming)

    def network(self, seed: int = 0, skipped_rows: int = 0) -> Any:
        """The Keras model that is trained, with fresh weights; without an output in the first `skipped_rows`."""
        from forecaster.models.quantile.network import build_network

        return build_network(self.options, self.knots, self.sampling.sequences, seed, skipped_rows)

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedQuantileModel":
        """See `forecaster.models.base.Forecaster`."""
        weights, coming = ComingDays.restore(arrays, report, self.options.volatility_calendar is True)
        self._check_weights(weights)
        return self._fitted(weights, report, coming)

    def _check_weights(self, weights: Mapping[str, AnyArray]) -> None:
        check_weights(weights, self.options, self.knots)

    def _function(self, weights: Mapping[str, AnyArray], location_steps: Sequence[int] = ()) -> ForecastFunction:
        """The whole forecaster with these weights."""
        return ForecastFunction.of(self.options, self.knots, weights, location_steps)

    def _fitted(self, weights: Mapping[str, AnyArray], report: FitReport, coming: ComingDays) -> "FittedQuantileModel":
        function = self._function(weights, report.chosen.get("location_steps", ()))
        return FittedQuantileModel(self.name, function, dict(weights), _with_median(report), coming)

    def _members(self, request: FitRequest) -> list[Member]:
        return members_of(request, self.options.feature_names, self.knots)

    def _samples(self, members: Sequence[Member]) -> Sequence[Samples]:
        """Samples of every member that is long enough to be scored at least once."""
        cut = [self.sampling.cut(member.features, member.targets, member.training_rows) for member in members]
        samples: list[Samples] = [windows for windows in cut if len(windows)]
        if not samples:
            raise NotEnoughDataError(
                f"no series has {self.least_training_rows()} rows before the validation; give a longer history"
            )
        return samples

    def _initialise(self, network: Any, members: Sequence[Member], samples: Sequence[Samples]) -> None:
        """Give the head the linear map to the location and, for a short training, the shape of the outcomes."""
        head = network.get_layer("head")
        if self._steps(samples) < self.options.training.steps:
            shape = counted_shape([windows.targets[: max(windows.end_row, 0)] for windows in samples], self.knots)
            head.spread.bias.assign(shape.reshape(head.spread.bias.shape).astype(np.float32))
        warm_up = self.options.windows.warm_up
        head.direct.kernel.assign(linear_location(members, self.options.feature_names, self.knots, warm_up))

    def _regression(self, members: Sequence[Member], horizon: int) -> VolatilityRegression | None:
        if not self.options.linear_share:
            return None
        names = self.options.feature_names
        return fit_volatility_regression(members, names, self.knots, self.options.windows.warm_up, horizon)

    def _steps(self, samples: Sequence[Samples]) -> int:
        """Optimiser steps: as configured, or fewer where they would score each row more than `max_passes` times."""
        training = self.options.training
        rows = sum(windows.end_row for windows in samples)
        scored = training.batch_size * self.sampling.scored_rows
        return max(min(training.steps, math.ceil(training.max_passes * rows * self.sampling.pieces / scored)), 1)

    def _train(self, network: Any, members: Sequence[Member], samples: Sequence[Samples], request: FitRequest) -> Any:
        """Losses of the training, a `forecaster.models.training.TrainingHistory`."""
        from forecaster.models.carried_state import CarriedBatches
        from forecaster.models.optimizers import optimizer_of
        from forecaster.models.quantile.head import QuantileLoss
        from forecaster.models.training import PanelBatches, Stopping, draw_samples, epoch_count, fit_network

        training = self.options.training
        steps = self._steps(samples)
        pieces = self.sampling.pieces
        lengths = [len(windows) for windows in samples]
        rng = np.random.default_rng(request.seed)
        drawn = draw_samples(lengths, math.ceil(steps / pieces) * training.batch_size, invertible(members), rng)
        antisymmetric = antisymmetric_features(self.options.feature_names)
        arguments = (samples, drawn, training.batch_size, antisymmetric, epoch_count(steps))
        batches = CarriedBatches(*arguments, steps, pieces) if pieces > 1 else PanelBatches(*arguments)
        optimizer = optimizer_of(training, steps)
        loss = QuantileLoss(SCORING_LEVELS)
        validation = self._validation(members, request.validation_rows)
        stopping = Stopping(training.patience, request.chosen.get("epochs"))
        return fit_network(network, batches, optimizer, loss, request.progress, validation, stopping)

    def _trained(self, network: Any, samples: Sequence[Samples]) -> dict[str, AnyArray]:
        """Named arrays of the trained network."""
        from forecaster.models.keras_weights import named_weights

        return dict(named_weights(network))

    def _validation(self, members: Sequence[Member], rows: Mapping[str, IntArray]) -> Any:
        """Inputs and targets of the validation, see `curve_samples`; None where there is none."""
        return curve_samples(
            members, rows, lambda member, cutoffs: self.sampling.validation(member.features, member.targets, cutoffs)
        )

    def _reference_losses(self, members: Sequence[Member], rows: Mapping[str, IntArray]) -> dict[str, float]:
        return reference_losses(members, rows, self.sampling, self.options.windows.warm_up)

    @property
    def may_locate(self) -> bool:
        """True if the options allow a location: it is tested on every row of the validation."""
        return self.options.location != "never" and self.sampling.sequences

    def _chosen(self, function: ForecastFunction, members: Sequence[Member], request: FitRequest) -> dict[str, Any]:
        """The steps at which the location moves the median, and its gains where the validation decides."""
        if "location_steps" in request.chosen:
            return {"location_steps": list(request.chosen["location_steps"])}
        if not self.may_locate:
            return {"location_steps": []}
        gains = self._gains(function, members, request.validation_rows)
        return {"location_gains": gains.means, "location_steps": gains.supported(self.knots)}

    def with_location(self, fitted: "FittedQuantileModel", steps: Sequence[int]) -> "FittedQuantileModel":
        """`fitted` with a location at those of `steps` that the options allow, and at no other."""
        return fitted.with_location(steps if self.may_locate else ())

    def location_gains(
        self, fitted: "FittedQuantileModel", panel: Panel, rows: Mapping[str, IntArray]
    ) -> LocationGains:
        """Gains of the location at rows that the weights of `fitted` have not seen.

        Args:
            fitted: By this model.
            panel: The series.
            rows: Name -> (N,) consecutive cutoffs whose outcomes are known; other series are left out.
        """
        chosen = Panel(tuple(series for series in panel if len(rows.get(series.instrument.name, ()))))
        members = self._members(FitRequest(chosen, dict.fromkeys(chosen.names, 0), {}, 1))
        return self._gains(fitted.function, members, rows)

    def _gains(
        self, function: ForecastFunction, members: Sequence[Member], rows: Mapping[str, IntArray]
    ) -> LocationGains:
        warm_up = self.options.windows.warm_up
        parts = [validation_of(member, rows.get(member.name, np.empty(0, np.intp)), warm_up) for member in members]
        return gather_gains(self.knots, [part for part in parts if part is not None], function.locate)


class FittedQuantileModel:
    """A fitted quantile forecaster: named weights and a few facts.

    Args:
        name: Registry key of the model.
        function: The whole forecaster.
        weights: Named arrays as they are stored.
        report: Facts about the fit: ``chosen`` holds the ``location_steps`` at which the median moves, ``learned`` the
            number of ``series`` and of ``steps`` of the training.
        coming: Widths of coming days.
    """

    _read: SeriesInputs | None = None  # by the network before, see `readers`

    def __init__(
        self,
        name: str,
        function: ForecastFunction,
        weights: dict[str, AnyArray],
        report: FitReport,
        coming: ComingDays,
    ) -> None:
        self.name = name
        self.function = function
        self.report = report
        self.coming = coming
        self._weights = weights

    @property
    def own_steps(self) -> int:
        """All steps up to the horizon are the model's own."""
        return self.function.steps[-1]

    @property
    def first_row(self) -> int:
        """First row at which a forecast can be made."""
        return sampling_of(self.function.options.windows).first_row

    def arrays(self) -> dict[str, AnyArray]:
        """See `forecaster.models.base.Fitted`."""
        return self._weights | self.coming.arrays()

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        inputs = self._inputs(series)
        end = int(rows.max()) + 1 if len(rows) else 0
        scaled = self.function(inputs.features[:end], rows) + inputs.drift[rows][..., None]
        widths = self.coming.widths(series, rows, MAX_SCALING * self.own_steps)
        scale = inputs.history.volatility[rows]
        return Forecasts(self.name, rows, scale, self.function.steps, SCORING_LEVELS, scaled, widths)

    def readers(self, histories: Sequence[PriceSeries]) -> "Sequence[FittedQuantileModel]":
        """See `forecaster.models.side_by_side.SideBySide`; shorter histories are padded behind their last row."""
        options = self.function.options
        if not sampling_of(options.windows).sequences:
            return [self] * len(histories)
        warm_up = options.windows.warm_up
        inputs = [self._inputs(series) for series in histories]
        x = np.zeros((len(histories), max(map(len, histories)) - warm_up, len(options.feature_names)), np.float32)
        for rows, each in zip(x, inputs, strict=True):
            rows[: len(each.features) - warm_up] = each.features[warm_up:]
        states = map(ReadHistory, self.function.network.histories(x))
        functions = [dataclasses.replace(self.function, network=network) for network in states]
        models = [type(self)(self.name, each, self._weights, self.report, self.coming) for each in functions]
        for model, read in zip(models, inputs, strict=True):
            model._read = read
        return models

    def _inputs(self, series: PriceSeries) -> SeriesInputs:
        """The inputs of a series, those that the network has read where it is the same."""
        if self._read is not None and self._read.series is series:
            return self._read
        function = self.function
        return SeriesInputs(series, function.options, function.steps, function.location_steps)

    def drift(self, series: PriceSeries) -> float:
        """See `forecaster.models.base.LocatedFitted`."""
        inputs = self._inputs(series)
        return float(inputs.drift[-1, 0] * inputs.history.volatility[-1])

    def inspection(self, series: PriceSeries) -> QuantileInspection:
        """See `forecaster.models.inspection.InspectableFitted`."""
        return QuantileInspection(self.function, series)

    def forecast_model(self) -> Any:
        """The whole forecaster as one Keras model, without the drift of a series.

        See `forecaster.models.quantile.network.build_forecast_model`.
        """
        return self.function.keras_model()

    def export_inputs(self) -> ExportInputs:
        """See `forecaster.models.exports.base.ExportableFitted`."""
        function = self.function
        windows = function.options.windows
        return ExportInputs(
            feature_names=function.options.feature_names,
            first_row=windows.warm_up,
            window=self._export_window(),
            settled=SETTLING_ROWS,
            steps=function.steps,
            quantile_levels=SCORING_LEVELS,
            location_steps=function.location_steps,
            coming_days=self.coming.calendar is not None or self.coming.events is not None,
        )

    def _export_window(self) -> int | None:
        """Rows on which a forecast depends, the cutoff included; None for all rows."""
        options = self.function.options
        if options.windows.supervision == "last":
            return options.windows.context_length
        reach = options.architecture.reach(options)
        return None if reach is None else reach + 1

    def export_sample(self, series: PriceSeries, row: int) -> ExportSample:
        """See `forecaster.models.exports.base.ExportableFitted`."""
        inputs = self._inputs(series)
        forecast = self.forecast(series, np.array([row]))
        undrifted = forecast.scaled - inputs.drift[forecast.rows][..., None]
        forecast = dataclasses.replace(forecast, scaled=undrifted, widths=None)
        first = max(self.function.first_row_of(row), row + 1 - (self._export_window() or row + 1))
        return ExportSample(
            inputs.features[None, first : row + 1],
            inputs.history.volatility[None, [row]].astype(np.float32),
            forecast.log_returns(self.function.steps),
        )

    def with_location(self, steps: Sequence[int]) -> "FittedQuantileModel":
        """This model with a location at `steps`."""
        function = dataclasses.replace(self.function, location_steps=tuple(steps))
        chosen = {**self.report.chosen, "location_steps": list(steps)}
        report = _with_median(dataclasses.replace(self.report, chosen=chosen))
        return FittedQuantileModel(self.name, function, self._weights, report, self.coming)


def _with_median(report: FitReport) -> FitReport:
    """`report` with the median that follows from the gate; a skewed distribution keeps its mean at closed steps."""
    if report.median == "mean_is_last_price":
        return report
    return dataclasses.replace(report, median="learned" if report.chosen.get("location_steps") else "last_price")
