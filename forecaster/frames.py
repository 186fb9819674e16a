"""Results as tables: rows of plain values that become a pandas data frame, or HTML in a notebook."""

import abc
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

__all__ = ["Row", "Tabular", "flat", "with_fields"]

Row = Mapping[str, Any]
"""Column -> value: a text, a number, a truth value, a date (`numpy.datetime64`) or None."""

_MAX_HTML_ROWS = 60

_Result = TypeVar("_Result", bound=type)


def with_fields(result: _Result) -> _Result:
    """Class decorator: the docstring of the class, then that of its base class, which describes the fields."""
    result.__doc__ = f"{result.__doc__}\n\n{inspect.getdoc(result.__mro__[1])}"
    return result


class Tabular(abc.ABC):
    """Base class of a result that can be read as a table."""

    @property
    def title(self) -> str:
        """Name of the table."""
        return type(self).__name__

    @abc.abstractmethod
    def table_rows(self) -> list[Row]:
        """Rows of the table; a column that a row lacks has no value there."""

    def to_frame(self) -> Any:
        """The rows as a `pandas.DataFrame`, dates as timestamps. Only this call imports pandas."""
        import pandas as pd

        return pd.DataFrame(self.table_rows())

    def __str__(self) -> str:
        """The table as `print` shows it, without the columns that are the same in every row."""
        frame = self.to_frame()
        differ = [name for name in frame if len(set(map(str, frame[name]))) > 1]
        return f"{self.title}\n{frame[differ] if differ else frame}"

    def _repr_html_(self) -> str:
        """The table as a notebook shows it: numbers with six significant digits."""
        rows = self.table_rows()
        columns = list(dict.fromkeys(column for row in rows for column in row))
        heads = "".join(f"<th>{_escaped(column)}</th>" for column in columns)
        lines = "".join(f"<tr>{_cells(row, columns)}</tr>" for row in rows[:_MAX_HTML_ROWS])
        rest = len(rows) - _MAX_HTML_ROWS
        more = f"<p>{rest} more rows; see to_frame()</p>" if rest > 0 else ""
        caption = _escaped(self.title)
        return f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>{more}"


def _cells(row: Row, columns: Sequence[str]) -> str:
    return "".join(f"<td>{_escaped(_text(row.get(column)))}</td>" for column in columns)


def _escaped(text: str) -> str:
    import html  # with all names of characters of HTML, for notebooks only

    return html.escape(text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return format(value, ".6g") if isinstance(value, float) else str(value)


def flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Columns of a value that may be a mapping or a list: its keys and positions are appended to the name.

    Example:
        >>> dict(flat("coverage", {"0.8": 0.79, "0.95": 0.94}))
        {'coverage_0.8': 0.79, 'coverage_0.95': 0.94}
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(f"{name}_{key}", item)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from flat(f"{name}_{number}", item)
    else:
        yield name, value
