"""Findings of the validation: one line for each kind of mark."""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from forecaster.arrays import DateArray, Int64Array
from forecaster.data.calendars import business_age
from forecaster.data.findings import OLD_DATA, Finding, Severity
from forecaster.data.validation_checks import DROPPED
from forecaster.data.validation_marks import MarketExpectations, Marks

__all__ = ["MAX_GAP_DAYS", "finding_about", "summarised"]

_SHOWN_DATES = 3
_MAX_TOLERATED_ROWS = 2  # bad rows that are no reason to refuse a history, however short
_BAD_PRICES_LIMIT = 0.01
_ZEROS_LIMIT = 0.1  # files write a zero for a holiday, as others leave the cell empty
_MISMATCH_LIMIT = 0.02
_MISSING_DAYS_LIMIT = {True: 0.03, False: 0.10}  # pairs; others, which have up to twenty holidays a year
MAX_GAP_DAYS = 5
_EQUAL_LIMIT = 0.05
_MIN_ROWS_OF_A_YEAR = 20
_OLD_DAYS = 5
_MIN_TIE_SHARE = 0.2  # beyond it five equal prices in a row are no sign of a feed that stood still
_UNIT_CHANGE = (
    "{{}} from which prices are in another unit, by a split or as pence and pounds; returns leave the step out; "
    "--keep {day} if it is real"
)
_POSSIBLE_SPLIT = "{{}} at which the price moves as after a split; kept; --split {day}={ratio} if it was one"
_MAX_RATIO_STEPS = 4
_RATIO_TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True, eq=False)
class _Marked:
    """Marked rows of a history.

    Args:
        dates: (T,) dates of the rows.
        market: Expectations of the rows.
        today: Date from which the age of the last row counts.
        by_code: Marks of each check that are believed at the last row.
    """

    dates: DateArray
    market: MarketExpectations
    today: datetime.date
    by_code: Mapping[str, Marks]

    def marks(self, code: str) -> Marks:
        """Marks of a check; none where it was not made."""
        return self.by_code.get(code, Marks.at(code, ()))

    def days(self, code: str) -> DateArray:
        """Dates of the rows with the mark `code`."""
        return self.dates[self.marks(code).rows]


def summarised(
    dates: DateArray, market: MarketExpectations, today: datetime.date, by_code: Mapping[str, Marks]
) -> Iterator[Finding]:
    """Findings about marked rows.

    Args:
        dates: (T,) dates of the rows.
        market: Expectations of the rows.
        today: Date from which the age of the last row counts.
        by_code: Marks of each check that are believed at the last row.
    """
    subject = _Marked(dates, market, today, by_code)
    for summarise in _SUMMARIES:
        yield from summarise(subject)


_PLAIN = {
    "missing_date": (Severity.ERROR, "{} without a date; expected one row for each date"),
    "time_of_day": (Severity.ERROR, "{} with a time of day; expected one row for each date"),
    "dates_not_increasing": (Severity.ERROR, "{} out of order or there twice; expected each date once, in order"),
    "future_date": (Severity.ERROR, "{} in the future"),
    "unfinished_bar": (Severity.REPAIR, "{} not finished yet; dropped"),
    "bad_price": (Severity.REPAIR, "{} without a price, or with one that is zero, negative or beyond 1e15; dropped"),
    "bad_adjusted_price": (Severity.REPAIR, "{} without a usable adjusted price; that price is ignored"),
    "impossible_range": (Severity.REPAIR, "{} with a high or a low beyond the other prices; that range is ignored"),
    "flat_weekend_row": (Severity.REPAIR, "{} on days without trading, prices unmoved or filled in; dropped"),
    "reference_mismatch": (Severity.REPAIR, "{} that the fixings of the ECB contradict; dropped"),
    "left_out": (Severity.REPAIR, "{} left out, as --drop demands"),
    "short_weekend_bar": (Severity.REPAIR, "{} with a short session at a weekend; merged into the next row"),
    "filled_holiday": (Severity.REPAIR, "{} without trading, filled with the price before; dropped"),
    "reverting_spike": (
        Severity.REPAIR,
        "{} whose price jumps and comes back soon after; dropped from then on; --keep DATE if the price is right",
    ),
    "weekend_row": (Severity.WARNING, "{} on days without trading, with moving prices; kept"),
    "large_move": (Severity.WARNING, "{} with an unusually large move; kept, it may be real; --drop DATE if not"),
}
"""Findings that say no more than their rows; {} is the count and its noun."""


