"""Traits: the properties of a kind of model that the rest of the program asks for."""

import dataclasses

__all__ = ["Traits"]


@dataclasses.dataclass(frozen=True)
class Traits:
    """Properties of a kind of model; the class of every forecaster has them as its attribute `traits`.

    Args:
        panel: One fit serves all series of a panel; otherwise every series is fitted alone.
        calibrated: Prediction intervals are calibrated by past outcomes.
        reads_features: The inputs are named features, so covariates can be added to them.
        engine: A fit runs Keras. Only such a model can be trained with `train`.
        numpy_forecast: A fitted model forecasts in NumPy; otherwise a forecast runs Keras, too.
        located: The median may leave the last price at steps where forecasts of unseen rows support it; the
            forecaster is a `forecaster.models.base.LocatedForecaster`.
        point_forecast: The network learns a point forecast of the price; the distribution around it is measured.
        exportable: A fitted model is an `forecaster.models.exports.base.ExportableFitted`.
        known_days: Widths follow what is known about coming days; a fitted model is a `KnowsDays`.
        inspectable: A fitted model can be looked into; it is a `forecaster.models.inspection.InspectableFitted`.
        combines: Members of other kinds are fitted, and their forecasts averaged.
        side_by_side: Several histories are read in one forward pass; a fitted model is a
            `forecaster.models.side_by_side.SideBySide`.
        samples_paths: Paths are drawn day by day; a fitted model is a `forecaster.models.base.SamplesPaths`.
    """

    panel: bool = False
    calibrated: bool = False
    reads_features: bool = False
    engine: bool = False
    numpy_forecast: bool = True
    located: bool = False
    point_forecast: bool = False
    exportable: bool = False
    known_days: bool = False
    inspectable: bool = False
    combines: bool = False
    side_by_side: bool = False
    samples_paths: bool = False
