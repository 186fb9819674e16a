"""Checks of large moves: wrong prices that come back, changes of the unit, and moves that may be real."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from forecaster.arrays import FloatArray, Int64Array
from forecaster.data.validation_marks import FOREVER, Marks, Subject

__all__ = ["jump_marks"]

_RETURNS_FOR_SPREAD = 250
_RECENT_RETURNS = 20
_MEDIAN_TO_SD = 1.4826
_SPIKE_SPREADS, _SPIKE_FLOOR, _SPIKE_FLOOR_EARLY = 8.0, 0.05, 0.20
_BACK_SPREADS, _BACK_FLOOR, _BACK_SHARE = 5.0, 0.01, 0.25  # two true returns remain, not one
_CHANGE_SPREADS = 20.0  # of prices that may be negative: days of a spread differ more than those of a price
_MAX_WRONG_ROWS = 5
_RUN_FLOOR = 0.15  # of several wrong rows in succession; a single one is more often an error than a rumour

SPLITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50)
UNITS = (100, 1000, 10_000, 100_000, 1_000_000)
RARE_SPLITS = (1.5,)
"""Ratios of splits that a crash or a takeover reaches as well: reported, not corrected."""

_SPLIT_TOLERANCE = 0.045  # less than half the distance between two neighbouring ratios
_UNIT_TOLERANCE = 0.25
_RARE_TOLERANCE = 0.02


def jump_marks(subject: Subject) -> Iterator[Marks]:
    """Large moves, and among them those of wrong prices and of another unit.

    A move is large beyond 8 robust standard deviations of the 250 returns before it, and beyond 5 %.

    It leads to a wrong price when it is also beyond 8 root mean squares of the 20 returns before it, and when no more
    than an ordinary return remains of it after the next row, or, beyond 15 %, after at most five rows without another
    large move. Days of crisis come in weeks of crisis and pass the second test: up to 2020 no fixing of the ECB fails
    it, in any of 435 pairs. Until the price has come back the move may be real, as that of the franc on 2015-01-15
    was.

    It leads to another unit when, beyond the same 8 root mean squares, it is the ratio of a split or of two units
    within an ordinary return. That is known on its own row, since no other row is needed: the return of the row is
    computed without the ratio, and no earlier row changes. Small ratios count only for prices that the user gives,
    since a source that adjusts for splits has none.

    Prices that may be negative have changes and no returns, hence no share that is large, no ratio and no unit. One of
    their changes is large beyond 20 times both spreads, and leads to a wrong price when the next row takes back three
    quarters of it.
    """
    places = np.flatnonzero(subject.alive)
    if len(places) < 2:
        return
    scan = _Scan(subject, places)
    yield from scan.marks_of_changes() if subject.market.signed else scan.marks()


@dataclasses.dataclass(frozen=True)
class _Limits:
    """Limits that the returns before a move set.

    Args:
        large: Smallest large move.
        spike: Smallest move that cannot be one of a week of crisis.
        ordinary: Largest return of two ordinary days.
    """

    large: float
    spike: float
    ordinary: float

    @classmethod
    def of(cls, returns: FloatArray) -> "_Limits":
        """The limits after `returns` (N,)."""
        if len(returns) < _RECENT_RETURNS:
            return cls(_SPIKE_FLOOR_EARLY, _SPIKE_FLOOR_EARLY, _BACK_FLOOR)
        middle = len(returns) // 2  # np.median takes five times as long, for half the distance to the next value
        spread = _MEDIAN_TO_SD * float(np.partition(np.abs(returns), middle)[middle])
        recent = float(np.sqrt(np.mean(returns[-_RECENT_RETURNS:] ** 2)))
        return cls(
            max(_SPIKE_SPREADS * spread, _SPIKE_FLOOR),
            _SPIKE_SPREADS * recent,
            max(_BACK_SPREADS * spread, _BACK_FLOOR),
        )


class _Scan:
    """One pass over the moves of a history, in order of time.

    Args:
        subject: Rows under validation.
        places: (N,) the rows that are used.
    """

    def __init__(self, subject: Subject, places: Int64Array) -> None:
        self._places = places
        price = subject.price[places]
        self._moves = np.diff(price if subject.market.signed else np.log(price))
        self._returns = self._moves.copy()
        """(N - 1,) the moves without the jumps handled so far."""
        self._given = subject.market.is_given
        self._confirmed = subject.corrections.confirms(subject.dates[places])[1:]
        rows = subject.corrections.ratios(subject.dates[places])
        self._splits = {row - 1: ratio for row, ratio in rows.items()}
        self._large: list[int] = []
        self._rare: list[tuple[int, float]] = []
        self._units: list[tuple[int, float]] = []
        self._wrong: list[tuple[int, int]] = []
        """Move to a wrong price, and number of wrong rows."""

    def marks(self) -> Iterator[Marks]:
        """Marks of all jumps."""
        beyond = np.flatnonzero(np.abs(self._moves) > _SPIKE_FLOOR).tolist()
        back = -1  # the move back from a wrong price
        for move in sorted({*beyond, *self._splits}):
            if move in self._splits:
                self._change_unit(move, self._splits[move])
            elif move > back:
                back = self._judge(move)
        yield from self._all_marks()

    def marks_of_changes(self) -> Iterator[Marks]:
        """Marks of the jumps of prices that may be negative."""
        squares = np.concatenate([[0.0], np.cumsum(self._moves**2)])
        moves = np.arange(_RECENT_RETURNS, len(self._moves))
        recent = np.sqrt((squares[moves] - squares[moves - _RECENT_RETURNS]) / _RECENT_RETURNS)
        sizes = np.abs(self._moves)
        for move in moves[(recent > 0) & (sizes[moves] > _CHANGE_SPREADS * recent) & ~self._confirmed[moves]].tolist():
            spread = _MEDIAN_TO_SD * float(np.median(sizes[max(0, move - _RETURNS_FOR_SPREAD) : move]))
            if not 0 < _CHANGE_SPREADS * spread < sizes[move]:
                continue
            self._large.append(move)
            if move + 1 < len(sizes) and abs(self._moves[move : move + 2].sum()) <= _BACK_SHARE * sizes[move]:
                self._wrong.append((move, 1))
        yield from self._all_marks()

    def _judge(self, move: int) -> int:
        """Sort one move into its kind; returns the move back from a wrong price, or -1."""
        limits = _Limits.of(self._returns[max(0, move - _RETURNS_FOR_SPREAD) : move])
        size = abs(self._moves[move])
        if size <= limits.large:
            return -1
        ratio = None if self._confirmed[move] else self._unit_ratio(move, limits)
        if ratio is None:
            self._large.append(move)
        count = 0 if self._confirmed[move] else self._wrong_rows(move, limits, is_unit=ratio is not None)
        if count:
            if ratio is not None:  # believed until the price comes back
                self._units.append((move, ratio))
            self._wrong.append((move, count))
            back = move + count
            self._returns[move] = 0.0
            self._returns[back] = self._moves[move : back + 1].sum()
            return back
        if ratio is not None:
            self._change_unit(move, ratio)
        elif self._given and size > limits.spike:
            rare = _nearest(size, RARE_SPLITS, min(limits.ordinary, _RARE_TOLERANCE))
            if rare is not None and not self._confirmed[move]:
                self._rare.append((move, rare if self._moves[move] < 0 else 1 / rare))
        return -1

    def _unit_ratio(self, move: int, limits: _Limits) -> float | None:
        """Old units per new one at `move`; None if it is no change of the unit."""
        size = abs(self._moves[move])
        if size <= limits.spike:
            return None
        ratio = _nearest(size, UNITS, _UNIT_TOLERANCE)
        if ratio is None and self._given:
            ratio = _nearest(size, SPLITS, min(limits.ordinary, _SPLIT_TOLERANCE))
        if ratio is None:
            return None
        return ratio if self._moves[move] < 0 else 1 / ratio

    def _wrong_rows(self, move: int, limits: _Limits, *, is_unit: bool) -> int:
        """Rows from `move` on whose price is wrong, as the price after them shows; 0 if there are none.

        Several rows in another unit are two changes of the unit, each known on its own row.
        """
        size = abs(self._moves[move])
        if size <= limits.spike:
            return 0
        longest = 1 if is_unit or size <= _RUN_FLOOR else _MAX_WRONG_ROWS
        for count in range(1, longest + 1):
            back = move + count
            if back >= len(self._moves):
                return 0
            rest = abs(self._moves[move : back + 1].sum())
            if rest <= min(limits.ordinary, _BACK_SHARE * size):
                return count
            if abs(self._moves[back]) > _SPIKE_FLOOR:
                return 0
        return 0

    def _change_unit(self, move: int, ratio: float) -> None:
        self._units.append((move, ratio))
        self._returns[move] = self._moves[move] + np.log(ratio)

    def _all_marks(self) -> Iterator[Marks]:
        noticed = {move: self._places[move + count + 1] for move, count in self._wrong}
        yield self._marks_until("large_move", [(move, self._moves[move]) for move in self._large], noticed)
        yield self._marks_until("unit_change", self._units, noticed)
        yield self._marks_until("possible_split", self._rare, {})
        wrong = [(move + offset, move) for move, count in self._wrong for offset in range(1, count + 1)]
        rows = self._places[np.array([row for row, _ in wrong], dtype=np.int64)]
        known_from = np.array([noticed[move] for _, move in wrong], dtype=np.int64)
        sizes = np.array([self._moves[move] for _, move in wrong])
        yield Marks("reverting_spike", rows, known_from, np.full(len(rows), FOREVER), sizes)

    def _marks_until(self, code: str, values: list[tuple[int, float]], noticed: dict[int, np.int64]) -> Marks:
        """Marks on the row after each move, which stay until it is noticed as the way to a wrong price."""
        rows = self._places[np.array([move for move, _ in values], dtype=np.int64) + 1]
        until = np.array([noticed.get(move, FOREVER) for move, _ in values], dtype=np.int64)
        return Marks(code, rows, rows, until, np.array([value for _, value in values], dtype=np.float64))


def _nearest(size: float, ratios: tuple[float, ...], tolerance: float) -> float | None:
    """The ratio whose logarithm is nearest to `size`, if it is within `tolerance`."""
    distances = np.abs(np.log(ratios) - size)
    nearest = int(np.argmin(distances))
    return float(ratios[nearest]) if distances[nearest] <= tolerance else None
