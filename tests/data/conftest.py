"""Fixtures of the tests of the store: its path in a new home, and the open store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_rows import noon

from forecaster.data.store import Store, store_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return store_path(tmp_path)


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, clock=noon) as opened:
        yield opened
