"""Files of events: the forms that are read, and a message for each line that is no event."""

from pathlib import Path

import numpy as np
import pytest

from forecaster.data.events import KnownEvent, known_hash, read_events
from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.errors import InputFileError

EXPECTED = (
    KnownEvent(np.datetime64("2016-06-24"), "referendum", ("EUR", "GBP")),
    KnownEvent(np.datetime64("2020-11-04"), "election", ()),
    KnownEvent(np.datetime64("2027-02-01"), "earnings", ("AAPL", "USDJPY")),
)
CSV = "date,name,instruments\n2027-02-01,earnings,AAPL JPYUSD\n2016-06-24,referendum,GBP;EUR\n4 Nov 2020,election,\n"
YAML = """
- {date: 2027-02-01, name: earnings, instruments: [aapl, JPY/USD]}
- {date: 2016-06-24, name: referendum, currencies: "GBP, EUR"}
- {date: 2020-11-04, name: election}
- {date: 2020-11-04, name: election}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("events.csv", CSV),
        ("events.csv", CSV.replace(",", ";").replace("GBP;EUR", "GBP EUR")),
        ("events.tsv", CSV.replace(",", "\t").replace("date", "Day").replace("name", "Event").replace("GBP;", "GBP ")),
        ("events.csv", CSV.replace("AAPL JPYUSD", "AAPL,JPYUSD").replace("GBP;EUR", "GBP,EUR")),
        ("events.csv", "# my own\nDatum,Ereignis,Currency\n" + CSV.partition("\n")[2]),
        (
            "events.csv",
            CSV.replace("2027-02-01", "02/01/2027")
            .replace("2016-06-24", "06/24/2016")
            .replace("4 Nov 2020", "11/04/2020"),
        ),
        ("events.yaml", YAML),
    ],
)
def test_tables_and_yaml_give_the_same_events_in_order(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_events(path).events == EXPECTED


def test_an_event_concerns_its_instruments_and_the_pairs_of_its_currencies(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(CSV, encoding="utf-8")
    file = read_events(path)
    by_name = {
        instrument.name: [event.name for event in file.of(instrument.canonical)]
        for instrument in (parse_pair("USDJPY"), parse_pair("GBPUSD"), parse_ticker("AAPL"), parse_ticker("MSFT"))
    }
    assert by_name == {
        "USDJPY": ["election", "earnings"],
        "GBPUSD": ["referendum", "election"],
        "AAPL": ["election", "earnings"],
        "MSFT": ["election"],
    }


def test_the_hash_of_the_past_ignores_what_is_to_come() -> None:
    until = np.datetime64("2021-01-01")
    assert known_hash(EXPECTED, until) == known_hash(EXPECTED[:2], until)
    assert known_hash(EXPECTED[:1], until) != known_hash(EXPECTED[:2], until)


@pytest.mark.parametrize(
    ("name", "text", "messages"),
    [
        ("e.csv", "date,name\n2020-13-01,a\n2020-01-02,\n2020-01-03,ok\n", ("line 2", "line 3")),
        ("e.csv", "date,name\n01/02/2020,a\n", ("line 2",)),
        ("e.csv", "when,name\n2020-01-01,a\n", ("no column 'date'",)),
        ("e.csv", "date,name\n2020-01-01,a,b,c\n", ("4 cells; expected 2",)),
        ("e.csv", "date,name\n", ("lists no events",)),
        ("e.csv", "", ("is empty",)),
        ("e.yaml", "- {date: 2020-01-01}\n", ("event 1: no name",)),
        ("e.yaml", "- {date: 2020-01-01, name: a, size: 3}\n", ("unknown key",)),
        ("e.yaml", "a: 1\n", ("expected a list of events",)),
        ("e.yaml", "- [", ("e.yaml, line",)),
        ("e.csv", "date,name\n" + "".join(f"2020-01-01,a{k}\n" for k in range(101)), ("at most",)),
    ],
)
def test_every_bad_line_has_one_message(tmp_path: Path, name: str, text: str, messages: tuple[str, ...]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError) as error:
        read_events(path)
    assert len(error.value.messages) == len(messages)
    for message, part in zip(error.value.messages, messages, strict=True):
        assert part in message
