"""The history of `layouts` is read from every layout, or the layout is refused in one clear line."""

import datetime
from pathlib import Path

import numpy as np
import pytest
from layouts import ALL, CLOSE, HIGH, LAYOUTS, LOW, OPEN, VOLUME, load

VALUES = dict(zip(ALL, (OPEN, HIGH, LOW, CLOSE, VOLUME), strict=True)) | {"adj_close": CLOSE}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_history_is_the_same_in_every_layout(tmp_path: Path, name: str) -> None:
    layout = LAYOUTS[name]
    series = load(tmp_path / layout.name, layout.content, **layout.options)
    assert series.dates.astype(datetime.date).tolist() == list(layout.days)
    np.testing.assert_allclose(series.close, np.array(CLOSE) * layout.scale, rtol=1e-12)
    assert set(layout.columns) <= set(series.columns)
    for column in set(layout.columns) - {"volume"}:
        np.testing.assert_allclose(series.columns[column], np.array(VALUES[column]) * layout.scale, rtol=1e-12)
