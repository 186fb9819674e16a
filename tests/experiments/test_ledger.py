"""The ledger: an append-only chain, which survives crashes and shows every change."""

import concurrent.futures
import datetime
import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from oracles import series_of
from toy_ledgers import DAYS, clock_of, entry, prices, write_ledger

from forecaster.data.instruments import Instrument
from forecaster.errors import DamageError, InputFileError, StorageError
from forecaster.experiments.ledger import BEGIN, append_entries, line_hash, read_ledger
from forecaster.experiments.ledger_check import check_ledger
from forecaster.experiments.ledger_drift import run_drift

CLOSE = prices()
NOW = datetime.datetime(2020, 12, 31, tzinfo=datetime.UTC)
Lines = list[bytes]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return write_ledger(tmp_path / "ledger.jsonl", [entry(row, CLOSE) for row in range(6)])


def rebuilt(lines: Lines, at: int, **changes: object) -> Lines:
    """The chain with one entry changed and every hash computed again: by somebody who knows how."""
    result = []
    previous = BEGIN
    for place, line in enumerate(lines, start=1):
        content = json.loads(line)["entry"] | (changes if place == at else {})
        text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        digest = line_hash(previous, text)
        result.append(b'{"entry":%s,"hash":"%s","previous":"%s"}' % (text, digest.encode(), previous.encode()))
        previous = digest
    return result


def test_a_line_has_the_hash_of_the_line_before(ledger: Path) -> None:
    previous = "0" * 64
    for number, text in enumerate(ledger.read_bytes().splitlines(), start=1):
        line = json.loads(text)
        canonical = json.dumps(line["entry"], sort_keys=True, separators=(",", ":"))
        assert line["previous"] == previous
        assert line["hash"] == hashlib.sha256((previous + canonical).encode()).hexdigest()
        assert text.decode() == json.dumps(line, sort_keys=True, separators=(",", ":"))
        assert (line["entry"]["number"], line["entry"]["issued"]) == (number, f"{DAYS[number - 1]}T18:00:00Z")
        previous = line["hash"]
    check = check_ledger(read_ledger(ledger), NOW)
    assert (check.bad, check.lines, check.head, check.torn) == (None, 6, previous, 0)


@pytest.mark.parametrize("content", [b"prices\x00", b"x" * 2_100_000])
def test_bytes_that_begin_no_line_are_damage_and_stay(ledger: Path, content: bytes) -> None:
    for kept in (b"", ledger.read_bytes()):
        ledger.write_bytes(kept + content)
        assert check_ledger(read_ledger(ledger), NOW).bad is not None
        with pytest.raises(DamageError, match="the last line is damaged"):
            append_entries(ledger, [entry(6, CLOSE)], clock_of(DAYS[6]))
        assert ledger.read_bytes() == kept + content


@pytest.mark.parametrize("lost", [1, 30, 1500])
def test_an_append_that_was_cut_off_is_no_line_and_is_removed_by_the_next(ledger: Path, lost: int) -> None:
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-lost])
    check = check_ledger(read_ledger(ledger), NOW)
    length = len(whole.splitlines()[-1]) + 1
    only_the_line_end = lost == 1
    assert check.bad is None
    assert (check.lines, check.torn) == ((6, 0) if only_the_line_end else (5, length - lost))
    report = append_entries(ledger, [entry(6, CLOSE)], clock_of(DAYS[6]))
    assert (report.lines, report.torn) == ((7, 0) if only_the_line_end else (6, length - lost))
    assert check_ledger(read_ledger(ledger), NOW).bad is None
    numbers = [each["number"] for each in check_ledger(read_ledger(ledger), NOW).entries]
    assert numbers == list(range(1, report.lines + 1))


def test_a_full_disk_leaves_the_ledger_as_it_was(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ledger.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="free some space"):
        append_entries(ledger, [entry(6, CLOSE)], clock_of(DAYS[6]))
    assert ledger.read_bytes() == before


def test_appends_at_once_are_one_after_the_other(ledger: Path) -> None:
    several = [entry(6, CLOSE), entry(7, CLOSE)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: append_entries(ledger, several, clock_of(DAYS[6])), range(12)))
    assert sorted(report.lines for report in reports) == list(range(8, 32, 2))
    check = check_ledger(read_ledger(ledger), NOW)
    assert (check.bad, check.lines) == (None, 30)


def test_an_append_is_refused_behind_a_wrong_clock_or_a_damaged_line(ledger: Path) -> None:
    before = ledger.read_bytes()
    with pytest.raises(StorageError, match="the clock says 2019-01-02T18:00:00Z"):
        append_entries(ledger, [entry(1, CLOSE)], clock_of(DAYS[1]))
    with pytest.raises(StorageError, match="the first day of toy, 2019-01-10, is over at 2019-01-11T18:00:00Z"):
        append_entries(ledger, [entry(6, CLOSE)], clock_of(DAYS[8]))  # midnight has come while it was made
    assert ledger.read_bytes() == before
    ledger.write_bytes(before.replace(b'"cutoff":"2019-01-08"', b'"cutoff":"2019-01-09"'))
    with pytest.raises(DamageError, match="the last line is damaged"):
        append_entries(ledger, [entry(6, CLOSE)], clock_of(DAYS[6]))
    ledger.write_bytes(b"no ledger\n")
    with pytest.raises(DamageError):
        append_entries(ledger, [entry(6, CLOSE)], clock_of(DAYS[6]))


