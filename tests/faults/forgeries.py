"""Runs whose files were written by somebody else, with hashes that fit: one line about damage, never a traceback."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from project import MODEL, Project, run, words_of

_MEMBERS = "[{kind: gru, units: [4], training: {steps: 2}}, {kind: linear, training: {steps: 2}}]"
KINDS = {
    "lstm": MODEL[2:],
    **{kind: MODEL[2:] for kind in ("gru", "rnn", "bilstm")},
    "transformer": ("--set", "model.units=[4]", *MODEL[2:]),
    "seq2seq": ("--set", "model.decoder_units=4", "--set", "model.attention=bahdanau", *MODEL[2:]),
    "linear": MODEL[2:4] + MODEL[6:],
    "ensemble": ("--set", f"model.members={_MEMBERS}", *MODEL[6:]),
    "classic": ("--set", "model.epochs=1", "--set", "model.units=[4]", *MODEL[6:]),
}
"""Kind of a model -> options of a short training."""

VALUES: tuple[Any, ...] = (
    *(None, "", "x", "2020-01-01", "9" * 5000, -1, 0, 1, 2**70, 0.5, -1e308, 1e308, True),
    *([], {}, [[]], ["x"], [1e308], {"x": 1}, [{"x": []}], "\x1b[31m", "\ud800"),
)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Keys that lead to every value in a document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*place, key)
        yield from places(child, (*place, key))


def forged_document(document: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A manifest with another value in one place, or without it."""
    forged = copy.deepcopy(document)
    every = list(places(forged))
    *above, key = every[rng.integers(len(every))]
    parent: Any = forged
    for step in above:
        parent = parent[step]
    if rng.random() < 0.1:
        del parent[key]
    else:
        parent[key] = VALUES[rng.integers(len(VALUES))]
    return forged


def forged_arrays(arrays: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Weights with one array of another size, shape, type or content, or under another name."""
    forged = dict(arrays)
    names = sorted(forged)
    name = names[rng.integers(len(names))]
    array = np.atleast_1d(forged[name])
    changes: tuple[Any, ...] = (
        *(array * np.float32(1e30), array * np.float32(-50), np.full_like(array, np.nan), np.full_like(array, np.inf)),
        *(array.astype(float), array.astype(np.float16), array.astype(int), array.astype(str), array.astype(bool)),
        *(array.T.copy(), array[..., None], array.ravel(), array[:0], array[:-1], np.float32(0), np.zeros((0, 0))),
        *(np.concatenate([array, array]), array[::-1].copy(), np.zeros((1,) * 40, np.float32), array.astype(">f4")),
    )
    choice = int(rng.integers(len(changes) + 2))
    if choice == len(changes):
        del forged[name]
    elif choice > len(changes):
        forged["x" * int(rng.integers(1, 300))] = forged.pop(name)
    else:
        forged[name] = changes[choice]
    return forged


def forged_text(text: str, rng: np.random.Generator) -> str:
    """A configuration with another value in one line, or without the line."""
    lines = text.splitlines()
    place = int(rng.integers(len(lines)))
    key = lines[place].partition(":")[0]
    values = ("", "x", "-1", "0", "1e308", ".nan", ".inf", "9" * 5000, "[1]", "{a: 1}", "!!int x", "&a [*a]", "[" * 500)
    lines[place] = f"{key}: {values[rng.integers(len(values))]}"
    if rng.random() < 0.1:
        del lines[place]
    return "\n".join(lines)


def forge_runs(project: Project, trials: int, rng: np.random.Generator) -> Iterator[tuple[str, list[str]]]:
    """Forge one file of a run at a time; yields the name of the file and the problems of the forecast from it."""
    for kind, options in KINDS.items():
        home = project.folder / kind
        words = words_of(("train", "--csv", project.csv(1), "--config", kind, *options), home)
        subprocess.run([sys.executable, "-m", "forecaster", *words], check=True, capture_output=True)
        yield from _forge_run(project, home, max(2 * trials // len(KINDS), 1), rng)


def _forge_run(
    project: Project, original: Path, trials: int, rng: np.random.Generator
) -> Iterator[tuple[str, list[str]]]:
    from forecaster.experiments.stored_files import parse_arrays

    origin = next(path for path in (original / "runs").iterdir() if path.is_dir())
    manifest = json.loads((origin / "manifest.json").read_text())
    weights = parse_arrays((origin / "weights.npz").read_bytes())
    config = (origin / "config.yaml").read_text()
    command = ("predict", "--csv", project.csv(1), "--run", origin.name, "--format", "json")
    for name in ("manifest.json", "weights.npz", "config.yaml"):
        for _ in range(trials):
            with project.copy(original) as home:
                folder = home / "runs" / origin.name
                document = manifest
                if name == "manifest.json":
                    document = forged_document(manifest, rng)
                elif name == "weights.npz":
                    np.savez(folder / name, **forged_arrays(weights, rng))
                else:
                    (folder / name).write_text(forged_text(config, rng))
                rehash(folder, document)
                outcome = run(command, home)
                problems = outcome.problems()
                if outcome.code == 0 and not _is_finite(json.loads(outcome.output)):
                    problems.append("a forecast that is not finite")
                yield f"{original.name} runs: {name}", [f"{p}: {outcome.notes[-300:]}" for p in problems]


def _is_finite(documents: list[dict[str, Any]]) -> bool:
    """True if every number of every forecast is one; the size of a day is empty where the run has no calendar."""
    steps = [step for document in documents for step in document["steps"]]
    numbers = [value for step in steps for key, value in step.items() if key != "day_size"]
    text = json.dumps(numbers)
    return bool(steps) and not any(word in text for word in ("NaN", "Infinity", "null"))


def rehash(folder: Path, document: dict[str, Any]) -> None:
    """Write the manifest of a run with the hashes of its files as they are, and with its own checksum."""
    from forecaster.experiments.stored_files import document_checksum
    from forecaster.files import sha256_of

    if isinstance(document.get("files"), dict):
        recorded = document["files"]
        hashes = {name: sha256_of((folder / name).read_bytes()) for name in recorded if (folder / name).is_file()}
        document = {**document, "files": {**recorded, **hashes}}
    try:
        document = {**document, "checksum": document_checksum(document)}
    except UnicodeEncodeError:  # a surrogate has no checksum
        document = {**document, "checksum": "0" * 64}
    (folder / "manifest.json").write_text(json.dumps(document))
