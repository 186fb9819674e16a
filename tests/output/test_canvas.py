"""The file and the window of any figure."""

import errno
import os
import stat
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from forecaster.errors import ExitCode, StorageError, UsageError
from forecaster.output.canvas import blank_figure, date_axis, drawing_style, headline, save_figure, show_figure

DRAW = """
import sys, numpy as np
from pathlib import Path
from forecaster.output.canvas import *
with drawing_style():
    figure = blank_figure()
    axes = figure.add_subplot(label="axes")
    axes.plot(np.datetime64("2024-01-01") + np.arange(9), np.arange(9.0), marker="o")
    axes.fill_between(np.datetime64("2024-01-01") + np.arange(9), np.arange(9.0), 3, alpha=0.3)
    date_axis(axes, most_ticks=5)
    headline(figure, "a title", "a note")
save_figure(figure, Path(sys.argv[1]))
"""


def small_figure() -> Figure:
    with drawing_style():
        figure = blank_figure()
        axes = figure.add_subplot(label="axes")
        axes.plot(np.datetime64("2024-01-01") + np.arange(9), np.arange(9.0), marker="o")
        axes.fill_between(np.datetime64("2024-01-01") + np.arange(9), np.arange(9.0), 3, alpha=0.3)
        date_axis(axes, most_ticks=5)
        headline(figure, "a title", "a note")
    return figure


# Files


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF"), ("A.PDF", b"%PDF")]
)
def test_three_formats_with_the_same_bytes_each_time(name, start, tmp_path):
    path, again = tmp_path / name, tmp_path / f"again-{name}"
    save_figure(small_figure(), path)
    save_figure(small_figure(), again)
    assert path.read_bytes().startswith(start)
    assert path.read_bytes() == again.read_bytes()
    assert not {word for word in (b"CreationDate", b"dc:date", b"tEXtDate") if word in path.read_bytes()}
    assert sorted(tmp_path.iterdir()) == sorted([path, again]), "nothing else is left behind"


def test_a_text_with_control_characters_is_visible_and_still_xml(tmp_path):
    figure = small_figure()
    figure.text(0, 0, "a\x1b[31mb\ufffe\udcff")
    figure.axes[0].set_xlabel("x\x07\u202ey")
    save_figure(figure, tmp_path / "a.svg")
    ElementTree.parse(tmp_path / "a.svg")
    assert r"x\x07\u202ey" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_another_process_writes_the_same_svg(tmp_path):
    save_figure(small_figure(), tmp_path / "here.svg")
    asked = [sys.executable, "-c", DRAW, str(tmp_path / "there.svg")]
    subprocess.run(asked, check=True, env={**os.environ, "PYTHONHASHSEED": "17"})
    assert (tmp_path / "there.svg").read_bytes() == (tmp_path / "here.svg").read_bytes()


def test_the_settings_of_a_user_change_nothing(tmp_path):
    save_figure(small_figure(), tmp_path / "a.svg")
    with matplotlib.rc_context({"svg.hashsalt": "mine", "savefig.bbox": "tight", "font.size": 30, "axes.grid": False}):
        save_figure(small_figure(), tmp_path / "b.svg")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_svg_holds_the_note_and_a_png_is_wide_enough_for_a_page(tmp_path):
    save_figure(small_figure(), tmp_path / "a.svg")
    save_figure(small_figure(), tmp_path / "a.png")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert any(node.get("id") == "note" for node in root.iter())
    assert int.from_bytes((tmp_path / "a.png").read_bytes()[16:20], "big") >= 1200


def test_an_old_file_is_replaced_and_can_be_read_by_others(tmp_path):
    path = tmp_path / "a.svg"
    path.write_bytes(b"old")
    save_figure(small_figure(), path)
    assert path.read_bytes().startswith(b"<?xml")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("name", ["a.jpg", "a", ".png", "a.png.gz"])
def test_other_suffixes_name_the_three(name, tmp_path):
    with pytest.raises(UsageError, match=r"\.png, \.svg, \.pdf") as caught:
        save_figure(small_figure(), tmp_path / name)
    assert caught.value.exit_code == ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


def check_refusal(error: StorageError, path: Path) -> None:
    (line,) = error.messages
    assert line.startswith(f"{path} cannot be written: ")
    assert "\n" not in line
    assert line.endswith("choose another place")
    assert error.exit_code == ExitCode.FAILED


