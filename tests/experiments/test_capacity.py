from pathlib import Path

import pytest

from forecaster.experiments.executors import capacity
from forecaster.experiments.executors.capacity import TASK_BYTES, default_processes, free_memory


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the system says about 8 processors and much memory."""
    monkeypatch.setattr(capacity, "_processors", lambda: 8)
    monkeypatch.setattr(capacity, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(capacity, "_GROUP", tmp_path)
    say(tmp_path, 100 * TASK_BYTES)
    return tmp_path


def say(machine: Path, free: int) -> None:
    (machine / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {free // 1024 + 1} kB\n")


def test_memory_bounds_the_processes(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_processes() == capacity.MAX_DEFAULT_PROCESSES
    say(machine, 2 * TASK_BYTES)
    assert default_processes() == 2
    say(machine, TASK_BYTES // 3)
    assert default_processes() == 1
    say(machine, 100 * TASK_BYTES)
    monkeypatch.setattr(capacity, "_processors", lambda: 3)
    assert default_processes() == 3


def test_a_container_has_less_memory_than_its_machine(machine: Path) -> None:
    (machine / "memory.max").write_text(f"{4 * TASK_BYTES}\n")
    (machine / "memory.current").write_text(f"{TASK_BYTES}\n")
    assert free_memory() == 3 * TASK_BYTES
    assert default_processes() == 3
    (machine / "memory.max").write_text("max\n")
    assert default_processes() == 4


@pytest.mark.parametrize("content", [None, "", "MemAvailable: much\n"])
def test_a_system_that_does_not_say_bounds_nothing(machine: Path, content: str | None) -> None:
    (machine / "meminfo").unlink()
    if content is not None:
        (machine / "meminfo").write_text(content)
    assert free_memory() is None
    assert default_processes() == 4
