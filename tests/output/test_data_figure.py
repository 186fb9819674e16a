"""The picture of a history shows everything that was found, tells it apart without colour, and overlaps nothing."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from forecaster.errors import UsageError
from forecaster.output.canvas import save_figure
from forecaster.output.data_figure import Flag, HistoryPicture, draw_history_picture

DATES = np.busday_offset(np.datetime64("2015-01-01"), np.arange(1200), roll="forward")
PRICES = 100 * np.exp(np.cumsum(0.008 * np.random.default_rng(3).standard_normal(1200)))
LONG = (
    "many rows whose adjusted prices were rescaled since the last version, the newest by 0.98765: a split (2015-05-05)"
)


def flag(severity: str, rows: list[int], text: str = "3 rows that are odd (2015-05-05)") -> Flag:
    return Flag(severity, text, DATES[rows], PRICES[rows])


FLAGS = (
    flag("error", [700]), flag("repair", [10, 11, 900]), flag("warning", [100, 400, 1199]), flag("info", [50, 60]),
)  # fmt: skip
FACTS = {
    "source": "ecb",
    "rows": "1,200",
    "stored as": "ecb/USDJPY/1d@0123456789ab",
    "columns": "open, high, low, " * 4,
}


def picture(**changes: object) -> HistoryPicture:
    facts = {
        "title": "USDJPY: history and what was found in it",
        "unit": "JPY per USD",
        "dates": DATES,
        "prices": PRICES,
        "flags": FLAGS,
        "facts": FACTS,
        "note": "ecb/USDJPY/1d@0123456789ab · ECB statistics",
    }
    return HistoryPicture(**(facts | changes))  # type: ignore[arg-type]


def panel(figure: Figure, label: str):  # type: ignore[no-untyped-def]
    (axes,) = (one for one in figure.axes if one.get_label() == label)
    return axes


def marked(figure: Figure, label: str, severity: str) -> set[float]:
    lines = [one for one in panel(figure, label).get_lines() if one.get_label() == f"_{severity}"]
    return {value for line in lines for value in line.get_xdata().astype(float)}


def drawn_texts(figure: Figure) -> list[tuple[str, Bbox]]:
    figure.draw_without_rendering()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = {id(text) for text in axis.get_majorticklabels() + axis.get_minorticklabels()}
            ticks = axis._update_ticks()  # type: ignore[union-attr]  # those within the axis
            drawn = {id(label) for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()}
            hidden = labels - drawn if axes.axison else labels
            shown = [text for text in shown if id(text) not in hidden]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


def test_every_row_that_was_found_is_marked_in_both_panels() -> None:
    figure = draw_history_picture(picture())
    for one in FLAGS:
        days = set(one.dates.astype(float))
        assert marked(figure, "prices", one.severity) == days
        assert marked(figure, "moves", one.severity) == days


def test_the_legend_counts_rows_by_severity() -> None:
    figure = draw_history_picture(picture(flags=(*FLAGS, flag("repair", [1, 2]))))
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["price", "error (1)", "repair (5)", "warning (3)", "info (2)"]
    assert [text.get_text() for text in draw_history_picture(picture(flags=())).legends[0].get_texts()] == ["price"]


def test_severities_differ_in_shape() -> None:
    handles = draw_history_picture(picture()).legends[0].legend_handles
    shapes = [handle.get_marker() for handle in handles[1:]]  # type: ignore[union-attr]
    assert len(set(shapes)) == 4


def test_prices_that_are_none_or_out_of_reach_stand_at_the_edge() -> None:
    wild = Flag("repair", "4 rows", DATES[[10, 20, 30, 40]], np.array([np.nan, 0.0, 1e9, PRICES[40]]))
    axes = panel(draw_history_picture(picture(flags=(wild,))), "prices")
    inside, above, below = [
        (line.get_xdata(), line.get_ydata()) for line in axes.get_lines() if line.get_label() == "_repair"
    ]
    assert (list(inside[0]), list(inside[1])) == ([DATES[40]], [PRICES[40]])
    assert (list(above[0]), above[1][0] > 0.9) == ([DATES[30]], True)
    assert list(below[0]) == [DATES[10], DATES[20]]
    assert (below[1] < 0.1).all()
    assert axes.get_ylim()[1] < 2 * PRICES.max()


def test_a_large_range_is_logarithmic() -> None:
    assert panel(draw_history_picture(picture()), "prices").get_yscale() == "linear"
    steep = panel(draw_history_picture(picture(prices=np.geomspace(1, 500, 1200))), "prices")
    assert steep.get_yscale() == "log"
    assert "log scale" in steep.get_ylabel()


def test_long_pauses_are_shaded() -> None:
    kept = np.ones(1200, dtype=bool)
    kept[300:340] = False
    figure = draw_history_picture(picture(dates=DATES[kept], prices=PRICES[kept], flags=()))
    assert figure.legends[0].get_texts()[-1].get_text() == "no rows"
    (shade,) = panel(figure, "prices").patches
    assert shade.get_width() == (DATES[340] - DATES[299]).astype(int)
    months = np.arange("2000-01", "2010-01", dtype="datetime64[M]").astype("datetime64[D]")
    monthly = draw_history_picture(picture(dates=months, prices=PRICES[:120], flags=()))
    assert len(panel(monthly, "prices").patches) == 0


def test_a_move_of_nothing_can_be_drawn() -> None:
    draw_history_picture(picture(dates=DATES[:2], prices=np.array([1.0, 1.0]), flags=()))


def test_moves_of_a_spread_have_its_unit() -> None:
    spread = np.tile([-1.0, 0.0, 2.0, 0.0], 300)
    moves = panel(draw_history_picture(picture(prices=spread, flags=(), changes=True)), "moves")
    assert moves.get_ylabel() == "size of the move (price)"
    assert moves.get_lines()[0].get_ydata().tolist()[:4] == [1.0, 2.0, 2.0, 1.0]  # type: ignore[union-attr]


def test_one_row_is_no_picture() -> None:
    with pytest.raises(UsageError, match="has 1 rows; a picture needs 2"):
        draw_history_picture(picture(dates=DATES[:1], prices=PRICES[:1]))


PICTURES: dict[str, dict[str, Any]] = {
    "plain": {},
    "nothing found": {"flags": ()},
    "two rows": {"dates": DATES[:2], "prices": PRICES[:2], "flags": ()},
    "tiny": {"prices": PRICES * 1e-7},
    "huge": {"prices": PRICES * 1e9},
    "log": {"prices": np.geomspace(0.01, 90_000, 1200)},
    "long words": {
        "title": "W" * 64 + ": history and what was found in it",
        "facts": {**FACTS, "file": "/a/" + "very-long-folder-name/" * 6 + "file.csv"},
        "flags": [flag("repair", [5], LONG)] * 4,
        "note": "yahoo/AAPL/1d " * 40,
    },
    "many findings": {"flags": [flag(kind, [5, 9], LONG) for kind in ("error", "repair", "warning", "info") * 6]},
    "short span": {"dates": DATES[:30], "prices": PRICES[:30], "flags": (flag("warning", [3]),)},
}


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_lies_on_another_or_leaves_the_page(name: str) -> None:
    figure = draw_history_picture(picture(**PICTURES[name]))
    found = drawn_texts(figure)
    page = figure.bbox
    assert len(found) > 10
    out = [text for text, box in found if box.x0 < 0 or box.y0 < 0 or box.x1 > page.x1 or box.y1 > page.y1]
    assert out == []
    pairs = itertools.combinations(found, 2)
    assert [(one, two) for (one, box), (two, other) in pairs if box.shrunk(0.98, 0.9).overlaps(other)] == []


def test_findings_without_room_are_counted() -> None:
    flags = [flag("error", [5], LONG)] + [flag("warning", [6], LONG)] * 20 + [flag("info", [7], LONG)]
    texts = [text for text, _ in drawn_texts(draw_history_picture(picture(flags=flags)))]
    shown = sum(text.startswith("many rows") for text in texts)
    (rest,) = (text for text in texts if text.startswith("and more: "))
    assert 3 < shown < 20
    assert rest == f"and more: {21 - shown} warnings, 1 remark"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_picture_gives_the_same_bytes(tmp_path, suffix: str) -> None:  # type: ignore[no-untyped-def]
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    for path in (first, second):
        save_figure(draw_history_picture(dataclasses.replace(picture())), path)
    assert first.read_bytes() == second.read_bytes()
