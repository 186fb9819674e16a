"""Moves of single currencies, recovered from pairs: each against the mean of all currencies."""

from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.data.universes import PANEL_CURRENCIES

__all__ = ["Moves", "currency_moves"]

_MIN_MEAN = 5  # currencies that float, from which on only they are the mean: a peg that breaks must not move it
_HUB = "EUR"  # the ECB quotes all currencies against it


Moves = dict[str, tuple[DateArray, FloatArray]]
"""Currency -> dates (T,) and log moves (T,) since the date before; NaN where one is unknown."""


def currency_moves(pairs: Sequence[PriceSeries]) -> list[Moves]:
    """Moves of every currency that the pairs contain.

    One chain of pairs leads from each currency to any other, as far as the pairs allow; the other pairs follow from
    these. Currencies that no chain connects form groups of their own.

    Args:
        pairs: Histories of currency pairs.

    Returns:
        The moves of each group of connected currencies, on the dates of the group.
    """
    links: dict[str, dict[str, PriceSeries]] = {}
    for series in pairs:
        base, quote = str(series.instrument.base), str(series.instrument.quote)
        links.setdefault(base, {})[quote] = series
        links.setdefault(quote, {})[base] = series
    groups: list[Moves] = []
    for hub in sorted(links, key=lambda currency: (-len(links[currency]), currency != _HUB, currency)):
        if not any(hub in moves for moves in groups):
            groups.append(_group_moves(hub, links))
    return groups


def _group_moves(hub: str, links: Mapping[str, Mapping[str, PriceSeries]]) -> Moves:
    """Moves of the currencies that are connected with `hub`."""
    reached = [hub]
    chain: list[tuple[str, str]] = []
    for currency in reached:
        for other in sorted(links[currency]):
            if other not in reached:
                reached.append(other)
                chain.append((currency, other))
    dates = np.unique(np.concatenate([links[currency][other].dates for currency, other in chain]))
    legs = {hub: np.zeros(len(dates))}
    for currency, other in chain:
        series = links[currency][other]
        leg = np.full(len(dates), np.nan)
        leg[np.searchsorted(dates, series.dates)] = series.log_price
        sign = 1.0 if series.instrument.base == currency else -1.0
        legs[other] = legs[currency] + sign * leg  # units of `other` for one unit of the hub, in logs
    changes = {currency: np.diff(leg, prepend=np.nan) for currency, leg in legs.items()}
    floating = [currency for currency in reached if currency in PANEL_CURRENCIES]
    averaged = np.stack([changes[currency] for currency in (floating if len(floating) >= _MIN_MEAN else reached)])
    count = np.isfinite(averaged).sum(axis=0)
    mean = np.where(np.isfinite(averaged), averaged, 0.0).sum(axis=0) / np.maximum(count, 1)
    mean[count < 2] = np.nan  # the hub alone has no move
    return {currency: (dates, changes[currency] - mean) for currency in reached}
