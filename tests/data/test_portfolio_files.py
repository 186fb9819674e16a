"""Files of portfolios."""

from pathlib import Path

import pytest

from forecaster.data.portfolio_files import portfolio_of, read_portfolio
from forecaster.data.positions import Position
from forecaster.errors import InputFileError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.csv", "amount,currency\n1000000,USD\n-5e5,gbp\n"),
        ("p.csv", "Currency;Amount;note\nUSD;500000;a\nUSD;500000;b\nGBP;-500000;c\n"),
        ("p.csv", "Währung;Betrag\nUSD;1.000.000,00\nGBP;-500.000\n"),
        ("p.yaml", "- 1000000USD\n- -500,000 GBP\n"),
        ("p.yml", "USD: 1000000\nGBP: -500000\n"),
        ("p.yml", "positions:\n- {amount: 1000000, currency: USD}\n- {amount: -500000.0, currency: GBP}\n"),
    ],
)
def test_a_portfolio_in_any_form(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    portfolio = read_portfolio(path)
    assert portfolio.positions == (Position(1e6, "USD"), Position(-5e5, "GBP"))
    assert portfolio.is_of_currencies
    assert portfolio.sha256 is not None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.csv", "amount,currency\nmany,USD\n1,\n", "line 2: position 'many USD' is malformed"),
        (
            "p.csv",
            "amount,date\n1,2020-01-01\n",
            "columns 'amount', 'date'; expected the columns amount and currency, or",
        ),
        ("p.csv", "amount,currency\n250.000,EUR\n", "line 2: position '250.000 EUR': 250.000 may be 250000 or 250"),
        ("p.csv", "amount,currency\n1,USD,3\n", "3 cells; expected 2"),
        ("p.csv", "amount,currency\n1,USD\n-1,USD\n", "holds no position"),
        ("p.csv", "amount,symbol\n1,USD\n5,AAPL\n", "expected currencies alone, or stocks of one universe"),
        ("p.yaml", "hello", "expected a list of positions"),
        ("p.yaml", "- &a 1USD\n- *a\n", "an alias"),
        ("p.yaml", "- 1USD: {}\n", "item 1: position"),
        ("missing.yaml", None, "cannot be read"),
        ("missing.csv", None, "missing.csv"),
    ],
)
def test_other_files_are_refused_with_their_line(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputFileError) as error:
        read_portfolio(path)
    assert message in str(error.value)
    assert all("\n" not in line for line in error.value.messages)


def test_too_many_positions_are_refused() -> None:
    names = [f"A{number}" for number in range(61)]
    with pytest.raises(InputFileError, match="expected at most 60"):
        portfolio_of([Position(1.0, name) for name in names], "the portfolio")
