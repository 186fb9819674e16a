"""Checks of large moves: wrong prices that come back, changes of the unit, and moves that may be real."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from forecaster.arrays import FloatArray, Int64Array
from forecaster.data.validation_marks import FOREVER, Marks, Subject
from forecaster.data.weekends import weekdays_of

__all__ = ["jump_marks"]

_RETURNS_FOR_SPREAD = 250
_RECENT_RETURNS = 20
_FEWEST_RETURNS = 4
_MEDIAN_TO_SD = 1.4826
_SPIKE_SPREADS, _SPIKE_FLOOR, _SPIKE_FLOOR_EARLY = 8.0, 0.05, 0.20
_BACK_SPREADS, _BACK_FLOOR, _BACK_SHARE = 5.0, 0.01, 0.25  # two true returns remain, not one
_BACK_FLOOR_EARLY = 0.05
_CHANGE_SPREADS = 20.0  # of prices that may be negative: days of a spread differ more than those of a price
_MAX_WRONG_ROWS = 5
_MAX_EQUAL_ROWS = 20  # of one wrong price, such as 9999
_RUN_FLOOR = 0.15  # of several wrong rows in succession; a single one is more often an error than a rumour
_MAX_ROWS_BETWEEN = 60  # two large moves that may enclose rows of another instrument
_MAX_TICKS = 2
_MAX_DECIMALS = 12
_WEEKEND_ROWS, _FEWEST_WEEKENDS = 35, 3

SPLITS: tuple[float, ...] = (2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50)
UNITS = (100, 1000, 10_000, 100_000, 1_000_000)
RARE_SPLITS = (1.25, 4 / 3, 1.5)
"""Ratios of splits that a crash or a takeover reaches as well: reported, not corrected."""

_SPLIT_TOLERANCE = 0.045  # less than half the distance between two neighbouring ratios
_UNIT_TOLERANCE = 0.25
_RARE_TOLERANCE = 0.02
_NEAR_TOLERANCE = 0.12  # of a split on a day with a large move
_SPLIT_SPREADS = 20.0  # a smaller move of a volatile price may be real
_SPLIT_EARLY = 1.0  # before the volatility is known: 3 for 1
_MAX_TIE_SHARE = 0.2  # beyond it, as in a rate or a peg, a move has no ordinary size


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
    computed without the ratio, and no earlier row changes. Ratios of splits count only for prices that the user
    gives, since a source that adjusts for splits has none, and not for prices of seven days a week, since coins have
    no splits. Where a real move is as likely, because the price is volatile, often stands still, or goes on to
    move on the day, the split is possible, and the user decides.

    A move by two steps of the quotation, such as from 0.01 to 0.02, is not large. A price that repeats is a placeholder
    if it comes back after up to twenty rows. Two large moves beyond 15 % that cancel within sixty rows may enclose
    rows of something else.

    Prices that may be negative have changes and no returns, hence no share that is large, no ratio and no unit. One of
    their changes is large beyond 20 times both spreads, and leads to a wrong price when the rows after it take back
    three quarters of it.
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
        split: Smallest move that is a split, if it has the ratio of one.
    """

    large: float
    spike: float
    ordinary: float
    split: float

    @classmethod
    def of(cls, returns: FloatArray) -> "_Limits":
        """The limits after `returns` (N,)."""
        if len(returns) < _FEWEST_RETURNS:
            return cls(_SPIKE_FLOOR_EARLY, _SPIKE_FLOOR_EARLY, _BACK_FLOOR_EARLY, _SPLIT_EARLY)
        middle = len(returns) // 2  # np.median takes five times as long, for half the distance to the next value
        spread = _MEDIAN_TO_SD * float(np.partition(np.abs(returns), middle)[middle])
        split = np.inf if np.mean(returns == 0) >= _MAX_TIE_SHARE else _SPLIT_SPREADS * spread
        if len(returns) < _RECENT_RETURNS:
            return cls(_SPIKE_FLOOR_EARLY, _SPIKE_FLOOR_EARLY, _BACK_FLOOR_EARLY, split)
        recent = float(np.sqrt(np.mean(returns[-_RECENT_RETURNS:] ** 2)))
        return cls(
            max(_SPIKE_SPREADS * spread, _SPIKE_FLOOR),
            _SPIKE_SPREADS * recent,
            max(_BACK_SPREADS * spread, _BACK_FLOOR),
            split,
        )


