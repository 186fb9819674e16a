"""The fan for a slide, checked by its artists and texts."""

import dataclasses
import datetime
import itertools
import re
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from forecaster.data.instruments import parse_pair
from forecaster.evaluation.step_coverage import StepCoverage
from forecaster.experiments.predictions import CoverageRecord, Prediction
from forecaster.output.fan_figure import FanPicture, draw_fan
from forecaster.output.trading_days import tick_days


@pytest.fixture
def fan(prices: np.ndarray, picture: Any) -> FanPicture:
    held = StepCoverage(20, 730, {"0.8": 0.78, "0.95": 0.96}, "consistent")
    prediction = Prediction(
        instrument=parse_pair("USDJPY"),
        forecast=picture.forecast,
        run_id="20261126-064011-692-USDJPY-b0f019",
        model="lstm",
        source="ecb",
        data_sha256="77ae5277cfcf",
        calendar="weekdays",
        in_sample=False,
        calibrated=True,
        refit=False,
        median_moves=False,
        skill=None,
        coverage=CoverageRecord((held,), np.datetime64("2023-11-22")),
        today=picture.forecast.cutoff.astype(datetime.date) + datetime.timedelta(days=27),
    )
    return FanPicture(
        title=None,
        prediction=prediction,
        dates=picture.dates[-60:],
        prices=prices[-60:],
        later_dates=picture.dates[:0],
        later_prices=prices[:0],
        levels=(0.5, 0.8, 0.95),
        above=(),
        unit="JPY per USD",
        span="day",
        source="ECB euro reference rates",
    )


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def test_a_fan_has_a_title_the_ranges_and_how_often_they_held_but_no_hash(fan: FanPicture) -> None:
    figure = draw_fan(fan)
    text = "\n".join(words(figure))
    forecast = fan.prediction.forecast
    low, high = forecast.prices([0.1, 0.9])[-1]
    assert "USDJPY: the next 20 days" in text
    assert f"80 % range on {forecast.dates[-1]}: {low:.3f} to {high:.3f}" in text
    assert "80 % ranges 20 days ahead held 78 % of 730 times" in text
    assert "source: ECB euro reference rates · model lstm · last price 27 days old" in text
    assert fan.prediction.data_sha256 not in text
    assert fan.prediction.run_id not in text
    assert len(figure.axes) == 1


def test_the_ends_of_every_range_are_named_at_their_heights(fan: FanPicture) -> None:
    figure = draw_fan(dataclasses.replace(fan, levels=(0.8,)))
    (axes,) = figure.axes
    low, high = fan.prediction.forecast.prices([0.1, 0.9])[-1]
    labels = {text.get_text(): text for text in axes.texts}
    assert set(labels) == {
        f"{low:.3f}   80 %",
        f"{high:.3f}   80 %",
        f"{fan.prediction.forecast.median[-1]:.3f}   median",
    }
    for label, height in ((f"{low:.3f}   80 %", low), (f"{high:.3f}   80 %", high)):
        place = axes.transData.inverted().transform(axes.transAxes.transform(labels[label].xy))[1]
        assert place == pytest.approx(height, abs=0.02 * (high - low))


def test_a_price_of_interest_has_a_line_and_its_probability(fan: FanPicture) -> None:
    forecast = fan.prediction.forecast
    price = float(np.round(forecast.last_price * 1.03, 2))
    figure = draw_fan(dataclasses.replace(fan, above=(price,)))
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines[f"at {price:g}"].get_ydata()) == {price}
    share = 100 * (1 - forecast.probability_below(price)[-1])
    assert f"above {price:g}: {share:.0f} %" in words(figure)


def test_a_price_far_away_is_named_above_the_panel_and_does_not_flatten_it(fan: FanPicture) -> None:
    far = 10 * fan.prediction.forecast.last_price
    figure = draw_fan(dataclasses.replace(fan, above=(far,)))
    assert figure.axes[0].get_ylim() == draw_fan(fan).axes[0].get_ylim()
    assert any(text.endswith(f"above {far:,.10g}: < 0.1 %") for text in words(figure))


@pytest.mark.parametrize(
    ("outcome", "text"),
    [("too_narrow", "held 49 % of 730 times: too narrow"), ("too_few_rows", "held 49 % of 730 times, too few to tell")],
)
def test_ranges_that_did_not_hold_are_called_so(fan: FanPicture, outcome: Any, text: str) -> None:
    record = CoverageRecord((StepCoverage(20, 730, {"0.8": 0.49}, outcome),), np.datetime64("2023-11-22"))
    prediction = dataclasses.replace(fan.prediction, coverage=record)
    assert any(text in line for line in words(draw_fan(dataclasses.replace(fan, prediction=prediction))))
    unknown = dataclasses.replace(fan.prediction, coverage=None)
    assert any("not measured" in line for line in words(draw_fan(dataclasses.replace(fan, prediction=unknown))))


def test_prices_around_zero_have_one_number_of_decimals_and_a_day_is_one(fan: FanPicture) -> None:
    forecast = fan.prediction.forecast
    spread = dataclasses.replace(forecast, changes=True, last_price=-0.3372, values=5 * forecast.values)
    day = spread.cutoff.astype(datetime.date) + datetime.timedelta(days=1)
    prediction = dataclasses.replace(fan.prediction, forecast=spread, today=day)
    text = "\n".join(words(draw_fan(dataclasses.replace(fan, prediction=prediction, prices=0.01 * fan.prices))))
    assert "last price 1 day old" in text
    ends = re.findall(r"(-?[\d.]+)   \d+ %", text)
    assert {len(end.partition(".")[2]) for end in ends} == {5}


def test_dashed_steps_are_explained(fan: FanPicture) -> None:
    forecast = fan.prediction.forecast
    for changes, way in (
        ({"own_steps": 1}, "dashed: after 1 day, recursive"),
        ({"own_steps": 5, "scaled_from": 6}, "dashed: after 5 days, scaled by the square root of time"),
    ):
        prediction = dataclasses.replace(fan.prediction, forecast=dataclasses.replace(forecast, **changes))
        assert any(text.endswith(way) for text in words(draw_fan(dataclasses.replace(fan, prediction=prediction))))


@pytest.mark.parametrize("title", [None, "W" * 200, "Dollar and yen"])
@pytest.mark.parametrize("above", [(), (100.123456,), (100.0, 101.0, 102.0, 1e6)])
def test_no_text_leaves_the_page_or_lies_on_another(
    fan: FanPicture, title: str | None, above: tuple[float, ...]
) -> None:
    figure = draw_fan(dataclasses.replace(fan, title=title, above=above, levels=(0.5, 0.8, 0.9, 0.95, 0.99)))
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.canvas.get_width_height()
    texts = [text for text in (*figure.texts, *figure.axes[0].texts) if text.get_text()]
    boxes = [text.get_window_extent(renderer) for text in texts]
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    ends = sorted((text.get_window_extent(renderer) for text in figure.axes[0].texts), key=lambda box: float(box.y0))
    assert all(lower.y1 <= upper.y0 + 2 for lower, upper in itertools.pairwise(ends))


@pytest.mark.parametrize("count", [1, 2, 5, 30, 400, 7000])
@pytest.mark.parametrize("step", [1, 7, 30])
def test_ticks_are_rows_and_few(count: int, step: int) -> None:
    days = np.datetime64("2001-03-07") + step * np.arange(count)
    ticks, labels = tick_days(days, most_ticks=7)
    assert 1 <= len(ticks) == len(labels) <= 7
    assert np.isin(ticks, days).all()
