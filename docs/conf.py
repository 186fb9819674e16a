"""Settings of the documentation site: `sphinx-build -W docs site`."""

import re
import tomllib
from pathlib import Path

import forecaster

ROOT = Path(__file__).parents[1]
project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
author = project_copyright = "The contributors to forecaster"
release = forecaster.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "code"

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_sourcelink = False

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

# Files outside docs/ that have a page on the site, and that page.
PAGES_OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
}


def complete_page(_app, _name, source):
    """Make links of the repository links of the site, include files outside docs/, and list the public names."""
    text = re.sub(r"```\{include\} \.\./(\S+)\n```", lambda found: _inside(found[1]), source[0])
    for outside, page in PAGES_OUTSIDE.items():
        text = re.sub(rf"\]\(\.\./{re.escape(outside)}(?=[#)])", f"]({page}", text)
    public = sorted({*forecaster.__all__} - {"__version__"}, key=str.lower)
    text = text.replace("% functions", _documented("autofunction", [name for name in public if name.islower()]))
    text = text.replace("% classes", _documented("autoclass", [name for name in public if not name.islower()]))
    source[0] = text


def _documented(directive, names):
    """Directives of Sphinx that show the docstrings of public names."""
    lines = [f".. {directive}:: forecaster.{name}" + _members(getattr(forecaster, name)) for name in names]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def _members(value):
    """Options that list the members of a class; those of a result that draws itself are mostly its base's."""
    if not isinstance(value, type):
        return ""
    inherits = value.__module__.startswith("forecaster.workflows.")
    return "\n   :members:" + "\n   :inherited-members: Tabular" * inherits


def _inside(path):
    """The text of a file of the repository, whose links begin at docs/."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.sub(r"\]\((?:\.\./)?docs/", "](", re.sub(r"\]\((?=[A-Z]+\.md)", "](../", text))


def setup(app):
    """Join the events of Sphinx."""
    app.connect("source-read", complete_page)
