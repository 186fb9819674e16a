"""Positions as texts."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.positions import Position, parse_position, position_in
from forecaster.errors import UsageError


@pytest.mark.parametrize(
    ("text", "amount", "name"),
    [
        ("1000000USD", 1e6, "USD"),
        ("1,000,000 usd", 1e6, "USD"),
        ("1_000_000USD", 1e6, "USD"),
        ("-250'000.50 EUR", -250000.5, "EUR"),
        ("+1e6 USD", 1e6, "USD"),
        ("1e6USD", 1e6, "USD"),
        ("5EUR", 5.0, "EUR"),
        ("1,5 USD", 1.5, "USD"),
        ("1.000.000EUR", 1e6, "EUR"),
        ("EUR -1.000,50", -1000.5, "EUR"),
        ("100 AAPL", 100.0, "AAPL"),
        ("-3 BRK-B", -3.0, "BRK-B"),
        ("100 7203.T", 100.0, "7203.T"),
        ("2.5^GSPC", 2.5, "^GSPC"),
    ],
)
def test_positions_in_any_usual_spelling(text: str, amount: float, name: str) -> None:
    assert parse_position(text) == Position(amount, name)


@pytest.mark.parametrize(
    "text", ["", "USD", "1000", "250.000 EUR", "1,50,0 USD", "0 USD", "1e99 USD", "1e16USD", "nan USD", "1 =A1"]
)
def test_other_texts_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="expected") as error:
        parse_position(text)
    assert "\n" not in str(error.value)


@given(st.text(max_size=60))
@settings(max_examples=40)
def test_any_text_is_a_position_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        position = parse_position(text)
        assert parse_position(f"{position.amount:.17g} {position.name}") == position


def test_a_position_has_the_price_of_its_unit() -> None:
    pair = parse_pair("USDJPY")
    assert position_in(Position(1, "USD"), pair) == pair
    assert position_in(Position(1, "JPY"), pair).name == "JPYUSD"
    assert position_in(Position(1, "AAPL"), parse_ticker("AAPL")).name == "AAPL"
    with pytest.raises(UsageError, match="expected an amount of USD or JPY, such as 1000000USD"):
        position_in(Position(1, "GBP"), pair)
    with pytest.raises(UsageError, match="such as 100AAPL"):
        position_in(Position(1, "USD"), parse_ticker("AAPL"))
