"""Pictures, checked by their artists, labels and files rather than by pixels."""

import dataclasses
import itertools

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from forecaster.errors import UsageError
from forecaster.output.canvas import save_figure
from forecaster.output.colors import BLUE, GREEN, LIGHT_GREEN, RED
from forecaster.output.forecast_figure import draw_forecast
from forecaster.output.forecast_panels import readable


def panel(figure: Figure, name: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_label() == name)


def lines(axes: Axes) -> dict:
    return {line.get_label(): line for line in axes.get_lines()}


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def legend_labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def luminance(color: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


# The upper panels


def test_actual_is_blue_train_green_and_test_red(figure):
    history = lines(panel(figure, "history"))
    assert to_hex(history["actual"].get_color()) == BLUE.lower()
    assert to_hex(history["predicted: train"].get_color()) == GREEN.lower()
    assert to_hex(history["predicted: validation"].get_color()) == LIGHT_GREEN.lower()
    assert to_hex(history["predicted: test"].get_color()) == RED.lower()


def test_hues_are_what_their_names_say_and_differ_in_lightness():
    for color, channel in ((BLUE, 2), (GREEN, 1), (RED, 0)):
        assert np.argmax(to_rgb(color)) == channel
    shades = sorted(luminance(color) for color in (BLUE, RED, GREEN, LIGHT_GREEN))
    contrasts = [(high + 0.05) / (low + 0.05) for low, high in itertools.pairwise(shades)]
    assert min(contrasts) > 1.4


def test_lines_can_be_told_apart_without_colour(figure):
    history = lines(panel(figure, "history"))
    assert history["actual"].get_linewidth() < history["predicted: train"].get_linewidth() / 3
    assert history["actual"].get_zorder() > history["predicted: train"].get_zorder()
    assert history["predicted: validation"].is_dashed()
    assert not history["predicted: train"].is_dashed()


def test_spans_split_the_predictions_without_loss_or_overlap(picture, figure):
    history = lines(panel(figure, "history"))
    drawn = [history[f"predicted: {name}"].get_xdata(orig=True) for name in ("train", "validation", "test")]
    np.testing.assert_array_equal(np.concatenate(drawn), picture.predictions.dates)
    assert drawn[0][-1] == picture.train_end
    assert drawn[2][0] == picture.test_start


@pytest.mark.parametrize("name", ["history", "moves"])
def test_boundaries_are_marked_between_the_days(picture, figure, name):
    marks = [line.get_xdata()[0] for line in panel(figure, name).get_lines() if line.get_label() == "_boundary"]
    assert marks == [date2num(picture.train_end) + 0.5, date2num(picture.test_start) - 0.5]


def test_spans_are_named_above_the_panel(picture, figure):
    names = {text.get_text() for text in panel(figure, "history").texts}
    assert names == {f"train to {picture.train_end}", "validation", "test"}


def test_a_refit_has_no_span_of_a_test(picture):
    day = np.timedelta64(1, "D")
    refit = dataclasses.replace(picture, train_end=picture.dates[-1], test_start=picture.dates[-1] + day)
    names = {text.get_text() for text in panel(draw_forecast(refit), "history").texts}
    assert names == {f"train to {refit.train_end}"}


def test_names_of_narrow_spans_give_way(prices, picture_of):
    narrow = picture_of(prices, validation=6, test=12)
    assert {text.get_text() for text in panel(draw_forecast(narrow), "history").texts} >= {
        f"train to {narrow.train_end}"
    }
    assert "validation" not in {text.get_text() for text in panel(draw_forecast(narrow), "history").texts}


def test_fan_starts_at_the_last_price_and_ends_with_its_range(picture, figure):
    close_up = panel(figure, "close-up")
    median = lines(close_up)["coming days: median"]
    assert median.get_xdata(orig=True)[0] == picture.dates[-1]
    assert median.get_ydata()[0] == picture.prices[-1]
    np.testing.assert_allclose(median.get_ydata()[1:], picture.forecast.median)
    low, high = picture.forecast.prices([0.1, 0.9])[-1]
    title = close_up.get_title(loc="left")
    assert f"{picture.forecast.dates[-1]}: 80 % range {readable(low)} to {readable(high)}" in title
    assert not list(close_up.texts), "numbers on the fan would hide it"


def test_fan_is_nested(figure):
    close_up = panel(figure, "close-up")
    fan = [area for area in close_up.collections if area.get_label().startswith("coming days")]
    heights = [area.get_paths()[0].get_extents().height for area in fan]
    assert [area.get_label() for area in fan] == ["coming days: 95 %", "coming days: 80 %", "coming days: 50 %"]
    assert heights == sorted(heights, reverse=True)


def test_steps_that_are_fed_back_are_dashed(picture, forecast_after):
    fed_back = dataclasses.replace(picture, forecast=forecast_after(picture.dates[-1], 100, own_steps=3))
    figure = draw_forecast(fed_back)
    close_up = lines(panel(figure, "close-up"))
    assert close_up["coming days: recursive"].is_dashed()
    assert len(close_up["coming days: median"].get_xdata()) == 4
    assert len(close_up["coming days: recursive"].get_xdata()) == 18
    assert "recursive after step 3" in legend_labels(figure)
    assert "coming days: recursive" not in lines(panel(draw_forecast(picture), "close-up"))


def test_close_up_shows_sixty_days_before_the_fan(picture, figure):
    actual = lines(panel(figure, "close-up"))["actual"]
    np.testing.assert_array_equal(actual.get_xdata(orig=True), picture.dates[-60:])


def test_close_up_of_an_earlier_cutoff_shows_what_came_but_no_later_prediction(picture, forecast_after):
    earlier = dataclasses.replace(picture, forecast=forecast_after(picture.dates[300], picture.prices[300]))
    close_up = lines(panel(draw_forecast(earlier), "close-up"))
    np.testing.assert_array_equal(close_up["actual"].get_xdata(orig=True), picture.dates[241:321])
    assert close_up["predicted: train"].get_xdata(orig=True)[-1] == picture.dates[300]


@pytest.mark.parametrize(("growth", "is_log"), [(7.5, False), (8.5, True)])
def test_axis_is_logarithmic_where_prices_grow_more_than_eightfold(growth, is_log, picture_of):
    history = panel(draw_forecast(picture_of(np.geomspace(0.5, 0.5 * growth, 300))), "history")
    assert (history.get_yscale() == "log") == is_log
    assert ("log scale" in history.get_ylabel()) == is_log
    assert panel(history.figure, "close-up").get_ylabel().startswith("price (JPY per USD)")


def test_negative_prices_get_a_linear_axis_and_differences(picture_of):
    wave = picture_of(np.sin(np.arange(300) * 2 * np.pi / 50), forecast=None, unit="price")
    figure = draw_forecast(wave)
    assert panel(figure, "history").get_yscale() == "linear"
    assert panel(figure, "close-up").get_ylabel() == "price"
    moves = lines(panel(figure, "moves"))["day's move"]
    np.testing.assert_allclose(moves.get_ydata(), np.abs(np.diff(wave.prices)))


def date_labels(axes: Axes) -> list[str]:
    axes.figure.draw_without_rendering()
    left, right = axes.get_xlim()
    labels = axes.get_xticklabels()
    return [label.get_text() for label in labels if left <= label.get_position()[0] <= right]


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        (slice(None), ["Jan\n2020", "May", "Sep", "Jan\n2021", "May", "Sep", "Jan\n2022"]),
        (slice(235, 275), ["1 Dec\n2020", "15 Dec", "1 Jan\n2021", "15 Jan"]),
    ],
)
def test_dates_name_the_month_and_the_year_where_it_begins(picture, rows, shown):
    days = picture.dates[rows]
    figure = draw_forecast(picture, (days[0], days[-1]))
    assert date_labels(panel(figure, "moves")) == shown
    assert panel(figure, "history").get_xlim() == panel(figure, "moves").get_xlim()


