"""The encoder-decoder (Sutskever, Vinyals and Le 2014): it writes paths of the coming days, one day after the other.

Docs: docs/models.md. An LSTM reads the history and hands its state to a second one, the decoder, which gives the
quantiles of each coming day from the days before it. In the training it reads the true days; in a forecast it reads
those that it has drawn. The quantiles over several days are those of many paths.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features import antisymmetric_features, feature_matrix
from forecaster.features.history import History
from forecaster.features.outcomes import daily_returns_after
from forecaster.features.windows import DenseWindows
from forecaster.models.base import FitReport, FitRequest
from forecaster.models.coming_days import ComingDays
from forecaster.models.panel_members import Member, invertible
from forecaster.models.quantile.forecaster import FittedQuantileModel, QuantileForecaster, Samples
from forecaster.models.quantile.initial_shape import counted_shape
from forecaster.models.quantile.members import curve_samples
from forecaster.models.seq2seq.decoder import decoder_shapes
from forecaster.models.seq2seq.inspection import PathInspection
from forecaster.models.seq2seq.options import Seq2SeqOptions
from forecaster.models.seq2seq.path_function import CORRECTION, TAIL_SHARE, PathFunction
from forecaster.models.stored_weights import require_shapes
from forecaster.models.volatility_regression import VolatilityRegression
from forecaster.quantiles import SCORING_LEVELS, matched

__all__ = ["FittedSeq2Seq", "Seq2Seq"]


class Seq2Seq(QuantileForecaster, located=False, samples_paths=True):
    """Quantile forecaster whose distributions are those of sampled paths.

    Args:
        options: Section ``model`` of the configuration.
        horizon: Longest step H that will be asked for: the length of a path.
    """

    name = "seq2seq"
    Options = Seq2SeqOptions
    options: Seq2SeqOptions

    def network(self, seed: int = 0, skipped_rows: int = 0) -> Any:
        """The Keras model that is trained, with fresh weights."""
        from forecaster.models.seq2seq.network import build_network

        return build_network(self.options, self.knots[-1], seed)

    def _samples(self, members: Sequence[Member]) -> Sequence[Samples]:
        """Samples of every member that is long enough; their targets are the H days after each row."""
        super()._samples(members)  # refuses a panel that is too short
        cut = [self.sampling.cut(member.features, self._paths(member), member.training_rows) for member in members]
        return [windows for windows in cut if len(windows)]

    def _paths(self, member: Member) -> Float32Array:
        """(T, H) return of each day after each row."""
        history = History.of(member.series)
        return daily_returns_after(history.log_return, history.volatility, self.knots[-1])

    def _initialise(self, network: Any, members: Sequence[Member], samples: Sequence[Samples]) -> None:
        """Give the decoder of a short training the shape of a day's outcomes."""
        if self._steps(samples) < self.options.training.steps:
            shape = counted_shape([windows.targets[: max(windows.end_row, 0), :1] for windows in samples], (1,))
            network.get_layer("decoder").spread.bias.assign(shape[0].astype(np.float32))

    def _train(self, network: Any, members: Sequence[Member], samples: Sequence[Samples], request: FitRequest) -> Any:
        from forecaster.models.optimizers import optimizer_of
        from forecaster.models.seq2seq.batches import PathBatches
        from forecaster.models.seq2seq.network import PathLoss
        from forecaster.models.training import Stopping, draw_samples, epoch_count, fit_network

        training = self.options.training
        steps = self._steps(samples)
        rng = np.random.default_rng(request.seed)
        lengths = [len(windows) for windows in samples]
        drawn = draw_samples(lengths, steps * training.batch_size, invertible(members), rng)
        antisymmetric = antisymmetric_features(self.options.feature_names)
        batches = PathBatches(samples, drawn, antisymmetric, epoch_count(steps), self.options, request.seed)
        optimizer = optimizer_of(training, steps)
        loss = PathLoss(SCORING_LEVELS)
        validation = self._validation(members, request.validation_rows)
        stopping = Stopping(training.patience, request.chosen.get("epochs"))
        return fit_network(network, batches, optimizer, loss, request.progress, validation, stopping)

    def _trained(self, network: Any, samples: Sequence[Samples]) -> dict[str, AnyArray]:
        """The network, and facts about its paths that are measured once."""
        from forecaster.models.seq2seq.path_facts import measure_correction, measure_tail_share

        chunks = cast(Sequence[DenseWindows], samples)
        share = measure_tail_share(network, chunks, self.options)
        weights = super()._trained(network, samples) | {
            TAIL_SHARE: np.array(share, dtype=np.float32),
            CORRECTION: np.zeros((len(self.knots), len(SCORING_LEVELS)), dtype=np.float32),
        }
        correction = measure_correction(self._function(weights), chunks)
        return weights | {CORRECTION: correction.astype(np.float32)}

    def _validation(self, members: Sequence[Member], rows: Mapping[str, IntArray]) -> Any:
        """Inputs and paths of the validation for the learning curve; None where there is none."""
        from forecaster.models.seq2seq.batches import network_inputs

        samples = curve_samples(
            members,
            rows,
            lambda member, cutoffs: self.sampling.validation(member.features, self._paths(member), cutoffs),
        )
        return None if samples is None else network_inputs(*samples, self.options)

    def _reference_losses(self, members: Sequence[Member], rows: Mapping[str, IntArray]) -> dict[str, float]:
        """None: no baseline says where a day of a path will be, given the days before it."""
        return {}

    def _check_weights(self, weights: Mapping[str, AnyArray]) -> None:
        inputs = len(self.options.feature_names)
        regression = VolatilityRegression.shapes(inputs, len(self.knots))
        stored = {name: array for name, array in weights.items() if name in regression}
        if stored:
            VolatilityRegression.check(stored, inputs, len(self.knots))
        encoder, encoded = self.options.architecture.weight_shapes(inputs, self.options)
        decoder = decoder_shapes(encoded, self.options.decoder_units, self.options.attention)
        network = {name: array for name, array in weights.items() if name not in regression}
        facts = {TAIL_SHARE: (), CORRECTION: (len(self.knots), len(SCORING_LEVELS))}
        require_shapes(network, {**encoder, **decoder, **facts})

    def _function(self, weights: Mapping[str, AnyArray], location_steps: Sequence[int] = ()) -> PathFunction:
        return PathFunction.of_weights(self.options, self.knots, weights)

    def _fitted(self, weights: Mapping[str, AnyArray], report: FitReport, coming: ComingDays) -> "FittedSeq2Seq":
        return FittedSeq2Seq(self.name, self._function(weights), dict(weights), report, coming)


class FittedSeq2Seq(FittedQuantileModel):
    """A fitted encoder-decoder."""

    function: PathFunction

    def inspection(self, series: PriceSeries) -> PathInspection:
        """See `forecaster.models.inspection.InspectableFitted`."""
        return PathInspection(self.function, series)

    def paths(self, series: PriceSeries, values: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
        """See `forecaster.models.base.SamplesPaths`."""
        history = History.of(series)
        features = feature_matrix(history, self.function.options.feature_names)
        state = self.function.memory(features, np.array([len(series) - 1]))
        steps = np.arange(1, len(values) + 1)
        own = self.function.many_path_quantiles(state)[: len(steps)] * np.sqrt(steps)[:, None]
        drawn = np.cumsum(self.function.paths(state, count, rng), axis=1)
        return np.stack([matched(drawn[:, step - 1], own[step - 1], values[step - 1]) for step in steps], axis=1)
