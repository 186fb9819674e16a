"""Paths that are no files: devices, pipes, folders, names that are too long or forbidden. One line, at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecaster.files import read_regular_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no devices and pipes there")

ODD = ("/dev/zero", "/dev/full", "pipe", "folder", "a" * 300, "x/" * 3000, "file/below", "loop", "")


@pytest.fixture(autouse=True)
def _odd_paths(tmp_path: Path) -> None:
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("file").write_bytes(b"")
    Path("loop").symlink_to("loop")


INPUTS = [
    *(("--config", path) for path in ODD),
    *(("--csv", path) for path in ODD),
    *((option, path) for option in ("--universe", "--exog", "--with") for path in ("/dev/zero", "pipe", "a" * 300)),
]


@pytest.mark.parametrize(("option", "path"), INPUTS, ids=lambda text: text[:12] or "empty")
def test_an_odd_input_is_one_line(forecast, option: str, path: str) -> None:
    instrument = () if option == "--csv" else ("--source", "synthetic", "--ticker", "ar1")
    lag = ("--lag", "x=1") if option == "--exog" else ()
    result = forecast("train", *instrument, option, path, *lag, "--home", "home")
    assert result.exit_code in {1, 2, 3}
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert not list(Path().glob("home/runs/*"))


@pytest.mark.parametrize("path", [path for path in ODD if path not in {"", "folder"}], ids=lambda path: path[:12])
@pytest.mark.parametrize("command", [("data", "list"), ("predict", "--source", "synthetic", "--ticker", "ar1")])
def test_an_odd_home_is_one_line(forecast, path: str, command: tuple[str, ...]) -> None:
    result = forecast(*command, "--home", path)
    assert result.exit_code in {0, 1, 2}
    if result.exit_code:
        assert result.stderr.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize("path", [path for path in ODD if path], ids=lambda path: path[:12])
def test_an_odd_output_is_one_line_and_stays(forecast, path: str) -> None:
    before = os.lstat(path).st_mode if os.path.lexists(path) else None
    result = forecast("data", "export", "--source", "synthetic", "--ticker", "ar1", "--home", "home", "--out", path)
    assert result.exit_code in {1, 2}
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert (os.lstat(path).st_mode if os.path.lexists(path) else None) == before


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_regular_file(tmp_path / "x", 5) == b"12345"
    with pytest.raises(ValueError, match="larger than 0 KiB"):
        read_regular_file(tmp_path / "x", 4)
    for path in ("/dev/zero", "pipe", "folder"):
        with pytest.raises(ValueError, match="expected a regular file"):
            read_regular_file(Path(path), 5)
    assert len(os.listdir("/proc/self/fd")) < 100


def test_a_backend_that_matplotlib_does_not_know_harms_no_picture(trained_once: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forecaster", "plot", "--pair", "USDJPY", "--home", str(trained_once), "--out", "x.png"],
        env={**os.environ, "MPLBACKEND": "bogus"}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path("x.png").stat().st_size > 0