def test_dates_of_a_long_history_are_years(picture_of):
    long = picture_of(np.linspace(1, 2, 5000), forecast=None)
    labels = date_labels(panel(draw_forecast(long), "moves"))
    assert labels == [str(year) for year in range(2020, 2040, 4)]


@pytest.mark.parametrize(("price", "ticks"), [(1.2e6, {"1.2M"}), (4e-7, {"4e-07"}), (150.0, {"150"}), (1.1, {"1.1"})])
def test_prices_of_any_size_have_short_ticks(price, ticks, picture_of):
    figure = draw_forecast(picture_of(price * np.linspace(0.9, 1.1, 100), 10, 10))
    axis = panel(figure, "history").yaxis
    shown = set(axis.get_major_formatter().format_ticks(axis.get_majorticklocs()))
    assert ticks <= shown
    assert max(map(len, shown)) <= 7


# The panel of honesty


def test_moves_are_percent_and_the_band_is_its_half_width(picture, figure):
    moves = panel(figure, "moves")
    dots = lines(moves)["day's move (%)"]
    shown = dict(zip(dots.get_xdata(orig=True), dots.get_ydata(), strict=True))
    expected = 100 * np.abs(np.diff(picture.prices)) / picture.prices[:-1]
    for date, size in zip(picture.dates[1:], expected, strict=True):
        assert shown.get(date, size) == pytest.approx(size)
    widths = [line for line in moves.get_lines() if line.get_linewidth() == 1.4]
    np.testing.assert_allclose(np.concatenate([line.get_ydata() for line in widths]), 1.0)


