"""Drift alarms of runs, beside the forecasts that they make."""

from collections.abc import Sequence

from forecaster.environment import Environment
from forecaster.errors import ForecasterError
from forecaster.experiments.ledger import ledger_path
from forecaster.experiments.run_selection import SelectedRun

__all__ = ["note_drift"]


def note_drift(selected: Sequence[SelectedRun], environment: Environment) -> None:
    """Note the drift alarms that logged forecasts of these runs have raised; a project without a ledger has none."""
    path = ledger_path(environment.home)
    if not path.exists():
        return
    from forecaster.experiments.ledger_drift import run_drift
    from forecaster.output.drift_wording import drift_text

    for selection in selected:
        try:
            alarm = run_drift(path, selection.instrument, selection.series, selection.run.id)
        except ForecasterError as error:
            environment.note(f"warning: no drift alarm: {error.messages[0]}")
            return
        if alarm is not None:
            environment.note(f"warning: drift alarm: {drift_text(alarm)}; train again; see: forecast score")