def _edited(lines: Lines) -> Lines:
    return [*lines[:3], lines[3].replace(b"0.1.0", b"0.1.1"), *lines[4:]]


def _of_another(lines: Lines) -> Lines:
    return rebuilt(lines, 1, run_id="other")


CHANGES: dict[str, tuple[Callable[[Lines], Lines], int, str]] = {
    "edited": (_edited, 4, "edited"),
    "last line edited": (lambda lines: [*lines[:5], lines[5].replace(b"0.1.0", b"0.1.1")], 6, "edited"),
    "removed": (lambda lines: lines[:2] + lines[3:], 3, "removed"),
    "first removed": (lambda lines: lines[1:], 1, "removed"),
    "moved": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2, "moved"),
    "line twice": (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4, "duplicated"),
    "copy behind": (lambda lines: lines + lines, 7, "duplicated"),
    "two ledgers": (lambda lines: lines + _of_another(lines), 7, "concatenated"),
    "two ledgers line by line": (
        lambda lines: [line for pair in zip(lines, _of_another(lines), strict=True) for line in pair],
        2,
        "concatenated",
    ),
    "two continuations": (lambda lines: [*lines[:4], rebuilt(lines, 3, run_id="x")[2], lines[4]], 5, "interleaved"),
    "empty line": (lambda lines: [*lines[:2], b"", *lines[2:]], 3, "form"),
    "line ends of Windows": (lambda lines: [line + b"\r" for line in lines], 1, "form"),
    "text": (lambda lines: [*lines[:2], b'{"entry":{},"hash":1}', *lines[2:]], 3, "form"),
    "clock set back": (lambda lines: rebuilt(lines, 4, issued="2019-01-02T18:00:00Z"), 4, "issued"),
    "future": (lambda lines: rebuilt(lines, 6, issued="2031-01-01T00:00:00Z"), 6, "future"),
    "back-dated": (lambda lines: rebuilt(lines, 6, dates=["2019-01-07"] * 5), 6, "back_dated"),
    "row after the issue": (lambda lines: rebuilt(lines, 3, cutoff="2019-03-01"), 3, "future"),
    "number": (lambda lines: rebuilt(lines, 5, number=7), 5, "numbered"),
    "schema": (lambda lines: rebuilt(lines, 5, schema="ledger/9"), 5, "form"),
    "no day": (lambda lines: rebuilt(lines, 5, dates=[]), 5, "form"),
    "no price": (lambda lines: rebuilt(lines, 5, last_price=0), 5, "form"),
    "endless price": (lambda lines: rebuilt(lines, 5, last_price=10**400), 5, "form"),
    "endless scale": (lambda lines: rebuilt(lines, 5, scale=10**400), 5, "form"),
    "no levels": (lambda lines: rebuilt(lines, 5, levels=["a"] * 9), 5, "form"),
    "no probabilities": (lambda lines: rebuilt(lines, 5, unchanged=[2] * 5), 5, "form"),
    "no text": (lambda lines: rebuilt(lines, 5, configuration=None), 5, "form"),
    "other shape": (lambda lines: rebuilt(lines, 5, quantiles=[[1, 2]]), 5, "form"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_first_bad_line_and_the_reason_are_found(ledger: Path, change: str) -> None:
    alter, number, reason = CHANGES[change]
    content = b"\n".join(alter(ledger.read_bytes().splitlines())) + b"\n"
    bad = check_ledger(content, NOW).bad
    assert bad is not None
    assert (bad.number, bad.reason) == (number, reason)


def test_an_emptied_ledger_is_damage(ledger: Path) -> None:
    ledger.write_bytes(b"")
    with pytest.raises(DamageError, match="is empty"):
        read_ledger(ledger)


def test_a_noted_head_shows_that_the_end_was_removed_or_all_was_written_again(ledger: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    noted = check_ledger(b"".join(lines[:4]), NOW).head
    assert check_ledger(b"".join(lines), NOW, noted[:12]).since_head == 2
    shortened = check_ledger(b"".join(lines[:3]), NOW, noted)
    rewritten = check_ledger(b"\n".join([*rebuilt(ledger.read_bytes().splitlines(), 2, model="gru"), b""]), NOW, noted)
    for check in (shortened, rewritten):
        assert check.bad is not None
        assert check.bad.reason == "head"


def test_a_line_that_is_no_entry_is_an_error_of_the_drift_alarm(ledger: Path) -> None:
    lines = rebuilt(ledger.read_bytes().splitlines(), 2, quantiles=None)
    ledger.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(InputFileError, match="a line is no entry"):
        run_drift(ledger, Instrument("csv", "toy"), series_of([1.0, 2.0], "toy"), "run")
