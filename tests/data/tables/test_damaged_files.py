"""Files with damaged bytes are read or refused in one line; nothing else happens."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from layouts import LAYOUTS, answer

from forecaster.data.exogenous import read_exogenous
from forecaster.errors import ForecasterError

PIECES = (
    *(b",", b";", b"\n", b'"', b"\t", b"|", b" ", b"0", b"-", b"1e99", b"nan", b"inf", b"2024-01-01", b"\x00", b"\xff"),
    *(
        b"(",
        b"%",
        b"$",
        b".",
        b"'",
        b"{",
        b"[",
        b"]",
        b"}",
        b":",
        b"Date",
        b"Close",
        b"9" * 25,
        b"00/00/0000",
        b"#",
        b"\r",
    ),
)


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The bytes after some insertions, deletions, repetitions and cuts."""
    data = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        place = draw.randrange(len(data) + 1)
        change = draw.randrange(5)
        if change == 0:
            data[place:place] = draw.choice(PIECES)
        elif change == 1:
            del data[place : place + draw.choice([1, 1, 5, 50])]
        elif change == 2 and data:
            data[min(place, len(data) - 1)] = draw.randrange(256)
        elif change == 3:
            data[place:place] = data[draw.randrange(len(data) + 1) :][: draw.choice([5, 30, 200])]
        elif draw.random() < 0.3:
            data = data[:place]
    return bytes(data)


def messages(read: Callable[[], object]) -> tuple[str, ...]:
    """Messages of a refusal; none for a file that was read."""
    try:
        read()
    except ForecasterError as error:
        return error.messages
    return ()


def check(path: Path, content: bytes, options: dict[str, str]) -> None:
    for read in (lambda: answer(path, content, **options), lambda: read_exogenous(path)):
        texts = messages(read)
        assert len(texts) <= 1
        assert all(map(str.isprintable, texts))


@pytest.mark.parametrize("block", [0, *(pytest.param(block, marks=pytest.mark.slow) for block in (1, 2, 3, 4))])
def test_damaged_files_end_in_one_line(tmp_path: Path, block: int) -> None:
    draw = random.Random(block)
    for _ in range(80):
        layout = LAYOUTS[draw.choice(list(LAYOUTS))]
        content = layout.content if isinstance(layout.content, bytes) else layout.content.encode()
        check(tmp_path / layout.name, damaged(content, draw), layout.options)


@pytest.mark.parametrize("block", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_pieces_without_any_order_end_in_one_line(tmp_path: Path, block: int) -> None:
    draw = random.Random(block)
    for _ in range(120):
        check(tmp_path / "prices.csv", b"".join(draw.choices(PIECES, k=draw.randrange(40))), {})
