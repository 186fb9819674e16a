"""`studies`: the searches of a project, and the result of one again."""

import dataclasses
from pathlib import Path
from typing import Any

from forecaster.environment import Environment
from forecaster.errors import DamageError
from forecaster.experiments import search_findings
from forecaster.experiments.studies import Study, find_study, study_folders
from forecaster.frames import Row, Tabular, with_fields

__all__ = ["SearchResult", "Studies", "show_study", "studies"]


@with_fields
class SearchResult(search_findings.SearchResult):
    """Result of a search, with a picture."""

    def figure(self) -> Any:
        """Losses of the trials, importance of the settings, and all trials, a `matplotlib.figure.Figure`."""
        from forecaster.output.search_figure import draw_search

        return draw_search(self)


@dataclasses.dataclass(frozen=True)
class Studies(Tabular):
    """Searches of a project.

    Args:
        results: Those that can be read, the newest first.
        damaged: An error for each study that cannot be read.
    """

    results: tuple[SearchResult, ...]
    damaged: tuple[DamageError, ...]

    @property
    def title(self) -> str:
        """Name of the table."""
        return "studies"

    def table_rows(self) -> list[Row]:
        """A row for each study."""
        return [result.summary() for result in self.results]


def studies(*, home: str | Path | None = None, environment: Environment | None = None) -> Studies:
    """Searches of the project, the newest first.

    Args:
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
    """
    environment = environment or Environment.at(home)
    results = []
    damaged = []
    for folder in study_folders(environment.home):
        try:
            results.append(SearchResult.of(Study.read(folder)))
        except DamageError as error:
            damaged.append(error)
    results.sort(key=lambda result: result.study.created, reverse=True)
    return Studies(tuple(results), tuple(damaged))


def show_study(study: str, environment: Environment) -> SearchResult:
    """The result that a study has recorded; nothing is computed.

    Args:
        study: Id of the study, or its beginning; ``latest`` is the newest.
        environment: Home folder.

    Raises:
        RunNotFoundError: There is no such study, or several.
        DamageError: It is damaged.
    """
    return SearchResult.of(find_study(environment.home, study))
