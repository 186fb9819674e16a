"""Draw docs/gradients.png: how much of a gradient is left after many rows, in a simple RNN and in an LSTM.

Run ``python docs/draw_gradients.py``. The networks have fixed random weights and read random inputs. The norm of the
Jacobian of the last state with respect to the state k rows earlier is the factor by which backpropagation through
time multiplies a gradient. No training takes place; the figures are exact derivatives of one layer of 32 units.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import FuncFormatter

from forecaster.arrays import FloatArray
from forecaster.output.canvas import LEFT, blank_figure, drawing_style, headline, save_figure
from forecaster.output.colors import BLUE, GREEN, GREY, RED

PICTURE = Path(__file__).with_name("gradients.png")
UNITS = 32
INPUTS = 8
LAGS = 500
CASES = (
    ("simple RNN, recurrent weights times 0.8", RED, "--"),
    ("simple RNN, recurrent weights times 1.5, no tanh", RED, ":"),
    ("LSTM, forget bias 1 (default of Keras)", GREEN, "-"),
    ("LSTM, forget bias 3", BLUE, "--"),
    ("LSTM, chrono initialisation for 500 rows", BLUE, "-"),
)


def orthogonal(rng: np.random.Generator, columns: int) -> FloatArray:
    """(U, columns) random matrix whose blocks of U columns are orthogonal, as Keras draws recurrent weights."""
    blocks = [np.linalg.qr(rng.normal(size=(UNITS, UNITS)))[0] for _ in range(columns // UNITS)]
    return np.concatenate(blocks, axis=1)


def norms(jacobians: Sequence[FloatArray]) -> FloatArray:
    """(LAGS + 1,) root mean square singular value of the product of the last k Jacobians, k = 0 to LAGS."""
    product = np.eye(len(jacobians[0]))
    sizes = [1.0]
    for jacobian in reversed(jacobians):
        product = product @ jacobian
        sizes.append(float(np.sqrt((product**2).sum() / len(product))))
    return np.array(sizes)


def simple_rnn(gain: float, squashed: bool) -> FloatArray:
    """Gradients of ``h = tanh(x W + h U)``, or of the same without tanh, with orthogonal weights U times `gain`."""
    rng = np.random.default_rng(0)
    kernel = rng.uniform(-0.3, 0.3, (INPUTS, UNITS))
    recurrent = gain * orthogonal(rng, UNITS)
    state = np.zeros(UNITS)
    jacobians = []
    for row in rng.normal(size=(LAGS, INPUTS)):
        state = np.tanh(row @ kernel + state @ recurrent) if squashed else state
        slope = 1 - state**2 if squashed else np.ones(UNITS)
        jacobians.append(slope[:, None] * recurrent.T)
    return norms(jacobians)


def lstm(forget_bias: FloatArray, input_bias: FloatArray | float = 0.0) -> FloatArray:
    """Gradients of hidden and cell state together in an LSTM with the initial weights of Keras."""
    rng = np.random.default_rng(0)
    limit = np.sqrt(6 / (INPUTS + 4 * UNITS))
    kernel = rng.uniform(-limit, limit, (INPUTS, 4 * UNITS))
    recurrent = orthogonal(rng, 4 * UNITS)
    hidden = np.zeros(UNITS)
    cell = np.zeros(UNITS)
    jacobians = []
    for row in rng.normal(size=(LAGS, INPUTS)):
        enter, forget, candidate, leave = (row @ kernel + hidden @ recurrent).reshape(4, UNITS)
        i, f, o = (1 / (1 + np.exp(-value)) for value in (enter + input_bias, forget + forget_bias, leave))
        g = np.tanh(candidate)
        by_gate = recurrent.T.reshape(4, UNITS, UNITS)
        cell_by_hidden = (
            (g * i * (1 - i))[:, None] * by_gate[0]
            + (cell * f * (1 - f))[:, None] * by_gate[1]
            + (i * (1 - g**2))[:, None] * by_gate[2]
        )
        cell = f * cell + i * g
        squashed = np.tanh(cell)
        hidden = o * squashed
        through = o * (1 - squashed**2)
        hidden_by_hidden = (squashed * o * (1 - o))[:, None] * by_gate[3] + through[:, None] * cell_by_hidden
        jacobians.append(np.block([[hidden_by_hidden, np.diag(through * f)], [cell_by_hidden, np.diag(f)]]))
    return norms(jacobians)


def main() -> None:
    """Compute the gradients, print them at a few lags, and draw them."""
    chrono = np.log(np.random.default_rng(1).uniform(1, LAGS - 1, UNITS))
    curves = (
        simple_rnn(0.8, squashed=True),
        simple_rnn(1.5, squashed=False),
        lstm(np.full(UNITS, 1.0)),
        lstm(np.full(UNITS, 3.0)),
        lstm(chrono, -chrono),
    )
    with drawing_style():
        figure = blank_figure((12.0, 5.2))
        axes = figure.add_axes((LEFT, 0.15, 0.9, 0.72))
        for (name, color, dash), curve in zip(CASES, curves, strict=True):
            axes.plot(np.arange(LAGS + 1), curve, color=color, linestyle=dash, linewidth=1.6, label=name)
            print(f"{name:57}", *(f"{curve[lag]:9.1e}" for lag in (10, 100, 500)))  # noqa: T201
        axes.axhline(1, color=GREY, linewidth=0.8)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:.0e}"))
        axes.set_ylim(1e-10, 1e6)
        axes.set_xlim(0, LAGS)
        axes.set_xlabel("rows between the input and the loss")
        axes.set_ylabel("size of the gradient, log scale")
        axes.legend(loc="upper right", fontsize=8.5)
        headline(
            figure, "Gradients that vanish, explode or last", "python docs/draw_gradients.py; 32 units, random weights"
        )
    save_figure(figure, PICTURE)


if __name__ == "__main__":
    main()
