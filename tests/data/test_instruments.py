from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.data.instruments import (
    CURRENCIES,
    ENDED_CURRENCIES,
    SYNTHETIC_NAMES,
    Instrument,
    csv_instrument,
    parse_pair,
    parse_ticker,
    shown,
)
from forecaster.errors import InstrumentError

codes = st.sampled_from(CURRENCIES)
pairs = st.tuples(codes, codes).filter(lambda two: two[0] != two[1]).map("".join)


@pytest.mark.parametrize(
    "text", ["USDJPY", "usdjpy", "USD/JPY", "usd-jpy", "USD_JPY", "USD JPY", "USDJPY=X", "usdjpy=x", " UsdJpy\n"]
)
def test_every_spelling_is_the_same_pair(text: str) -> None:
    assert parse_pair(text) == Instrument("pair", "USDJPY")


def test_base_and_quote() -> None:
    pair = parse_pair("GBPNOK")
    assert (pair.base, pair.quote) == ("GBP", "NOK")
    assert (parse_ticker("AAPL").base, parse_ticker("AAPL").quote, parse_ticker("AAPL").pip_size) == (None, None, None)


@pytest.mark.parametrize("currency", sorted(ENDED_CURRENCIES))
def test_ended_currencies_are_valid(currency: str) -> None:
    assert parse_pair(f"EUR{currency}").quote == currency


def test_currencies_are_sorted_and_unique() -> None:
    assert list(CURRENCIES) == sorted(set(CURRENCIES))


@pytest.mark.parametrize(
    ("name", "pip"),
    [("USDJPY", 0.01), ("EURHUF", 0.01), ("USDKRW", 0.01), ("EURUSD", 0.0001), ("JPYUSD", 0.000001), ("USDIDR", 1.0)],
)
def test_pip_size_goes_by_the_sizes_of_both_currencies(name: str, pip: float) -> None:
    assert parse_pair(name).pip_size == pip


MARKET = [
    "EURUSD", "EURGBP", "EURJPY", "EURCHF", "EURNOK", "EURTRY", "GBPUSD", "GBPAUD", "GBPJPY", "AUDNZD", "AUDUSD",
    "AUDJPY", "NZDUSD", "USDCAD", "USDCHF", "USDJPY", "USDMXN", "USDKRW", "USDZAR", "USDTRY", "CADCHF", "CADJPY",
    "CHFJPY", "NOKSEK", "SEKJPY", "ZARJPY", "SGDJPY", "JPYKRW", "JPYIDR",
]  # fmt: skip


@pytest.mark.parametrize("name", MARKET)
def test_the_market_writes_it_so(name: str) -> None:
    mirror = Instrument("pair", name[3:] + name[:3])
    assert parse_pair(name).canonical.name == mirror.canonical.name == name
    assert (parse_pair(name).sign, mirror.sign) == (1, -1)


@given(pairs)
def test_canonical_is_one_of_the_two_ways_to_write_a_pair(name: str) -> None:
    pair, mirror = Instrument("pair", name), Instrument("pair", name[3:] + name[:3])
    assert pair.canonical == mirror.canonical
    assert pair.canonical in (pair, mirror)
    assert pair.canonical.canonical == pair.canonical
    assert pair.sign * mirror.sign == -1
    assert pair.canonical.sign == 1


@given(st.tuples(codes, codes, codes).filter(lambda three: len(set(three)) == 3))
def test_canonical_order_has_no_circles(three: tuple[str, str, str]) -> None:
    a, b, c = three
    firsts = [Instrument("pair", one + two).canonical.base for one, two in ((a, b), (b, c), (c, a))]
    assert len(set(firsts)) == 2


@given(st.lists(st.text("QWXV", min_size=3, max_size=3), min_size=2, max_size=2, unique=True))
def test_codes_that_nobody_knows_go_by_the_alphabet(two: list[str]) -> None:
    assert Instrument("pair", "".join(two)).canonical.name == "".join(sorted(two))


