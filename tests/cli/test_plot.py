"""`forecast plot` from the outside."""

import pytest


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_writes_each_format(forecast, home, tmp_path, suffix):
    target = tmp_path / f"picture.{suffix}"
    result = forecast("plot", "--pair", "USDJPY", "--home", home, "--out", target)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(target)
    start = target.read_bytes()[:5]
    assert start in {b"\x89PNG\r", b"<?xml", b"%PDF-"}


def test_names_the_file_after_instrument_and_kind(forecast, home, tmp_path):
    assert forecast("plot", "--pair", "JPYUSD", "--kind", "loss", "--home", home).stdout.strip() == "JPYUSD-loss.png"
    assert (tmp_path / "JPYUSD-loss.png").exists()


def test_span_without_rows_is_refused(forecast, home):
    result = forecast("plot", "--pair", "USDJPY", "--from", "2027-01-01", "--home", home)
    assert result.exit_code == 2
    assert "a picture needs 2" in result.stderr


def test_unknown_format_is_refused_and_nothing_is_left(forecast, home, tmp_path):
    result = forecast("plot", "--pair", "USDJPY", "--home", home, "--out", tmp_path / "p.bmp")
    assert result.exit_code == 2
    assert not list(tmp_path.glob("*p.bmp*"))


def test_missing_folder_is_refused(forecast, home, tmp_path):
    result = forecast("plot", "--pair", "USDJPY", "--home", home, "--out", tmp_path / "no" / "p.png")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_one_file_cannot_hold_two_instruments(forecast, home, tmp_path):
    result = forecast("plot", "--pair", "USDJPY,JPYUSD", "--home", home, "--out", tmp_path / "p.png")
    assert result.exit_code == 2
    assert "--out names one file" in result.stderr
