"""Result files: the format follows from the ending of the name, or the file is refused."""

import html
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.errors import UsageError, did_you_mean
from forecaster.files import check_target
from forecaster.output.visible_text import visible_text

__all__ = ["FORMATS", "TextBlock", "file_format", "html_page"]

FORMATS: Mapping[str, str] = {
    ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".xlsx": "xlsx", ".html": "html", ".htm": "html",
    ".txt": "table",
}  # fmt: skip
"""Ending of a file -> format of its content."""

_FAMILIES = {"json-flat": "json"}  # format -> format whose ending its files have

Row = Mapping[str, Any]
TextBlock = tuple[str, Sequence[Row], Sequence[str]]
"""Title, rows of one shape, and lines of text under them."""

_PICTURES = (".png", ".svg", ".pdf", ".jpg")
_STYLE = (
    "body{font-family:system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;margin:1em 0}"
    "th,td{padding:.25em .7em;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}"
    "th{background:#f4f4f4;position:sticky;top:0}td.text,th.text{text-align:left}p{margin:.2em 0}"
)


def file_format(path: Path, chosen: str | None, allowed: Collection[str] = ("csv", "json", "xlsx", "html")) -> str:
    """Format of a result file; the place is checked, before minutes of work depend on it.

    Args:
        path: File to write.
        chosen: Format that the user chose; None where the ending decides.
        allowed: Formats that the command can write, besides the chosen one.

    Raises:
        UsageError: The ending names no format of the command, or another one than the chosen format.
        StorageError: The file cannot be written.
    """
    ending = path.suffix.lower()
    named = FORMATS.get(ending)
    family = None if chosen is None else _FAMILIES.get(chosen, chosen)
    endings = ", ".join(suffix for suffix, name in FORMATS.items() if name in (*allowed, "table") and suffix != ".htm")
    if chosen is None and named not in {*allowed, "table"}:
        raise UsageError(f"--out {path}: {unknown_ending(ending, endings.split(', '))}")
    if chosen is not None and ending in FORMATS and named not in (family, "table"):
        raise UsageError(
            f"--out {path} and --format {chosen} contradict each other; expected one of them; leave --format out"
        )
    if chosen is not None and ending not in FORMATS and ending not in ("", ".md", ".text", ".tsv", ".log"):
        raise UsageError(f"--out {path}: the ending {ending!r} names another kind of file; expected one of {endings}")
    check_target(path)
    return chosen or str(named)


def unknown_ending(ending: str, expected: Sequence[str]) -> str:
    """Message about the ending of a file that no format of the command has.

    >>> unknown_ending(".xls", [".csv", ".xlsx"])
    "the ending '.xls' names no format; expected one of .csv, .xlsx; did you mean .xlsx?"
    """
    what = f"the ending {ending!r}" if ending else "a name without an ending"
    picture = "; pictures: forecast plot" if ending in _PICTURES and not {*expected} & {*_PICTURES} else ""
    return f"{what} names no format; expected one of {', '.join(expected)}{did_you_mean(ending, expected)}{picture}"


def html_page(title: str, blocks: Sequence[TextBlock]) -> str:
    """A page with a table for each block, in one file without references to others."""
    parts = [f"<h1>{_escaped(title)}</h1>"]
    for heading, rows, lines in blocks:
        parts.append(f"<h2>{_escaped(heading)}</h2>{_table(rows)}")
        parts += [f"<p>{_escaped(line)}</p>" for line in lines]
    head = f'<meta charset="utf-8"><title>{_escaped(title)}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _table(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    is_text = {column: any(isinstance(row.get(column), str) for row in rows) for column in columns}
    classes = {column: ' class="text"' if is_text[column] else "" for column in columns}
    heads = "".join(f"<th{classes[column]}>{_escaped(column)}</th>" for column in columns)
    cells = [[f"<td{classes[column]}>{_escaped(_text(row.get(column)))}</td>" for column in columns] for row in rows]
    lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>\n{lines}\n</tbody></table>"


def _escaped(text: str) -> str:
    """Text for a page, with visible characters alone."""
    return html.escape(visible_text(text))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return format(value, ".7g") if isinstance(value, float) else str(value)
