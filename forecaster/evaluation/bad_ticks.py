"""Bad ticks told apart from real events: by the next row, and by the crosses of a currency pair."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.series import PriceSeries

__all__ = ["DayKind", "cross_moves", "kind_of_move"]

DayKind = Literal["event", "bad tick", "unconfirmed", "unit change"]
"""Kind of an anomalous day; it is unconfirmed until enough rows after it are known."""

_MAX_REST = 0.25  # of a move, where it is taken back; and largest move between wrong prices in succession
_MAX_WRONG_ROWS = 3  # in succession
_ALONE = 8.0  # root mean squares of the returns before, beyond which a move is no part of a turbulent week
_RECENT_RETURNS = 20
_MAX_DISAGREEMENT = 0.5  # of a move, between the pair and its crosses


def kind_of_move(moves: FloatArray, place: int, implied: float | None = None) -> tuple[DayKind, int]:
    """Kind of one move, and the move with which that is known.

    The crosses decide at once where there are any: a move that they do not share is a bad tick, one that they share is
    an event, even where the next row takes it back. Without crosses a move is a bad tick when it stands alone, beyond
    eight root mean squares of the 20 moves before, and when one of the next three rows takes back three quarters of it,
    with no other large move between. In a turbulent week real prices come back as well, as those of shares did on
    2020-03-13. Up to 2020 no fixing of the ECB comes back after two or three rows, in 39 pairs of the dollar and the
    euro.

    Args:
        moves: (N,) log returns in order of time.
        place: The move.
        implied: The same move by the crosses; None without any.
    """
    move = float(moves[place])
    if implied is not None:
        return ("bad tick" if abs(move - implied) > _MAX_DISAGREEMENT * abs(move) else "event"), place
    recent = moves[max(place - _RECENT_RETURNS, 0) : place]
    if not len(recent) or abs(move) <= _ALONE * float(np.sqrt(np.mean(recent**2))):
        return "event", place
    for back in range(place + 1, min(place + 1 + _MAX_WRONG_ROWS, len(moves))):
        if abs(moves[place : back + 1].sum()) <= _MAX_REST * abs(move):
            return "bad tick", back
        if abs(moves[back]) > _MAX_REST * abs(move):
            return "event", back
    decisive = place + _MAX_WRONG_ROWS
    return ("event", decisive) if decisive < len(moves) else ("unconfirmed", len(moves) - 1)


def cross_moves(series: PriceSeries, others: Sequence[PriceSeries]) -> Mapping[np.datetime64, float]:
    """Moves of a pair that follow from two other pairs with a currency in common, by date; the median of all ways.

    Only dates that all three have count, and dates whose row before is the same in all three.

    Args:
        series: The pair.
        others: Other pairs, each quoted by itself. Crosses that a source computes from other rates say nothing.
    """
    instrument = series.instrument
    if instrument.kind != "pair":
        return {}
    ends = {str(instrument.base), str(instrument.quote)}
    legs: dict[tuple[str, str], PriceSeries] = {}
    for other in others:
        base, quote = str(other.instrument.base), str(other.instrument.quote)
        if other.instrument.kind == "pair" and {base, quote} != ends:
            legs[base, quote] = other
    hubs = sorted({currency for pair in legs for currency in pair} - ends)
    own = set(itertools.pairwise(series.dates))
    ways: dict[np.datetime64, list[float]] = {}
    for hub in hubs:
        first = _moves_between(str(instrument.base), hub, legs)
        second = _moves_between(hub, str(instrument.quote), legs)
        for dates in own & first.keys() & second.keys():
            ways.setdefault(dates[1], []).append(first[dates] + second[dates])
    return {date: float(np.median(values)) for date, values in ways.items()}


def _moves_between(
    base: str, quote: str, legs: Mapping[tuple[str, str], PriceSeries]
) -> dict[tuple[np.datetime64, np.datetime64], float]:
    """Log returns of one unit of `base` in `quote`, by the dates between which they happened."""
    sign, series = (1.0, legs.get((base, quote))) if (base, quote) in legs else (-1.0, legs.get((quote, base)))
    if series is None:
        return {}
    dates: DateArray = series.dates
    return dict(zip(itertools.pairwise(dates), (sign * np.diff(series.log_price)).tolist(), strict=True))
