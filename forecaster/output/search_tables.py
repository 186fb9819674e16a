"""A search as a table of its best trials, and in words: luck, lockbox, and what works."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.experiments.lockboxes import times
from forecaster.output.tables import plain_table

__all__ = [
    "counted",
    "reading",
    "search_lines",
    "search_rows",
    "search_table",
    "setting_name",
    "step_words",
    "value_text",
]

MAX_ROWS = 8  # of a table that is not asked for every trial
LEVEL = 0.05
MAX_EFFECTS = 3


def search_table(document: Mapping[str, Any], *, every_trial: bool) -> Table:
    """The best trials, or all of them in order.

    Args:
        document: ``search/1``.
        every_trial: True for all.
    """
    trials = document["trials"]
    keys = list(document["space"])
    if not every_trial:
        complete = [trial for trial in trials if trial["state"] == "complete"]
        best = sorted(complete, key=lambda trial: (trial["loss"], trial["trial"]))[:MAX_ROWS]
        start = [trials[0]] if trials and trials[0] not in best else []
        trials = [*best[: MAX_ROWS - len(start)], *start]
    table = plain_table()
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column("loss", justify="right", no_wrap=True)
    for head in ("change", *(["state"] if every_trial else []), *map(setting_name, keys)):
        table.add_column(head, justify="right", no_wrap=True)
    for trial in trials:
        loss = "-" if trial["loss"] is None else f"{trial['loss']:.4f}"
        change = "-" if trial["loss_change"] is None else f"{100 * trial['loss_change']:+.2f} %"
        state = [trial["state"]] if every_trial else []
        settings = [value_text(trial["settings"][key]) if key in trial["settings"] else "start" for key in keys]
        table.add_row(str(trial["trial"]), loss, change, *state, *settings)
    return table


def counted(number: int, noun: str) -> str:
    """A number with its noun, which gets an s unless it is one.

    >>> counted(1, "fold"), counted(1500, "trial")
    ('1 fold', '1,500 trials')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def step_words(steps: Sequence[int]) -> str:
    """Steps as words.

    >>> step_words([1]), step_words([1, 5])
    ('step 1', 'steps 1, 5')
    """
    return f"step{'' if len(steps) == 1 else 's'} {', '.join(map(str, steps))}"


def setting_name(key: str) -> str:
    """Last word of a dotted key."""
    return key.rpartition(".")[2]


def value_text(value: Any) -> str:
    """A value of a setting, short."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) else json.dumps(value).replace(" ", "")


def search_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each trial, with a column for each setting."""
    rows = []
    for trial in document["trials"]:
        about = {name: trial[name] for name in ("trial", "state", "loss", "loss_change", "reason")}
        settings = {key: value_text(value) for key, value in trial["settings"].items()}
        rows.append({**about, **{key: settings.get(key) for key in document["space"]}})
    return rows


def search_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines below the table."""
    counts = document["counts"]
    under_way = f", {counts['running']} under way" if counts["running"] else ""
    lines = [
        f"loss: CRPS over that of {document['baseline']}, mean of {counted(len(document['folds']), 'fold')} and of "
        f"{step_words(document['steps'])}; change: against the starting configuration on the same folds",
        f"study {document['study']}: {counted(len(document['trials']), 'trial')}: {counts['complete']} complete, "
        f"{counts['pruned']} stopped early, {counts['failed']} failed{under_way}",
    ]
    failures = [trial for trial in document["trials"] if trial["state"] == "failed"]
    lines += [f"trial {trial['trial']} failed: {trial['reason']}" for trial in failures[:MAX_EFFECTS]]
    return [*lines, *_luck_lines(document), *_lockbox_lines(document), reading(document)]


def _luck_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines about the luck of the best trial."""
    luck = document["luck"]
    winner = document["winner"]
    complete = document["counts"]["complete"]
    if luck is None:
        return [f"luck: not measured, since the search has not come to its end; go on with {document['next_command']}"]
    if winner is None:
        return ["luck: no trial is complete, so nothing can be tested"]
    if luck["days"] == 0:
        return ["luck: the starting configuration has failed, so the best trial has nothing to be compared with"]
    if winner["trial"] == 0:
        return ["luck: no trial is better than the starting configuration"]
    return [
        _luck_line("the starting configuration", luck["p_against_start"], luck, complete),
        _luck_line(document["baseline"], luck["p_against_baseline"], luck, complete),
    ]


