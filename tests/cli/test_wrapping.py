"""Text on a terminal: wrapped between words, with judgements in colour, and plain everywhere else."""

import io
import re
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.cli import streams
from forecaster.cli.streams import note_text, visible, wrapped


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 80 columns that shows colours."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


LINE = "warning: ranges of USDTRY were too narrow at 12 to 20 days: the 80 % range held 49 %, the 95 % range held 94 %"


def test_a_line_is_wrapped_between_words_with_its_judgements_in_colour(terminal: Terminal) -> None:
    text = visible(wrapped(LINE, terminal))
    plain = click.unstyle(text)
    assert [len(line) <= 80 for line in plain.splitlines()] == [True, True]
    assert plain.splitlines()[1].startswith("  ")
    assert " ".join(plain.split()) == LINE
    assert click.style("warning:", fg="yellow", bold=True) in text
    assert click.style("too narrow", fg="red") in text


def test_every_command_wraps_the_lines_of_its_result() -> None:
    """Lines that are only joined would be wider than the terminal."""
    sources = Path(streams.__file__).parent.glob("*.py")
    joined = [path.name for path in sources if re.search(r'"\\n"\.join\(\[?\*?\w+_lines\(', path.read_text("utf-8"))]
    assert joined == []


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_forbidden(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    text = wrapped(LINE, terminal)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


def test_no_gain_is_not_coloured_as_one(terminal: Terminal) -> None:
    for line in (
        "not significantly better than GARCH",
        "no better than chance",
        "not proven better than ewma",
        "no trial is better than the start",
    ):
        assert wrapped(line, terminal) == line
    assert "\x1b[32m" in visible(wrapped("better than GARCH and EWMA", terminal))


def test_what_is_no_terminal_gets_the_line_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    assert wrapped(LINE, stream) == LINE
    stream.close()
    assert wrapped(LINE, stream) == LINE
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert note_text(LINE) == LINE


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=300), st.integers(30, 200))
def test_no_character_is_lost(text: str, width: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        patch.setenv("NO_COLOR", "1")
        assert re.sub(r"\s", "", wrapped(text, Terminal())) == re.sub(r"\s", "", text)


def test_escapes_of_others_stay_visible_among_our_colours(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal)
    text = note_text("error: \x1b[31mred\x1b[0m\nnext")
    assert "\\x1b[31mred" in text
    assert text.count("\x1b") == 3, "colour and weight of one word, and their end"
    assert len(text.splitlines()) == 1
