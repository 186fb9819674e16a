"""The documents say what the program does: nothing outdated, nothing dangling, nothing of anybody's machine."""

import ast
import re
import runpy
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_architecture import LEAVES, ORDER

import forecaster
from forecaster import __version__
from forecaster.cli import cli
from forecaster.cli.positional import is_instrument
from forecaster.evaluation.registry import metric_table

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
EVALUATION = ROOT / "docs" / "evaluation.md"
GLOSSARY = ROOT / "docs" / "glossary.md"
READMES = [ROOT / folder / "README.md" for folder in ("benchmarks", "data")]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *READMES])
FOLDERS = (".ci", "benchmarks", "configs", "docs", "forecaster", "tests")

# With the settings of the group: click remembers in a command what its help option was called the first time.
GROUP = click.Context(cli, info_name="forecast", **cli.context_settings)
COMMANDS = {name: cli.get_command(GROUP, name) for name in cli.list_commands(GROUP)}


def text_files() -> Iterator[Path]:
    """What the project ships as text, without asking git, which a source archive does not have."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    for path in sorted([*ROOT.iterdir(), ROOT / "data" / "README.md", *inside]):
        if path.is_file() and path.suffix not in {".png", ".pyc", ".npz", ".sqlite", ".zip"}:
            yield path


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def shell_lines(page: str) -> list[str]:
    """Commands of a page: lines of its ``sh`` blocks, and those after ``$`` in its ``console`` blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    sessions = re.findall(r"^```console\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    blocks += [line for session in sessions for line in re.findall(r"^\$ (.+)$", session, flags=re.MULTILINE)]
    return [line.strip() for block in blocks for line in block.splitlines() if line.split("#")[0].strip()]


def marked_line(name: str) -> str:
    found = re.search(rf"^<!-- ci: {name} -->\n```sh\n(.+)\n```$", read(README), flags=re.MULTILINE)
    assert found is not None, f"README.md: expected one line of shell in a block under <!-- ci: {name} -->"
    return found[1]


def test_the_command_reference_is_up_to_date() -> None:
    tool = runpy.run_path(str(ROOT / "docs" / "make_cli.py"))
    page = read(ROOT / "docs" / "cli.md")
    assert tool["is_current"](page), "run: python docs/make_cli.py"
    assert not tool["is_current"](page.replace("--pair", "--paar"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    command = COMMANDS[name]
    section = read(ROOT / "docs" / "cli.md").partition(f"## forecast {name}\n")[2].partition("\n## ")[0]
    assert command.help
    assert command.short_help
    assert f"forecast {name} " in read(README)
    for option in command.params:
        if isinstance(option, click.Argument):
            continue
        assert isinstance(option, click.Option)
        assert option.help, f"forecast {name} {option.opts[-1]} has no help"
        assert all(flag in section for flag in option.opts)


def test_every_metric_is_documented_with_unit_best_value_and_formula() -> None:
    assert f"\n{metric_table()}\n" in read(EVALUATION)


def test_the_two_lines_of_the_readme_are_there() -> None:
    main, tests = marked_line("main"), marked_line("tests")
    assert main.startswith("python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/forecast train ")
    assert tests == "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest"
    for name in ("main", "tests"):
        assert f"readme_line {name}" in read(ROOT / ".ci" / "run")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_document_can_be_typed(page: Path) -> None:
    for line in shell_lines(read(page)):
        for part in re.split(r"&&|\|", line):
            words = [word.removeprefix(".venv/bin/") for word in shlex.split(part, comments=True)]
            if words[:1] == ["forecast"] and len(words) > 1 and words[1] in COMMANDS:
                # Raises UsageError for an option or a choice that does not exist.
                COMMANDS[words[1]].make_context(words[1], words[2:], parent=GROUP)
            elif words[:1] == ["forecast"] and len(words) > 1 and is_instrument(words[1], COMMANDS):
                COMMANDS["predict"].make_context("predict", words[1:], parent=GROUP)
            elif words[:1] == ["forecast"]:
                assert words[1:] in (["--help"], ["--version"]), line
            elif words[:1] == ["python"]:
                assert words[1] == "-m" or (ROOT / words[1]).is_file(), line


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    text = read(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(read(linked)), f"{page.name}: {target}"


def anchors(page: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_named_file_exists(page: Path) -> None:
    for name in re.findall(rf"`((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*)`", read(page)):
        assert (ROOT / name).exists(), f"{page.name}: {name}"


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_room_and_leaf_is_named(page: str) -> None:
    text = read(ROOT / page)
    assert " -> ".join(ORDER) in text
    assert all(re.search(rf"`{leaf}/?`", text) for leaf in LEAVES)


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", read(page), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_in_a_document_uses_public_names(page: Path) -> None:
    for block in python_blocks(page):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module == "forecaster":
                assert {alias.name for alias in node.names} <= set(forecaster.__all__)


@pytest.mark.slow
def test_the_python_of_the_api_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.delenv("FORECAST_HOME", raising=False)
    blocks = python_blocks(ROOT / "docs" / "api.md")
    assert len(blocks) > 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/api.md", "exec"), names)
    assert (tmp_path / "usdjpy.png").is_file()


def test_the_table_of_changes_names_what_is_in_the_file() -> None:
    table = read(ROOT / "docs" / "architecture.md").partition("## Where to change what")[2]
    rows = re.findall(r"^\| [^`|]+ \| `([^`]+)` \| `([^`]+)` \|$", table, flags=re.MULTILINE)
    assert len(rows) == table.count("\n| ") - 1 > 15
    for name, content in rows:
        assert re.search(rf"\b{content}\b", read(ROOT / name)), f"{content} in {name}"


def test_every_page_is_in_a_table_of_contents() -> None:
    contents = "\n".join(re.findall(r"```{toctree}\n(.*?)```", read(ROOT / "docs" / "index.md"), flags=re.DOTALL))
    listed = set(re.findall(r"^\w+$", contents, flags=re.MULTILINE))
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"} == listed


def test_the_glossary_defines_each_term_once_in_a_few_sentences() -> None:
    entries = [entry.partition("\n## ")[0].partition("\n\n") for entry in read(GLOSSARY).split("\n### ")[1:]]
    terms = {term.lower() for term, _, _ in entries}
    assert len(entries) == len(terms) > 50
    for term, _, definition in entries:
        assert 1 <= len(re.findall(r"[.](?:\s|$)", definition)) <= 3, term


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_with_abbreviations_links_to_the_glossary(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", read(page), flags=re.DOTALL)
    abbreviations = set(re.findall(r"^### ([A-Z-]{3,})$", read(GLOSSARY), flags=re.MULTILINE))
    assert {"CRPS", "PIT", "GARCH"} <= abbreviations
    if page not in (GLOSSARY, ROOT / "docs" / "cli.md") and abbreviations & set(re.findall(r"[A-Z-]{3,}", prose)):
        assert "glossary.md" in read(page)


def test_the_readme_is_one_page() -> None:
    lines = read(README).splitlines()
    assert len(lines) <= 115
    assert all(len(line) <= 120 for line in lines if not line.startswith("!["))


def test_nothing_tells_of_a_machine_or_a_registry() -> None:
    paths = re.compile(r"(?<![\w.~$}])/(?:root|work|opt|mnt|srv|home/\w+|Users/\w+|tmp/\w{6,})/")
    hosts = re.compile(r"p[y]pi\.|python[h]osted|[a]rtifactory|index-[u]rl *=|find-[l]inks *=", re.IGNORECASE)
    assert paths.search("see /" + "root/x")
    assert hosts.search("files.python" + "hosted.org")
    for path in text_files():
        text = read(path)
        assert not paths.search(text), path
        assert not hosts.search(text), path


def test_the_lock_holds_no_address_and_every_dependency() -> None:
    lock = read(ROOT / "requirements.lock")
    assert "://" not in lock
    pins = {
        canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE)
    }
    assert lock.count("--hash=sha256:") > len(pins)
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    for text in (*project["dependencies"], *project["optional-dependencies"]["dev"]):
        wanted = Requirement(text)
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), f"{text}: make requirements.lock anew"


def test_every_dependency_has_its_reason() -> None:
    page = read(ROOT / "docs" / "dependencies.md").lower()
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    for text in project["dependencies"]:
        assert f"`{Requirement(text).name.lower()}`" in page, text


def test_changelog_license_and_notice() -> None:
    assert re.search(
        rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d$", read(ROOT / "CHANGELOG.md"), re.MULTILINE
    )
    assert read(ROOT / "LICENSE").split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "Source: ECB statistics" in read(ROOT / "NOTICE")
    assert "ECB statistics" in read(README)


def test_the_picture_is_there_and_light() -> None:
    picture = ROOT / "docs" / "usdjpy.png"
    assert "(docs/usdjpy.png)" in read(README)
    assert 10_000 < picture.stat().st_size < 400_000
