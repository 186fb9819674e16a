"""Notes and tags: files that merge, and that keep their order when a clock goes backwards."""

import datetime
import errno
import json
import shutil
from pathlib import Path

import pytest

from forecaster.errors import DamageError, UsageError
from forecaster.experiments.annotations import FOLDER, add_note, annotations_of, change_tags, checked_tag
from forecaster.experiments.stored_files import sealed_json

NOON = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)


def test_changes_apply_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    change_tags(tmp_path, ["best", "q4"], [], "ann", NOON)
    change_tags(tmp_path, [], ["q4"], "ann", NOON - datetime.timedelta(days=1))  # a clock that went backwards
    change_tags(tmp_path, ["again"], ["best"], "ann", NOON)
    add_note(tmp_path, " first ", "ann", NOON)
    add_note(tmp_path, "second", "bob", NOON)
    annotations = annotations_of(tmp_path)
    assert annotations.tags == ("again",)
    assert [(note.author, note.text) for note in annotations.notes] == [("ann", "first"), ("bob", "second")]


def test_notes_of_two_people_merge_by_copying_files(tmp_path: Path) -> None:
    for place, author in (("a", "ann"), ("b", "bob")):
        add_note(tmp_path / place / "run", "the same text", author, NOON)
        change_tags(tmp_path / place / "run", [author], [], author, NOON)
    shutil.copytree(tmp_path / "b" / "run" / FOLDER, tmp_path / "a" / "run" / FOLDER, dirs_exist_ok=True)
    merged = annotations_of(tmp_path / "a" / "run")
    assert {note.author for note in merged.notes} == {"ann", "bob"}
    assert merged.tags == ("ann", "bob")


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001])
def test_an_empty_or_endless_note_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="expected 1 to 10,000 characters"):
        add_note(tmp_path, text, "ann", NOON)
    assert annotations_of(tmp_path).notes == ()


@pytest.mark.parametrize("tag", ["", "a b", "-a", "x" * 65, "é", "a/b", "../a"])
def test_an_odd_tag_is_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="choose another"):
        checked_tag(tag)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"schema": "annotation/1"}',
        '{"schema": "annotation/1", "created": 1, "author": "a"}',
        '{"schema": "annotation/1", "created": "", "author": "", "added": null}',
        '{"schema": "annotation/1", "created": "", "author": "", "added": "best"}',
        '{"schema": "annotation/1", "created": "", "author": "", "added": ["\\u001b[2J"]}',
        json.dumps({"schema": "annotation/1", "created": "", "author": "", "text": "x" * 10_001}),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    add_note(tmp_path, "text", "ann", NOON)
    (path,) = (tmp_path / FOLDER).glob("*.json")
    written = path.read_text()
    assert json.loads(written)["text"] == "text"
    forged = sealed_json(json.loads(content), tmp_path.name).decode() if content[:1] == "{" else content
    for damaged in (content, forged, written.replace("ann", "bob")):
        path.write_text(damaged)
        with pytest.raises(DamageError, match=path.name):
            annotations_of(tmp_path)
    shutil.copytree(tmp_path / FOLDER, tmp_path / "another run" / FOLDER)
    (tmp_path / "another run" / FOLDER / path.name).write_text(written)
    with pytest.raises(DamageError, match="its own checksum"):
        annotations_of(tmp_path / "another run")


def test_an_endless_author_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="201 characters"):
        add_note(tmp_path, "text", "a" * 201, NOON)
    assert annotations_of(tmp_path).notes == ()


def test_copies_of_a_program_for_shared_folders_are_passed_over(tmp_path: Path) -> None:
    add_note(tmp_path, "text", "ann", NOON)
    (path,) = (tmp_path / FOLDER).glob("*.json")
    shutil.copy(path, path.with_name(f"{path.stem} (conflicted copy of bob).json"))
    assert len(annotations_of(tmp_path).notes) == 1


def test_a_folder_of_somebody_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_note(tmp_path, "text", "ann", NOON)

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("forecaster.experiments.annotations.os.scandir", refuse)
    with pytest.raises(DamageError, match="annotations cannot be read: Permission denied"):
        annotations_of(tmp_path)
