"""Names of columns in price tables: dates, prices, ranges, volumes and symbols, in several languages.

The names themselves are in `column_names.txt`.
"""

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from forecaster.data.instruments import shown
from forecaster.data.tables.month_names import folded

__all__ = [
    "DATE_NAMES",
    "DATE_PARTS",
    "OTHER_COLUMNS",
    "SYMBOL_NAMES",
    "TIME_NAMES",
    "count_names",
    "field_of",
    "has_close_word",
    "is_date_name",
    "is_known_name",
    "is_other_number",
    "is_whole_name",
    "listed",
    "plain_name",
    "price_tier",
]

_FILE = Path(__file__).with_name("column_names.txt")
_WORD_RANK = 500  # of a name that is understood by one of its words
_FIELD_WORDS = {"close": "close", "last": "close", "settle": "close", "open": "open", "high": "high", "low": "low"}
_MAX_WORDS = 4
_MAX_LISTED = 12
_MIN_EXPLAINED_WORDS = 5
_BETWEEN_WORDS = re.compile(r"[\s_.,:;*#'\"<>()\[\]{}|/\\-]+")
_CODE_AND_LABEL = re.compile(r"([A-Z]+_[A-Z]+): ?\w.*")
"""Name of SDMX files with labels: ``TIME_PERIOD:Time period or range``."""

_UNIT = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_EARLIER = re.compile(r"[(\[]\s*(prev\w*|lag\w*|t\s*-\s*\d+|yesterday|day before|vortag)\b", re.IGNORECASE)
"""Remark in brackets that a number is of another day."""

_SECOND = re.compile(r"\.\d{1,2}$")
"""Ending that pandas gives to the second column of one name."""


@functools.lru_cache(maxsize=4096)
def plain_name(text: str) -> str:
    """Name of a column in lower case, without accents, marks and units, with single spaces between its words.

    >>> plain_name("Adj_Close"), plain_name("<CLOSE>"), plain_name("Price (USD)"), plain_name("closePrice")
    ('adj close', 'close', 'price', 'close price')
    """
    if text.isascii() and text.isalpha() and text.islower():
        return text
    text = _CODE_AND_LABEL.sub(r"\1", text)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    letters = folded(spaced)
    words = " ".join(_BETWEEN_WORDS.sub(" ", _UNIT.sub(" ", letters)).split())
    return words or " ".join(_BETWEEN_WORDS.sub(" ", letters).split())


def _read_names() -> dict[str, dict[str, int]]:
    """Meaning -> plain name -> rank, the best name first."""
    groups: dict[str, dict[str, int]] = {}
    names: dict[str, int] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            names = groups.setdefault(line.strip("[] "), {})
        elif not line.startswith("#"):
            for name in line.split(","):
                names.setdefault(name.strip() if "*" in name else plain_name(name), len(names))
    return {meaning: {name: rank for name, rank in names.items() if name} for meaning, names in groups.items()}


_NAMES = _read_names()

DATE_NAMES = _NAMES["date"]
"""Names of a column of dates -> rank."""

DATE_PARTS = [_NAMES[f"part of a date: {part}"] for part in ("year", "month", "day")]
"""Names of columns that hold a date together."""

TIME_NAMES = _NAMES["time"]
"""Names of a column with the time of the day, beside one of dates."""

SYMBOL_NAMES = _NAMES["symbol"]
"""Names of a column that says to which of several series a row belongs."""

OTHER_COLUMNS = {field: _NAMES[field] for field in ("open", "high", "low", "adj_close", "volume")}
"""Column of a history -> its names beside a close."""


def _pattern(name: str) -> str:
    """Pattern of a whole word, in which a star stands for further letters; of any part for other writing systems."""
    letters = name.replace("*", r"\w*")
    return name if name > "\u2e80" else rf"\b{letters}\b"


_OTHER_NUMBERS = re.compile("|".join(map(_pattern, _NAMES["other number"])))


