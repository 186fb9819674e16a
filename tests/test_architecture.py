"""The shape of the package: what may import what, where third parties live, how large things may grow."""

import ast
import graphlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from forecaster.data.sources import SOURCES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "forecaster"

# The import law: each room imports only from those on its left, and from the leaves.
ORDER = (
    *("data", "features", "models", "config", "datasets", "evaluation"),
    *("pipeline", "experiments", "output", "workflows", "cli"),
)
# Import one another only.
LEAVES = {
    *("arrays", "environment", "errors", "files", "forecast", "frames", "model_names", "quantiles", "stats"),
    "yaml_text",
}

# Third party -> the only places that may import it. Whatever is not named here has no home.
HOMES = {
    "arch": ("models/baselines", "stats"),
    "click": ("cli",),
    "curl_cffi": ("data/sources",),  # what yfinance talks through
    "dateutil": ("data/calendars.py", "data/horizons.py"),
    "holidays": ("data/calendars.py",),
    "jax": ("models",),
    "keras": ("models",),
    "matplotlib": ("output",),
    "mlflow": ("experiments",),
    "numpy": ("",),
    "onnx": ("models/exports",),
    "onnxruntime": ("models/exports",),
    "optuna": ("experiments",),
    "openpyxl": ("data/tables", "output/workbook_file.py"),
    "packaging": ("workflows/doctor_system.py",),
    "pandas": ("data/sources", "frames.py"),
    "platformdirs": ("models",),
    "pydantic": (
        "config.py",
        "config_keys.py",
        "config_sections.py",
        "data/sources",
        "experiments/manifest_schema.py",
        "experiments/run_index.py",
        "experiments/watch_rules.py",
        "models",
    ),
    "ray": ("experiments",),
    "rich": ("output", "cli"),
    "scipy": ("models/baselines", "stats"),
    "statsmodels": ("stats",),
    "tensorflow": ("models",),
    "yaml": ("config.py", "yaml_text.py"),
    "yfinance": ("data/sources",),
}

FILE_LINES, FUNCTION_LINES, CLASS_LINES, PARAMETERS = 400, 45, 200, 7  # docstrings do not count in functions


class Import(NamedTuple):
    module: str  # dotted
    line: int


def parsed() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


TREES = parsed()


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path) for path in TREES}


def imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(one.name, node.lineno) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            names = [f"{node.module}.{one.name}" for one in node.names]
            targets = {name if name in MODULES else str(node.module) for name in names}
            yield from (Import(name, node.lineno) for name in targets)


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def part(module: str) -> str:
    """`data` for `forecaster.data.series`; empty for the package itself."""
    name = (*module.split("."), "")[1]
    return {
        "config_keys": "config",
        "config_sections": "config",
        "pipeline_evaluation": "pipeline",
        "pipeline_walk_forward": "pipeline",
    }.get(name, name)  # rooms of several files


def may_import(importer: str, imported: str) -> bool:
    source, target = part(importer), part(imported)
    if source == "__main__" or target in LEAVES or target == "":  # the package itself: its version
        return source not in LEAVES or target in LEAVES
    return source in ORDER and target in ORDER and ORDER.index(target) <= ORDER.index(source)


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_part_has_its_place_in_the_sentence() -> None:
    found = {part(module_name(path)) for path in TREES} - {"", "__main__"}
    assert found == {*ORDER, *LEAVES}


def test_imports_go_from_right_to_left_only() -> None:
    broken = [
        f"{where(path, one.line)} imports {one.module}"
        for path, tree in TREES.items()
        for one in imports(tree)
        if one.module.split(".")[0] == "forecaster" and not may_import(module_name(path), one.module)
    ]
    assert not broken


def test_no_module_imports_itself_through_others() -> None:
    graph = {module_name(path): {one.module for one in imports(tree)} & MODULES for path, tree in TREES.items()}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the cycle


def test_third_parties_stay_at_home() -> None:
    astray = [
        f"{where(path, one.line)} imports {one.module}"
        for path, tree in TREES.items()
        for one in imports(tree)
        if (name := one.module.split(".")[0]) not in {*sys.stdlib_module_names, "forecaster"}
        and not any(path.is_relative_to(PACKAGE / home) for home in HOMES.get(name, ()))
    ]
    assert not astray


def test_nothing_hides_from_the_law() -> None:
    hidden = [path for path in TREES if "TYPE_CHECKING" in path.read_text(encoding="utf-8")]
    drawers = [path for path in PACKAGE.rglob("*") if path.stem in {"utils", "util", "common", "helpers", "misc"}]
    assert not hidden
    assert not drawers


