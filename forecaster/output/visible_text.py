"""Text with invisible characters in escaped form, for terminals and pages."""

__all__ = ["visible_text"]

_UNTOUCHED = frozenset("\n\t\u00a0\u2007\u2009\u202f")  # line ends, and spaces inside numbers


def visible_text(text: str) -> str:
    r"""`text` with control, direction and other invisible characters in escaped form.

    >>> visible_text("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _UNTOUCHED else ascii(character)[1:-1]
        for character in text
    )
