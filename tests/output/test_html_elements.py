"""Elements of a page: everything from data is escaped, and the policy allows the page's own script and style alone."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from forecaster.output.html_elements import data_block, document, element, isolated, raw, table

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u2028\u202e\x00\ud800 <!--"


class Tags(HTMLParser):
    """Tags, attributes and texts as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: bytes) -> Tags:
    tags = Tags()
    tags.feed(page.decode("utf-8"))
    return tags


def test_texts_and_attributes_from_data_stay_texts() -> None:
    body = element("p", isolated(HOSTILE), title=HOSTILE)
    tags = parsed(document(HOSTILE, "p{}", "1", [body, table(HOSTILE, [HOSTILE], [[HOSTILE, isolated(HOSTILE)]])]))
    assert "img" not in tags.tags
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert "\\u202e\\x00\\ud800" in tags.text  # characters that would hide are written out
    assert ("title", "</script><img src=x onerror=alert(1)>\"'&\\u2028\\u202e\\x00\\ud800 <!--") in tags.attributes


def test_numbers_for_the_script_cannot_end_their_block() -> None:
    value = {"name": HOSTILE.replace("\ud800", ""), "values": [1, None]}
    (block,) = re.findall(
        r'<script type="application/json">(.*)</script>', document("t", "", "1", [data_block(value)]).decode()
    )
    assert json.loads(block) == value
    assert block.isascii()
    assert "<" not in block


def test_a_script_with_the_end_of_an_element_is_refused() -> None:
    with pytest.raises(ValueError, match="may not hold the end of an element"):
        raw("script", "'</script>'")


def test_the_policy_names_the_script_and_the_style_by_hash_and_nothing_else() -> None:
    page = document("t", "p { color: red }", "const a = 1 < 2 && 3;", []).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert page.index("Content-Security-Policy") < page.index("<style>")
