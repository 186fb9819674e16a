"""Universes: named sets of instruments, or lists in a file, that train one model together."""

import dataclasses
import difflib
import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from forecaster.data.instruments import (
    CURRENCIES,
    ENDED_CURRENCIES,
    Instrument,
    csv_instrument,
    parse_pair,
    parse_ticker,
    shown,
)
from forecaster.errors import ConfigError, InputFileError, InstrumentError
from forecaster.files import read_regular_file

__all__ = [
    "PANEL_CURRENCIES",
    "UNIVERSES",
    "UniverseFile",
    "currency_universe",
    "ecb_universe",
    "instruments_alone",
    "is_universe_file",
    "listed",
    "ordered_pairs",
    "read_universe",
    "universe",
    "universe_path",
    "universe_sha256",
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


def ordered_pairs() -> tuple[Instrument, ...]:
    """Every ordered pair of the currencies that the ECB quotes today, 870 of them, each followed by its inverse."""
    live = sorted(currency for currency in CURRENCIES if currency not in ENDED_CURRENCIES)
    names = (name for base, quote in itertools.combinations(live, 2) for name in (base + quote, quote + base))
    return tuple(Instrument("pair", name) for name in names)


def ecb_universe(instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """The pairs of `ordered_pairs` in canonical orientation, 435 of them, and `instruments`.

    Raises:
        ConfigError: One of the instruments is no currency pair.
    """
    currency_universe(instruments)  # raises for an instrument of another kind
    return instruments_alone([*instruments, *ordered_pairs()])


UNIVERSES: dict[str, Callable[[Sequence[Instrument]], tuple[Instrument, ...]]] = {
    "currencies": currency_universe,
    "ecb-all": ecb_universe,
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
        return read_regular_file(path, _MAX_FILE_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise InputFileError(
            f"{path} cannot be read as a list of symbols: {error}; expected text, one symbol a line"
        ) from error


def _reader(texts: Sequence[str], folder: Path) -> Callable[[str], Instrument]:
    most = len(texts) / 2
    if sum(text.lower().endswith(".csv") for text in texts) > most:
        return lambda text: csv_instrument(folder / text)
    return parse_pair if sum(map(_is_pair, texts)) > most else parse_ticker


def _is_pair(text: str) -> bool:
    """True if a line has the form of a pair of known currencies; cheap, as it is asked of every line."""
    letters = "".join(filter(str.isalpha, text.upper()))
    return {letters[:3], letters[3:6]} <= set(CURRENCIES) and letters[6:] in ("", "X")  # X as in Yahoo's EURUSD=X


def is_universe_file(name: str) -> bool:
    """True if a universe is none of those that the program knows, and no choice of the program."""
    return name not in {"auto", *UNIVERSES}


def universe_path(name: str, home: Path = Path()) -> Path:
    """The file of a universe: a path, or the name of a list of the project, ``data/universes/NAME.txt``.

    Raises:
        ConfigError: There is no such file.
    """
    path = Path(name)
    own = home / "data" / "universes" / f"{name}.txt"
    if path.is_file() or path.is_dir():  # a folder is refused where it is read
        return path
    if path.name == name and own.is_file():
        return own
    nearest = difflib.get_close_matches(name[:64], UNIVERSES, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    names = ", ".join(sorted(UNIVERSES))
    raise ConfigError(
        f"universe {shown(name)} is unknown; expected one of {names}, a file of symbols, or the name of one in "
        f"{own.parent}{hint}"
    )


def universe(name: str, instruments: Sequence[Instrument], home: Path = Path()) -> tuple[Instrument, ...]:
    """Members of the universe called `name`, or listed in the file of that name, for these instruments.

    Args:
        name: Name or file; see `universe_path`.
        instruments: The named instruments, which are members in any case.
        home: Project folder.

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
    members = read_universe(universe_path(name, home)).instruments
    kinds = {instrument.kind for instrument in (*members, *instruments)}
    if len(kinds) > 1 and instruments:
        raise ConfigError(
            f"universe {shown(name)} lists {members[0].kind}s; expected {instruments[0].kind}s as the instrument named"
        )
    return instruments_alone([*instruments, *members])


def listed(name: str, home: Path = Path()) -> UniverseFile:
    """Instruments of a universe as they are listed: in order, and each in its own orientation.

    Args:
        name: Name or file; see `universe_path`.
        home: Project folder.

    Raises:
        ConfigError: No universe has that name, or it lists nothing by itself.
        InputFileError, InstrumentError: See `read_universe`.
    """
    if name in ("auto", "none"):
        raise ConfigError(
            f"universe {name} lists no instruments; expected ecb-all, currencies, or a file of symbols; or name them, "
            "as with --pair"
        )
    if is_universe_file(name):
        return read_universe(universe_path(name, home))
    return UniverseFile(ordered_pairs() if name == "ecb-all" else UNIVERSES[name](()), ())


def universe_sha256(members: Sequence[Instrument]) -> str:
    """Hash of the content of a universe: its members by name, one in each line, whatever their order in a file.

    >>> from forecaster.data.instruments import parse_pair
    >>> one, other = parse_pair("USDJPY"), parse_pair("EURUSD")
    >>> universe_sha256([one, other]) == universe_sha256([other, one])
    True
    """
    names = sorted(member.name for member in members)
    return hashlib.sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()
