"""Lines of text on a terminal: wrapped between words, with warnings and judgements in colour."""

import os
import re
import shutil
import textwrap
from typing import Any

from forecaster.cli.streams import styled

__all__ = ["has_color", "wrapped"]

INDENT = "  "  # of the second and later lines
MIN_WIDTH = 30

# Words that are coloured where they begin a message or stand for a judgement.
_STYLES = (
    (re.compile(r"\berror:"), {"fg": "red", "bold": True}),
    (re.compile(r"\bwarning:"), {"fg": "yellow", "bold": True}),
    (re.compile(r"(?<!not significantly )(?<!no )\bbetter than\b|\bconsistent with nominal\b"), {"fg": "green"}),
    (re.compile(r"\bworse than\b|\bmiscalibrated\b|\btoo narrow\b"), {"fg": "red"}),
)


def wrapped(text: str, stream: Any) -> str:
    """One line of text, broken between words to the width of a terminal; unchanged where `stream` is none."""
    if not _is_terminal(stream):
        return text
    width = max(shutil.get_terminal_size().columns, MIN_WIDTH)
    start = re.match(r" *", text)
    indent = INDENT + (start[0] if start else "")
    lines = textwrap.wrap(
        text, width, subsequent_indent=indent, drop_whitespace=True, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) if not has_color(stream) else "\n".join(map(_colored, lines))


def has_color(stream: Any) -> bool:
    """True if `stream` is a terminal that shows colours, and the variable NO_COLOR does not forbid them."""
    return _is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except ValueError:  # it is closed
        return False


def _colored(line: str) -> str:
    for pattern, styles in _STYLES:
        line = pattern.sub(lambda match, styles=styles: styled(match[0], **styles), line)  # type: ignore[misc]
    return line
