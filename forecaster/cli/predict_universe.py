"""The option --universe of `forecast predict`: results are written as they are made."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from forecaster.cli.result_file import checked_format
from forecaster.cli.streams import visible
from forecaster.cli.terminal import print_result
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UsageError
from forecaster.experiments.predictions import FailedPrediction
from forecaster.files import streamed_file
from forecaster.forecast import PriceTargets
from forecaster.output.forecast_documents import forecast_document
from forecaster.output.universe_lines import UniverseText
from forecaster.workflows.predict_universe import predict_universe

__all__ = ["write_universe"]

FORMATS = ("table", "csv", "jsonl")
ALONE = {"paths": "--paths", "config": "--config", "train_if_missing": "--train-if-missing"}
"""Keyword -> option that forecasts of a universe do not have."""

Wanted = tuple[Sequence[float], Literal["price", "return", "pips"], PriceTargets]


def write_universe(
    universe: str, environment: Environment, out: Path | None, format: str, wanted: Wanted, keywords: Mapping[str, Any]
) -> None:
    """Write the forecasts of a universe to `out` or stdout, each as soon as it is made.

    Args:
        universe: Value of --universe.
        environment: Home folder, clock and messages.
        out: File to write; None for stdout.
        format: Value of --format.
        wanted: Central intervals, units, and prices whose probabilities are wanted.
        keywords: Other arguments of the command.

    Raises:
        UsageError: An option does not go with --universe.
        ForecasterError: Some instruments have no forecast; those of the others are written.
    """
    for keyword, flag in ALONE.items():
        if keywords[keyword]:
            raise UsageError(f"{flag} does not go with --universe; remove one of them")
    kind = format if out is None else checked_format(out, format, FORMATS)
    if kind not in FORMATS:
        raise UsageError(f"--universe writes one result after the other; got --format {kind}; expected csv or jsonl")
    levels, units, targets = wanted
    given = {keyword: value for keyword, value in keywords.items() if keyword not in ALONE}
    outcomes = predict_universe(universe, level=levels, environment=environment, **given)
    text = UniverseText(kind, levels[0])
    count = failures = unlogged = 0
    with _writer(out, environment) as write:
        for outcome in outcomes:
            if isinstance(outcome, FailedPrediction):
                failures += 1
                continue
            count += 1
            unlogged += bool(outcome.unlogged)
            write(text.of(forecast_document(outcome, levels, units, targets)))
    if out is not None:
        environment.note(f"written: {out}, {count} forecasts")
    if failures:
        raise ForecasterError(
            f"{failures} of {count + failures} instruments have no forecast; expected one of each; the lines above "
            "give the reasons"
        )
    if unlogged and keywords["log"]:
        raise ForecasterError(
            f"{unlogged} of {count} forecasts are not logged; expected all of them; the lines above give the reasons"
        )


@contextlib.contextmanager
def _writer(out: Path | None, environment: Environment) -> Iterator[Callable[[str], None]]:
    """A function that writes lines to a file, which is complete or not there, or to stdout."""
    if out is None:
        yield lambda text: print_result(environment, text)
        return
    with streamed_file(out) as file:

        def write(text: str) -> None:
            file.write(f"{visible(text)}\n".encode(errors="backslashreplace"))

        yield write
