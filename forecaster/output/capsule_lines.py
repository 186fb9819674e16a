"""Runs as files for another machine, in words: what is in the file, and how to get the rest."""

from collections.abc import Sequence

from forecaster.data.sources import SOURCES
from forecaster.data.sources.registry import source_traits

__all__ = ["exported_lines", "imported_lines"]

MAX_NAMED = 3  # histories in a line


def exported_lines(run_id: str, histories: Sequence[str], missing: Sequence[str]) -> list[str]:
    """Lines about a file that was written.

    Args:
        run_id: The run.
        histories: Names of the histories in the file.
        missing: ``source/name: SHA-256`` of those that are not, and ``path: SHA-256`` of files that are not.
    """
    lines = [f"exported: {run_id} with {_counted(histories)}"]
    if missing:
        lines.append(f"left out: {_listed(missing)}; a replay needs the same rows")
    return lines


def imported_lines(run_id: str, histories: Sequence[str], missing: Sequence[str], *, is_new: bool) -> list[str]:
    """Lines about a file that was read.

    Args:
        run_id: The run.
        histories: Names of the histories that were put into the store.
        missing: See `exported_lines`.
        is_new: False if the project had the run already.
    """
    verb = "imported" if is_new else "already there"
    lines = [f"{verb}: {run_id}; {_counted(histories)} stored"]
    if missing:
        lines.append(f"not in the file: {_listed(missing)}")
        lines += [f"replay {hint}" for hint in dict.fromkeys(map(_replacement, missing))]
    return lines


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)} {'history' if len(names) == 1 else 'histories'}"


def _replacement(missing: str) -> str:
    """The way in which a replay gets what a file does not hold."""
    name = missing.rpartition(": ")[0]
    source = name.partition("/")[0]
    if source not in SOURCES:
        return f"needs the file {name[:200]}: in the same place, or with --exog or --events"
    traits = source_traits(source)
    if traits.is_given:
        return "needs the store of the training, or the same files in the same places"
    if traits.redistributable:
        return f"takes rows of {source} from the program's own copy, and compares them"
    return f"asks {source} for its rows, and compares them; later corrections of old rows count as a difference"


def _listed(names: Sequence[str]) -> str:
    """The first names, each with the first digits of its hash."""
    parts = [name.rpartition(": ") for name in names[:MAX_NAMED]]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(f"{name[:80]} ({sha256[:12]})" for name, _, sha256 in parts) + more
