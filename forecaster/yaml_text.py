"""YAML from people: bounded in size, depth and length of numbers before any value is built from it.

A short text can describe a document without end, by aliases that contain one another. A configuration needs neither
aliases nor tags, so both are refused.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Location",
    "YamlDocument",
    "YamlTextError",
    "flow_text",
    "parse_yaml",
    "unreadable",
]

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_NUMBER_LENGTH = 64  # characters; Python takes a long time for numbers of many digits

Location = tuple[str | int, ...]


def unreadable(error: OSError | ValueError) -> str:
    """Clause about a file whose content cannot be had.

    Example:
        >>> unreadable(FileNotFoundError(2, "No such file or directory", "c.yaml"))
        'cannot be read as a YAML text file: No such file or directory'
    """
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return f"cannot be read as a YAML text file: {reason}"


class YamlTextError(ValueError):
    """A text is not YAML that can be used.

    Args:
        problem: Description of the problem.
        line: Line on which it is, from 1; None where there is none.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclasses.dataclass(frozen=True)
class YamlDocument:
    """A parsed text.

    Args:
        value: Dictionaries, lists, texts, numbers, truth values and None.
        lines: Location and line of each key and list item, in the order of the text; a key given twice is listed twice.
    """

    value: Any
    lines: Sequence[tuple[Location, int]]


class _Loader(yaml.SafeLoader):
    """Reads dates as text, and refuses what is too deep or too long to build, before it is built.

    A malformed date is so reported with its key and line like every other mistake.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def get_event(self) -> Any:
        """The next part of the text, of which nodes are composed."""
        event: Any = super().get_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlTextError(f"an alias (*{event.anchor:.40}); expected the value itself; write it out", line)
        if isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent) and event.tag is not None:
            raise YamlTextError(f"a tag ({event.tag:.40}); expected a value without one; remove it", line)
        self._depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if self._depth > MAX_DEPTH:
            raise YamlTextError(f"more than {MAX_DEPTH} levels of nesting", line)
        if isinstance(event, yaml.ScalarEvent):
            _check_scalar(self, event, line)
        return event


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str) -> YamlDocument:
    """Parse a text that holds one YAML document.

    Raises:
        YamlTextError: It is not YAML, or exceeds a bound, or has an alias or a tag.

    Example:
        >>> parse_yaml("seed: 1").value
        {'seed': 1}
    """
    if len(text) > MAX_BYTES:
        raise YamlTextError(f"longer than {MAX_BYTES // 1024} KiB")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
        raise YamlTextError(f"not valid YAML: {problem}", mark.line + 1 if mark else None) from error
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        if isinstance(error, YamlTextError):
            raise
        raise YamlTextError("not valid YAML: a value looks like a number, but is not one") from error
    return YamlDocument(value, tuple(_lines(node)))


def _check_scalar(loader: yaml.SafeLoader, event: yaml.ScalarEvent, line: int) -> None:
    if "\0" in event.value or any("\ud800" <= character < "\udc80" for character in event.value):
        raise YamlTextError("a character that no text can hold", line)
    if len(event.value) > MAX_NUMBER_LENGTH and event.implicit[0]:
        tag: Any = loader.resolve(yaml.ScalarNode, event.value, (True, False))  # type: ignore[no-untyped-call]
        if tag != loader.DEFAULT_SCALAR_TAG:
            raise YamlTextError(
                f"a number of {len(event.value)} characters; expected at most {MAX_NUMBER_LENGTH}", line
            )


def _lines(node: yaml.Node | None, location: Location = ()) -> Iterator[tuple[Location, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*location, key.value), key.start_mark.line + 1
            yield from _lines(value, (*location, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*location, index), value.start_mark.line + 1
            yield from _lines(value, (*location, index))


def flow_text(value: Any) -> str:
    """A value of JSON as YAML on one line.

    >>> flow_text({"a": [1, None]}), flow_text("b")
    ('{a: [1, null]}', 'b')
    """
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
