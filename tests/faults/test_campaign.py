"""The campaign of faults in a small size; docs/reliability.md has the counts of a large one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).with_name("campaign.py")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the library is preloaded as on Linux")
@pytest.mark.skipif(shutil.which("cc") is None, reason="the library needs a C compiler")
def test_no_trial_fails() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"}
    path = os.pathsep.join([str(CAMPAIGN.parents[2]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(CAMPAIGN), "--trials", "2", "--seed", "7"]
    result = subprocess.run(
        command, env={**environment, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "| **0** |" in result.stdout
