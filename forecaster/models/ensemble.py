"""Ensemble: several fits, with other seeds or of other kinds; its quantiles are the mean of theirs.

Lakshminarayanan, Pritzel and Blundell 2017. Networks that differ in their seed alone make different errors, and the
pinball loss of the mean of their quantiles is no higher than the mean of their losses, since that loss is convex.
"""

import copy
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import Progress
from forecaster.forecast import Forecasts
from forecaster.models.base import (
    FitReport,
    FitRequest,
    Fitted,
    Forecaster,
    LocatedFitted,
    LocatedForecaster,
    Median,
    ModelOptions,
)
from forecaster.models.coming_days import ComingDays, KnowsDays
from forecaster.models.ensemble_inspection import EnsembleInspection
from forecaster.models.inspection import InspectableFitted
from forecaster.models.quantile.location_gate import LocationGains

__all__ = ["Ensemble", "FittedEnsemble", "members_of"]


class Ensemble:
    """Forecaster with several fits; member k has the seed of the fit plus k.

    Args:
        models: Forecaster of each member; all have the same knots and inputs.
        name: Registry key of the ensemble.
    """

    def __init__(self, models: Sequence[Forecaster], name: str) -> None:
        self.models = tuple(models)
        self.name = name
        self.traits = models[0].traits

    @classmethod
    def of_seeds(cls, model: Forecaster, count: int) -> "Ensemble":
        """`count` members of `model`, or that many of each of its members."""
        if isinstance(model, Ensemble):
            several: Ensemble = copy.copy(model)  # keeps its options and traits
            several.models = model.models * count
            return several
        several = cls([model] * count, model.options.kind)
        several.Options, several.options = model.Options, model.options
        return several

    Options: type[ModelOptions]
    options: Any

    @property
    def knots(self) -> tuple[int, ...]:
        """(K,) steps that are forecast without interpolation."""
        return cast(LocatedForecaster, self.models[0]).knots

    @property
    def may_locate(self) -> bool:
        """See `LocatedForecaster`; all members move their median at the same steps, so each must be able to."""
        return all(model.traits.located and cast(LocatedForecaster, model).may_locate for model in self.models)

    def least_training_rows(self) -> int:
        """See `Forecaster`; the member that needs most decides."""
        return max(model.least_training_rows() for model in self.models)

    def fit(self, request: FitRequest) -> "FittedEnsemble":
        """See `Forecaster`; one member after the other, so that memory and bits are those of single fits."""
        fits = self._fitted([self._fit_member(request, number) for number in range(len(self.models))])
        if request.chosen or not self.may_locate:
            return fits
        gains = self.location_gains(fits, request.panel, request.validation_rows)
        located = self.with_location(fits, gains.supported(self.knots))
        chosen = {**located.report.chosen, "location_gains": gains.means}
        located.report = dataclasses.replace(located.report, chosen=chosen)
        return located

    def _fit_member(self, request: FitRequest, number: int) -> Fitted:
        """One member; where its median moves is decided for all members together."""
        model = self.models[number]
        if request.chosen:
            chosen = request.chosen["members"][number]
        else:
            chosen = {"location_steps": []} if model.traits.located else {}
        return model.fit(
            dataclasses.replace(
                request,
                seed=request.seed + number,
                chosen=chosen,
                progress=_progress_of_member(request.progress, number, self.models),
            )
        )

    def _fitted(self, members: Sequence[Fitted]) -> "FittedEnsemble":
        return FittedEnsemble.of(members, self.name)

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedEnsemble":
        """See `Forecaster`."""
        parts: list[dict[str, AnyArray]] = [{} for _ in self.models]
        places = {f"member_{number}": part for number, part in enumerate(parts)}
        for name, array in arrays.items():
            member, _, own_name = name.partition("/")
            if member not in places:
                raise ValueError(f"{name!r:.100} is unknown; expected the weights of {len(parts)} members")
            places[member][own_name] = array
        facts = zip(report.chosen["members"], report.learned["members"], strict=True)
        reports = [dataclasses.replace(report, chosen=chosen, learned=learned) for chosen, learned in facts]
        restored = zip(self.models, parts, reports, strict=True)
        return FittedEnsemble([model.restore(part, own) for model, part, own in restored], report, self.name)

    def with_location(self, fitted: "FittedEnsemble", steps: Sequence[int]) -> "FittedEnsemble":
        """See `LocatedForecaster`; all members move their median at the same steps, or none does."""
        if not self.may_locate:
            return fitted
        pairs = zip(cast(Sequence[LocatedForecaster], self.models), fitted.members, strict=True)
        located = self._fitted([model.with_location(member, steps) for model, member in pairs])
        located.report = dataclasses.replace(located.report, curve=fitted.report.curve)
        return located

    def location_gains(self, fitted: "FittedEnsemble", panel: Panel, rows: Mapping[str, IntArray]) -> LocationGains:
        """See `LocatedForecaster`: the mean of the members; the gain of their mean location is no lower."""
        if not self.may_locate:
            return LocationGains.none(self.knots)
        pairs = zip(cast(Sequence[LocatedForecaster], self.models), fitted.members, strict=True)
        gains = [model.location_gains(member, panel, rows) for model, member in pairs]
        days = functools.reduce(np.intersect1d, [member.days for member in gains])  # warm-ups may differ
        used = [np.isin(member.days, days) for member in gains]
        means = {
            name: np.mean([getattr(member, name)[own] for member, own in zip(gains, used, strict=True)], axis=0)
            for name in ("gains", "products")
        }
        return dataclasses.replace(gains[0], days=days, **means)