@functools.lru_cache(maxsize=4096)
def field_of(name: str) -> tuple[str, int] | None:
    """Field of a history that a column's name means, and the rank of the name; None for other names.

    Besides whole names, ``close_usd``, ``4. close`` and ``Kurs maksymalny`` are understood: a name or one field word
    among words that do not change its meaning.
    """
    if _EARLIER.search(name):
        return None
    plain = plain_name(_SECOND.sub("", name))
    for field, names in OTHER_COLUMNS.items():
        if plain in names:
            return field, names[plain]
    for group in ("close", "price"):
        if plain in _NAMES[group]:
            return "close", _NAMES[group][plain]
    words = re.sub(r"^\d+ ", "", plain).split()
    if len(words) >= _MIN_EXPLAINED_WORDS:
        return _explained_field(words)
    extra = _NAMES["extra word"]
    fields = {_FIELD_WORDS[word] for word in words if word in _FIELD_WORDS}
    rest = [word for word in words if word not in _FIELD_WORDS]
    if len(fields) == 1 and len(words) <= _MAX_WORDS and all(word in extra for word in rest):
        return fields.pop(), _WORD_RANK
    meaning = _meaning(" ".join(words))
    fields = {field for field, names in {**OTHER_COLUMNS, "close": _NAMES["close"]}.items() if meaning in names}
    return (fields.pop(), _WORD_RANK) if len(fields) == 1 else None


def _meaning(plain: str) -> str:
    """The words of a plain name that say what it means."""
    return " ".join(word for word in plain.split() if word not in _NAMES["extra word"])


def _explained_field(words: list[str]) -> tuple[str, int] | None:
    """Field of a name that its own explanation follows, as in ``Close Close price adjusted for splits``."""
    if is_other_number(" ".join(words[:_MAX_WORDS])):
        return None
    for count in (3, 2, 1):
        rest = " ".join(words[count:])
        if any(word in rest for word in words[:count]):
            match = field_of(" ".join(words[:count]))
            if match is not None:
                return match
    return None


def price_tier(name: str) -> int | None:
    """Kind of the name of a price: 0 a close, 1 another price of the day, 2 an adjusted close; None for no price."""
    match = field_of(name)
    if match is None or match[0] not in ("close", "adj_close"):
        return None
    if match[0] == "adj_close":
        return 2
    plain = plain_name(_SECOND.sub("", name))
    is_close = plain in _NAMES["close"] or (match[1] == _WORD_RANK and has_close_word(plain))
    return 0 if is_close else 1


def is_whole_name(name: str) -> bool:
    """True for names that are known as they are, not by some of their words."""
    match = field_of(name)
    return match is not None and match[1] < _WORD_RANK


def has_close_word(name: str) -> bool:
    """True if one of the words of a name, or all that mean something, are a name of the close."""
    plain = plain_name(name)
    return _meaning(plain) in _NAMES["close"] or any(word in _NAMES["close"] for word in plain.split())


def is_date_name(name: str) -> bool:
    """True for names of a column of dates."""
    return plain_name(name) in DATE_NAMES


def is_known_name(name: str) -> bool:
    """True for names of a column of dates, prices, ranges or volumes."""
    return bool(name) and (is_date_name(name) or field_of(name) is not None)


def is_other_number(name: str) -> bool:
    """True for names of numbers that are no price of the day, such as a volume or a change."""
    return "%" in name or bool(_EARLIER.search(name)) or bool(_OTHER_NUMBERS.search(plain_name(name) or name.strip()))


def count_names(text: str) -> int:
    """Number of known names that are not in ASCII among the first cells of a text; tells encodings apart."""
    cells = re.split(r"[,;\t|\r\n]", text[:4096])
    names = [cell.strip(" \"'\ufeff") for cell in cells]
    return sum(not name.isascii() and is_known_name(name) for name in names)


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first of many."""
    return ", ".join(map(shown, names[:_MAX_LISTED])) + (" ..." if len(names) > _MAX_LISTED else "")
