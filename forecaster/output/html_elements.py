"""HTML elements: built as a tree, so that every text and attribute is escaped when it is written."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from forecaster.output.visible_text import visible_text

__all__ = ["Content", "Element", "code", "content_hash", "data_block", "document", "element", "isolated", "table"]

Content = str | Element | None
"""Child of an element; None stands for no child."""


def element(tag: str, *children: Content, **attributes: str | float | None) -> Element:
    """An element with children and attributes.

    Args:
        tag: Name of the element.
        children: Texts and elements, in order.
        attributes: Attributes; an underscore at the end of a name is dropped, others become hyphens. One that is None
            is left out.

    >>> ElementTree.tostring(element("p", "a < b", class_="note"), encoding="unicode")
    '<p class="note">a &lt; b</p>'
    """
    named = {
        name.rstrip("_").replace("_", "-"): visible_text(str(value))
        for name, value in attributes.items()
        if value is not None
    }
    node = Element(tag, named)
    for child in children:
        if isinstance(child, str):
            _append_text(node, visible_text(child))
        elif child is not None:
            node.append(child)
    return node


def _append_text(node: Element, text: str) -> None:
    if len(node):
        node[-1].tail = (node[-1].tail or "") + text
    else:
        node.text = (node.text or "") + text


def isolated(text: str) -> Element:
    """A text from data, whose direction of writing does not affect what stands around it."""
    return element("bdi", text)


def code(text: str) -> Element:
    """A command or another text to type."""
    return element("code", text)


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[Content]], *, row_heads: bool = True, class_: str = ""
) -> Element:
    """A table in a frame that scrolls where the window is narrow.

    Args:
        caption: Caption, which says what the table holds.
        heads: Heads of the columns.
        rows: Cells, row by row.
        row_heads: True if the first cell of a row is its head.
        class_: Class of the table.
    """
    lines = []
    for row in rows:
        first = element("th", row[0], scope="row") if row_heads else element("td", row[0])
        lines.append(element("tr", first, *(element("td", cell) for cell in row[1:])))
    head = element("tr", *(element("th", text, scope="col") for text in heads))
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", head),
        element("tbody", *lines),
        class_=class_ or None,
    )
    return element("div", whole, class_="scroll")


def data_block(value: Any, **attributes: str) -> Element:
    """Numbers and texts for the script of a page; the block is ASCII without ``<``, so no text can end it."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return raw("script", text.replace("<", "\\u003c"), type="application/json", **attributes)


def raw(tag: str, text: str, **attributes: str) -> Element:
    """A script or a style, whose text a browser does not unescape."""
    if "</" in text:
        raise ValueError(f"a {tag} may not hold the end of an element; got one")
    node = element(tag, **attributes)
    node.text = text
    return node


def content_hash(text: str) -> str:
    """Hash of a script or a style, as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def document(title: str, style: str, script: str, body: Sequence[Element]) -> bytes:
    """A whole page. Its policy forbids everything but its own style and script: no network, no frames, no forms.

    Args:
        title: Title of the window.
        style: Style sheet.
        script: Script, which runs when the page is there.
        body: Elements of the page.
    """
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src {content_hash(style)}",
            f"script-src {content_hash(script)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    security = {"http-equiv": "Content-Security-Policy", "content": policy}
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Element("meta", security),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        raw("style", style),
    )
    for node in [*head, *body]:
        node.tail = "\n"
    whole = element("html", head, element("body", *body, raw("script", script)), lang="en")
    written: bytes = ElementTree.tostring(whole, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + written + b"\n"
