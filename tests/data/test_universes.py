import itertools

import pytest

from forecaster.data.instruments import Instrument, parse_pair, parse_ticker
from forecaster.data.universes import PANEL_CURRENCIES, UNIVERSES, currency_universe, universe
from forecaster.errors import ConfigError


def test_seventeen_currencies_have_136_crosses() -> None:
    members = currency_universe([parse_pair("USDJPY")])
    names = [one.name for one in members]
    assert len(PANEL_CURRENCIES) == len(set(PANEL_CURRENCIES)) == 17
    assert len(names) == len(set(names)) == 136
    assert names == sorted(names)
    assert all(one.canonical == one for one in members)


def test_every_cross_is_there_in_its_market_orientation() -> None:
    expected = {parse_pair(a + b).canonical for a, b in itertools.combinations((*PANEL_CURRENCIES, "TRY"), 2)}
    assert set(currency_universe([parse_pair("TRYUSD")])) == expected


def test_order_and_orientation_of_the_input_do_not_matter() -> None:
    one = currency_universe([parse_pair("USDTRY"), parse_pair("PLNCNY")])
    assert one == currency_universe([parse_pair("CNYPLN"), parse_pair("TRYUSD"), parse_pair("USDJPY")])


def test_none_is_the_instruments_alone() -> None:
    given = [parse_pair("JPYUSD"), parse_pair("USDJPY"), parse_pair("EURCHF"), parse_ticker("AAPL")]
    assert [one.name for one in universe("none", given)] == ["AAPL", "EURCHF", "USDJPY"]


def test_registry_gives_the_currency_universe() -> None:
    assert universe("currencies", [parse_pair("USDJPY")]) == currency_universe([])


def test_unknown_universe() -> None:
    message = r"universe 'curencies' is unknown; .*currencies, ecb-all, none, .*; did you mean currencies\?"
    with pytest.raises(ConfigError, match=message):
        universe("curencies", [])


@pytest.mark.parametrize("one", [parse_ticker("AAPL"), Instrument("csv", "gold")])
def test_currency_universe_takes_pairs_only(one: Instrument) -> None:
    with pytest.raises(
        ConfigError, match=rf"holds currency pairs; got the {one.kind} '{one.name}'; use --universe none"
    ):
        universe("currencies", [parse_pair("USDJPY"), one])


def test_every_universe_is_canonical_and_sorted() -> None:
    for members in UNIVERSES.values():
        found = members([parse_pair("JPYUSD"), parse_pair("CHFEUR")])
        assert [one.name for one in found] == sorted(one.name for one in found)
        assert all(one.sign == 1 for one in found)