def finding_about(
    code: str, severity: Severity, text: str, dates: DateArray | Sequence[object], count: int | None = None
) -> Finding:
    """A finding about `dates`; {} in the text becomes their number."""
    total = len(dates) if count is None else count
    first = tuple(str(date) for date in dates[:_SHOWN_DATES])
    text = text.format(f"{total} row{'s' if total != 1 else ''}")
    if first:
        text += f" ({', '.join(first)}{', ...' if len(dates) > _SHOWN_DATES else ''})"
    return Finding(code, severity, total, first, text)


def _plain(subject: _Marked) -> Iterator[Finding]:
    for code, (severity, text) in _PLAIN.items():
        marks = subject.marks(code)
        if len(marks):
            dates = subject.days(code)
            if code == "bad_price" and (marks.values < 0).any():
                text += "; --differences keeps negative prices"
            yield finding_about(code, severity, text, dates[~np.isnat(dates)], len(dates))


def _uncorrected(subject: _Marked) -> Iterator[Finding]:
    days = subject.marks("no_row_to_correct").values.astype("datetime64[D]")
    if len(days):
        text = "dates of --drop or --keep at which there is no row; check the dates"
        yield finding_about("no_row_to_correct", Severity.INFO, text, days)


def _too_many(subject: _Marked) -> Iterator[Finding]:
    """Bad rows that are too many to be dropped."""
    dates = subject.dates
    if not len(dates):
        yield finding_about("no_rows", Severity.ERROR, "there are no rows", ())
        return
    bad, wrong, compared = map(subject.marks, ("bad_price", "reference_mismatch", "compared"))
    zeros = int((bad.values == 0).sum())
    limits = ((len(bad) - zeros, _BAD_PRICES_LIMIT), (zeros, _ZEROS_LIMIT))
    exceeded = [limit for count, limit in limits if count > max(_MAX_TOLERATED_ROWS, limit * len(dates))]
    if exceeded:
        text = f"{{}} of {len(dates)} without a usable price; expected at most {exceeded[0]:.0%}"
        if (bad.values <= 0).any():
            text += "; a price of zero or below has no return; --differences models changes of a spread instead"
        yield finding_about("many_bad_prices", Severity.ERROR, text, dates[bad.rows])
    if len(wrong) > max(_MAX_TOLERATED_ROWS, _MISMATCH_LIMIT * len(compared)):
        text = (
            f"{{}} of {len(compared)} disagree with the fixings of the ECB; expected at most {_MISMATCH_LIMIT:.0%}: "
            "this is another symbol, or the pair the other way round"
        )
        yield finding_about("wrong_symbol", Severity.ERROR, text, dates[wrong.rows])


def _gaps(subject: _Marked) -> Iterator[Finding]:
    missing = subject.marks("missing_days")
    if not len(missing):
        return
    long = missing.values > MAX_GAP_DAYS
    if long.any():
        text = f"{{}} after gaps of more than {MAX_GAP_DAYS} trading days, the longest {missing.values.max():.0f} days"
        yield finding_about("gap", Severity.WARNING, text, subject.dates[missing.rows[long]])
    total = int(np.busday_count(subject.dates[0], subject.dates[-1] + 1, weekmask=subject.market.weekdays or "1111100"))
    count = int(missing.values.sum())
    limit = _MISSING_DAYS_LIMIT[subject.market.is_pair]
    if count > limit * total:
        text = f"{count} of {total} trading days have no row; expected at most {limit:.0%}"
        yield finding_about("missing_days", Severity.WARNING, text, subject.dates[missing.rows], count)


def _equal_prices(subject: _Marked) -> Iterator[Finding]:
    equal = subject.marks("close_equals_open")
    if not len(equal):
        return
    first = int(subject.dates[0].astype("datetime64[Y]").astype(int))
    rows, same = (np.bincount(_years(dates) - first) for dates in (subject.dates, subject.dates[equal.rows]))
    same = np.pad(same, (0, len(rows) - len(same)))
    many = np.flatnonzero((same > _EQUAL_LIMIT * rows) & (rows >= _MIN_ROWS_OF_A_YEAR))
    if len(many):
        worst = many[np.argmax(same[many] / rows[many])]
        harmless = subject.market.price == "open"
        text = (
            f"{len(many)} years in which the close often equals the open of the day, most often in "
            f"{1970 + first + worst}: {same[worst]} of {rows[worst]} rows; "
            + ("the open is used" if harmless else "the open is better")
        )
        severity = Severity.INFO if harmless else Severity.WARNING
        yield finding_about("close_equals_open", severity, text, (1970 + first + many).tolist(), len(many))


