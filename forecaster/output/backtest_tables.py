"""Tables of a backtest: a row a model, a block a step, and the verdict in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.models import traits_of
from forecaster.output.tables import verdict_lines

__all__ = ["backtest_exceptions", "backtest_lines", "backtest_rows", "backtest_table"]

_POOLED = "pooled"
_WORST_LEVEL = "0.9"


def backtest_table(document: Mapping[str, Any]) -> Table:
    """Every model at every step: of the one instrument, or of all of them together.

    Args:
        document: ``backtest/1``.
    """
    rows = _shown(document)
    judged = document["verdict"]["model"]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("step", "model"):
        table.add_column(head, no_wrap=True)
    heads = ["cutoffs", "CRPS", f"{judged} over it", "p", "RMSE over today", "in 80 %", "in 95 %", "worst 250 in 90 %"]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    before = None
    for row in rows:
        if before not in (None, row["step"]):
            table.add_row()
        ratio, chance = _against(rows, judged, row)
        table.add_row(
            "" if before == row["step"] else str(row["step"]),
            row["model"],
            f"{row['n']:,}",
            f"{1e4 * row['crps']:.3f}",
            "" if ratio is None else f"{ratio:.4f}",
            "" if chance is None else f"{chance:.3f}",
            _share(row["rmse_ratio_random_walk"], "{:.4f}"),
            _share(row["coverage"]["0.8"], "{:.1%}"),
            _share(row["coverage"]["0.95"], "{:.1%}"),
            _share(row["worst_coverage_250"][_WORST_LEVEL], "{:.1%}"),
        )
        before = row["step"]
    return table


def _shown(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Rows of what the verdict is about."""
    about = document["verdict"]["name"]
    return sorted((row for row in document["rows"] if row["instrument"] == about), key=lambda row: int(row["step"]))


def _against(
    rows: Sequence[Mapping[str, Any]], judged: str, row: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """CRPS of the judged model over that of a row's, and the p-value of their difference."""
    if row["model"] == judged:
        return None, None
    for mine in rows:
        if mine["model"] == judged and mine["step"] == row["step"]:
            tests = {one["against"]: one["p_value"] for one in mine["dm"]}
            return mine["crps_ratio"].get(row["model"]), tests.get(row["model"])
    return None, None


def _share(value: float | None, layout: str) -> str:
    return "-" if value is None else layout.format(value)


def backtest_lines(document: Mapping[str, Any]) -> list[str]:
    """What stands under the table: what was done, what could not be done, and the verdict."""
    judged, folds = document["verdict"]["model"], document["folds"]
    span = SPANS[document["interval"]]
    lines = [
        f"CRPS in basis points of the return over so many {span}s, lower is better; p: two-sided, Diebold and Mariano",
        f"{_counted(len(folds), 'fit')} of each model, the first before {folds[0]['start']}, "
        f"cutoffs to {document['last_cutoff']}, those that all models have",
    ]
    if document["unscored_steps"]:
        lines.append(f"no outcome is known yet {', '.join(_ahead(step, span) for step in document['unscored_steps'])}")
    lines += [f"{name} learns from {document['series']} series" for name in document["models"] if traits_of(name).panel]
    if document["calibrated"] and any(traits_of(name).calibrated for name in document["models"]):
        lines.append("intervals of networks are calibrated by what was known at each cutoff; see --no-calibration")
    if document["verdict"]["name"] == _POOLED:
        names = list(dict.fromkeys(row["instrument"] for row in document["rows"] if row["model"] == judged))[:-1]
        more = " ..." if len(names) > 20 else ""
        lines.insert(0, f"means, also of the ratios, over {len(names)} instruments: {', '.join(names[:20])}{more}")
        lines += list(_worst(document, judged))
    elif len(document["instruments"]) > 1:
        lines.insert(0, f"{document['verdict']['name']} alone: {judged} could forecast no other")
    lines += [*backtest_exceptions(document), *_standing(document, span)]
    return [*lines, f"backtest: {document['id']}", *verdict_lines(document["verdict"], document["verdicts"])]


def backtest_exceptions(document: Mapping[str, Any]) -> list[str]:
    """What could not be done as it was asked: models that were left out, another one that is judged, fallbacks."""
    judged = document["verdict"]["model"]
    lines = [
        f"left out: {model} of {name}: {reason}"
        for model, found in document["skipped"].items()
        for name, reason in found.items()
    ]
    if judged != document["models"][0]:
        lines.append(f"{document['models'][0]} could not forecast anything here, so {judged} is judged")
    several = len(document["instruments"]) > 1
    for model, found in document["fallbacks_of"].items():
        whose = f" of {', '.join(list(found)[:5])}{', ...' * (len(found) > 5)}" if several else ""
        fits = _counted(sum(found.values()), "fit")
        lines.append(f"{model}: {fits}{whose} did not converge or had too few rows; usual parameters stood in")
    return lines


def _worst(document: Mapping[str, Any], judged: str) -> Iterator[str]:
    for row in _shown(document):
        if row["model"] == judged:
            worst = "; ".join(
                f"{name} {ratio:.4f} ({which})" for name, (ratio, which) in row["crps_ratio_worst"].items() if ratio
            )
            yield f"worst instrument at {row['step']}: {judged} over {worst}"


def _standing(document: Mapping[str, Any], span: str) -> Iterator[str]:
    """Which models may be the best, and whether any is better than the judged one; a line each."""
    sets = {one["step"]: one["models"] for one in document["confidence_set"] if one["models"] is not None}
    if sets:
        confidence = f"{100 * document['confidence_set'][0]['confidence']:g} %"
        found = [f"{_ahead(step, span)} {', '.join(models)}" for step, models in sets.items()]
        yield f"{confidence} model confidence set, the best is among them: {'; '.join(found)}"
    tests = [one for one in document["spa"] if one["p_value"] is not None]
    if tests:
        chances = ", ".join(f"{_ahead(one['step'], span)} p = {one['p_value']:.3f}" for one in tests)
        yield f"is any better than {tests[0]['model']}? superior predictive ability: {chances}"


def _ahead(step: int, span: str) -> str:
    return f"{_counted(step, span)} ahead"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}"


def backtest_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows flattened for CSV, all with the same columns."""
    rows = [dict(_flat(row)) for row in document["rows"]]
    columns = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in columns} for row in rows]


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if key == "crps_ratio_interval":
            for name, ends in value.items():
                yield from zip((f"{key}_low_{name}", f"{key}_high_{name}"), ends or (None, None), strict=True)
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}_")
        elif key == "dm":
            yield from ((f"dm_p_value_{one['against']}", one["p_value"]) for one in value)
        elif not isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", value
