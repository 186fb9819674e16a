"""Names of months and weekdays in several languages, as dates are written in files.

The names themselves are in `month_names.txt`.
"""

import functools
import re
import unicodedata
from pathlib import Path

__all__ = ["WORDS", "folded", "is_filler", "is_month", "months_of"]

WORDS = re.compile(r"[^\W\d_]+|\d+")
"""Words and numbers in a text."""

_FILE = Path(__file__).with_name("month_names.txt")
_MIN_LETTERS = 3
_MIN_WEEKDAY_LETTERS = 2
_SAME_LETTERS = str.maketrans("\u0131\u0142\u00f8", "ilo")  # letters that have no accent to be taken off


def folded(text: str) -> str:
    """Text in lower case without accents."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in letters if not unicodedata.combining(char)).translate(_SAME_LETTERS)


@functools.cache
def _sections() -> dict[str, list[str]]:
    """Lines of the file by section."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return sections


@functools.cache
def _names() -> dict[str, dict[str, int]]:
    """Language -> name of a month or its beginning, of three letters or more -> number of the month."""
    languages: dict[str, dict[str, int]] = {}
    for line in _sections()["months"]:
        language, _, text = line.partition(":")
        marked = folded(text).split()
        names = [name.replace("|", "") for name in marked]
        table = languages.setdefault(language, {})
        for number, name in enumerate(names, start=1):
            shortest = max(_MIN_LETTERS, marked[number - 1].find("|"))
            for length in range(shortest, len(name) + 1):
                beginning = name[:length]
                if beginning == name or sum(other.startswith(beginning) for other in names) == 1:
                    table[beginning] = number
    for line in _sections()["abbreviations"]:
        language, _, text = line.partition(":")
        further = (word.split("=") for word in folded(text).split())
        languages[language] |= {name: int(number) for name, number in further}
    return languages


@functools.cache
def _other_words() -> frozenset[str]:
    words = folded(" ".join(_sections()["other words"])).split()
    beginnings = {word[:length] for word in words for length in range(_MIN_WEEKDAY_LETTERS, len(word) + 1)}
    return frozenset(beginnings | set(words))


def is_filler(word: str) -> bool:
    """True for a weekday or a word that says nothing about the date, such as ``de`` or ``st``."""
    return word in _other_words()


@functools.cache
def is_month(word: str) -> bool:
    """True for the name of a month in some language."""
    return any(word in table for table in _names().values())


def months_of(words: frozenset[str]) -> dict[str, int] | None:
    """Number of the month of each word, where some language has them all; None where none has, or two disagree.

    Args:
        words: Words of a whole column, as `folded` gives them.

    >>> months_of(frozenset({"dez", "marz"}))["marz"]
    3
    """
    readings: list[dict[str, int]] = []
    for table in _names().values():
        if words <= table.keys():
            reading = {word: table[word] for word in words}
            if reading not in readings:
                readings.append(reading)
    return readings[0] if len(readings) == 1 else None
