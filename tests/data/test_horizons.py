"""Horizons as rows, spans and dates."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import series_of

from forecaster.data.horizons import MAX_ROWS, Span, parse_horizon, rows_of_span, rows_until
from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.errors import UsageError


@pytest.fixture(scope="module")
def usdjpy() -> PriceSeries:
    request = LoadRequest(parse_pair("USDJPY"), Path(), datetime.date(2026, 11, 26), network="never")
    return get_source("ecb").load(request).series.between(end=np.datetime64("2026-10-30"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        (20, 20),
        ("1w", Span(1, "weeks")),
        ("1wk", Span(1, "weeks")),
        ("2 weeks", Span(2, "weeks")),
        ("1mo", Span(1, "months")),
        ("3M", Span(3, "months")),
        ("10d", Span(10, "days")),
        ("1y", Span(1, "years")),
    ],
)
def test_rows_and_spans_are_read(text: int | str, value: int | Span) -> None:
    assert parse_horizon(text) == value


@pytest.mark.parametrize("text", ["0", "251", "-1", "", "1.5", "soon", "0wk", "1h", "wk", "9999d", "٣", "1" * 5000])
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="expected rows from 1 to 250, or a span such as"):
        parse_horizon(text)


@pytest.mark.parametrize(
    ("until", "rows"),
    [
        (7, 7),
        (Span(1, "weeks"), 5),
        (Span(1, "days"), 1),
        (Span(251, "days"), None),
        (Span(1, "months"), 21),
        (datetime.date(2026, 11, 2), 1),
        (datetime.date(2026, 11, 1), None),
        (datetime.date(2026, 12, 31), 43),
        (datetime.date(2020, 1, 1), None),
        (datetime.date(2030, 1, 1), None),
        (datetime.date(9999, 12, 31), None),
    ],
)
def test_rows_follow_the_calendar_of_the_market(usdjpy: PriceSeries, until: object, rows: int | None) -> None:
    if rows is None:
        with pytest.raises(UsageError):
            rows_until(usdjpy, until)  # type: ignore[arg-type]
    else:
        assert rows_until(usdjpy, until) == rows  # type: ignore[arg-type]


@given(st.integers(1, 11), st.sampled_from(["d", "w", "mo"]), st.integers(100, 7000))
def test_a_training_for_a_span_reaches_it_from_any_cutoff(
    usdjpy: PriceSeries, count: int, unit: str, cutoff: int
) -> None:
    text = f"{count}{unit}"
    span = parse_horizon(text)
    needed = rows_until(usdjpy.between(end=usdjpy.dates[cutoff]), span)
    assert needed <= rows_of_span(text, "1d") <= MAX_ROWS


@pytest.mark.parametrize(
    ("frequency", "span", "rows"),
    [("1d", "20", 20), ("1d", "20d", 20), ("1d", " 5 Days", 5), ("1d", "1wk", 5), ("1wk", "2wk", 2), ("1mo", "3", 3)],
)
def test_spans_count_the_rows_of_the_run(frequency: str, span: str, rows: int) -> None:
    series = dataclasses.replace(series_of(np.linspace(100, 110, 300).tolist()), frequency=frequency)
    assert rows_until(series, parse_horizon(span)) == rows


def test_spans_of_weeks_and_months_in_longer_rows() -> None:
    assert [rows_of_span(text, "1wk") for text in ("1wk", "1mo", "1y")] == [1, 5, 53]
    assert [rows_of_span(text, "1mo") for text in ("1wk", "1mo", "1y")] == [1, 1, 12]
    with pytest.raises(UsageError, match="more than 250 rows"):
        rows_of_span("2y", "1d")