class FittedEnsemble:
    """Fitted members of an ensemble.

    Args:
        members: Fits on the same data, with the same knots and inputs.
        report: Facts about all fits; ``learned`` and ``chosen`` hold those of the ``members``, too.
        name: Registry key of the ensemble.
    """

    def __init__(self, members: Sequence[Fitted], report: FitReport, name: str) -> None:
        self.members = tuple(members)
        self.report = report
        self.name = name

    @classmethod
    def of(cls, members: Sequence[Fitted], name: str) -> "FittedEnsemble":
        """Members with the report that follows from theirs."""
        reports = [member.report for member in members]
        first = reports[0]
        # Members that were measured on other samples than the first have losses that cannot be averaged with its own.
        measured = [report for report in reports if report.reference_losses == first.reference_losses]
        initial = [report.initial_loss for report in measured if report.initial_loss is not None]
        report = dataclasses.replace(
            first,
            chosen={**first.chosen, "members": [dict(report.chosen) for report in reports]},
            learned={**first.learned, "members": [dict(report.learned) for report in reports]},
            parity=max((report.parity for report in reports if report.parity is not None), default=None),
            parameters=sum(report.parameters for report in reports),
            median=max((report.median for report in reports), key=_MEDIANS.index),
            curve=_mean_curve([report.curve for report in measured]),
            initial_loss=float(np.mean(initial)) if initial else None,
        )
        return cls(members, report, name)

    @property
    def own_steps(self) -> int:
        """See `Fitted`."""
        return self.members[0].own_steps

    @property
    def first_row(self) -> int:
        """See `Fitted`; the member that needs most rows decides."""
        return max(member.first_row for member in self.members)

    @property
    def coming(self) -> ComingDays:
        """Knowledge about coming days, which no member changes: all learn it from the same rows."""
        return cast(KnowsDays, self.members[0]).coming

    def drift(self, series: PriceSeries) -> float:
        """See `LocatedFitted`; the mean over the members, of which some may have none."""
        return float(np.mean([cast(LocatedFitted, member).drift(series) for member in self.members]))

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `Fitted`; the mean of the quantiles of all members at each level."""
        parts = [member.forecast(series, rows, longest) for member in self.members]
        return dataclasses.replace(parts[0], model=self.name, scaled=np.mean([part.scaled for part in parts], axis=0))

    def inspection(self, series: PriceSeries) -> EnsembleInspection:
        """See `forecaster.models.inspection.InspectableFitted`."""
        return EnsembleInspection([cast(InspectableFitted, member).inspection(series) for member in self.members])

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


_MEDIANS: Sequence[Median] = ("last_price", "mean_is_last_price", "learned")
"""Medians of forecasts; the mean of forecasts with two of them has the later one."""


def _progress_of_member(progress: Progress, number: int, models: Sequence[Forecaster]) -> Progress:
    """Progress of one member as a part of that of all."""
    count = len(models)
    kinds = [model.options.kind for model in models]
    word = "member" if len(set(kinds)) == 1 else kinds[number]

    def report(stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
        epoch = detail.partition(",")[0]  # a line of a terminal holds no more
        progress(stage, number * total + done, count * total, loss, f"{word} {number + 1}/{count}, {epoch}")

    return report


def _mean_curve(curves: Sequence[Sequence[Mapping[str, float]]]) -> tuple[Mapping[str, float], ...]:
    """Mean of learning curves over the members that were still training, at the steps that all of these measured."""
    by_step: dict[float, list[Mapping[str, float]]] = {}
    for row in (row for curve in curves for row in curve):
        by_step.setdefault(row["step"], []).append(row)
    means = []
    for step, rows in sorted(by_step.items()):
        if len(rows) < sum(bool(curve) and curve[-1]["step"] >= step for curve in curves):
            continue
        losses = {name: [row[name] for row in rows if name in row] for name in ("loss", "validation_loss")}
        means.append({"step": step, **{name: float(np.mean(values)) for name, values in losses.items() if values}})
    return tuple(means)
