"""Learning curves, checked by their artists."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.errors import UsageError
from forecaster.output.canvas import save_figure
from forecaster.output.learning_curve import draw_losses


def panel(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def lines(axes: Axes) -> dict:
    return {line.get_label(): line for line in axes.get_lines()}


def legend_labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_learning_curves_mark_the_best_validation():
    rows = [{"step": step, "loss": 1.0 / step, "validation_loss": abs(step - 7) + 1.0} for step in range(1, 21)]
    figure = draw_losses(rows, "USDJPY: learning curves", "run run-0001")
    curves = lines(panel(figure))
    np.testing.assert_array_equal(curves["train"].get_ydata(), [row["loss"] for row in rows])
    assert curves["best validation: 1.0000 at step 7, epoch 7"].get_xdata() == [7]
    assert panel(figure).get_ylabel() == "loss, log scale"
    assert [text.get_text() for text in figure.texts] == ["USDJPY: learning curves", "run run-0001"]


def test_validation_is_optional_and_may_be_measured_rarely():
    rows = [{"step": step, "loss": 1.0 - step / 1000} for step in range(300)]
    assert not any("validation" in label for label in legend_labels(draw_losses(rows, "t", "n")))
    rows[100]["validation_loss"] = 0.9
    assert len(lines(panel(draw_losses(rows, "t", "n")))["validation"].get_xdata()) == 1


def test_long_curves_get_a_centred_mean():
    rows = [{"step": step, "loss": 500.0 - step} for step in range(400)]
    curves = lines(panel(draw_losses(rows, "t", "n")))
    mean = curves["train, mean of 11 rows"]
    np.testing.assert_allclose(mean.get_ydata(), 500.0 - mean.get_xdata())


def test_losses_that_are_not_numbers_are_left_out(tmp_path):
    rows = [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": -0.5}, {"step": 3, "loss": -0.7}]
    figure = draw_losses(rows, "t", "n")
    assert len(lines(panel(figure))["train"].get_xdata()) == 2
    save_figure(draw_losses(rows[:1], "t", "n"), tmp_path / "nothing.png")


def test_no_history_is_an_error():
    with pytest.raises(UsageError, match="history holds no rows"):
        draw_losses([], "t", "n")


def test_the_loss_before_the_training_and_those_of_baselines_are_marked():
    rows = [{"step": step, "loss": 1.0 / step} for step in range(1, 21)]
    curves = lines(panel(draw_losses(rows, "t", "n", 1.5, {"ewma": 0.4, "random_walk": 0.5})))
    assert list(curves["before the training: 1.5000"].get_xdata()) == [0]
    assert set(curves["EWMA: 0.40000"].get_ydata()) == {0.4}
    assert set(curves["“tomorrow = today”: 0.50000"].get_ydata()) == {0.5}
    assert len(lines(panel(draw_losses(rows, "t", "n")))) == 1
