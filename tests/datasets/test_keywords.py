"""Names of series that follow from keywords."""

from typing import Any

import pytest

from forecaster.datasets.keywords import selection_of
from forecaster.errors import UsageError


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


@pytest.mark.parametrize("split", [{"2024-06-10": 4}, "2024-06-10=4", ["2024-06-10=4"]])
def test_a_split_is_a_mapping_or_a_text_as_on_the_command_line(split: object) -> None:
    assert selection_of({"csv": "prices.csv", "split": split}).splits == {"2024-06-10": 4.0}


@pytest.mark.parametrize("split", [{"2024-06-10": "four"}, "2024-06-10", {"2024-06-10": None}, {"2024-06-10": -1}])
def test_a_split_that_cannot_be_read_is_one_line(split: object) -> None:
    with pytest.raises(UsageError, match=r"^split, drop or keep: "):
        selection_of({"csv": "prices.csv", "split": split})
