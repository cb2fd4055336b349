"""The errors that wordhive raises on purpose; the command line prints them in one line."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


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


def damaged(path: Path, reason: object = "", fault: str = "is damaged") -> WordhiveError:
    """The error to raise for a file of an index that is not as it was written.

    Args:
        path: The file.
        reason: What is wrong in it, where that is known.
        fault: What is wrong with it, as a predicate.
    """
    detail = f" ({reason})" if str(reason) else ""
    return WordhiveError(f"{path} {fault}{detail}; restore it from a copy")


def warn(message: str) -> None:
    """Give a `WordhiveWarning` that names the line by which the caller's program came into this package."""
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("wordhive", "contextlib"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, WordhiveWarning, stacklevel=level)
