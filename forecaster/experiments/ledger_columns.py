"""Logged forecasts of one instrument and model as arrays, in canonical orientation."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.instruments import Instrument
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

    kind: str
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
        inverse: (N,) True for forecasts of the inverse quotation.
        repeated: Number of further forecasts from the same cutoffs, which are not graded: the first one counts.
    """

    model: str
    key: SeriesKey
    entries: Sequence[Mapping[str, Any]]
    cutoffs: DateArray
    last_prices: FloatArray
    inverse: BoolArray
    repeated: int

    def steps(self) -> list[int]:
        """Steps at which any of the forecasts has baselines."""
        return sorted({step for entry in self.entries for step in entry["baseline_steps"]})

    def quantiles(self, step: int, places: IntArray) -> dict[str, FloatArray]:
        """Model -> (M, 9) quantiles of the return over `step` rows, of the model and of the baselines of all of them.

        Args:
            step: Rows ahead.
            places: M positions of entries that have this step.
        """
        chosen = [self.entries[place] for place in places]
        names = [name for name in chosen[0]["baselines"] if all(name in entry["baselines"] for entry in chosen)]
        rows = [entry["baseline_steps"].index(step) for entry in chosen]
        result = {self.model: _at_scoring_levels(chosen, step)}
        for name in names:
            result[name] = np.array([entry["baselines"][name][row] for entry, row in zip(chosen, rows, strict=True)])
        inverse = self.inverse[places]
        for values in result.values() if inverse.any() else ():
            values[inverse] = 0.0 - values[inverse][:, ::-1]
        return result

    def unchanged(self, step: int, places: IntArray) -> FloatArray:
        """(M,) probabilities of a return of exactly 0."""
        still = [self.entries[place]["unchanged"] for place in places]
        return np.array([0.0 if values is None else values[step - 1] for values in still])


def _at_scoring_levels(entries: Sequence[Mapping[str, Any]], step: int) -> FloatArray:
    """(M, 9) quantiles of the model, whatever levels each entry has."""
    result = np.empty((len(entries), len(SCORING_LEVELS)))
    groups: dict[tuple[float, ...], list[int]] = {}
    for place, entry in enumerate(entries):
        groups.setdefault(tuple(entry["levels"]), []).append(place)
    for levels, places in groups.items():
        values = np.array([entries[place]["quantiles"][step - 1] for place in places])
        result[places] = values if levels == SCORING_LEVELS else values @ level_weights(levels, SCORING_LEVELS)
    return result


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
    return LedgerColumns(
        model=model,
        key=key,
        entries=chosen,
        cutoffs=np.array([entry["cutoff"] for entry in chosen], dtype="datetime64[D]"),
        last_prices=np.where(inverse, 1 / prices, prices) if inverse.any() else prices,
        inverse=inverse,
        repeated=len(entries) - len(chosen),
    )
