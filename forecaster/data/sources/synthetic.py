"""Simulated price histories with a known law: a sine wave, a random walk, an AR(1) and a GARCH(1,1).

They test what a model can learn: the sine is deterministic, the random walk is unpredictable, the AR(1) has some
predictable direction, the GARCH has predictable volatility and no direction.
"""

import datetime
from collections.abc import Callable

import numpy as np
import pydantic

from forecaster.arrays import FloatArray
from forecaster.data.instruments import SYNTHETIC_NAMES, shown
from forecaster.data.series import PriceSeries, is_price
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.options import SourceOptions, parse_options
from forecaster.errors import ConfigError, UsageError

__all__ = ["SyntheticOptions", "SyntheticSource"]


class SyntheticOptions(SourceOptions):
    """Parameters of a simulated history; each series uses those that apply to it.

    Values are drawn from the first row on, and the last row falls on a fixed date. So with the same seed a
    longer history begins with the same prices as a shorter one, but at earlier dates; another `last_date` moves
    the dates and keeps the prices.
    """

    rows: int = pydantic.Field(2000, ge=2, le=2_000_000, description="rows, Mondays to Fridays")
    seed: int = pydantic.Field(0, ge=0, description="same seed, same bits")
    last_date: datetime.date = pydantic.Field(
        datetime.date(2020, 12, 31), description="date of the last row, or the Friday before a weekend; never today"
    )
    level: float = pydantic.Field(100.0, gt=0, le=1e9, description="price at the first row; middle of the sine wave")
    volatility: float = pydantic.Field(0.006, gt=0, le=0.2, description="standard deviation of daily log returns")
    phi: float = pydantic.Field(0.2, gt=-1, lt=1, description="ar1: correlation of a day's return with the next")
    alpha: float = pydantic.Field(0.06, ge=0, lt=1, description="garch: weight of the last squared return")
    beta: float = pydantic.Field(0.92, ge=0, lt=1, description="garch: weight of the last variance")
    omega: float | None = pydantic.Field(
        None, gt=0, le=0.01, description="garch: constant of the variance; from `volatility` when not given"
    )
    period: float = pydantic.Field(50.0, ge=2, description="sine: rows per wave")
    amplitude: float = pydantic.Field(0.1, ge=0, lt=1, description="sine: height of the wave as a share of `level`")
    noise: float = pydantic.Field(0.0, ge=0, le=0.2, description="sine: standard deviation of noise on the log price")

    @pydantic.model_validator(mode="after")
    def _variance_is_finite(self) -> "SyntheticOptions":
        if self.alpha + self.beta >= 1:
            raise ValueError(
                f"alpha + beta must be less than 1, else the variance has no mean (got {self.alpha + self.beta:g})"
            )
        return self

    @property
    def garch_omega(self) -> float:
        """Constant of the GARCH recursion: as given, else the one whose mean variance is ``volatility ** 2``."""
        return self.volatility**2 * (1 - self.alpha - self.beta) if self.omega is None else self.omega


class SyntheticSource:
    """Histories simulated from a seed. Tickers: ``sine``, ``random_walk``, ``ar1``, ``garch``."""

    name = "synthetic"
    traits = SourceTraits(
        is_synthetic=True, redistributable=True, default_ticker=SYNTHETIC_NAMES[0], options=SyntheticOptions
    )

    def load(self, request: LoadRequest) -> Loaded:
        """Simulate the history that the ticker names, with `SyntheticOptions` from the request's options.

        Raises:
            UsageError: The instrument is none of the simulated series.
            ConfigError: An option is unknown or out of range; one message per mistake.
        """
        kind = request.instrument.name
        if request.instrument.kind != "ticker" or kind not in _PRICES:
            raise UsageError(
                f"source 'synthetic' has no {request.instrument.kind} {shown(kind)}; "
                f"expected --ticker {'|'.join(_PRICES)}"
            )
        options = parse_options(SyntheticOptions, request.options, self.name)
        with np.errstate(over="ignore", under="ignore"):
            close = _PRICES[kind](options, np.random.Generator(np.random.PCG64(options.seed)))
        if not is_price(close).all():
            raise ConfigError(
                f"synthetic {kind}: prices leave the range of numbers within {options.rows} rows; "
                f"choose fewer rows or a volatility below {options.volatility:g}"
            )
        dates = np.busday_offset(np.datetime64(options.last_date), np.arange(1 - options.rows, 1), roll="backward")
        series = PriceSeries(
            instrument=request.instrument,
            source=self.name,
            symbol=kind,
            dates=dates,
            columns={"close": close},
            meta={"options": options.model_dump_json(), "numpy": np.__version__},
        )
        return Loaded(series)


def _sine(options: SyntheticOptions, random: np.random.Generator) -> FloatArray:
    wave = 1 + options.amplitude * np.sin(2 * np.pi * np.arange(options.rows) / options.period)
    return np.asarray(options.level * wave * np.exp(options.noise * random.standard_normal(options.rows)))


def _random_walk(options: SyntheticOptions, random: np.random.Generator) -> FloatArray:
    return _from_returns(options, options.volatility * random.standard_normal(options.rows - 1))


def _ar1(options: SyntheticOptions, random: np.random.Generator) -> FloatArray:
    """Returns ``r[t] = phi r[t-1] + sqrt(1 - phi^2) volatility z[t]``, the first from the stationary law."""
    shocks = options.volatility * random.standard_normal(options.rows - 1)
    scale = np.sqrt(1 - options.phi**2)
    returns = shocks.tolist()  # plain floats: a recursion over array elements is five times slower
    for row in range(1, len(returns)):
        returns[row] = options.phi * returns[row - 1] + scale * returns[row]
    return _from_returns(options, np.array(returns))


def _garch(options: SyntheticOptions, random: np.random.Generator) -> FloatArray:
    """Returns ``r[t] = sqrt(v[t]) z[t]``, ``v[t] = omega + alpha r[t-1]^2 + beta v[t-1]``, from the mean variance."""
    variance = options.garch_omega / (1 - options.alpha - options.beta)
    returns = []
    for shock in random.standard_normal(options.rows - 1).tolist():
        squared = variance * shock * shock
        returns.append(variance**0.5 * shock)
        variance = options.garch_omega + options.alpha * squared + options.beta * variance
    return _from_returns(options, np.array(returns))


def _from_returns(options: SyntheticOptions, returns: FloatArray) -> FloatArray:
    return np.asarray(options.level * np.exp(np.concatenate([[0.0], np.cumsum(returns)])))


_PRICES: dict[str, Callable[[SyntheticOptions, np.random.Generator], FloatArray]] = dict(
    zip(SYNTHETIC_NAMES, (_sine, _random_walk, _ar1, _garch), strict=True)
)