def test_only_pairs_have_an_orientation() -> None:
    for one in (parse_ticker("^GSPC"), csv_instrument(Path("a.csv"))):
        assert one.canonical is one
        assert one.sign == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("USDJPX", ["'USDJPX' is unknown", "no rates of JPX", "nearest: USDJPY"]),
        ("UDSJPY", ["no rates of UDS", "nearest: USDJPY"]),
        ("DOLLAR", ["'DOLLAR'", "nearest: EURUSD, USDJPY, GBPUSD"]),
        ("QQQWWW", ["no rates of QQQ and WWW", "nearest: EURUSD"]),
        ("USDUSD", ["names USD twice", "nearest: EURUSD, USDJPY"]),
        ("QQQQQQ", ["no rates of QQQ and QQQ", "nearest: EURUSD"]),
        ("USD", ["is no currency pair", "nearest: EURUSD, USDJPY"]),
        ("JPY=X", ["is no currency pair", "nearest: EURJPY, USDJPY"]),
        ("USDJP", ["is no currency pair", "nearest: USDJPY"]),
        ("USD/JPY/EUR", ["is no currency pair", "USDJPY"]),
        ("", ["pair '' is no currency pair"]),
        ("XAUUSD", ["XAU (a metal)", "not among the ECB's rates", "--csv FILE"]),
        ("btc-usd", ["BTC (a crypto currency)", "--csv FILE"]),
        ("DOGEUSD", ["DOGE (a crypto currency)"]),
        ("USDUSDT", ["USDT (a crypto currency)"]),
        ("ETH", ["ETH (a crypto currency)"]),
    ],
)
def test_a_wrong_pair_is_refused_in_one_line(text: str, parts: list[str]) -> None:
    with pytest.raises(InstrumentError) as caught:
        parse_pair(text)
    (message,) = caught.value.messages
    assert "\n" not in message
    assert "expected two currenc" in message
    for part in parts:
        assert part in message


@given(st.text(max_size=200))
def test_any_text_gives_a_pair_or_a_short_printable_line(text: str) -> None:
    message = complaint(text)
    assert message.isprintable()
    assert len(message) < 300


def complaint(text: str) -> str:
    try:
        parse_pair(text)
    except InstrumentError as error:
        return str(error)
    return ""


def test_a_very_long_pair_is_cut_short() -> None:
    with pytest.raises(InstrumentError, match=r"pair '\\x1b\[31mAAA") as caught:
        parse_pair("\x1b[31m" + "A" * 1_000_000)
    assert len(str(caught.value)) < 200


@given(st.text(max_size=100))
def test_shown_text_is_safe_and_short(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= 42
    if len(repr(text)) <= 40:
        assert shown(text) == repr(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AAPL", "AAPL"),
        ("aapl", "AAPL"),
        ("^gspc", "^GSPC"),
        ("brk-b", "BRK-B"),
        ("7203.T", "7203.T"),
        ("M&M.NS", "M&M.NS"),
    ],
)
def test_tickers(text: str, name: str) -> None:
    assert parse_ticker(text) == Instrument("ticker", name)


@pytest.mark.parametrize("name", SYNTHETIC_NAMES)
def test_synthetic_names_stay_in_lower_case(name: str) -> None:
    assert parse_ticker(name).name == parse_ticker(name.upper()).name == name


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "a\tb", "AAPL\n", "\x00", "../x", "a/b", "a\\b", "..", "^", "\u202eAAPL"]
)
def test_malformed_tickers_are_refused(text: str) -> None:
    with pytest.raises(InstrumentError, match=r"^ticker '.* is malformed; expected letters, digits") as caught:
        parse_ticker(text)
    assert str(caught.value).isprintable()


def test_a_long_ticker_is_refused() -> None:
    assert parse_ticker("A" * 32).name == "A" * 32
    with pytest.raises(InstrumentError, match=r"has 10000 characters; expected at most 32") as caught:
        parse_ticker("A" * 10_000)
    assert len(str(caught.value)) < 200


def test_a_file_is_named_by_its_stem_or_as_told() -> None:
    path = Path("folder/my prices.v2.csv")
    assert csv_instrument(path) == Instrument("csv", "my prices.v2", path)
    assert csv_instrument(path, "gold").name == "gold"


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\\b", "a\nb", "x" * 65])
def test_a_name_that_cannot_name_a_series_is_refused(name: str) -> None:
    with pytest.raises(InstrumentError, match=r"cannot name a series; expected 1 to 64 printable characters"):
        csv_instrument(Path("a.csv"), name)