def _years(dates: DateArray) -> Int64Array:
    return np.asarray(dates.astype("datetime64[Y]").astype(np.int64))


def _unit_changes(subject: _Marked) -> Iterator[Finding]:
    """Days from which prices are in another unit, each with its factor."""
    for code, severity, text in (
        ("unit_change", Severity.REPAIR, _UNIT_CHANGE),
        ("possible_split", Severity.WARNING, _POSSIBLE_SPLIT),
    ):
        marks = subject.marks(code)
        if not len(marks):
            continue
        days = [f"{day}: {_factor_text(ratio)}" for day, ratio in zip(subject.days(code), marks.values, strict=True)]
        sentence = text.format(day=subject.days(code)[0], ratio=format(marks.values[0], "g"))
        yield dataclasses.replace(
            finding_about(code, severity, sentence, days), dates=tuple(map(str, subject.days(code)[:_SHOWN_DATES]))
        )


def _enclosed_rows(subject: _Marked) -> Iterator[Finding]:
    """Rows between two large moves that cancel."""
    marks = subject.marks("possible_wrong_rows")
    if not len(marks):
        return
    firsts = subject.dates[marks.values.astype(np.int64)]
    spans = [f"{first}..{last}" for first, last in zip(firsts, subject.dates[marks.rows - 1], strict=True)]
    text = f"{{}} at which a large move is taken back; kept; --drop {spans[0]} if the rows before it are wrong"
    yield finding_about("possible_wrong_rows", Severity.WARNING, text, subject.days("possible_wrong_rows"))


def _factor_text(ratio: float) -> str:
    """The step of the price at a split of `ratio` new units for an old one."""
    return f"1/{ratio:g}" if ratio >= 1 else f"x {1 / ratio:g}"


def _unmoved_prices(subject: _Marked) -> Iterator[Finding]:
    """Prices that stand still: always a little, as in coarse units, or for a while, as in a feed that stopped."""
    ties, stale = subject.marks("tie"), subject.marks("stale_run")
    if not len(ties):
        return
    share = len(ties) / max(len(subject.dates) - 1, 1)
    if share >= _MIN_TIE_SHARE:
        text = f"{{}} ({share:.0%}) with the price of the row before; forecasts give the probability of no change"
        yield finding_about("ties", Severity.INFO, text, (), len(ties))
    elif len(stale):
        text = "{} from which five or more prices are the same; a feed may have stood still"
        yield finding_about("stale_run", Severity.WARNING, text, subject.days("stale_run"))


def _changes(subject: _Marked) -> Iterator[Finding]:
    """Against the version before: whole stretches rescaled are splits or dividends, single rows are revisions."""
    for code, what in (("price_changed", "prices"), ("adjustment_changed", "adjusted prices")):
        changed = subject.marks(code)
        if not len(changed):
            continue
        dates = subject.dates[changed.rows]
        ratios = changed.values
        steps = int((np.abs(np.diff(ratios)) > _RATIO_TOLERANCE * np.abs(ratios[1:])).sum())
        contiguous = len(changed) > 1 and steps <= min(_MAX_RATIO_STEPS, len(changed) // 10)
        if contiguous:
            text = f"{{}} whose {what} were rescaled since the last version, the newest by {ratios[-1]:.6g}"
            yield finding_about(f"{code}_by_factor", Severity.INFO, text + ": a split or a dividend", dates)
        else:
            text = f"{{}} whose {what} were revised since the last version"
            yield finding_about(code, Severity.WARNING, text, dates)
    gone = subject.marks("rows_gone")
    if len(gone):
        text = "{} of the last version are no longer there"
        yield finding_about("rows_gone", Severity.WARNING, text, gone.values.astype("datetime64[D]"))


def _age(subject: _Marked) -> Iterator[Finding]:
    if "bad_price" not in subject.by_code:
        return  # the dates are wrong, and nothing else was looked at
    alive = np.ones(len(subject.dates), dtype=bool)
    for code in DROPPED & subject.by_code.keys():
        alive[subject.by_code[code].rows] = False
    if alive.any():
        last = subject.dates[alive][-1]
        age = business_age(last, subject.today)
        # A row that is dated by the first day of its period is current until the next period is over.
        if age > _OLD_DAYS + 2 * (subject.market.days_per_row - 1):
            text = f"the last row is {age} business days old"
            yield finding_about(OLD_DATA, Severity.WARNING, text, (last,), age)


_SUMMARIES = (
    *(_plain, _uncorrected, _unit_changes, _enclosed_rows, _too_many),
    *(_gaps, _equal_prices, _unmoved_prices, _changes, _age),
)
