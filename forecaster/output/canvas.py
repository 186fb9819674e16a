"""Canvas of every figure: style, corner note, file, window.

Figures are made without pyplot, so drawing and saving work
without a display and leave no global state behind.
"""

import contextlib
import io
import os
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, date2num, num2date
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Formatter

from forecaster.environment import WINDOW_VARIABLE
from forecaster.errors import UsageError
from forecaster.files import check_target, write_file
from forecaster.output.colors import GREY
from forecaster.output.visible_text import visible_text

__all__ = [
    "FORMATS",
    "LEFT",
    "SLIDE_INCHES",
    "blank_figure",
    "check_figure_path",
    "date_axis",
    "day_number",
    "drawing_style",
    "fit_width",
    "headline",
    "label_ends",
    "legend_above",
    "save_figure",
    "short_title",
    "show_figure",
]

FORMATS = ("png", "svg", "pdf")

LEFT = 0.072  # where titles, legends and panels begin, as a share of the figure

SLIDE_INCHES = (12.8, 7.2)
"""Width and height of a picture that fills a slide of 16 to 9."""

MAX_TITLE = 120  # characters
MIN_LETTERS = 3.0  # points
_TITLE_DEPTH = 0.27  # inches from the top of a tall figure to the middle of its title
_INCHES = (12.0, 7.6)
_PNG_DPI = 150  # 1800 pixels wide: text stays sharp where a page shows the picture at 900
_NO_CLOCK: dict[str, dict[str, None]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#9A9A9A",
    "axes.formatter.limits": (-5, 8),
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelcolor": "#333333",
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.5,
    "grid.color": "#E9E9E9",
    "grid.linewidth": 0.7,
    "legend.borderaxespad": 0,
    "legend.frameon": False,
    "svg.hashsalt": "forecaster",
    "text.parse_math": False,  # a file stem may hold a dollar sign
    "xtick.color": "#9A9A9A",
    "xtick.labelcolor": "#444444",
    "ytick.color": "#9A9A9A",
    "ytick.labelcolor": "#444444",
}


