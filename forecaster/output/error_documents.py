"""JSON document of an error: its parts, and the command lines that its message names."""

import difflib
import re
import shlex
from collections.abc import Sequence
from typing import Any

__all__ = ["corrected_command", "error_document"]

MIN_LIKENESS = 0.6  # of the word that a suggestion replaces
_WORD = (
    r"""(?:[\w./:=,@%^~+\[\]-]*[\w./=@%^~+\[\]-]|'[^']*'(?:"'"'[^']*')*)"""  # plain, or quoted as `shlex.quote` does
)
_COMMAND = re.compile(rf"\b(?:forecast(?: {_WORD})+|pip install '[\w\[\],.-]+')")
_MEANT = re.compile(r"(?:did you mean|nearest:) ([\w./:=@^+-]+)")
_FOLLOWING_WORDS = frozenset({"and", "loads", "removes", "lists", "fits", "to", "for", "or"})  # of the sentence


def error_document(code: str, messages: Sequence[str], exit_code: int, commands: Sequence[str] = ()) -> dict[str, Any]:
    """The document ``error/1``.

    Args:
        code: Kind of the error.
        messages: One line for each mistake: what happened; what was expected; what to do.
        exit_code: Exit code of the process.
        commands: Command lines that may help, before those that the messages name.

    Example:
        >>> error_document("run_not_found", ["no run fits; expected one; train it with: forecast train USDJPY"], 1)[
        ...     "commands"
        ... ]
        ['forecast train USDJPY']
    """
    message, _, hint = (messages[0] if messages else code).partition("; ")
    named = [command for text in messages for command in _commands_in(text)]
    return {
        "schema": "error/1",
        "code": code,
        "message": message,
        "hint": hint or None,
        "commands": list(dict.fromkeys([*commands, *named])),
        "exit_code": int(exit_code),
        "mistakes": list(messages),
    }


def _commands_in(text: str) -> list[str]:
    """Command lines that a message names, without the words of the sentence after them.

    >>> _commands_in("it is gone; forecast data fetch loads prices"), _commands_in("a forecast needs 3 rows")
    (['forecast data fetch'], [])
    >>> _commands_in("log a forecast with: forecast predict USDJPY --log")
    ['forecast predict USDJPY --log']
    >>> _commands_in("train with: forecast train --ticker '^GSPC' --set 'model.units=[8, 8]'; then plot")
    ["forecast train --ticker '^GSPC' --set 'model.units=[8, 8]'"]
    """
    commands = []
    for match in _COMMAND.finditer(text):
        if match[0].startswith("forecast") and not re.search(r"(?:[:;,`(] ?|\bof |\bsee |^)$", text[: match.start()]):
            continue  # the noun
        words = re.findall(_WORD, match[0])
        end = next((number for number, word in enumerate(words) if word in _FOLLOWING_WORDS), len(words))
        commands.append(" ".join(words[:end]).rstrip(".,:"))
    return commands


def corrected_command(words: Sequence[str], message: str) -> str | None:
    """The command line as it was probably meant, where a message says ``did you mean X?``; None otherwise.

    Args:
        words: Words after ``forecast``.
        message: Message of the error.

    Example:
        >>> corrected_command(["predict", "--levle=80"], "No such option '--levle'; did you mean --level?")
        'forecast predict --level=80'
        >>> corrected_command(["train", "usdjpx"], "pair 'USDJPX' is unknown; nearest: USDJPY")
        'forecast train USDJPY'
    """
    match = _MEANT.search(message)
    if match is None:
        return None
    meant = match[1].rstrip(".")
    # An option and its value, or values that are separated by commas, are words of their own.
    parts = [part for word in words for part in re.split(r"([=,])", word)]
    typed = {part.lower(): part for part in parts}
    near = difflib.get_close_matches(meant.lower(), typed, n=1, cutoff=MIN_LIKENESS)
    if not near or meant in parts:
        return None
    corrected = [
        "".join(meant if part == typed[near[0]] else part for part in re.split(r"([=,])", word)) for word in words
    ]
    return f"forecast {shlex.join(corrected)}"