def test_a_missing_folder_is_one_clear_line(tmp_path):
    path = tmp_path / "missing" / "a.png"
    with pytest.raises(StorageError, match="No such file or directory") as caught:
        save_figure(small_figure(), path)
    check_refusal(caught.value, path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(StorageError, match="Not a directory"):
        save_figure(small_figure(), tmp_path / "file" / "a.png")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_folder_in_the_place_of_the_file_is_refused_and_stays(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        save_figure(small_figure(), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_that_refuses_the_write_is_one_clear_line(tmp_path, monkeypatch):
    def refuse(path, *_args):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("forecaster.files.open", refuse, raising=False)
    with pytest.raises(StorageError, match="Permission denied") as caught:
        save_figure(small_figure(), tmp_path / "a.png")
    check_refusal(caught.value, tmp_path / "a.png")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_at_any_step_leaves_the_old_file_and_no_rest(step, tmp_path, monkeypatch):
    def fill(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fill)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        save_figure(small_figure(), path)
    check_refusal(caught.value, path)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"old"]


def test_an_interrupt_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_figure(small_figure(), tmp_path / "a.png")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"old"]


# Text


@pytest.mark.parametrize(("letters", "shrinks"), [(20, False), (90, True)])
def test_a_long_title_shrinks_to_the_width_of_the_figure(letters, shrinks):
    figure = blank_figure()
    headline(figure, "W" * letters, "note")
    (title, _) = figure.texts
    assert (title.get_fontsize() < 14) == shrinks
    assert title.get_window_extent().x1 < figure.bbox.x1


def test_a_long_note_is_wrapped():
    figure = blank_figure()
    headline(figure, "title", "some words " * 40)
    (_, note) = figure.texts
    assert "\n" in note.get_text()
    assert note.get_window_extent().x1 < figure.bbox.x1


@pytest.mark.parametrize(
    ("first", "last", "most", "labels"),
    [
        ("1999-01-04", "2026-10-30", 12, ["2000", "2004", "2008", "2012", "2016", "2020", "2024"]),
        ("2026-08-10", "2026-11-27", 5, ["Sep\n2026", "Oct", "Nov"]),
        ("2020-10-20", "2021-02-10", 5, ["Nov\n2020", "Dec", "Jan\n2021", "Feb"]),
        ("2026-10-24", "2026-11-28", 5, ["1 Nov\n2026", "15 Nov"]),
        ("2021-11-26", "2021-12-24", 9, ["", "1 Dec\n2021", "5 Dec", "9 Dec", "13 Dec", "17 Dec", "21 Dec"]),
        ("2018-01-02", "2020-12-31", 6, ["2019", "2020"]),
        ("2022-01-01", "2022-01-10", 3, ["1 Jan\n2022", "8 Jan"]),
    ],
)
def test_dates_tell_the_year_where_it_begins_and_leave_out_what_would_touch(first, last, most, labels):
    with drawing_style():
        axes = blank_figure().add_subplot()
        axes.plot(np.array([first, last], "datetime64[D]"), [0, 1])
        axes.margins(x=0)
        date_axis(axes, most)
    axes.figure.draw_without_rendering()
    low, high = axes.get_xlim()
    assert [one.get_text() for one in axes.get_xticklabels() if low <= one.get_position()[0] <= high] == labels
    assert axes.xaxis.get_major_formatter()(19000.0) == "2022-01-08", "what a window shows beside its pointer"


# Windows on a screen


@pytest.mark.parametrize("backend", ["agg", "svg"])
def test_without_a_display_show_points_to_out(backend, monkeypatch):
    monkeypatch.setattr(plt, "get_backend", lambda: backend)
    with pytest.raises(UsageError, match="--out FILE"):
        show_figure(small_figure())


@pytest.mark.parametrize("fault", [ImportError("no tkinter"), RuntimeError("no tkinter")])
def test_a_toolkit_that_cannot_be_loaded_points_to_out(fault, monkeypatch):
    def fail():
        raise fault

    monkeypatch.setattr(plt, "get_backend", fail)
    with pytest.raises(UsageError, match=r"no tkinter; use --out FILE"):
        show_figure(small_figure())


def test_with_a_display_this_very_figure_gets_a_window(monkeypatch):
    figure, shown = small_figure(), []
    monkeypatch.setattr(plt, "get_backend", lambda: "TkAgg")
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    plt.switch_backend("agg")
    show_figure(figure)
    plt.close("all")
    assert shown == [figure]


def test_drawing_needs_neither_pyplot_nor_pandas():
    code = (
        "import sys; import forecaster.output.forecast_figure; "
        "sys.exit(bool({'matplotlib.pyplot', 'pandas', 'scipy', 'keras', 'jax', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
