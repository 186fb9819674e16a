"""Hostile YAML: refused in one line with its line number, before anything is built."""

import tracemalloc
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from forecaster.config import load_config
from forecaster.errors import ConfigError
from forecaster.yaml_text import MAX_BYTES, MAX_DEPTH, YamlTextError, parse_yaml

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{previous}'] * 9)}]\n"
    for previous, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = {
    "a billion laughs": (LAUGHS, ":2: an alias (*a)"),
    "an anchor inside itself": ("seed: &a [*a]\n", ":1: an alias (*a)"),
    "a mapping inside itself": ("model: &m {kind: *m}\n", ":1: an alias (*m)"),
    "a merge": ("data: &d {name: x}\nmodel: {<<: *d}\n", ":2: an alias (*d)"),
    "deep lists": ("seed: " + "[" * 3000 + "]" * 3000, "levels of nesting"),
    "deep mappings": ("\nseed: " + "{a: " * 3000 + "1" + "}" * 3000, ":2: more than 20 levels of nesting"),
    "deep blocks": ("".join(" " * depth + "a:\n" for depth in range(200)), "levels of nesting"),
    "many digits": ("seed: " + "9" * 5000, ":1: a number of 5000 characters"),
    "many hexadecimal digits": ("seed: 0x" + "f" * 5000, ":1: a number of 5002 characters"),
    "many parts of an hour": ("seed: 1" + ":59" * 3000, ":1: a number of"),
    "a large file": ("seed: 1 #" + "x" * MAX_BYTES, "larger than 64 KiB"),
    "a null": ("data: {name: \"\\0\"}", ":1: a character that no text can hold"),
    "half a character": ("data: {name: \"\\ud800\"}", ":1: a character that no text can hold"),
    "no hexadecimal number": ("seed: 0x_", "looks like a number, but is not one"),
    "no key": ("? [1]\n: 2", "not valid YAML"),
    "the sign of a default": ("seed: =", "not valid YAML"),
    "two documents": ("seed: 1\n---\nseed: 2", "not valid YAML"),
}  # fmt: skip
TAGS = ("!!int x", "!!float x", "!!bool x", "!!timestamp x", '!!int ""', "!!binary x", "!own x", "!!set {a}",
        "! x", "!!python/object/apply:os.system [x]", "!!python/name:os.system", "!!omap [a: 1]", "!!map {}",
        "!!null x")  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_line(tmp_path: Path, name: str) -> None:
    text, message = HOSTILE[name]
    file = tmp_path / "c.yaml"
    file.write_text(text)
    tracemalloc.start()
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (line,) = caught.value.messages
    assert message in line
    assert len(line) < 300
    assert peak < 20e6


@pytest.mark.parametrize("tag", TAGS)
def test_tags_are_refused_in_a_file_and_in_an_assignment(tmp_path: Path, tag: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"seed: {tag}\n")
    with pytest.raises(ConfigError, match=r":1: a tag \(.*\); expected a value without one"):
        load_config(file)
    with pytest.raises(ConfigError, match=r"--set seed: a tag"):
        load_config(None, [f"seed={tag}"])


@pytest.mark.parametrize("kind", ["[1]", "{a: 1}", "null", "3", "1e400", "''", "true", "[[lstm]]"])
@pytest.mark.parametrize("section", ["model: {{kind: {0}}}", "model: {0}"])
def test_a_kind_that_is_no_text_is_one_line(tmp_path: Path, kind: str, section: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(section.format(kind))
    if section == "model: {0}" and kind in {"null", "''"}:
        assert load_config(file).kind == "lstm"
        return
    with pytest.raises(ConfigError, match="model"):
        load_config(file)


@pytest.mark.parametrize("key", ["data.options" + ".a" * 3000, "a" * 100_000, "model" + ".units" * 500])
def test_a_long_key_of_an_assignment_is_one_short_line(key: str) -> None:
    with pytest.raises(ConfigError, match="unknown key") as caught:
        load_config(None, [f"{key}=1"])
    assert max(map(len, caught.value.messages)) < 300


def nested(depth: int) -> str:
    return "a: " + "[" * (depth - 1) + "1" + "]" * (depth - 1)


def test_the_bounds_are_where_they_are_said_to_be() -> None:
    parse_yaml(nested(MAX_DEPTH))
    with pytest.raises(YamlTextError, match="levels"):
        parse_yaml(nested(MAX_DEPTH + 1))
    assert parse_yaml("9" * 64).value == int("9" * 64)
    with pytest.raises(YamlTextError, match="a number of 65"):
        parse_yaml("9" * 65)
    assert parse_yaml(f"'{'9' * 65}'").value == "9" * 65


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)  # fmt: skip


@given(VALUES)
def test_what_the_program_writes_it_reads(value: object) -> None:
    assert parse_yaml(yaml.safe_dump(value)).value == value
