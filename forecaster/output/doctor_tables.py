"""Document and table of a diagnosis, and lines about what to do next."""

from typing import Any

from rich.table import Table
from rich.text import Text

from forecaster.experiments.diagnosis import Diagnosis, NextSteps
from forecaster.output.tables import plain_table

__all__ = ["diagnosis_document", "diagnosis_table", "next_lines"]

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The document ``doctor/1``."""
    findings = [
        {"subject": each.subject, "outcome": each.outcome, "text": each.text, "commands": [*each.commands]}
        for each in diagnosis.findings
    ]
    return {"schema": "doctor/1", "outcome": diagnosis.outcome, "findings": findings}


def diagnosis_table(document: dict[str, Any]) -> Table:
    """A row for each finding, with the commands that help."""
    table = plain_table()
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("finding", overflow="fold")
    for finding in document["findings"]:
        commands = [f"type: {command}" for command in finding["commands"]]
        text = "; ".join([finding["text"], *(commands if finding["outcome"] != "ok" else [])])
        table.add_row(finding["subject"], Text(finding["outcome"], style=_STYLES[finding["outcome"]]), text)
    return table


def next_lines(steps: NextSteps, width: int) -> list[str]:
    """Lines about a project and the commands that go on from there.

    Args:
        steps: State of the project.
        width: Columns of the terminal.
    """
    runs = f"{steps.runs:,} run{'' if steps.runs == 1 else 's'}, the newest of {steps.instrument}"
    lines = [f"{steps.home}: {runs if steps.runs else 'no run yet'}", "next:"]
    longest = max(map(len, steps.commands))
    for command, purpose in steps.commands.items():
        line = f"  {command:<{longest}}  {purpose}"
        lines += [line] if len(line) <= width else [f"  {command}", f"      {purpose}"]
    return [*lines, "forecast --help lists all commands"]
