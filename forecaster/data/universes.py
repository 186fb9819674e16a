"""Universes: named sets of instruments that train one model together."""

import difflib
import itertools
from collections.abc import Callable, Sequence

from forecaster.data.instruments import Instrument, shown
from forecaster.errors import ConfigError

__all__ = ["PANEL_CURRENCIES", "UNIVERSES", "currency_universe", "instruments_alone", "universe"]

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
    for one in instruments:
        if one.base is None or one.quote is None:
            raise ConfigError(
                f"universe 'currencies' holds currency pairs; got the {one.kind} {shown(one.name)}; use --universe none"
            )
        currencies |= {one.base, one.quote}
    pairs = (Instrument("pair", base + quote).canonical for base, quote in itertools.combinations(currencies, 2))
    return tuple(sorted(pairs, key=lambda one: one.name))


def instruments_alone(instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """The instruments themselves in canonical orientation, each once, sorted by name."""
    return tuple(sorted({one.canonical for one in instruments}, key=lambda one: (one.name, one.kind, str(one.path))))


UNIVERSES: dict[str, Callable[[Sequence[Instrument]], tuple[Instrument, ...]]] = {
    "currencies": currency_universe,
    "none": instruments_alone,
}
"""Name -> the members that train together with the given instruments. One line a universe."""


def universe(name: str, instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """Members of the universe called `name` for these instruments.

    Raises:
        ConfigError: No universe has that name, or it cannot hold these instruments.

    Example:
        >>> from forecaster.data.instruments import parse_pair
        >>> [one.name for one in universe("none", [parse_pair("JPYUSD")])]
        ['USDJPY']
    """
    if name not in UNIVERSES:
        nearest = difflib.get_close_matches(name[:64], UNIVERSES, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise ConfigError(f"universe {shown(name)} is unknown; expected one of {', '.join(sorted(UNIVERSES))}{hint}")
    return UNIVERSES[name](instruments)