def test_a_wild_day_is_marked_at_the_edge_rather_than_flattening_the_others(prices, picture_of, business_days):
    prices[200:] *= 3
    moves = panel(draw_forecast(picture_of(prices)), "moves")
    assert moves.get_ylim()[1] < 10
    np.testing.assert_array_equal(
        lines(moves)["beyond the panel"].get_xdata(orig=True), [business_days("2020-01-01", 201)[-1]]
    )


def test_scores_are_in_basis_points_of_the_return_beside_those_of_the_last_price(picture, summary_of):
    scored = dataclasses.replace(picture, summary=summary_of(0.00617, 0.00618))
    found = [text.get_text() for text in panel(draw_forecast(scored), "scores").texts]
    row = found.index("RMSE of returns (bp), lstm")
    assert found[row + 1 : row + 4] == ["61.70"] * 3
    row = found.index("RMSE of returns (bp), “tomorrow = today”")
    assert found[row + 1 : row + 4] == ["61.80"] * 3
    assert found.count("81.2 %") == 3


def test_scores_of_changes_have_the_unit_of_the_price(picture_of, summary_of):
    wave = np.sin(np.arange(300) * 2 * np.pi / 50)
    negative = picture_of(wave, forecast=None, unit="EUR per MWh", summary=summary_of(0.0617, 0.07))
    found = [text.get_text() for text in panel(draw_forecast(negative), "scores").texts]
    row = found.index("RMSE of changes (EUR per MWh), lstm")
    assert found[row + 1 : row + 4] == ["0.06170"] * 3


def test_verdict_is_that_of_the_run_sentence_by_sentence(picture, figure):
    found = [text.get_text() for text in panel(figure, "scores").texts]
    head = found.index("verdict of the run on 749 test days")
    assert found[head + 1 :] == [sentence.split(" (")[0] for sentence in picture.summary.verdict]


def test_a_run_without_a_verdict_says_so(picture, summary_of):
    unscored = dataclasses.replace(summary_of(0.01, 0.01), verdict=(), origin="measured for this picture")
    text = words(draw_forecast(dataclasses.replace(picture, summary=unscored)))
    assert "none: the run did not score USDJPY" in text
    assert "measured for this picture" in text
    untested = dataclasses.replace(picture, summary=summary_of(0.01, 0.01, ("train",)))
    assert "none: the run did not test USDJPY" in words(draw_forecast(untested))


def test_lag_is_the_share_of_predictions_nearer_to_the_day_before(picture):
    assert picture.lag() == {"train": 1.0, "validation": 1.0, "test": 1.0}
    predictions = picture.predictions
    perfect = dataclasses.replace(predictions, median=picture.prices[1:].copy())
    assert set(dataclasses.replace(picture, predictions=perfect).lag().values()) == {0.0}
    assert "predictions nearer to the day before" in words(draw_forecast(picture))
    standing = dataclasses.replace(picture, prices=np.full(len(picture.prices), 7.0))
    assert standing.lag() == {}


def test_scores_are_about_all_days_whatever_the_window(picture):
    def scores(window):
        return [text.get_text() for text in panel(draw_forecast(picture, window), "scores").texts]

    assert scores(None) == scores((picture.dates[10], picture.dates[100]))


# Text around the panels


