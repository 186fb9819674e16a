"""Atomic writes."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from forecaster.errors import StorageError
from forecaster.files import check_writable, json_text, write_file, write_folder


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_folder_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_folder(tmp_path / "a", {"x": b"1", "y": b"2"})
    assert {file.name: file.read_bytes() for file in (tmp_path / "a").iterdir()} == {"x": b"1", "y": b"2"}
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(StorageError, match=r"No space left on device; it was not saved; free some space"):
        write_folder(tmp_path / "b", {"x": b"1"})
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_an_interrupt_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "b", {"x": b"1"})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_file(tmp_path / "f", b"old")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(StorageError):
        write_file(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["f"]


def test_an_existing_folder_is_not_overwritten(tmp_path: Path):
    write_folder(tmp_path / "a", {"x": b"1"})
    with pytest.raises(StorageError):
        write_folder(tmp_path / "a", {"x": b"2"})
    assert (tmp_path / "a" / "x").read_bytes() == b"1"


def test_probe_leaves_no_trace(tmp_path: Path):
    check_writable(tmp_path / "deep" / "er")
    assert list((tmp_path / "deep" / "er").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="expected a folder that may be written"):
        check_writable(tmp_path / "file" / "x")


def test_json_has_no_nan():
    value = {"a": np.float64("nan"), "b": [np.inf, np.int64(3)], "c": np.datetime64("2020-01-02"), "d": np.array([1.5])}
    assert json.loads(json_text(value)) == {"a": None, "b": [None, 3], "c": "2020-01-02", "d": [1.5]}
