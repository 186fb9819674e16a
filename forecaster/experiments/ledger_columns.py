"""Logged forecasts of one instrument and model as arrays, in canonical orientation."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.instruments import Instrument, InstrumentKind
from forecaster.errors import DamageError
from forecaster.experiments.ledger import numbers_of
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["LedgerColumns", "SeriesKey", "columns_by_series"]


@dataclasses.dataclass(frozen=True, order=True)
class SeriesKey:
    """A history that forecasts were made of.

    Args:
        kind: Kind of the instrument.
        name: Name in canonical orientation.
        source: Registry key of the source.
        unit: ``log_return`` or ``change``.
    """

    kind: InstrumentKind
    name: str
    source: str
    unit: str

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "SeriesKey":
        """The history of an entry."""
        name = Instrument(entry["kind"], entry["instrument"]).canonical.name
        return cls(entry["kind"], name, entry["source"], entry["unit"])


@dataclasses.dataclass(frozen=True, eq=False)
class LedgerColumns:
    """Forecasts of one model for one history, one for each cutoff, in order of their cutoffs.

    Args:
        model: Registry key.
        key: The history.
        entries: N entries.
        cutoffs: (N,) dates.
        last_prices: (N,) prices at the cutoffs as logged, in canonical orientation.
        steps: S steps at which any of the forecasts has baselines.
        tables: Model, and then each baseline -> (N, S, 9) quantiles of the return at the scoring levels, in canonical
            orientation; NaN where an entry does not have the step or the baseline.
        repeated: Number of further forecasts from the same cutoffs, which are not graded: the first one counts.
    """

    model: str
    key: SeriesKey
    entries: Sequence[Mapping[str, Any]]
    cutoffs: DateArray
    last_prices: FloatArray
    steps: tuple[int, ...]
    tables: Mapping[str, FloatArray]
    repeated: int

    @functools.cached_property
    def has(self) -> BoolArray:
        """(N, S) True where a forecast has a step."""
        return np.asarray(np.isfinite(self.tables[self.model]).all(axis=2))

    def quantiles(self, step: int, places: IntArray) -> dict[str, FloatArray]:
        """Model -> (M, 9) quantiles of the return over `step` rows, of the model and of the baselines of all of them.

        Args:
            step: Rows ahead.
            places: (M,) positions of entries that have this step.
        """
        column = self.steps.index(step)
        chosen = {name: table[places, column] for name, table in self.tables.items()}
        return {name: values for name, values in chosen.items() if np.isfinite(values).all()}

    def unchanged(self, step: int, places: IntArray) -> FloatArray:
        """(M,) probabilities of a return of exactly 0."""
        still = [self.entries[place]["unchanged"] for place in places]
        return np.array([0.0 if values is None else values[step - 1] for values in still])


Layout = tuple[tuple[int, ...], tuple[float, ...], tuple[str, ...]]
"""Steps, levels and baselines of an entry."""


def _tables(
    model: str, entries: Sequence[Mapping[str, Any]], steps: tuple[int, ...], inverse: BoolArray
) -> dict[str, FloatArray]:
    """See `LedgerColumns`; entries of one layout, which most are, become arrays together."""
    groups: dict[Layout, list[int]] = {}
    for place, entry in enumerate(entries):
        layout = (tuple(entry["baseline_steps"]), tuple(entry["levels"]), tuple(entry["baselines"]))
        groups.setdefault(layout, []).append(place)
    scales = np.array([entry["scale"] for entry in entries], dtype=float)
    names = dict.fromkeys(name for _, _, baselines in groups for name in baselines)
    shape = (len(entries), len(steps), len(SCORING_LEVELS))
    tables = {name: np.full(shape, np.nan) for name in (model, *names)}
    for (own_steps, levels, baselines), places in groups.items():
        cells = np.ix_(places, [steps.index(step) for step in own_steps])
        chosen = [entries[place] for place in places]
        rows = _increasing(numbers_of([entry["quantiles"][step] for entry in chosen for step in own_steps]))
        rows *= np.repeat(scales[places], len(own_steps))[:, None]
        rows = rows if levels == SCORING_LEVELS else rows @ level_weights(levels, SCORING_LEVELS)
        tables[model][cells] = rows.reshape(len(places), len(own_steps), -1)
        for name in baselines:
            values = numbers_of([entry["baselines"][name] for entry in chosen]).reshape(len(places), len(own_steps), -1)
            tables[name][cells] = _increasing(values) * scales[places, None, None]
    for table in tables.values() if inverse.any() else ():
        table[inverse] = 0.0 - table[inverse][..., ::-1]
    return tables


def _increasing(quantiles: FloatArray) -> FloatArray:
    """`quantiles`, along whose last axis none is smaller than the one before.

    Raises:
        DamageError: One is.
    """
    if (np.diff(quantiles, axis=-1) < 0).any():
        raise DamageError("the ledger holds quantiles that decrease; expected a sound one")
    return quantiles


def _is_inverse(entry: Mapping[str, Any]) -> bool:
    return Instrument(entry["kind"], entry["instrument"]).sign < 0


def columns_by_series(entries: Iterable[Mapping[str, Any]]) -> list[LedgerColumns]:
    """The entries of each model and history; of several from one cutoff the one that was issued first.

    Args:
        entries: In order of their issue.
    """
    groups: dict[tuple[str, SeriesKey], list[Mapping[str, Any]]] = {}
    for entry in entries:
        groups.setdefault((entry["model"], SeriesKey.of(entry)), []).append(entry)
    return [_columns(model, key, groups[model, key]) for model, key in sorted(groups)]


def _columns(model: str, key: SeriesKey, entries: Sequence[Mapping[str, Any]]) -> LedgerColumns:
    first: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        first.setdefault(entry["cutoff"], entry)
    chosen = [first[cutoff] for cutoff in sorted(first)]
    prices = np.array([entry["last_price"] for entry in chosen], dtype=float)
    inverse = np.array([_is_inverse(entry) for entry in chosen])
    steps = tuple(sorted({step for entry in chosen for step in entry["baseline_steps"]}))
    return LedgerColumns(
        model=model,
        key=key,
        entries=chosen,
        cutoffs=np.array([entry["cutoff"] for entry in chosen], dtype="datetime64[D]"),
        last_prices=np.where(inverse, 1 / prices, prices) if inverse.any() else prices,
        steps=steps,
        tables=_tables(model, chosen, steps, inverse),
        repeated=len(entries) - len(chosen),
    )