class _Scan:
    """One pass over the moves of a history, in order of time.

    Args:
        subject: Rows under validation.
        places: (N,) the rows that are used.
    """

    def __init__(self, subject: Subject, places: Int64Array) -> None:
        self._places = places
        self._price = price = subject.price[places]
        with np.errstate(invalid="ignore", divide="ignore"):
            self._ranges = np.log(subject.column("high")[places] / subject.column("low")[places])
        self._weekdays = weekdays_of(subject.dates[places])
        self._moves = np.diff(price if subject.market.signed else np.log(price))
        self._returns = self._moves.copy()
        """(N - 1,) the moves without the jumps handled so far."""
        self._run_floor = 0.0 if subject.market.signed else _RUN_FLOOR
        self._given = subject.market.is_given
        self._confirmed = subject.corrections.confirms(subject.dates[places])[1:]
        rows = subject.corrections.ratios(subject.dates[places])
        self._splits = {row - 1: ratio for row, ratio in rows.items()}
        self._large: list[int] = []
        self._possible: list[tuple[int, float]] = []
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
        sizes = np.abs(self._moves)
        back = -1
        for move in range(_RECENT_RETURNS, len(sizes)):
            recent = float(np.sqrt(np.mean(self._returns[move - _RECENT_RETURNS : move] ** 2)))
            if move <= back or self._confirmed[move] or not 0 < _CHANGE_SPREADS * recent < sizes[move]:
                continue
            spread = float(np.median(np.abs(self._returns[max(0, move - _RETURNS_FOR_SPREAD) : move])))
            if not 0 < _CHANGE_SPREADS * _MEDIAN_TO_SD * spread < sizes[move]:
                continue
            self._large.append(move)
            count = self._rows_until_back(move, np.inf, _MAX_WRONG_ROWS)
            if count:
                back = self._leave_out(move, count)
        yield from self._all_marks()

    def _judge(self, move: int) -> int:
        """Sort one move into its kind; returns the move back from a wrong price, or -1."""
        limits = _Limits.of(self._returns[max(0, move - _RETURNS_FOR_SPREAD) : move])
        size = abs(self._moves[move])
        if size <= limits.large or self._is_of_ticks(move):
            return -1
        if self._confirmed[move]:
            self._large.append(move)
            return -1
        ratio = self._unit_ratio(move, limits)
        count = self._wrong_rows(move, limits, is_unit=ratio is not None)
        if ratio is None:
            self._large.append(move)
            self._note_possible_split(move, limits)
        elif count:  # believed until the price comes back
            self._units.append((move, ratio))
        else:
            self._change_unit(move, ratio)
        return self._leave_out(move, count) if count else -1

    def _note_possible_split(self, move: int, limits: _Limits) -> None:
        size = abs(self._moves[move])
        if size <= limits.spike or not self._may_split(move):
            return
        ratio = _nearest(size, RARE_SPLITS, min(limits.ordinary, _RARE_TOLERANCE))
        ratio = ratio or _nearest(size, SPLITS, _NEAR_TOLERANCE)
        if ratio is not None:
            self._possible.append((move, ratio if self._moves[move] < 0 else 1 / ratio))

    def _leave_out(self, move: int, count: int) -> int:
        """Note `count` wrong rows after `move`; returns the move back."""
        self._wrong.append((move, count))
        back = move + count
        self._returns[move : back + 1] = 0.0
        self._returns[back] = self._moves[move : back + 1].sum()
        return back

    def _is_of_ticks(self, move: int) -> bool:
        """True for a move by two steps of the quotation, as the prices so far show them."""
        prices = self._price[max(0, move - _RETURNS_FOR_SPREAD) : move + 2]
        tick = next((10.0**-digits for digits in range(_MAX_DECIMALS) if _has_decimals(prices, digits)), 0.0)
        changes = np.abs(np.diff(prices[:-1]))
        if len(changes) >= _RECENT_RETURNS:
            tick = max(tick, float(np.min(changes[changes > 0], initial=np.inf))) if changes.any() else tick
        return bool(abs(self._price[move + 1] - self._price[move]) <= _MAX_TICKS * tick * (1 + 1e-9))

    def _may_split(self, move: int) -> bool:
        """True for prices that the user gives, unless weekends have rows: coins have no splits."""
        recent = self._weekdays[max(0, move + 2 - _WEEKEND_ROWS) : move + 2]
        return self._given and min((recent == 5).sum(), (recent == 6).sum()) < _FEWEST_WEEKENDS

    def _unit_ratio(self, move: int, limits: _Limits) -> float | None:
        """Old units per new one at `move`; None if it is no change of the unit."""
        size = abs(self._moves[move])
        if size <= limits.spike:
            return None
        ratio = _nearest(size, UNITS, _UNIT_TOLERANCE)
        is_quiet = not self._ranges[move + 1] > limits.ordinary  # on the day of a crash prices move on
        if ratio is None and size >= limits.split and is_quiet and self._may_split(move):
            ratio = _nearest(size, SPLITS, min(limits.ordinary, _SPLIT_TOLERANCE))
        if ratio is None:
            return None
        return ratio if self._moves[move] < 0 else 1 / ratio

    def _wrong_rows(self, move: int, limits: _Limits, *, is_unit: bool) -> int:
        """Rows from `move` on whose price is wrong, as the price after them shows; 0 if there are none.

        Several rows in another unit are two changes of the unit, each known on its own row. A price that repeats is in
        no unit.
        """
        size = abs(self._moves[move])
        if size <= limits.spike:
            return 0
        longest = 1 if is_unit or size <= _RUN_FLOOR else _MAX_WRONG_ROWS
        return self._rows_until_back(move, limits.ordinary, longest)

    def _rows_until_back(self, move: int, ordinary: float, longest: int) -> int:
        """Rows after `move` until no more than an `ordinary` return of two days remains; 0 if that takes too long."""
        most = _BACK_SHARE * abs(self._moves[move])
        following = self._price[move + 1 : move + 2 + _MAX_EQUAL_ROWS]
        equal = int(np.argmin(np.append(following == following[0], False)))
        if abs(self._moves[move]) > self._run_floor:
            longest = max(longest, min(equal, _MAX_EQUAL_ROWS))
        for count in range(1, longest + 1):
            back = move + count
            if back >= len(self._moves):
                return 0
            rest = min(ordinary * np.sqrt((count + 1) / 2), most)
            if abs(self._moves[move : back + 1].sum()) <= rest:
                return count
            if abs(self._moves[back]) > max(_SPIKE_FLOOR, rest):
                return 0
        return 0

    def _change_unit(self, move: int, ratio: float) -> None:
        self._units.append((move, ratio))
        self._returns[move] = self._moves[move] + np.log(ratio)

    def _all_marks(self) -> Iterator[Marks]:
        noticed = {move: self._places[move + count + 1] for move, count in self._wrong}
        yield self._marks_until("large_move", [(move, self._moves[move]) for move in self._large], noticed)
        yield self._marks_until("unit_change", self._units, noticed)
        yield self._marks_until("possible_split", self._possible, noticed)
        yield self._marks_until("possible_wrong_rows", list(self._enclosed(noticed)), noticed)
        wrong = [(move + offset, move) for move, count in self._wrong for offset in range(1, count + 1)]
        rows = self._places[np.array([row for row, _ in wrong], dtype=np.int64)]
        known_from = np.array([noticed[move] for _, move in wrong], dtype=np.int64)
        sizes = np.array([self._moves[move] for _, move in wrong])
        yield Marks("reverting_spike", rows, known_from, np.full(len(rows), FOREVER), sizes)

    def _enclosed(self, noticed: dict[int, np.int64]) -> Iterator[tuple[int, float]]:
        """The second of two large moves that cancel, and the row after the first."""
        first = None
        for last in self._large:
            if first is not None and last - first <= _MAX_ROWS_BETWEEN:
                smaller = min(abs(self._moves[first]), abs(self._moves[last]))
                rest = abs(self._moves[first : last + 1].sum())
                if smaller > self._run_floor and rest <= _BACK_SHARE * smaller:
                    yield last, float(self._places[first + 1])
            if last not in noticed:
                first = last

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


def _has_decimals(prices: FloatArray, digits: int) -> bool:
    """True if all prices are written with so many digits after the point."""
    return bool((np.abs(np.round(prices, digits) - prices) <= 1e-12 * np.abs(prices)).all())
