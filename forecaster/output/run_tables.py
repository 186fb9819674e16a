"""Recorded runs as documents and tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.experiments.annotations import Annotations
from forecaster.experiments.run_differences import RunPair
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run
from forecaster.output.tables import number_text, plain_table

__all__ = [
    "difference_document",
    "difference_lines",
    "difference_tables",
    "run_details_document",
    "run_document",
    "run_facts_table",
    "run_metrics_table",
    "run_rows",
    "run_table",
    "shared_facts",
]

MAX_NAMES = 3
ERRORS = ("crps", "weighted_quantile_loss", "mae", "rmse")  # beginnings of the names of metrics
MAX_DIFFERENCES = 12  # metrics in a table; JSON has all
FIRST_METRICS = ("crps@", "crps_ratio.garch@", "coverage.0.8@")  # of a table of differences
SHORT_HASH = 12  # digits


def run_document(run: RunSummary, pinned: Sequence[str] = ()) -> dict[str, Any]:
    """A run in a list of runs.

    Args:
        run: The run.
        pinned: Ids of pinned runs.
    """
    return {
        "run_id": run.id,
        "created": run.created,
        "instruments": list(run.instruments),
        "series": len(run.members),
        "source": run.source,
        "interval": run.frequency,
        "model": run.model,
        "horizon": run.horizon,
        "seed": run.seed,
        "configuration": run.configuration.name,
        "refit": run.refit,
        "fitted_until": run.fitted_until,
        "density": run.whole.get("density", ("",))[0] or None,
        "coverage": run.whole.get("coverage", ("",))[0] or None,
        "pinned": run.id in pinned,
        "tags": list(run.tags),
        "notes": run.notes,
        "metrics": run.metrics,
    }


def run_rows(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a CSV file: a column for each fact and metric."""
    metrics = dict.fromkeys(name for document in documents for name in document["metrics"])
    return [
        {
            **{key: value for key, value in document.items() if key != "metrics"},
            "instruments": ",".join(document["instruments"]),
            "tags": ",".join(document["tags"]),
            **{name: document["metrics"].get(name) for name in metrics},
        }
        for document in documents
    ]


def run_table(documents: Sequence[Mapping[str, Any]], sort: str | None = None) -> Table:
    """A table with a row for each run; `shared_facts` says what is the same in all of them.

    Args:
        documents: Results of `run_document`.
        sort: Metric by which they are sorted, which gets a column.
    """
    rows = [_list_row(document) for document in documents]
    shared = _shared(rows)
    table = plain_table()
    table.add_column("run", no_wrap=True)
    metric = sort if any(sort in document["metrics"] for document in documents) else None
    if metric is not None:
        table.add_column(metric, justify="right", no_wrap=True)
    names = [name for name in rows[0] if name not in shared]
    for name in names:
        table.add_column(name, no_wrap=name == "instruments")
    for document, row in zip(documents, rows, strict=True):
        mark = " (pinned)" if document["pinned"] else ""
        value = [] if metric is None else [_metric(document["metrics"].get(metric))]
        table.add_row(document["run_id"] + mark, *value, *(row[name] for name in names))
    return table


def shared_facts(documents: Sequence[Mapping[str, Any]]) -> str:
    """Facts that all of several runs share, which are no columns of their table; empty where there are none."""
    facts = _shared([_list_row(document) for document in documents])
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value)


def _list_row(document: Mapping[str, Any]) -> dict[str, str]:
    return {
        "instruments": _names(document["instruments"]),
        "rows": document["interval"],
        "configuration": document["configuration"] + (", refit" if document["refit"] else ""),
        "seed": str(document["seed"]),
        "fitted to": document["fitted_until"],
        "tags": ", ".join(document["tags"]),
    }


