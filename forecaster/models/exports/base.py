"""Exported forecasters: what a format writes, and what a fitted model gives it."""

import dataclasses
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from forecaster.arrays import Float32Array, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.errors import UsageError
from forecaster.models.base import Fitted

__all__ = ["ExportFormat", "ExportInputs", "ExportSample", "ExportableFitted"]


@dataclasses.dataclass(frozen=True)
class ExportInputs:
    """Description of the inputs and the output of an exported forecaster.

    Args:
        feature_names: (F,) columns of the features, in order.
        first_row: First row of a history that is read; the rows before it settle the features.
        window: Number of last rows that are read; None where all rows from `first_row` on are.
        settled: Number of last rows that are enough where all rows are read.
        steps: (K,) steps of the output.
        quantile_levels: (Q,) levels of the output.
        location_steps: Steps at which the median moves by a learned location.
        coming_days: True if `predict` widens and narrows steps by what is known about coming days.
    """

    feature_names: tuple[str, ...]
    first_row: int
    window: int | None
    settled: int
    steps: tuple[int, ...]
    quantile_levels: tuple[float, ...]
    location_steps: tuple[int, ...]
    coming_days: bool


@dataclasses.dataclass(frozen=True, eq=False)
class ExportSample:
    """Inputs of an exported forecaster, and the output that `predict` gives for them.

    Args:
        features: (B, T, F) last T rows up to each cutoff.
        volatility: (B, 1) daily volatility at each cutoff.
        quantiles: (B, K, Q) of the log return.
    """

    features: Float32Array
    volatility: Float32Array
    quantiles: FloatArray

    def difference(self, quantiles: Float32Array) -> float:
        """Largest difference from `quantiles` (B, K, Q), in units of the volatility, relative for values above 1."""
        unit = self.volatility[..., None].astype(np.float64)
        expected = self.quantiles / unit
        difference = np.abs(quantiles / unit - expected) / np.maximum(np.abs(expected), 1.0)
        return float(np.nan_to_num(difference, nan=np.inf).max())

    def last(self, rows: int) -> "ExportSample":
        """The same with the last `rows` rows of the features."""
        return dataclasses.replace(self, features=self.features[:, -rows:])


class ExportableFitted(Fitted, Protocol):
    """A fitted model whose class has the trait `exportable`."""

    def forecast_model(self) -> Any:
        """The whole forecaster as a Keras model of plain layers, with inputs ``features`` and ``volatility``."""

    def export_inputs(self) -> ExportInputs:
        """Description of the inputs."""

    def export_sample(self, series: PriceSeries, row: int) -> ExportSample:
        """The features that a forecast at the cutoff `row` reads, and it without drift and coming days: B is 1."""


class ExportFormat(ABC):
    """One way to write a forecaster for programs that do not have this package.

    Attributes:
        name: Value of ``--format``.
        file: Name of the file or folder of the model.
        packages: Packages of the extra ``export`` that are needed, by the names of their modules.
        example: Lines of Python that load the model from ``folder`` and set ``quantiles`` from ``sample``, a mapping of
            the inputs by their names.
    """

    name: ClassVar[str]
    file: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str]

    def require(self) -> None:
        """Prove that the format can be written.

        Raises:
            UsageError: A package of the extra is not installed.
        """
        missing = [name for name in self.packages if importlib.util.find_spec(name) is None]
        if missing:
            raise UsageError(
                f"--format {self.name} needs {' and '.join(missing)}; install with pip install 'forecaster[export]', "
                "or choose --format keras"
            )

    @abstractmethod
    def write(self, model: Any, folder: Path, samples: Sequence[ExportSample]) -> list[Float32Array]:
        """Write `model` into `folder`, and compute its output for `samples` from what was written.

        Args:
            model: Keras model of `ExportableFitted.forecast_model`.
            folder: Existing folder.
            samples: Inputs.

        Returns:
            Quantiles (B, K, Q) for each sample.

        Raises:
            UsageError: The model has a part that the format cannot express.
        """
