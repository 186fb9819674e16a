"""Compiled programs that were cut, exchanged or left by a killed process are compiled anew."""

from pathlib import Path

import pytest

from forecaster.models.compiled_programs import record_entries, remove_damaged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / f"jit-{name}-cache").write_bytes(name.encode() * 100)
    record_entries(tmp_path)
    return tmp_path


def test_recorded_entries_stay(folder: Path) -> None:
    assert remove_damaged(folder) == []
    record_entries(folder)
    assert remove_damaged(folder) == []


def test_cut_and_exchanged_entries_are_removed(folder: Path) -> None:
    first, second = folder / "jit-a-cache", folder / "jit-b-cache"
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[0][:50])
    assert remove_damaged(folder) == ["jit-a-cache"]
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    assert remove_damaged(folder) == ["jit-a-cache", "jit-b-cache"]
    assert [path.name for path in folder.glob("*-cache")] == ["jit-c-cache"]


def test_an_entry_that_was_not_recorded_is_removed_and_a_new_one_recorded(folder: Path) -> None:
    (folder / "jit-d-cache").write_bytes(b"half")
    assert remove_damaged(folder) == ["jit-d-cache"]
    (folder / "jit-d-cache").write_bytes(b"whole")
    record_entries(folder)
    assert remove_damaged(folder) == []


@pytest.mark.parametrize("content", [b"", b"[1]", b"[" * 100_000, b"\xff"])
def test_without_an_index_everything_is_compiled_anew(folder: Path, content: bytes) -> None:
    (folder / "index.json").write_bytes(content)
    assert len(remove_damaged(folder)) == 3
    (folder / "jit-d-cache").write_bytes(b"whole")
    record_entries(folder)
    assert remove_damaged(folder) == []


def test_another_process_records_nothing(folder: Path) -> None:
    (folder / "jit-d-cache").write_bytes(b"whole")
    record_entries(folder, process=1)
    assert remove_damaged(folder) == ["jit-d-cache"]
