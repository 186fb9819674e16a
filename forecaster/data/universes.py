"""Universes: named sets of instruments, or lists in a file, that train one model together."""

import dataclasses
import difflib
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from forecaster.data.instruments import CURRENCIES, Instrument, csv_instrument, parse_pair, parse_ticker, shown
from forecaster.errors import ConfigError, InputFileError, InstrumentError

__all__ = [
    "PANEL_CURRENCIES",
    "UNIVERSES",
    "UniverseFile",
    "currency_universe",
    "instruments_alone",
    "read_universe",
    "universe",
]

_MAX_FILE_BYTES = 1 << 20  # bytes; a hundred thousand symbols

PANEL_CURRENCIES = (
    "USD", "EUR", "JPY", "GBP", "AUD", "CHF", "CAD", "NZD", "SEK",
    "NOK", "ZAR", "KRW", "MXN", "PLN", "SGD", "CZK", "HUF",
)  # fmt: skip
"""Currencies that float, have a long ECB history, and together beat any single pair as training data."""


def currency_universe(instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """All crosses of `PANEL_CURRENCIES` and of every currency in `instruments`.

    Crosses of a currency that ended may have no rows in common (CYPMXN): a source then raises
    `SourceError` for that member.

    Returns:
        Canonical pairs sorted by name, each once: 136 of them when the instruments add no currency.

    Raises:
        ConfigError: One of the instruments is no currency pair.
    """
    currencies = set(PANEL_CURRENCIES)
    for instrument in instruments:
        if instrument.base is None or instrument.quote is None:
            raise ConfigError(
                f"universe 'currencies' holds currency pairs; got the {instrument.kind} {shown(instrument.name)}; "
                "use --universe none"
            )
        currencies |= {instrument.base, instrument.quote}
    pairs = (Instrument("pair", base + quote).canonical for base, quote in itertools.combinations(currencies, 2))
    return tuple(sorted(pairs, key=lambda instrument: instrument.name))


def instruments_alone(instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """The instruments themselves in canonical orientation, each once, sorted by name."""
    return tuple(
        sorted(
            {instrument.canonical for instrument in instruments},
            key=lambda instrument: (instrument.name, instrument.kind, str(instrument.path)),
        )
    )


UNIVERSES: dict[str, Callable[[Sequence[Instrument]], tuple[Instrument, ...]]] = {
    "currencies": currency_universe,
    "none": instruments_alone,
}
"""Name -> the members that train together with the given instruments. A universe is added by one line."""


@dataclasses.dataclass(frozen=True)
class UniverseFile:
    """Content of a file of symbols.

    Args:
        instruments: Instruments in the order of the file, each once, all of one kind.
        repeated: Symbols that are there more than once.
        mistakes: Lines that are no symbol, each in one line with its number.
    """

    instruments: tuple[Instrument, ...]
    repeated: tuple[str, ...]
    mistakes: tuple[str, ...] = ()


def read_universe(path: Path) -> UniverseFile:
    """Read a file with one symbol a line; empty lines and comments after ``#`` are ignored.

    Where most lines are pairs of currencies they are pairs; where most end in ``.csv`` they are files, relative to the
    list; else they are tickers. A line that does not fit is one of the mistakes.

    Raises:
        InputFileError: The file cannot be read as text or holds no symbol.
        InstrumentError: No line is a symbol; one message for each.
    """
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(_lines(path), start=1)]
    lines = [(number, text) for number, text in lines if text]
    if not lines:
        raise InputFileError(f"{path} lists no symbols; expected one in each line, such as AAPL or USDJPY")
    read = _reader([text for _, text in lines], path.parent)
    instruments: list[Instrument] = []
    mistakes: list[str] = []
    for number, text in lines:
        try:
            instruments.append(read(text))
        except InstrumentError as error:
            mistakes += [f"{path}:{number}: {message}" for message in error.messages]
    if not instruments:
        raise InstrumentError(*mistakes)
    repeated = [name for name, count in Counter(instrument.name for instrument in instruments).items() if count > 1]
    return UniverseFile(tuple(dict.fromkeys(instruments)), tuple(repeated), tuple(mistakes))


def _lines(path: Path) -> list[str]:
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(
            f"{path} cannot be read as a list of symbols: {error}; expected text, one symbol a line"
        ) from error
    if len(content) > _MAX_FILE_BYTES:
        raise InputFileError(f"{path} is larger than 1 MiB; expected a list of symbols, one in each line")
    return text.splitlines()


def _reader(texts: Sequence[str], folder: Path) -> Callable[[str], Instrument]:
    most = len(texts) / 2
    if sum(text.lower().endswith(".csv") for text in texts) > most:
        return lambda text: csv_instrument(folder / text)
    return parse_pair if sum(map(_is_pair, texts)) > most else parse_ticker


def _is_pair(text: str) -> bool:
    try:
        return set(CURRENCIES) >= {parse_pair(text).base, parse_pair(text).quote}
    except InstrumentError:
        return False


def universe(name: str, instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """Members of the universe called `name`, or listed in the file of that name, for these instruments.

    Raises:
        ConfigError: No universe and no file has that name, or it cannot hold these instruments.
        InputFileError, InstrumentError: See `read_universe`.

    Example:
        >>> from forecaster.data.instruments import parse_pair
        >>> [one.name for one in universe("none", [parse_pair("JPYUSD")])]
        ['USDJPY']
    """
    if name in UNIVERSES:
        return UNIVERSES[name](instruments)
    if not Path(name).is_file():
        nearest = difflib.get_close_matches(name[:64], UNIVERSES, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        names = ", ".join(sorted(UNIVERSES))
        raise ConfigError(f"universe {shown(name)} is unknown; expected one of {names}, or a file of symbols{hint}")
    members = read_universe(Path(name)).instruments
    kinds = {instrument.kind for instrument in (*members, *instruments)}
    if len(kinds) > 1 and instruments:
        raise ConfigError(
            f"universe {shown(name)} lists {members[0].kind}s; expected {instruments[0].kind}s as the instrument named"
        )
    return instruments_alone([*instruments, *members])
