"""Answers of `forecast odds`: sentences, tables and lines, on stdout and in files."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from forecaster.cli.result_file import file_content, write_result_or_picture
from forecaster.cli.streams import colored_lines
from forecaster.cli.terminal import print_result, table_text
from forecaster.environment import Environment
from forecaster.files import json_text
from forecaster.output.tables import csv_text

__all__ = ["Answer", "write_answer"]


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer in all its forms.

    Args:
        title: Title of a page.
        document: JSON document.
        rows: Rows of one shape.
        sentences: Sentences above the tables.
        tables: Tables; None in place of one that is not needed.
        lines: Lines below the tables.
        figure: Draws the record.
    """

    title: str
    document: dict[str, Any]
    rows: Sequence[dict[str, Any]]
    sentences: Sequence[str]
    tables: Sequence[Table | None]
    lines: Sequence[str]
    figure: Callable[[], Any]

    def text(self, output: str) -> str:
        """The answer as a table, as JSON or as CSV."""
        if output == "json":
            return json_text(self.document)
        if output == "csv":
            return csv_text(self.rows)
        tables = "\n\n".join(table_text(table) for table in self.tables if table is not None)
        return "\n\n".join([colored_lines(self.sentences), tables, colored_lines(self.lines)])

    def content(self, kind: str) -> str | bytes:
        """Content of a file in a format."""
        blocks = [(self.title, self.rows, [*self.sentences, *self.lines])]
        return file_content(kind, "odds", self.title, blocks, lambda: self.text(kind))


def write_answer(answer: Answer, format: str, out: Path | None, kind: str | None, environment: Environment) -> None:
    """Print an answer, and write its file or picture.

    Args:
        answer: The answer.
        format: Format of stdout.
        out: File to write; None for none.
        kind: Format of the file; None for a picture.
        environment: Messages and standard output.
    """
    print_result(environment, answer.text(format))
    if out is not None:
        write_result_or_picture(out, kind, answer.content, answer.figure, environment)
