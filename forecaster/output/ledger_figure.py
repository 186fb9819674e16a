"""Picture of a graded ledger: gains over the baselines and coverage, forecast by forecast, as that of a backtest."""

import numpy as np
from matplotlib.figure import Figure

from forecaster.data.calendars import SPANS
from forecaster.experiments.ledger_grades import ForecasterGrades, LedgerGrades
from forecaster.output.backtest_figure import BacktestPicture, draw_backtest
from forecaster.output.drift_wording import drift_text
from forecaster.output.verdict_wording import verdict_texts

__all__ = ["ledger_figure"]

MAX_ALARMS = 3


def ledger_figure(grades: LedgerGrades) -> Figure:
    """The forecaster with the most forecasts, at every step."""
    forecaster = max(grades.forecasters, key=lambda each: sum(each.runs.values()))
    return draw_backtest(*_pictures(grades, forecaster))


def _pictures(grades: LedgerGrades, forecaster: ForecasterGrades) -> list[BacktestPicture]:
    name = forecaster.name
    losses = [by_name[name] for by_name in forecaster.losses.values() if name in by_name]
    span = SPANS[grades.frequency]
    step = forecaster.verdict.step
    several = f"{losses[0].instruments} instruments" if losses[0].instruments > 1 else name
    alarms = [f"drift alarm: {drift_text(alarm)}" for alarm in forecaster.alarms[-MAX_ALARMS:]]
    words = (
        f"verdict, {step} {span}{'s' if step > 1 else ''} ahead:",
        *(f"  {text}" for text in verdict_texts(forecaster.verdict)),
        *(alarms or ["no drift alarm"]),
    )
    count = sum(forecaster.runs.values())
    return [
        BacktestPicture(
            title=f"logged forecasts of {forecaster.model}, {several}",
            step=each.step,
            span=span,
            dates=each.dates,
            gains={
                baseline: (each.crps[each.model] - each.crps[baseline]) / mean
                for baseline in each.baselines
                if (mean := each.crps[baseline].mean()) > 0
            },
            inside={float(level): daily for level, daily in each.inside.items()},
            fits=np.array([], dtype="datetime64[D]"),
            note=f"{count:,} forecasts that have come true, from {losses[0].dates[0]} to {losses[0].dates[-1]}; "
            f"ledger head {grades.check.head[:16]}",
            words=words,
        )
        for each in losses
    ]
