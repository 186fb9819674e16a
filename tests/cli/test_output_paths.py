"""Output files: only regular ones are written, and none that the program reads or has recorded."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from forecaster.cli.result_file import write_result
from forecaster.data.tables.content import read_content
from forecaster.environment import Environment
from forecaster.errors import StorageError, UsageError
from forecaster.files import PARTIAL_PREFIX, check_target, check_writable, clear_partial_files, write_file, write_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no devices, links and modes there")


def make_socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


SPECIAL: dict[str, Callable[[Path], None]] = {"pipe": os.mkfifo, "socket": make_socket, "folder": os.mkdir}
if os.geteuid() == 0:
    SPECIAL["device"] = lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_regular_file_is_refused_and_stays(tmp_path: Path, kind: str, linked: bool) -> None:
    place = tmp_path / "special"
    SPECIAL[kind](place)
    before = place.lstat()
    path = tmp_path / "link"
    if linked:
        path.symlink_to(place)
    for write in (check_target, lambda path: write_file(path, b"x")):
        with pytest.raises(StorageError, match=f"is a {kind}; expected the name of a new file"):
            write(path if linked else place)
    assert (place.lstat().st_mode, place.lstat().st_ino) == (before.st_mode, before.st_ino)
    assert not list(tmp_path.glob(f"{PARTIAL_PREFIX}*"))


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_the_command_line_refuses_it_too(forecast, tmp_path: Path, kind: str) -> None:
    if kind not in SPECIAL:
        pytest.skip("only root makes devices")
    SPECIAL[kind](tmp_path / "x")
    result = forecast("data", "export", "--pair", "USDJPY", "--out", "x")
    assert result.exit_code in {1, 2}
    assert result.stderr.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_the_mode_of_an_earlier_file_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_mode_that_the_user_has_chosen(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "x", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file = tmp_path / "there" / "file"
    file.write_bytes(b"old")
    (tmp_path / "link").symlink_to(Path("there") / "file")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert file.read_bytes() == b"new"
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_no_partial_name_can_be_prepared_by_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    (tmp_path / f"{PARTIAL_PREFIX}{os.getpid()}-guessed").symlink_to(victim)
    for write in (lambda path: write_file(path, b"x"), lambda path: write_folder(path, {"a": b"x"}), check_target):
        with pytest.raises(StorageError, match="exists"):
            write(tmp_path / "x")
    assert victim.read_bytes() == b"precious"


def test_a_name_of_255_letters_is_written_and_a_longer_one_is_one_line(tmp_path: Path) -> None:
    write_file(tmp_path / ("a" * 255), b"x")
    with pytest.raises(StorageError, match="name too long"):
        write_file(tmp_path / ("a" * 256), b"x")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(0o400)
    with pytest.raises(StorageError, match="Permission denied"):
        write_file(path, b"new")


CSV = "date,close\n" + "".join(
    f"20{20 + n // 300:02}-{n % 300 // 25 + 1:02}-{n % 25 + 1:02},{100 + n % 7}\n" for n in range(600)
)


@pytest.mark.parametrize("arguments", [("--csv", "p.csv"), ("--csv", "./p.csv"), ("--csv", "link.csv")])
@pytest.mark.parametrize("out", ["p.csv", "link.csv", "sub/../p.csv"])
def test_an_input_is_not_replaced(forecast, tmp_path: Path, arguments: tuple[str, ...], out: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "p.csv").write_text(CSV)
    (tmp_path / "link.csv").symlink_to("p.csv")
    result = forecast("data", "export", *arguments, "--out", out)
    assert result.exit_code == 2
    assert "is a file that this command reads" in result.stderr
    assert (tmp_path / "p.csv").read_text() == CSV
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "where",
    ["data: {csv: p.png}", "data: {exog: p.png}", "data: {events: p.png}", "universe: p.png", "data: {peers: [p.png]}"],
)
def test_an_input_that_the_configuration_names_is_not_replaced(forecast, tmp_path: Path, where: str) -> None:
    (tmp_path / "p.png").write_text(CSV)
    (tmp_path / "c.yaml").write_text(where)
    result = forecast("backtest", "--config", "c.yaml", "--out", "p.png")
    assert result.exit_code == 2
    assert "is a file that this command reads" in result.stderr
    assert (tmp_path / "p.png").read_text() == CSV


def test_a_file_that_a_recorded_run_made_the_command_read_is_not_replaced(tmp_path: Path) -> None:
    path, link = tmp_path / "p.csv", tmp_path / "link.csv"
    path.write_text(CSV)
    link.symlink_to(path)
    read_content(path)
    with pytest.raises(UsageError, match="that this command has read; it was not replaced"):
        write_result(link, "other", Environment(home=tmp_path))
    assert path.read_text() == CSV


def test_what_is_recorded_is_not_replaced(forecast, home: Path, tmp_path: Path) -> None:
    assert forecast("data", "fetch", "--pair", "USDJPY", "--home", home).exit_code == 0
    (home / "ledger.jsonl").write_bytes(b'{"entry":{}}\n')
    (home / "searches").mkdir()
    (home / "searches" / "study.json").write_bytes(b"{}")
    (home / f"{PARTIAL_PREFIX}1-a.csv").write_bytes(b"x")
    copy = tmp_path / "elsewhere"
    shutil.copytree(home, copy)
    files = [path for path in (*home.rglob("*"), *copy.glob("[!s]*/**/*.[swcm]*"), *copy.glob("l*")) if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    assert {"store.sqlite", "manifest.json", "weights.npz", "config.yaml"} <= {path.name for path in files}
    for path in files:
        result = forecast("predict", "--pair", "USDJPY", "--home", home, "--out", path)
        assert result.exit_code == 2, path
        assert "belongs to what a project has recorded" in result.stderr
    result = forecast("predict", "--pair", "USDJPY", "--home", home, "--out", home / "runs" / "x.csv")
    assert result.exit_code == 2
    assert {path: path.read_bytes() for path in files} == contents


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("odds", "--portfolio", "p.csv", "--out", "p.csv"), "--out p.csv is a file that this command reads"),
        (("search", "--space", "p.csv", "--out", "./p.csv"), "--out p.csv is a file that this command reads"),
        (("score", "--ledger", "p.csv", "--out", "p.csv"), "--out p.csv is a file that this command reads"),
        (("backtest", "EURUSD", "--out", "x.csv", "--forecasts", "./x.csv"), "x.csv is the file of --out too"),
        (("runs", "export", "latest", "--out", "-"), "--out - names no file"),
        (("export", "latest", "--folder", "/"), "/ exists; expected a new folder"),
    ],
)
def test_outputs_are_new_names(forecast, home: Path, arguments: tuple[str, ...], problem: str) -> None:
    Path("p.csv").write_text(CSV)
    result = forecast(*arguments, "--home", home)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert Path("p.csv").read_text() == CSV


def test_partial_files_of_a_dead_process_are_cleared_by_the_next_command(forecast, home: Path, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [f"{PARTIAL_PREFIX}{number}-0" for number in (dead.pid, os.getppid())]
    for folder in ("runs", "runs/2026/annotations", "data", "data/ecb", "backtests/fits"):
        for name in names:
            (home / folder).mkdir(parents=True, exist_ok=True)
            (home / folder / name).write_bytes(b"x")
    (home / "runs" / f"{PARTIAL_PREFIX}{dead.pid}-1").mkdir()
    (home / "runs" / f"{PARTIAL_PREFIX}{dead.pid}-1" / "weights.npz").write_bytes(b"x")
    mine = f"{PARTIAL_PREFIX}{dead.pid}-{'a' * 16}"
    for name in (mine, ".partial-notes", f"{PARTIAL_PREFIX}{dead.pid}-0"):
        (home / name).write_bytes(b"x")
    assert forecast("data", "list", "--home", home).exit_code == 0
    others = {".partial-notes", f"{PARTIAL_PREFIX}{dead.pid}-0"}  # in a folder of the user
    assert {path.name for path in home.glob(f"{PARTIAL_PREFIX}*")} == others
    assert {path.name for path in home.glob(f"*/**/{PARTIAL_PREFIX}*")} == {names[1]}
    for check in (lambda: check_target(tmp_path / "x.csv"), lambda: check_writable(tmp_path)):
        (tmp_path / mine).write_bytes(b"x")
        check()
        assert not (tmp_path / mine).exists()


def test_a_partial_file_that_another_system_is_writing_stays(tmp_path: Path) -> None:
    """Two containers share a folder and do not see each other's processes, but each other's locks."""
    import fcntl

    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "runs").mkdir()
    path = tmp_path / "runs" / f"{PARTIAL_PREFIX}{dead.pid}-0"
    with open(path, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        clear_partial_files(tmp_path)
        assert path.exists()
    clear_partial_files(tmp_path)
    assert not path.exists()