def test_models_are_known_by_name_in_their_room_only() -> None:
    """Everything else asks their traits and their options."""
    named = re.compile(
        r"\b(LSTMOptions|GRUOptions|ClassicOptions|QuantileOptions|PANEL_MODELS|CALIBRATED_MODELS)\b"
        r"|(kind|model|name) (==|!=|in|not in) [\"'(\[{]+(lstm|gru|classic)\b"
    )
    broken = [
        f"{where(path, number)}: {line.strip()}"
        for path in TREES
        if not path.is_relative_to(PACKAGE / "models")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if named.search(line)
    ]
    assert not broken


def source_names(tree: ast.Module) -> Iterator[int]:
    """Lines with the key of a source as text, or with a comparison between a `source` and a text."""
    keys = SOURCES.keys() - {"csv", "memory"}  # which are kinds of instruments as well
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in keys:
            yield node.lineno
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(map(names_source, sides)) and any(holds_text(one) for one in sides):
                yield node.lineno


def holds_text(node: ast.expr) -> bool:
    """True for a string or a group of strings."""
    items = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in items)


def names_source(node: ast.expr) -> bool:
    """True for `source`, `series.source`, `histories.source.name` and `source_name`."""
    if isinstance(node, ast.Attribute):
        return node.attr in {"source", "source_name"} or names_source(node.value)
    return isinstance(node, ast.Name) and node.id in {"source", "source_name"}


def test_only_the_sources_know_the_name_of_a_source() -> None:
    known = [
        where(path, line)
        for path, tree in TREES.items()
        if not path.is_relative_to(PACKAGE / "data" / "sources")
        for line in source_names(tree)
    ]
    assert not known, "let the source say it in its traits"


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_functions_and_classes_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    too_large = [f"{where(path, 1)} has {lines} lines"] if lines > FILE_LINES else []
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if (length := body_lines(node)) > FUNCTION_LINES:
                too_large.append(f"{where(path, node.lineno)} {node.name} has {length} lines")
            if (count := parameters(node, path.parent.name in {"cli", "workflows"})) > PARAMETERS:
                too_large.append(f"{where(path, node.lineno)} {node.name} has {count} parameters")
        elif isinstance(node, ast.ClassDef) and node.end_lineno - node.lineno >= CLASS_LINES:
            too_large.append(f"{where(path, node.lineno)} class {node.name} has more than {CLASS_LINES} lines")
    assert not too_large


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the last line, without the docstring."""
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    described = 0 if docstring is None else docstring.end_lineno - docstring.lineno + 1
    return node.end_lineno - node.lineno + 1 - described


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, positional_only: bool) -> int:
    """Number of parameters; intents and commands have a keyword for each option, which other tests limit."""
    keywords = [] if positional_only else node.args.kwonlyargs
    named = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *keywords)]
    return len([name for name in named if name not in {"self", "cls"}])


# A test that cannot fail is a defect: what follows feeds the law what it must refuse.


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("forecaster.data.series", "forecaster.models"),
        ("forecaster.models.classic", "forecaster.pipeline"),
        ("forecaster.models.classic", "forecaster.config"),
        ("forecaster.output.tables", "forecaster.workflows.train"),
        ("forecaster.errors", "forecaster.data.series"),
        ("forecaster.forecast", "forecaster.models"),
        ("forecaster.stats.mean_tests", "forecaster.evaluation.metrics"),
        ("forecaster.somewhere.new", "forecaster.data.series"),
    ],
)
def test_the_law_refuses(importer: str, imported: str) -> None:
    assert not may_import(importer, imported)


def test_the_law_allows() -> None:
    assert may_import("forecaster.cli.train", "forecaster.workflows")
    assert may_import("forecaster.config", "forecaster.models")
    assert may_import("forecaster.data.series", "forecaster.errors")
    assert may_import("forecaster.forecast", "forecaster.quantiles")
    assert may_import("forecaster.__main__", "forecaster.cli")


@pytest.mark.parametrize(
    "code",
    [
        'series.source == "csv"',
        'histories.source.name == "mine"',
        'source in ("mine", "yours")',
        'ONLINE = ("ecb", "yahoo")',
        'source != "auto"',
    ],
)
def test_a_source_known_by_name_is_seen(code: str) -> None:
    assert list(source_names(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'instrument.kind == "csv"',
        "series.source == run.source",
        "source is None",
        "source_traits(series.source).is_given",
        'format_option("csv", "json")',
    ],
)
def test_a_source_known_by_traits_is_fine(code: str) -> None:
    assert not list(source_names(ast.parse(code)))