def _luck_line(reference: str, p_value: float | None, luck: Mapping[str, Any], complete: int) -> str:
    if p_value is None:
        days = counted(luck["days"], "day")
        hint = "lower --step or use more --folds"
        return f"luck: {days} that steered no trial are too few for a test against {reference}; {hint}"
    chance = f"the best of {counted(complete, 'complete trial')} would be this good by chance with p {_p_text(p_value)}"
    if p_value < LEVEL:
        return f"luck: better than {reference}: {chance}"
    return f"luck: not proven better than {reference}: {chance}"


def _p_text(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.2g}"


def _lockbox_lines(document: Mapping[str, Any]) -> list[str]:
    lockbox = document["lockbox"]
    record = lockbox["record"]
    span = f"rows from {lockbox['start']} on"
    if record is None:
        is_useful = bool(document["trials"]) and document["trials"][0]["state"] != "failed"
        hint = "; the next command without --keep-lockbox opens it, once" if is_useful else ""
        return [f"lockbox: closed ({span}){hint}"]
    if "losses" not in record:
        opened = f"opened on {record['opened'][:10]} for trial {record['winner']}"
        return [f"lockbox: {opened} ({span}), and not scored yet; go on with the search"]
    losses = record["losses"]
    lines = [
        f"lockbox: trial {record['winner']} on {counted(record['days'], 'row')} from {lockbox['start']} on: "
        f"loss {losses['winner']:.4f}, starting "
        f"configuration {losses['start']:.4f}; {_test_words(record, document['baseline'])}"
    ]
    if not lockbox["opened_now"]:
        lines.append(
            f"lockbox: it was opened once, on {record['opened'][:10]} after {counted(record['trials'], 'trial')}; "
            "it is not opened again"
        )
    if record["earlier_openings"]:
        lines.append(
            f"lockbox: its rows had been opened {times(record['earlier_openings'])} before by other searches; "
            "its p-values do not account for that"
        )
    winner = document["winner"]
    if winner is not None and winner["trial"] != record["winner"]:
        lines.append(f"lockbox: trial {winner['trial']}, the best one now, has no rows that are unseen")
    return lines


def _test_words(record: Mapping[str, Any], baseline: str) -> str:
    """Comparison of the winner with both references on the lockbox."""
    references = {baseline: record["p_against_baseline"]}
    if record["winner"] != 0:
        references = {"the starting configuration": record["p_against_start"], **references}
    words = []
    for name, p_value in references.items():
        if p_value is None:
            words.append(f"against {name} too few days")
        else:
            verdict = "better than" if p_value < LEVEL else "not proven better than"
            words.append(f"{verdict} {name} (p {_p_text(p_value)})")
    return ", ".join(words)


def reading(document: Mapping[str, Any]) -> str:
    """A paragraph about the settings that work, and those that do not."""
    effects: Sequence[Mapping[str, Any]] = document["effects"]
    if not effects:
        return "reading: too few trials to say which settings matter"
    clear = [effect for effect in effects if effect["p_value"] < LEVEL]
    unclear = [setting_name(effect["key"]) for effect in effects if effect["p_value"] >= LEVEL]
    sentences = [_effect_sentence(effect) for effect in clear[:MAX_EFFECTS]]
    if not clear:
        sentences = ["no setting has an effect that luck could not explain"]
    elif unclear:
        sentences.append(f"no clear effect of {', '.join(unclear)}")
    return f"reading: {'; '.join(sentences)}"


def _effect_sentence(effect: Mapping[str, Any]) -> str:
    groups = sorted(effect["groups"], key=lambda group: group["loss_change"])
    best, worst = groups[0], groups[-1]
    return (
        f"{setting_name(effect['key'])} works best at {_values_text(best)} ({100 * best['loss_change']:+.2f} %, "
        f"{counted(best['trials'], 'trial')}) and worst at {_values_text(worst)} ({100 * worst['loss_change']:+.2f} %)"
    )


def _values_text(group: Mapping[str, Any]) -> str:
    return " to ".join(dict.fromkeys(value_text(value) for value in group["values"]))
