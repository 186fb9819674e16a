"""Ensemble: one kind of forecaster, fitted with several seeds; its quantiles are the mean of theirs.

Lakshminarayanan, Pritzel and Blundell 2017. Networks that differ in their seed alone make different errors, and the
mean of their quantiles has a lower loss than the mean of their losses, since the pinball loss is convex.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import Progress
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, Fitted, Forecaster, LocatedFitted, LocatedForecaster
from forecaster.models.coming_days import ComingDays, KnowsDays
from forecaster.models.quantile.location_gate import LocationGains

__all__ = ["Ensemble", "FittedEnsemble", "members_of"]


class Ensemble:
    """Forecaster with several fits of `model`; member k has the seed of the fit plus k.

    Args:
        model: Forecaster that every member fits.
        count: Number of members.
    """

    def __init__(self, model: Forecaster, count: int) -> None:
        self.model = model
        self.count = count
        self.Options = model.Options
        self.traits = model.traits

    @property
    def options(self) -> Any:
        """Options of every member."""
        return self.model.options

    @property
    def knots(self) -> tuple[int, ...]:
        """(K,) steps that are forecast without interpolation."""
        return cast(LocatedForecaster, self.model).knots

    @property
    def may_locate(self) -> bool:
        """See `LocatedForecaster`."""
        return self.traits.located and cast(LocatedForecaster, self.model).may_locate

    def least_training_rows(self) -> int:
        """See `Forecaster`."""
        return self.model.least_training_rows()

    def fit(self, request: FitRequest) -> "FittedEnsemble":
        """See `Forecaster`; one member after the other, so that memory and bits are those of single fits."""
        fits = FittedEnsemble.of([self._fit_member(request, number) for number in range(self.count)])
        if not self.traits.located or request.chosen:
            return fits
        if not self.may_locate:
            return self.with_location(fits, ())
        gains = self.location_gains(fits, request.panel, request.validation_rows)
        located = self.with_location(fits, gains.supported(self.knots))
        chosen = {**located.report.chosen, "location_gains": gains.means}
        located.report = dataclasses.replace(located.report, chosen=chosen)
        return located

    def _fit_member(self, request: FitRequest, number: int) -> Fitted:
        """One member; where its median moves is decided for all members together."""
        if request.chosen:
            chosen = request.chosen["members"][number]
        else:
            chosen = {"location_steps": []} if self.traits.located else {}
        return self.model.fit(
            dataclasses.replace(
                request,
                seed=request.seed + number,
                chosen=chosen,
                progress=_progress_of_member(request.progress, number, self.count),
            )
        )

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedEnsemble":
        """See `Forecaster`."""
        parts: list[dict[str, AnyArray]] = [{} for _ in range(self.count)]
        places = {f"member_{number}": part for number, part in enumerate(parts)}
        for name, array in arrays.items():
            member, _, own_name = name.partition("/")
            if member not in places:
                raise ValueError(f"{name!r:.100} is unknown; expected the weights of {self.count} members")
            places[member][own_name] = array
        facts = zip(report.chosen["members"], report.learned["members"], strict=True)
        reports = [dataclasses.replace(report, chosen=chosen, learned=learned) for chosen, learned in facts]
        members = [self.model.restore(part, own) for part, own in zip(parts, reports, strict=True)]
        return FittedEnsemble(members, report)

    def with_location(self, fitted: "FittedEnsemble", steps: Sequence[int]) -> "FittedEnsemble":
        """See `LocatedForecaster`; all members move their median at the same steps."""
        model = cast(LocatedForecaster, self.model)
        located = FittedEnsemble.of([model.with_location(member, steps) for member in fitted.members])
        located.report = dataclasses.replace(located.report, curve=fitted.report.curve)
        return located

    def location_gains(self, fitted: "FittedEnsemble", panel: Panel, rows: Mapping[str, IntArray]) -> LocationGains:
        """See `LocatedForecaster`: the mean of the members; the gain of their mean location is no lower."""
        model = cast(LocatedForecaster, self.model)
        gains = [model.location_gains(member, panel, rows) for member in fitted.members]
        means = {name: np.mean([getattr(member, name) for member in gains], axis=0) for name in ("gains", "products")}
        return dataclasses.replace(gains[0], **means)


class FittedEnsemble:
    """Fitted members of an ensemble.

    Args:
        members: Fits of one kind of model.
        report: Facts about all fits; ``learned`` and ``chosen`` hold those of the ``members``, too.
    """

    def __init__(self, members: Sequence[Fitted], report: FitReport) -> None:
        self.members = tuple(members)
        self.report = report

    @classmethod
    def of(cls, members: Sequence[Fitted]) -> "FittedEnsemble":
        """Members with the report that follows from theirs."""
        reports = [member.report for member in members]
        first = reports[0]
        initial = [report.initial_loss for report in reports if report.initial_loss is not None]
        report = dataclasses.replace(
            first,
            chosen={**first.chosen, "members": [dict(report.chosen) for report in reports]},
            learned={**first.learned, "members": [dict(report.learned) for report in reports]},
            parity=max((report.parity for report in reports if report.parity is not None), default=None),
            parameters=sum(report.parameters for report in reports),
            curve=_mean_curve([report.curve for report in reports]),
            initial_loss=float(np.mean(initial)) if initial else None,
        )
        return cls(members, report)

    @property
    def name(self) -> str:
        """Registry key of the members."""
        return self.members[0].name

    @property
    def own_steps(self) -> int:
        """See `Fitted`."""
        return self.members[0].own_steps

    @property
    def first_row(self) -> int:
        """See `Fitted`."""
        return self.members[0].first_row

    @property
    def coming(self) -> ComingDays:
        """Knowledge about coming days, which no seed changes."""
        return cast(KnowsDays, self.members[0]).coming

    def drift(self, series: PriceSeries) -> float:
        """See `LocatedFitted`; no seed changes it."""
        return cast(LocatedFitted, self.members[0]).drift(series)

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `Fitted`; the mean of the quantiles of all members at each level."""
        parts = [member.forecast(series, rows, longest) for member in self.members]
        return dataclasses.replace(parts[0], scaled=np.mean([part.scaled for part in parts], axis=0))

    def arrays(self) -> dict[str, AnyArray]:
        """See `Fitted`."""
        return {
            f"member_{number}/{name}": array
            for number, member in enumerate(self.members)
            for name, array in member.arrays().items()
        }


def members_of(fitted: Fitted) -> tuple[Fitted, ...]:
    """Members of an ensemble; none of a single fit."""
    return fitted.members if isinstance(fitted, FittedEnsemble) else ()


def _progress_of_member(progress: Progress, number: int, count: int) -> Progress:
    """Progress of one member as a part of that of all."""

    def report(stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
        epoch = detail.partition(",")[0]  # a line of a terminal holds no more
        progress(stage, number * total + done, count * total, loss, f"member {number + 1}/{count}, {epoch}")

    return report


def _mean_curve(curves: Sequence[Sequence[Mapping[str, float]]]) -> tuple[Mapping[str, float], ...]:
    """Mean of learning curves at each step, over the members that were still training."""
    by_step: dict[float, list[Mapping[str, float]]] = {}
    for row in (row for curve in curves for row in curve):
        by_step.setdefault(row["step"], []).append(row)
    means = []
    for step, rows in sorted(by_step.items()):
        losses = {name: [row[name] for row in rows if name in row] for name in ("loss", "validation_loss")}
        means.append({"step": step, **{name: float(np.mean(values)) for name, values in losses.items() if values}})
    return tuple(means)
