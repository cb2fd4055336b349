"""Questions at a prompt, one after the other, for what takes long to load and answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

import typer

from . import terminal

# Who wants to search for one of these words gives it as an argument.
_LEAVE = ("exit", "quit")


def is_there() -> bool:
    """Whether somebody sits at a terminal, on both sides."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def ask(answer: Callable[[str], None], label: str) -> None:
    """Answer every line that is typed, until an empty one, exit, quit, ctrl-D or ctrl-C; says so at first.

    What is wrong with one is said in a line, as for a whole command, and the next is asked for.
    """
    from wordhive.index import WordhiveError

    with suppress(ImportError):
        import readline  # noqa: F401  (arrow keys, and earlier lines)
    terminal.note(f"type a query to {label}; exit, an empty line or ctrl-D leaves")
    while True:
        try:
            line = input(f"{label}> ").strip()
        except (EOFError, KeyboardInterrupt):
            typer.echo(err=True)
            return
        if not line or line.lower() in _LEAVE:
            return
        try:
            answer(line)
        except WordhiveError as error:
            terminal.fail(str(error))