def test_title_note_and_run_are_there(figure):
    text = words(figure)
    assert "USDJPY: one-day-ahead predictions (lstm) and the next 20 days" in text
    assert "source synthetic · 500 rows · run run-0001" in text


def test_legend_names_what_is_drawn_and_nothing_else(picture, figure):
    assert legend_labels(figure) == [
        "actual", "predicted: train", "predicted: validation", "predicted: test", "80 % band",
        "coming days (50, 80, 95 %)",
    ]  # fmt: skip
    early = (picture.dates[0], picture.dates[200])
    assert legend_labels(draw_forecast(picture, early)) == ["actual", "predicted: train", "80 % band"]


# Windows and poor data


def test_window_cuts_history_and_keeps_the_fan_only_with_its_cutoff(picture):
    late = panel(draw_forecast(picture, (picture.dates[400], picture.dates[-1])), "history")
    np.testing.assert_array_equal(lines(late)["actual"].get_xdata(orig=True), picture.dates[400:])
    assert "coming days: median" in lines(late)
    early = panel(draw_forecast(picture, (picture.dates[0], picture.dates[400])), "history")
    assert "coming days: median" not in lines(early)


def test_window_without_any_day_says_what_there_is(picture):
    window = (np.datetime64("1990-01-01"), np.datetime64("1990-02-01"))
    with pytest.raises(UsageError, match=f"{picture.dates[0]} to {picture.dates[-1]}"):
        draw_forecast(picture, window)


@pytest.mark.parametrize("rows", [1, 2, 3, 30])
def test_short_histories_are_drawn(rows, tmp_path, picture_of, summary_of):
    short = picture_of(
        np.linspace(1, 1.1, rows), 0, rows, summary=summary_of(1, 1, ()), train_end=np.datetime64("2019-12-31")
    )
    save_figure(draw_forecast(short), tmp_path / "short.png")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_gaps_and_absurd_predictions_are_survived(picture, value, tmp_path):
    predictions = picture.predictions
    for part in (predictions.lower, predictions.median, predictions.upper):
        part[:65] = np.nan
        part[200] = value
    figure = draw_forecast(picture)
    save_figure(figure, tmp_path / "gaps.png")
    low, high = panel(figure, "history").get_ylim()
    assert 0.5 * picture.prices.min() < low < high < 2 * picture.prices.max()


def test_spans_without_a_known_prediction_are_left_out(picture):
    for part in (picture.predictions.lower, picture.predictions.median, picture.predictions.upper):
        part[:] = np.nan
    assert picture.spans() == {}
    assert picture.lag() == {}
    assert legend_labels(draw_forecast(picture)) == ["actual", "coming days (50, 80, 95 %)"]


def test_no_test_days_are_admitted(picture, summary_of):
    future = dataclasses.replace(picture, test_start=np.datetime64("2040-01-01"), summary=summary_of(1, 1, ("train",)))
    figure = draw_forecast(future)
    assert "predicted: test" not in legend_labels(figure)
    assert "none: the run did not test" in words(figure)


def test_a_flat_price_is_drawn(tmp_path, picture_of, summary_of):
    save_figure(draw_forecast(picture_of(np.full(200, 5.0), summary=summary_of(0.0, 0.0))), tmp_path / "flat.png")


def test_rows_of_the_close_up_are_equally_wide_whatever_the_days_between(figure, picture):
    close_up = panel(figure, "close-up")
    days = np.union1d(picture.dates[-60:], picture.forecast.dates)
    places = close_up.transData.transform([(date2num(day), 100.0) for day in days])[:, 0]
    np.testing.assert_allclose(np.diff(places), np.diff(places).mean(), rtol=1e-6)


def test_the_close_up_is_the_largest_panel(figure):
    areas = {axes.get_label(): axes.get_position().width * axes.get_position().height for axes in figure.axes}
    assert areas["close-up"] > 2.5 * areas["history"]


def test_a_title_of_the_user_replaces_that_of_the_figure(picture):
    assert draw_forecast(picture, title="Board meeting").texts[0].get_text() == "Board meeting"


def test_drawing_leaves_no_trace_in_the_settings(picture, tmp_path):
    before = dict(matplotlib.rcParams)
    save_figure(draw_forecast(picture), tmp_path / "a.png")
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []
