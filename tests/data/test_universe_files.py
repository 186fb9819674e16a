from pathlib import Path

import pytest

from forecaster.data.instruments import parse_pair
from forecaster.data.universes import read_universe, universe
from forecaster.errors import ConfigError, InputFileError, InstrumentError


@pytest.fixture
def listed(tmp_path: Path):
    def write(text: str | bytes, name: str = "list.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_one_symbol_a_line_in_the_order_of_the_file(listed) -> None:
    found = read_universe(listed("MSFT\n\n# what follows is a comment\n  aapl  # Apple\r\n^GSPC\n"))
    assert [one.name for one in found.instruments] == ["MSFT", "AAPL", "^GSPC"]
    assert {one.kind for one in found.instruments} == {"ticker"}
    assert found.repeated == ()


def test_duplicates_count_once_and_are_told(listed) -> None:
    found = read_universe(listed("AAPL\nMSFT\naapl\nAAPL\n"))
    assert [one.name for one in found.instruments] == ["AAPL", "MSFT"]
    assert found.repeated == ("AAPL",)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("USDJPY\neur/usd\n", "pair"), ("USDJPY\nAAPL\n", "ticker"), ("a.csv\nb.CSV\n", "csv")],
)
def test_what_a_file_lists(listed, text: str, kind: str) -> None:
    assert {one.kind for one in read_universe(listed(text)).instruments} == {kind}


def test_files_are_beside_the_list(listed, tmp_path: Path) -> None:
    (one,) = read_universe(listed("gold.csv\n")).instruments
    assert one.path == tmp_path / "gold.csv"


def test_a_byte_order_mark_is_no_symbol(listed) -> None:
    assert [one.name for one in read_universe(listed("AAPL\n".encode("utf-8-sig"))).instruments] == ["AAPL"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lists no symbols; expected one in each line"),
        ("# nothing\n", "lists no symbols"),
        (b"\xff\xfe\x00\xd8", "cannot be read as a list of symbols"),
        ("A\n" * 600_000, "larger than 1024 KiB"),
    ],
)
def test_files_that_list_nothing(listed, content: str | bytes, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        read_universe(listed(content))


def test_every_malformed_line_is_told_with_its_number(listed) -> None:
    found = read_universe(listed("AAPL\na b\n../x\n" + "X" * 10_000 + "\n"))
    assert [one.name for one in found.instruments] == ["AAPL"]
    assert [message.split(":")[1] for message in found.mistakes] == ["2", "3", "4"]
    assert all(len(message) < 400 for message in found.mistakes)


def test_a_list_of_pairs_with_one_that_is_none(listed) -> None:
    found = read_universe(listed("USDJPY\nEURUSD\nXXXYYY\n"))
    assert [one.name for one in found.instruments] == ["USDJPY", "EURUSD"]
    assert len(found.mistakes) == 1
    assert "'XXXYYY' is unknown" in found.mistakes[0]


def test_a_list_without_any_symbol(listed) -> None:
    with pytest.raises(InstrumentError) as caught:
        read_universe(listed("a b\nc d\n"))
    assert len(caught.value.messages) == 2


def test_members_stand_beside_the_named_one(listed) -> None:
    members = universe(str(listed("EURUSD\nJPYUSD\n")), [parse_pair("GBPUSD")])
    assert [one.name for one in members] == ["EURUSD", "GBPUSD", "USDJPY"]


def test_members_are_of_the_kind_that_is_named(listed) -> None:
    with pytest.raises(ConfigError, match="lists tickers; expected pairs"):
        universe(str(listed("AAPL\n")), [parse_pair("USDJPY")])
