"""docs/json.md: written from the documented keys, and complete."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from documented_keys import differences, expanded

from forecaster.output.json_keys import DOCUMENTS, keys_of_document

ROOT = Path(__file__).parents[1]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_json", ROOT / "docs" / "make_json.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    made = generator()
    assert made.PAGE.read_text(encoding="utf-8") == made.reference(), "run: python docs/make_json.py"


@pytest.mark.parametrize("command", DOCUMENTS)
def test_every_key_has_a_type_and_a_meaning(command: str) -> None:
    keys = list(keys_of_document(command))
    assert all(key.path and key.kind and key.meaning for key in keys)
    assert len({key.path for key in keys}) == len(keys)
    assert len(expanded(command)) >= len(keys) - 1


def test_a_key_that_is_not_documented_is_reported() -> None:
    command = "forecast config list --format json"
    row = {"name": "gru", "model": "gru", "purpose": "layers"}
    assert differences(command, {"schema": "configurations/1", "configurations": [row]}) == []
    (extra,) = differences(command, {"schema": "configurations/1", "configurations": [{**row, "kind": "gru"}]})
    assert extra.startswith("configurations[].kind")
    wrong = differences(command, {"schema": 1, "configurations": []})
    assert "documented as text" in wrong[0]
    assert wrong[1].startswith("schema: $.schema: 'configurations/1' was expected")
    assert differences(command, {"schema": "configurations/1", "configurations": [{"name": "gru"}]}) != []
