"""No text of a picture is cut off, and none lies on another."""

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from forecaster.evaluation.splits import PARTS
from forecaster.output.canvas import save_figure
from forecaster.output.forecast_figure import draw_forecast
from forecaster.output.forecast_picture import PartScore, ScoreSummary
from forecaster.output.learning_curve import draw_losses

LATE = (np.datetime64("2021-11-01"), np.datetime64("2022-12-31"))


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is drawn, with the place that it takes."""
    figure.draw_without_rendering()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = {id(text) for text in axis.get_majorticklabels() + axis.get_minorticklabels()}
            ticks = axis._update_ticks()  # those within the axis
            drawn = {id(label) for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()}
            hidden = labels - drawn if axes.axison else labels
            shown = [text for text in shown if id(text) not in hidden]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


def clashes(found: list[tuple[str, Bbox]]) -> list[tuple[str, str]]:
    return [
        (first, second)
        for index, (first, box) in enumerate(found)
        for second, other in found[index + 1 :]
        if box.shrunk(0.98, 0.9).overlaps(other)
    ]


def outside(figure: Figure, found: list[tuple[str, Bbox]]) -> list[str]:
    page = figure.bbox
    return [
        text
        for text, box in found
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]  # fmt: skip


def check(figure: Figure) -> None:
    found = boxes(figure)
    assert len(found) > 10
    assert outside(figure, found) == []
    assert clashes(found) == []


def errors(size: float, today: float | None = None) -> dict[str, ScoreSummary]:
    score = PartScore(size, size if today is None else today, 1.0, 749)
    sentence = "density: not significantly better than random_walk, the strongest baseline " * 2
    return {"summary": ScoreSummary(dict.fromkeys(PARTS, score), "scores of the run before its refit", (sentence,) * 4)}


PICTURES = {
    "plain": (1.0, {}, None),
    "recursive, validation too narrow to name": (1.0, {"own_steps": 1, "validation": 8}, None),
    "yen in dollars": (6e-5, {"unit": "USD per JPY", **errors(0.0058)}, None),
    "yen in dollars, late": (6e-5, {"unit": "USD per JPY", **errors(0.0058)}, LATE),
    "rupiah in dollars": (6e-7, {"unit": "USD per IDR", **errors(5.8e-7)}, LATE),
    "bitcoin in rupiah": (1.7e7, {"unit": "IDR per BTC", **errors(9.99)}, None),
    "just below the long prices": (999.0, errors(999.9), LATE),
    "errors of very different sizes": (
        1.0, errors(123.4, 1e-9), None,
    ),
    "a model of the longest name": (1.0, {"model": "random_walk"}, None),
    "a long wide name and note": (1.0, {"instrument": "W" * 80, "note": "from a file of a long name, " * 12}, LATE),
    "another script": (1.0, {"instrument": "a$b_$c^{日本", "note": "cost $5 $x", "unit": "$^_"}, None),
    "no errors known": (1.0, {"summary": ScoreSummary({}, "measured for this picture", ())}, None),
    "no forecast": (1.0, {"forecast": None}, LATE),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_every_text_is_whole_and_readable(name, prices, picture_of, forecast_after):
    scale, changes, window = PICTURES[name]
    asked = dict(changes)
    own_steps = asked.pop("own_steps", 20)
    picture = picture_of(scale * prices, **asked)
    if picture.forecast is not None:
        coming = forecast_after(picture.dates[-1], picture.prices[-1], own_steps=own_steps)
        picture = dataclasses.replace(picture, forecast=coming)
    check(draw_forecast(picture, window))


@pytest.mark.parametrize("days", [1, 5, 20, 60, 130, 400])
def test_windows_of_every_length_are_readable(days, picture):
    figure = draw_forecast(picture, (picture.dates[-days], picture.dates[-1]))
    check(figure)


@pytest.mark.parametrize("growth", [1.0001, 7.9, 900.0, 1e7])
def test_ranges_of_every_size_are_readable(growth, picture_of):
    check(draw_forecast(picture_of(np.geomspace(0.5, 0.5 * growth, 300))))


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e7])
def test_learning_curves_are_readable(size):
    rows = [{"step": step, "loss": size / step, "validation_loss": 2 * size / step} for step in range(1, 300)]
    title = "W" * 60 + ": learning curve of run 20261030-usdjpy-3fa9c1"
    figure = draw_losses(rows, title, "a note " * 40, size, {"ewma": 0.9 * size, "random_walk": 1.1 * size})
    check(figure)


def test_the_check_itself_finds_what_is_cut_off_and_what_overlaps(picture):
    figure = draw_forecast(picture)
    figure.text(0.99, 0.5, "runs out of the page")
    figure.axes[0].text(0.5, 0.5, "one", transform=figure.axes[0].transAxes)
    figure.axes[0].text(0.5, 0.5, "another", transform=figure.axes[0].transAxes)
    assert outside(figure, boxes(figure)) == ["runs out of the page"]
    assert clashes(boxes(figure)) == [("one", "another")]


def test_a_name_in_a_script_without_glyphs_is_drawn_without_talk(picture, tmp_path):
    strange = dataclasses.replace(picture, instrument="a$b_$c^{日本", note="cost $5 $x", unit="$^_")
    figure = draw_forecast(strange)
    save_figure(figure, tmp_path / "strange.png")
    assert any(text.get_text().startswith("a$b_$c^{日本: ") for text in figure.texts)
