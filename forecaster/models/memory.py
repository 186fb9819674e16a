"""Memory that the training of a recurrent network needs, estimated before it begins."""

from collections.abc import Sequence
from pathlib import Path

from forecaster.errors import UsageError

__all__ = [
    "MAX_TRAINING_BYTES",
    "attention_training_bytes",
    "available_bytes",
    "check_memory",
    "in_gigabytes",
    "recurrent_training_bytes",
]

MAX_TRAINING_BYTES = 32 * 2**30
"""Estimate from which a configuration is refused on every machine."""

_FLOAT = 4  # bytes
_COPIES_OF_WEIGHTS = 4  # the weights, their gradient, and two moments of the optimiser
_GATES = 4
_FLOATS_PER_STATE = 12  # gates, cell and output of one unit in one row, and their gradients
_COPIES_OF_SCORES = 3
_TYPICAL_INPUTS = 16


def recurrent_training_bytes(units: Sequence[int], rows: int, batch_size: int) -> int:
    """Bytes for the weights of LSTM layers and for the states of a batch, a low estimate.

    Args:
        units: Sizes of the layers.
        rows: Rows of a sample.
        batch_size: Samples of a batch.
    """
    inputs = _TYPICAL_INPUTS
    weights = 0
    for size in units:
        weights += _GATES * size * (inputs + size + 1)
        inputs = size
    states = rows * batch_size * sum(units) * _FLOATS_PER_STATE
    return _FLOAT * (_COPIES_OF_WEIGHTS * weights + states)


def attention_training_bytes(heads: int, rows: int, batch_size: int) -> int:
    """Bytes for the scores between all rows of a batch, their softmax and their gradients, a low estimate.

    Args:
        heads: Heads of all layers.
        rows: Rows of a sample.
        batch_size: Samples of a batch.
    """
    return _FLOAT * _COPIES_OF_SCORES * heads * batch_size * rows**2


def in_gigabytes(count: int) -> str:
    """Bytes in words.

    >>> in_gigabytes(12_340_000_000)
    '12.3 GB'
    """
    return f"{count / 1e9:.1f} GB"


def check_memory(needed_bytes: int) -> None:
    """Refuse a training that does not fit into the free memory.

    Raises:
        UsageError: It does not.
    """
    available = available_bytes()
    if available is not None and needed_bytes > available:
        raise UsageError(
            f"the training needs about {in_gigabytes(needed_bytes)} of memory, {in_gigabytes(available)} are free; "
            "expected it to fit; lower model.units, the batch size or the length of the windows"
        )


def available_bytes() -> int | None:
    """Free memory of this machine, within the limit of its container; None where that cannot be told."""
    free = [_machine_bytes(), _container_bytes()]
    return min((count for count in free if count is not None), default=None)


def _machine_bytes() -> int | None:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _container_bytes() -> int | None:
    folder = Path("/sys/fs/cgroup")
    limit = next(iter(_lines(folder / "memory.max")), "max")
    used = [line for line in _lines(folder / "memory.stat") if line.startswith("anon ")]
    if not limit.isdecimal() or not used:
        return None
    return max(int(limit) - int(used[0].split()[1]), 0)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return []
