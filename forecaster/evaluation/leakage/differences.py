"""Comparison of two versions of a value, bit for bit; each difference is a finding."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray, DateArray
from forecaster.data.series import PriceSeries
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.leakage.types import Finding
from forecaster.forecast import Forecasts
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["column_differences", "columns_of_both", "different_keys", "forecast_differences", "sample_differences"]


def column_differences(
    file: str, column: str, before: AnyArray, after: AnyArray, dates: DateArray, text: str
) -> list[Finding]:
    """A finding at the first row in which two columns differ; NaN equals NaN.

    Args:
        file: Source file that computed the column.
        column: Name of the column.
        before: (N,) values of the original rows.
        after: (M,) values of the altered rows.
        dates: (N,) dates of `before`.
        text: Description of the alteration.
    """
    count = min(len(before), len(after))
    same = (before[:count] == after[:count]) | (np.isnan(before[:count]) & np.isnan(after[:count]))
    different = np.flatnonzero(~same)
    if len(different):
        row = int(different[0])
        change = f"{before[row]:.6g} becomes {after[row]:.6g}"
        return [Finding(file, column, str(dates[row]), f"{text}: {change}")]
    if len(before) == len(after):
        return []
    if count < len(dates):
        return [Finding(file, column, str(dates[count]), f"{text}: the row is missing")]
    last = str(dates[-1]) if len(dates) else None
    return [Finding(file, column, last, f"{text}: {len(after)} rows instead of {len(before)}")]


def columns_of_both(original: PriceSeries, altered: PriceSeries) -> Iterator[tuple[str, AnyArray, AnyArray]]:
    """Name of each column of `original`, among them dates, covariates and rounding, and its values in both versions."""
    yield "date", _day_numbers(original), _day_numbers(altered)
    for part in ("columns", "inputs"):
        columns = getattr(original, part)
        others = getattr(altered, part)
        for name in columns:
            yield name, columns[name], others.get(name, np.empty(0))
    if original.rounding is not None and altered.rounding is not None:
        yield "rounding", original.rounding, altered.rounding


def _day_numbers(series: PriceSeries) -> AnyArray:
    return series.dates.astype("datetime64[D]").astype(float)


def forecast_differences(
    file: str, original: Forecasts, altered: Forecasts, series: PriceSeries, text: str
) -> list[Finding]:
    """Differences of forecasts at the same cutoffs of `series`: scale, widths, and every quantile at every knot."""
    dates = series.dates[original.rows]
    findings = column_differences(file, "scale of the forecast", original.scale, altered.scale, dates, text)
    if original.widths is not None and altered.widths is not None:
        for place, before_and_after in enumerate(zip(original.widths.T, altered.widths.T, strict=True), start=1):
            findings += column_differences(file, f"width of step {place}", *before_and_after, dates, text)
    for knot, step in enumerate(original.knots):
        for place, level in enumerate(original.quantile_levels):
            column = f"quantile {level:g} at step {step}"
            before = original.scaled[:, knot, place]
            after = altered.scaled[:, knot, place]
            findings += column_differences(file, column, before, after, dates, text)
    return findings


def sample_differences(
    file: str, original: OutOfSample, altered: OutOfSample, days: DateArray, text: str
) -> list[Finding]:
    """Differences of scored forecasts on `days` (T,), the rows up to the cut.

    Compared are the quantiles, the outcomes that were known by the cut, and which cutoffs with such outcomes are
    scored.
    """
    step = original.step
    model = original.evaluated_model
    findings = []
    with_outcome = days[: max(len(days) - step, 0)]
    lost = np.setxor1d(np.intersect1d(original.dates, with_outcome), np.intersect1d(altered.dates, with_outcome))
    if len(lost):
        findings.append(Finding(file, "date", str(lost[0]), f"{text}: the cutoff is scored in one version alone"))
    dates = np.intersect1d(np.intersect1d(original.dates, days), altered.dates)
    rows = np.searchsorted(original.dates, dates)
    altered_rows = np.searchsorted(altered.dates, dates)
    for place, level in enumerate(SCORING_LEVELS):
        before = original.quantiles[model][rows, place]
        after = altered.quantiles[model][altered_rows, place]
        findings += column_differences(file, f"quantile {level:g} at step {step}", before, after, dates, text)
    has_outcome = np.isin(dates, with_outcome)
    before = original.outcomes[rows[has_outcome]]
    after = altered.outcomes[altered_rows[has_outcome]]
    return findings + column_differences(file, f"outcome at step {step}", before, after, dates[has_outcome], text)


def different_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Keys of `before` whose values, arrays or JSON values, differ from those of `after`."""
    return [name for name, value in before.items() if not _equal(value, after.get(name))]


def _equal(before: Any, after: Any) -> bool:
    return np.array_equal(before, after) if isinstance(before, np.ndarray) else bool(before == after)
