"""Rules of language that can be tested: plain first words, nouns for variables, no phrases of a private dialect."""

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from forecaster.cli import cli

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "forecaster").rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

FIRST_WORDS = frozenset({"of", "what", "how", "which", "whether", "when", "where", "such"})
"""Words that no help text and no first line of a docstring begins with: they announce a riddle, not a thing."""

VARIABLES = frozenset({"one", "found", "made", "told", "said", "kept", "asked", "known", "it"})
"""Names that say nothing of what a variable holds; the noun does: `series`, `run`, `finding`, `message`."""

CONSTANTS = re.compile(r"(^|_)(LEAST|MOST|USUAL|LARGEST|SMALLEST)(_|$)")
"""Constants are called MIN_X, MAX_X and DEFAULT_X."""

PHRASES = re.compile(
    r"could have seen|as promised|keeps? (its|their) promise|learned by heart|the hardest of|fed back"
    r"|as far as can be seen"
    r"|second opinion|know each other|how restless|how lively|what was said|beside every|of everything|is told of"
    r"|nothing tells|none tells|as ever\b|has been told|what the model says|are not a model",
    re.IGNORECASE,
)
"""Phrases with a plain form: minimum detectable effect, nominal coverage, overfitted, recursive forecast."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(command: click.Command = cli, path: str = "forecast") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, f"{path} {name}")


def first_word(text: str) -> str:
    match = re.match(r"\W*(\w+)", text)
    return match[1].lower() if match else ""


def documented(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def described_arguments(docstring: str) -> Iterator[str]:
    """Descriptions of the arguments in the section ``Args`` of a docstring."""
    section = re.search(r"^(?:Args|Attributes):\n((?:(?: .*)?\n)*(?: .*)?)", docstring, re.MULTILINE)
    if section:
        yield from re.findall(r"^ {4}\*{0,2}\w+: (.+)", section[1], re.MULTILINE)


def assigned_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of every variable, parameter, function and class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def packed(tree: ast.Module) -> Iterator[int]:
    """Lines that assign several unrelated values at once.

    Values are related where they are calls of one function, or of one form apart from names and numbers, or where the
    line swaps or shifts: a value is one of the names that it assigns.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
            continue
        target, values = node.targets[0], node.value.elts
        if not isinstance(target, ast.Tuple) or any(isinstance(value, ast.Starred) for value in values):
            continue
        names = {part.id for part in target.elts if isinstance(part, ast.Name)}
        shifts = any(isinstance(value, ast.Name) and value.id in names for value in values)
        functions = {ast.dump(value.func) if isinstance(value, ast.Call) else "" for value in values}
        one_function = len(functions) == 1 and "" not in functions
        if not (shifts or one_function or len({skeleton(value) for value in values}) == 1):
            yield node.lineno


class Form(ast.NodeTransformer):
    """The form of an expression: names, numbers, texts and attributes become one, called functions stay."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name("_")

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Name("_")

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name("_")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        return self.visit(node.operand)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])


def skeleton(value: ast.expr) -> str:
    return ast.dump(Form().visit(copy.deepcopy(value)))


def violations(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    for line, docstring in documented(tree):
        if first_word(docstring) in FIRST_WORDS:
            yield f"{line}: begins with {first_word(docstring)!r}: {docstring.splitlines()[0]}"
        for text in described_arguments(docstring):
            if first_word(text) in FIRST_WORDS - {"whether"}:
                yield f"{line}: an argument begins with {first_word(text)!r}: {text}"
    for line, name in assigned_names(tree):
        if name in VARIABLES:
            yield f"{line}: a variable {name!r}"
        if CONSTANTS.search(name):
            yield f"{line}: a constant {name!r}"
    for line in packed(tree):
        yield f"{line}: unrelated values are assigned in one line"
    yield from phrases(source)


def phrases(text: str) -> Iterator[str]:
    for match in PHRASES.finditer(text):
        yield f"{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"


def test_help_begins_with_a_verb_or_a_noun() -> None:
    helped = [(path, command.help or "") for path, command in commands()]
    for path, command in commands():
        options = (option for option in command.params if isinstance(option, click.Option))
        helped += [(f"{path} {option.opts[0]}", option.help or "") for option in options]
    assert [f"{name}: {text}" for name, text in helped if not text or first_word(text) in FIRST_WORDS] == []


@pytest.mark.parametrize("path", [*PACKAGE, *BENCHMARKS], ids=relative)
def test_a_module_is_written_in_plain_english(path: Path) -> None:
    assert [f"{relative(path)}:{violation}" for violation in violations(path)] == []


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_a_page_is_written_in_plain_english(path: Path) -> None:
    assert [f"{relative(path)}:{violation}" for violation in phrases(path.read_text(encoding="utf-8"))] == []


BAD = '''"""What this is."""
_LEAST_ROWS = 3
first, second = len("a"), open("b")


def mean(it: int) -> None:
    """Mean.

    Args:
        it: Of the mean.
    """
    for one in range(3):  # keeps its promise
        first, second = second, first
'''


def test_the_rules_find_what_they_forbid(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(BAD)
    rules = [violation.partition(": ")[2].split(":")[0] for violation in violations(path)]
    assert sorted(rules) == sorted(
        [
            "begins with 'what'",
            "an argument begins with 'of'",
            "a constant '_LEAST_ROWS'",
            "a variable 'it'",
            "a variable 'one'",
            "unrelated values are assigned in one line",
            "'keeps its promise'",
        ]
    )
