"""The examples run, from the first cell to the last."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "FORECAST_HOME": str(tmp_path), "FORECAST_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "USDJPY" in done.stdout


def test_an_example_is_divided_into_cells() -> None:
    assert EXAMPLES
    assert all(path.read_text(encoding="utf-8").startswith("# %% [markdown]") for path in EXAMPLES)
