"""Comparison of a JSON document with the keys that docs/json.md lists for it."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from forecaster.files import plain
from forecaster.output.json_keys import LISTS, DocumentedKey, keys_of_document
from forecaster.output.json_parts import PARTS
from forecaster.output.json_schema import document_names, document_schema

Leaf = tuple[str, Any]


def expanded(command: str) -> dict[str, str]:
    """Path -> type, with the keys of parts in their places."""
    return dict(_expanded(keys_of_document(command)))


def _expanded(keys: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key in keys:
        path = f"{prefix}{key.path}"
        part, _, rest = key.kind.partition(" or ")
        if part in PARTS:
            lines = (line.split(" | ", 2) for line in PARTS[part].strip().splitlines())
            yield from _expanded((DocumentedKey(*line) for line in lines), f"{path}.")
            if rest:
                yield path, rest
        else:
            yield path, key.kind.removeprefix("optional ")


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path, value


def pattern(path: str) -> re.Pattern[str]:
    """A pattern for the paths that a documented one stands for; the key of a level has a point in it."""
    parts = re.split(r"(<\w+>)", path)
    return re.compile("".join(r"[^\[\]]+?" if part.startswith("<") else re.escape(part) for part in parts))


def is_of(value: Any, kind: str) -> bool:
    kinds = {
        "null": value is None,
        "true": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "date": isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None,
        "text": isinstance(value, str),
    }
    return any(kinds.get(name, False) for name in kind.replace("true or false", "true").split(" or "))


def differences(command: str, document: Any) -> list[str]:
    """Keys of a document that are not documented, or have another type."""
    documented = expanded(command)
    patterns = [(pattern(path), kind) for path, kind in documented.items()]
    wrong = set()
    for path, value in leaves(document):
        fitting = [kind for compiled, kind in patterns if compiled.fullmatch(path)]
        inside = any(kind == "ANY" and compiled.match(path) for compiled, kind in patterns)
        if not inside and not any(is_of(value, kind) for kind in fitting):
            wrong.add(f"{path} is {value!r:.40}, documented as {' or '.join(fitting) or 'nothing'}")
    return sorted(wrong | set(schema_errors(command, document)))


@functools.cache
def validator(command: str) -> Draft202012Validator:
    """Validator of one document of a command."""
    schema = document_schema(next(name for name, printed in document_names().items() if printed == command))
    if command in LISTS:
        schema = {"$ref": schema["items"]["$ref"], "$defs": schema["$defs"]}
    return Draft202012Validator(schema)


def schema_errors(command: str, document: Any) -> Iterator[str]:
    """Differences from the JSON Schema that `forecast schema` prints."""
    for error in validator(command).iter_errors(plain(document)):
        yield f"schema: {error.json_path}: {error.message[:120]}"


def missing(command: str, documents: list[Any]) -> list[str]:
    """Documented keys that none of the documents has."""
    paths = {path for document in documents for path, _ in leaves(document)}
    return [
        path
        for path, kind in expanded(command).items()
        if kind not in ("null", "ANY", "list") and not any(pattern(path).fullmatch(real) for real in paths)
    ]