def _shared(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Values that all of several rows have; the configuration has a column in any case."""
    values = {name: {row[name] for row in rows} for name in rows[0]}
    return {name: min(texts) for name, texts in values.items() if len(texts) == 1 and name != "configuration"}


def _names(names: Sequence[str]) -> str:
    more = f" +{len(names) - MAX_NAMES}" if len(names) > MAX_NAMES else ""
    return ",".join(names[:MAX_NAMES]) + more


def run_details_document(run: Run, summary: RunSummary, annotations: Annotations, *, pinned: bool) -> dict[str, Any]:
    """One run with everything that its manifest says (`run/1`).

    Args:
        run: The run.
        summary: Its summary.
        annotations: Its notes and tags.
        pinned: True if forecasts prefer it.
    """
    manifest = run.manifest
    engine = manifest.engine.engine
    return {
        "schema": "run/1",
        "run": run_document(summary, [run.id] if pinned else []),
        "annotations": [
            {"created": note.created, "author": note.author, "text": note.text} for note in annotations.notes
        ],
        "data": [facts.to_json() for facts in manifest.data.named],
        "universe": manifest.data.universe,
        "split": manifest.split.to_json()["split"],
        "seed": manifest.model.seed,
        "parameters": manifest.model.parameters,
        "backend": None if engine is None else engine.backend,
        "device": None if engine is None else engine.device,
        "versions": dict(manifest.engine.versions),
        "processor": manifest.engine.processor,
        "command": list(manifest.engine.command),
        "seconds": dict(manifest.seconds),
        "files": dict(manifest.files),
        "verdict": manifest.scores.verdict,
    }


def run_facts_table(document: Mapping[str, Any]) -> Table:
    """Facts of one run, a row each.

    Args:
        document: Result of `run_details_document`.
    """
    table = plain_table()
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column()
    parts = [f"{name} {part['first']} to {part['last']}" for name, part in document["split"].items()]
    run = document["run"]
    names = _names(run["instruments"]).replace(",", ", ")
    facts = {
        "run": run["run_id"] + (" (pinned)" if run["pinned"] else ""),
        "created": run["created"],
        "instruments": f"{names}, in a panel of {run['series']} series of {run['source']}",
        **{
            f"data {number}": f"{facts['series'].partition('@')[0]}, {facts['rows']:,} rows, {facts['first']} to "
            f"{facts['last']}, SHA-256 {facts['sha256'][:SHORT_HASH]}"
            for number, facts in enumerate(document["data"][:MAX_NAMES], start=1)
        },
        "model": f"{run['model']}, {_count(document['parameters'])} parameters, horizon {run['horizon']}, "
        f"seed {document['seed']}",
        "configuration": run["configuration"] + (", refit" if run["refit"] else ""),
        "split": "; ".join(parts),
        "engine": f"{document['backend']} on {document['device']}, {document['processor']}",
        "versions": ", ".join(f"{name} {version}" for name, version in document["versions"].items()),
        "seconds": ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in document["seconds"].items()),
        "command": " ".join(document["command"]),
        "tags": ", ".join(run["tags"]) or "none",
    }
    for name, text in facts.items():
        table.add_row(name, text)
    for note in document["annotations"]:
        table.add_row("note", f"{note['text']} ({note['author']}, {note['created'][:10]})")
    return table


def _metric(value: float | None) -> str:
    return "-" if value is None else number_text(value)


def _count(parameters: int | None) -> str:
    return "no" if parameters is None else f"{parameters:,}"


def run_metrics_table(document: Mapping[str, Any]) -> Table:
    """Metrics of one run on its test rows: a row for each metric, a column for each step.

    Args:
        document: Result of `run_details_document`.
    """
    values: dict[str, dict[str, float]] = {}
    for name, value in document["run"]["metrics"].items():
        metric, _, step = name.rpartition("@")
        values.setdefault(metric, {})[step] = value
    steps = sorted({step for row in values.values() for step in row}, key=int)
    table = plain_table()
    table.add_column("metric, test rows", no_wrap=True)
    for step in steps:
        table.add_column(f"@{step}", justify="right", no_wrap=True)
    for metric, row in values.items():
        table.add_row(metric, *(_metric(row.get(step)) for step in steps))
    return table


def difference_document(pair: RunPair) -> dict[str, Any]:
    """Two runs and how they differ (`run-diff/1`)."""
    ids = (pair.first.id, pair.second.id)
    return {
        "schema": "run-diff/1",
        "runs": [run_document(pair.first), run_document(pair.second)],
        "differences": [
            {"subject": each.subject, "values": [each.values.get(run_id) for run_id in ids]}
            for each in pair.differences
        ],
        "scores": [
            {"metric": each.metric, "values": [each.first, each.second], "change": each.change} for each in pair.scores
        ],
        "same_test_rows": pair.same_test_rows,
    }


def difference_tables(document: Mapping[str, Any]) -> list[Table]:
    """Tables of the facts and of the metrics that differ; none where everything agrees.

    Args:
        document: Result of `difference_document`.
    """
    labels = [run["run_id"].rpartition("-")[2] for run in document["runs"]]
    tables = []
    if document["differences"]:
        facts = plain_table()
        for name in ("fact", *labels):
            facts.add_column(name)
        for row in document["differences"]:
            facts.add_row(row["subject"], *(value if value is not None else "-" for value in row["values"]))
        tables.append(facts)
    if document["scores"]:
        scores = plain_table()
        scores.add_column("metric, test rows", no_wrap=True)
        for name in (*labels, "change"):
            scores.add_column(name, justify="right", no_wrap=True)
        for row in sorted(document["scores"], key=_place)[:MAX_DIFFERENCES]:
            scores.add_row(row["metric"], *(number_text(value) for value in row["values"]), _change(row))
        tables.append(scores)
    return tables


def difference_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines after the tables of `difference_tables`, with the command that says whether a difference is luck.

    Args:
        document: Result of `difference_document`.
    """
    if not document["differences"] and not document["scores"]:
        return ["the runs do not differ"]
    lines = []
    ids = " ".join(run["run_id"] for run in document["runs"])
    more = len(document["scores"]) - MAX_DIFFERENCES
    if more > 0:
        lines.append(f"{more} more metrics: forecast runs diff {ids} --format json")
    if document["scores"] and document["same_test_rows"]:
        lines.append(f"better, or luck? forecast compare {ids} tests it")
    elif document["scores"]:
        lines.append("the runs were tested on different rows, so their scores do not say which of them is better")
    return lines


def _change(score: Mapping[str, Any]) -> str:
    """Change of a metric: in percent where it is an error, which has no natural size."""
    first = score["values"][0]
    if first > 0 and score["metric"].startswith(ERRORS):
        return f"{100 * score['change'] / first:+.2f} %"
    return f"{score['change']:+.4f}"


def _place(score: Mapping[str, Any]) -> int:
    """Place of a metric in a table of differences."""
    return next((place for place, name in enumerate(FIRST_METRICS) if score["metric"].startswith(name)), 99)
