"""The picture of a backtest: everything legible, wherever the lines end."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import date2num
from matplotlib.text import Text

from forecaster.output.backtest_figure import BacktestPicture, draw_backtest

NAMES = ("ewma", "random_walk", "garch", "har", "fhs", "gjr_garch", "ridge", "ewma_t", "random_walk_constant")


def picture(days: int = 400, ends: tuple[float, ...] = (0.0,) * 9, words: tuple[str, ...] = ()) -> BacktestPicture:
    dates = np.datetime64("2020-01-01") + np.arange(days)
    gains = {name: np.full(days, end) for name, end in zip(NAMES, ends, strict=False)}
    inside = {0.8: np.resize([1.0, 1, 1, 1, 0], days), 0.95: np.ones(days)}
    return BacktestPicture("lstm on USDJPY", 4, "week", dates, gains, inside, dates[::100], "small print", words)


def names_shown(drawn: object, axes: int) -> list[Text]:
    found = drawn.axes[axes].texts  # type: ignore[attr-defined]
    return [one for one in found if "%" in one.get_text()]


@pytest.mark.parametrize(
    "ends",
    [(0.0,) * 9, (0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, -0.05), tuple(np.linspace(-0.02, 0.01, 9))],
)
def test_names_stand_apart_and_within_the_figure(ends: tuple[float, ...]) -> None:
    figure = draw_backtest(picture(ends=ends))
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.canvas.get_width_height()
    for axes in (0, 1):
        boxes = [one.get_window_extent(renderer) for one in names_shown(figure, axes)]
        assert len(boxes) == (9, 2)[axes]
        assert all(box.x1 < width and box.y0 > 0 and box.y1 < height for box in boxes)
        top = figure.axes[axes].get_window_extent(renderer).y1
        assert all(box.y1 < top + 15 for box in boxes)
        ordered = sorted(boxes, key=lambda box: box.y0)
        assert all(one.y1 <= other.y0 + 2 for one, other in itertools.pairwise(ordered))


def test_lines_end_at_the_mean_difference() -> None:
    figure = draw_backtest(picture(ends=(0.01, -0.02)))
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert lines["random_walk"].get_ydata()[-1] == pytest.approx(-2)
    assert [one.get_text() for one in names_shown(figure, 0)] == ["random_walk -2.00 %", "ewma +1.00 %"]
    np.testing.assert_array_equal(lines["fits"].get_xdata(), picture().fits)
    assert figure.axes[0].get_title("left") == "the model minus each baseline, 4 weeks ahead: falling is better"


def test_a_step_with_fewer_cutoffs_hides_nothing_of_the_others() -> None:
    pictures = [picture(days, ends=(0.02, 0.01)) for days in (400, 320)]
    figure = draw_backtest(*pictures)
    assert figure.axes[0].get_xlim() == (date2num(pictures[0].dates[0]), date2num(pictures[0].dates[-1]))
    renderer = FigureCanvasAgg(figure).get_renderer()
    for row, end in zip((0, 2), (2.0, 2.0), strict=True):
        label = next(one for one in names_shown(figure, row) if one.get_text().startswith("ewma"))
        box = label.get_window_extent(renderer)
        assert (box.y0 + box.y1) / 2 == pytest.approx(figure.axes[row].transData.transform((0, end))[1], abs=15)


def test_no_two_lines_look_alike() -> None:
    lines = [line for line in draw_backtest(picture()).axes[0].get_lines() if line.get_label() in NAMES]
    assert len({line.get_color() for line in lines}) == len(NAMES)


@pytest.mark.parametrize("count", [1, 2])
def test_long_words_are_broken_within_the_figure(count: int) -> None:
    words = tuple(f"{kind}: {'no difference from any of them ' * 8}" for kind in ("point", "direction", "density"))
    figure = draw_backtest(*[picture(words=words)] * count)
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, _ = figure.canvas.get_width_height()
    boxes = [one.get_window_extent(renderer) for one in figure.texts]
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 for box in boxes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_short_span_has_no_rolling_line_and_says_so() -> None:
    short = picture(days=60)
    figure = draw_backtest(short)
    assert "fewer than 250 cutoffs" in figure.axes[1].get_title(loc="left")
    drawn = [line.get_ydata() for line in figure.axes[1].get_lines() if line.get_linewidth() == 1.3]
    assert [list(line) for line in drawn] == [[100 * daily.mean()] * 2 for daily in short.inside.values()]
    assert draw_backtest(picture(days=1)).axes[0].get_lines()
    assert "over the last 250" in draw_backtest(picture()).axes[1].get_title(loc="left")