@contextlib.contextmanager
def drawing_style() -> Iterator[None]:
    """Our own look, whatever the user's matplotlibrc says; the settings before it come back afterwards."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # a name in a script that the font lacks shows as boxes, which needs no warning
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def blank_figure(inches: tuple[float, float] = _INCHES) -> Figure:
    """An empty figure with 100 units to the inch, 1200 wide unless told otherwise, that needs no display."""
    figure = Figure(figsize=inches, dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def fit_width(text: Text, room: float) -> None:
    """Make the letters of `text` smaller until it is at most `room` pixels wide."""
    size = float(text.get_fontsize())
    while text.get_window_extent().width > room and size > MIN_LETTERS:
        size *= 0.96  # letters have whole pixels: their width does not follow their size exactly
        text.set_fontsize(size)


def short_title(title: str) -> str:
    """`title`, cut where it could not be read on a page."""
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"


def headline(figure: Figure, title: str, note: str) -> None:
    """Write the title at the top left and the small grey `note` into the corner at the bottom left."""
    middle = max(0.965, 1 - _TITLE_DEPTH / figure.get_size_inches()[1])
    head = figure.text(LEFT, middle, short_title(title), fontsize=14, fontweight="bold", color="#222222", va="center")
    fit_width(head, (1 - 1.5 * LEFT) * figure.bbox.width)
    small_print = textwrap.fill(note, 190, max_lines=2, placeholder=" …")
    figure.text(LEFT, 0.008, small_print, fontsize=7.5, color=GREY, va="bottom", gid="note")


def legend_above(figure: Figure, handles: Sequence[Any], labels: Sequence[str], middle: float) -> None:
    """Put a legend of one row at the height `middle` of the figure, or of two rows where one is too wide."""
    room = (1 - 1.5 * LEFT) * figure.bbox.width
    for columns, size in ((len(labels), 9.5), (len(labels), 8.5), ((len(labels) + 1) // 2, 8.5)):
        legend = figure.legend(
            handles, labels, loc="center left", bbox_to_anchor=(LEFT, middle), ncols=max(columns, 1),
            columnspacing=1.6, fontsize=size,
        )  # fmt: skip
        if legend.get_window_extent().width <= room or columns < len(labels):
            return
        legend.remove()


def label_ends(axes: Axes, labels: Mapping[str, tuple[float, str]], size: float) -> None:
    """Write each label beside the right end of its line, moved apart where they would touch, inside the figure.

    Args:
        axes: Panel, whose vertical axis is settled.
        labels: Label -> height of the end of its line, and colour.
        size: Font size in points.
    """
    figure = cast(Figure, axes.get_figure(root=True))
    room = 1.35 * size / 72 / (axes.get_position().height * figure.get_size_inches()[1])
    width = 0.99 * figure.bbox.width - axes.bbox.x1
    heights = {
        name: float(axes.transAxes.inverted().transform(axes.transData.transform((0.0, end)))[1])
        for name, (end, _) in labels.items()
    }
    names = sorted(labels, key=heights.__getitem__)
    places = [heights[name] for name in names]
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + room)
    above = 1 + room
    for k in reversed(range(len(places))):  # back down, where they would leave the top
        places[k] = above = min(places[k], above - room)
    for name, place in zip(names, places, strict=True):
        label = axes.annotate(
            name, (1.008, place), xycoords="axes fraction", color=labels[name][1], fontsize=size,
            va="center", annotation_clip=False,
        )  # fmt: skip
        fit_width(label, width)


def date_axis(axes: Axes, most_ticks: int) -> None:
    """Give the horizontal axis real dates, at most `most_ticks` of them, each as short as can be."""
    minticks = 3 if most_ticks > 6 else 2  # three years, of which two begin, are more than six half-years
    locator = AutoDateLocator(minticks=minticks, maxticks=most_ticks)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_ShortDates())


class _ShortDates(Formatter):
    """Years alone where all ticks are years, else months or days, with the year below where it begins to count."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return str(num2date(x).date())

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of the ticks at `values`, of which some may lie outside the axis."""
        days = [num2date(value) for value in values]
        if not days or all((day.month, day.day) == (1, 1) for day in days):
            return [str(day.year) for day in days]
        only_months = all(day.day == 1 for day in days)
        gaps = np.diff(values)
        crowded = [*(gaps < 0.8 * np.median(gaps)), False] if len(gaps) else [False]  # the 29th beside the 1st
        least = min(self.axis.get_view_interval()) if self.axis is not None else -np.inf
        labels: list[str] = []
        shown_year = None
        for value, day, hidden in zip(values, days, crowded, strict=True):
            label = f"{day:%b}" if only_months else f"{day.day} {day:%b}"
            new = value >= least and day.year != shown_year and not hidden
            shown_year = day.year if new else shown_year
            labels.append("" if hidden else f"{label}\n{day.year}" if new else label)
        return labels


def day_number(date: np.datetime64) -> float:
    """Place of `date` on a horizontal axis of dates."""
    return float(date2num(date))


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` to `path` as PNG, SVG or PDF, by its suffix; the same figure gives the same bytes.

    Raises:
        UsageError: The suffix is none of the three.
        StorageError: The folder is missing or refuses the write, or the disk is full.
    """
    kind = _kind(path)
    content = io.BytesIO()
    for text in figure.findobj(Text):
        text.set_text(visible_text(text.get_text()))  # an SVG with a control character is no XML
    with drawing_style():
        figure.savefig(content, format=kind, dpi=_PNG_DPI, metadata=_NO_CLOCK[kind])
    write_file(path, content.getvalue())


def check_figure_path(path: Path) -> None:
    """Prove that a picture can be written to `path`, before minutes of work depend on it.

    Raises:
        UsageError, StorageError: See `save_figure`.
    """
    _kind(path)
    check_target(path)


def _kind(path: Path) -> str:
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        suffixes = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"cannot draw into {path}; the file name ends in one of {suffixes}; choose one of them")
    return kind


def show_figure(figure: Figure) -> None:
    """Open a window with `figure` and wait until it is closed.

    Raises:
        UsageError: There is no display, or no toolkit that could open a window.
    """
    import matplotlib.pyplot as plt
    from matplotlib.backends.registry import BackendFilter, backend_registry

    try:
        if os.environ.get(WINDOW_VARIABLE):
            plt.switch_backend(os.environ[WINDOW_VARIABLE])
        backend = plt.get_backend().lower()
        windowed = backend_registry.list_builtin(BackendFilter.INTERACTIVE)
        can_show = backend in windowed
        if can_show:
            # pyplot asks a class for its figure; handing over a finished one gives it a window
            plt.figure(FigureClass=cast(type[Figure], lambda **_: figure))
            plt.show()
    except (ImportError, RuntimeError, ValueError) as error:
        raise UsageError(f"no window can be opened: {error}; use --out FILE instead of --show") from error
    if not can_show:
        raise UsageError("no window can be opened here: there is no display or no toolkit; use --out FILE instead")
