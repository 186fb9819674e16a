"""Names of series that follow from keywords."""

from typing import Any

import pytest

from forecaster.datasets.keywords import selection_of


@pytest.mark.parametrize(
    ("keywords", "name"),
    [
        ({}, None),
        ({"symbol": "EUR/USD"}, "EUR-USD"),
        ({"price_column": " JPY "}, "JPY"),
        ({"price_column": "Open"}, None),
        ({"price_column": "Adj_Close"}, None),
        ({"price_column": "column 3"}, None),
        ({"symbol": "AAA", "price_column": "JPY"}, "AAA"),
        ({"name": "own", "price_column": "JPY"}, "own"),
    ],
)
def test_one_series_of_a_file_is_named_after_its_symbol_or_column(keywords: dict[str, Any], name: str | None) -> None:
    assert selection_of({"csv": "prices.csv", **keywords}).name == name
