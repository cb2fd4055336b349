"""The errors that wordhive raises on purpose; the command line prints them in one line."""

from __future__ import annotations


class WordhiveError(Exception):
    """Something that the caller can act on; its message says what was given, what was expected, what to do."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        # On one line, whatever other libraries' errors, and names that users chose, bring with them.
        super().__init__(" ".join(line.strip() for line in message.splitlines()))


class InputError(WordhiveError, ValueError):
    """The input is at fault, not the machine."""

    exit_code = 2


class WordhiveWarning(UserWarning):
    """Something went wrong that costs nothing now."""
