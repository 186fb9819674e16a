"""JSON Schema (draft 2020-12) of every document, from the keys that docs/json.md lists."""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from forecaster.errors import UsageError
from forecaster.output.json_keys import DOCUMENTS, LISTS, NAMES, DocumentedKey, keys_of_document
from forecaster.output.json_parts import PARTS

__all__ = ["document_names", "document_schema", "schemas_document"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OPTIONAL = "optional "
_INSIDE = re.compile(r"(?:\[\]|\.<\w+>)+$")  # end of a path after the key that may be missing
_TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
}


def document_names() -> dict[str, str]:
    """Name of each document -> the command that prints it."""
    versions = [_version(command) for command in DOCUMENTS]
    return {_name(command, versions): command for command in DOCUMENTS}


def _name(command: str, versions: list[str | None]) -> str:
    if command in NAMES:
        return NAMES[command]
    version = _version(command)
    if version is not None and versions.count(version) == 1:
        return version.partition("/")[0].replace("_", "-")
    words = command.partition(" --")[0].split()[1:]
    return "-".join(word for word in words if not word.isupper())


def _version(command: str) -> str | None:
    """Value of the key ``schema`` of a document."""
    return next((key.meaning for key in keys_of_document(command) if key.path == "schema"), None)


def schemas_document() -> dict[str, Any]:
    """The document ``schemas/1``: every name, and the command of its document."""
    schemas = [
        {"name": name, "command": command, "version": _version(command), "list": command in LISTS}
        for name, command in document_names().items()
    ]
    return {"schema": "schemas/1", "schemas": schemas}


def document_schema(name: str) -> dict[str, Any]:
    """JSON Schema of what a command prints.

    Args:
        name: Name of the document.

    Raises:
        UsageError: There is no such document.
    """
    names = document_names()
    if name not in names:
        near = difflib.get_close_matches(name.lower(), names, n=1) or [key for key in names if name in key][:1]
        meant = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(names)}"
        raise UsageError(f"no document is called {name[:60]!r}; {meant}")
    command = names[name]
    document = _section(keys_of_document(command))
    used = {*_parts_in(document)}
    parts: dict[str, Any] = {}
    while used:
        part = used.pop()
        parts[part] = _section(_keys(PARTS[part]))
        used |= {*_parts_in(parts[part])} - parts.keys()
    head = {"$schema": _DIALECT, "$id": f"urn:forecaster:{name}", "title": name, "description": command}
    definitions = {part.lower(): parts[part] for part in PARTS if part in parts}
    if command in LISTS:
        return {
            **head,
            "type": "array",
            "items": {"$ref": f"#/$defs/{name}"},
            "$defs": {name: document, **definitions},
        }
    return {**head, **document, **({"$defs": definitions} if definitions else {})}


def _parts_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2].upper()
        for value in schema.values():
            yield from _parts_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _parts_in(value)


def _keys(text: str) -> Iterator[DocumentedKey]:
    for line in text.strip().splitlines():
        yield DocumentedKey(*(part.strip() for part in line.split(" | ", 2)))


@dataclasses.dataclass
class _Node:
    """A value in a document: its own types, and the keys and items in it."""

    kinds: list[str] = dataclasses.field(default_factory=list)
    meaning: str = ""
    optional: bool = False
    keys: dict[str, "_Node"] = dataclasses.field(default_factory=dict)
    patterns: dict[str, "_Node"] = dataclasses.field(default_factory=dict)
    item: "_Node | None" = None

    def at(self, path: str) -> "_Node":
        """The node at a path below this one."""
        if not path:
            return self
        match = re.match(r"\[\]\.?|([^.\[]+)\.?", path)
        if match is None:
            raise ValueError(path)
        rest = path[match.end() :]
        if match[1] is None:
            self.item = self.item or _Node()
            return self.item.at(rest)
        if "<" in match[1]:
            return self.patterns.setdefault(re.sub(r"<\w+>", ".+", f"^{match[1]}$"), _Node()).at(rest)
        return self.keys.setdefault(match[1], _Node()).at(rest)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the value."""
        options = [option for kind in self.kinds if (option := _type(kind)) is not None]
        if self.keys or self.patterns:
            if options and "$ref" in options[0]:
                options[0].update(self._object())
            else:
                options.append({"type": "object", **self._object()})
        if self.item is not None:
            options.append({"type": "array", "items": self.item.schema()})
        described = {"description": self.meaning} if self.meaning else {}
        if "ANY" in self.kinds or not options:
            return described
        if len(options) == 1:
            return {**described, **options[0]}
        if all(option.keys() == {"type"} for option in options):
            return {**described, "type": [option["type"] for option in options]}
        return {**described, "anyOf": options}

    def _object(self) -> dict[str, Any]:
        parts: dict[str, Any] = {}
        if self.keys:
            parts["properties"] = {name: node.schema() for name, node in self.keys.items()}
            if required := [name for name, node in self.keys.items() if not node.optional]:
                parts["required"] = required
        if "^.+$" in self.patterns:  # any key that is not named
            parts["additionalProperties"] = self.patterns.pop("^.+$").schema()
        if self.patterns:
            parts["patternProperties"] = {name: node.schema() for name, node in self.patterns.items()}
        return parts


def _section(keys: Iterable[DocumentedKey]) -> dict[str, Any]:
    """JSON Schema of an object with these keys."""
    root = _Node()
    for key in keys:
        node = root.at(key.path)
        kind = key.kind.removeprefix(_OPTIONAL)
        if kind != key.kind:
            root.at(_INSIDE.sub("", key.path)).optional = True
        node.kinds += kind.replace("true or false", "boolean").split(" or ")
        node.meaning = key.meaning
    schema = root.schema()
    version = schema["properties"].get("schema")
    if version is not None:
        schema["properties"]["schema"] = {"const": version["description"]}
    return schema


def _type(kind: str) -> dict[str, Any] | None:
    if kind in PARTS:
        return {"$ref": f"#/$defs/{kind.lower()}"}
    return dict(_TYPES[kind]) if kind in _TYPES else None
