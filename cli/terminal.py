"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import typer

_CONTROLS = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
debug = False
interrupted = False


class Stopped(Exception):
    """Ctrl-C in the middle of work; its message says what became of it."""


@contextmanager
def stoppable(outcome: Callable[[], str]) -> Iterator[None]:
    """Where ctrl-C ends a command with one line. outcome: what became of its work, told then."""
    try:
        yield
    except BaseException as error:
        if is_stop(error):
            raise Stopped(f"stopped: {outcome()}") from error
        raise


def is_stop(error: BaseException) -> bool:
    """Whether an error is ctrl-C, or what compiled code made of it: some swallows it, and fails in its own way."""
    return isinstance(error, KeyboardInterrupt) or (interrupted and not isinstance(error, Stopped))


def interrupt(*_: object) -> None:
    """What ctrl-C does."""
    global interrupted
    interrupted = True
    raise KeyboardInterrupt


def say(message: str = "", **style: Any) -> None:
    """A line on stdout in which nothing controls the terminal, whatever it was read from. style: as click knows it."""
    typer.secho(_uncontrolled(message), **style)


def fail(message: str) -> None:
    """One line on stderr."""
    typer.secho("error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
    typer.echo(plain(message), err=True)


def note(message: str) -> None:
    """A line for people, on stderr, out of the way of results."""
    typer.secho("\n".join(map(_uncontrolled, message.split("\n"))), fg=typer.colors.BRIGHT_BLACK, err=True)


def print_json(value: Any) -> None:
    """A value as JSON, one line."""
    typer.echo(_json(value))


def write_json(path: Path, value: Any) -> None:
    """A value as indented JSON in a file."""
    path.write_text(_json(value, indent=2) + "\n", encoding="utf-8")


def _json(value: Any, indent: int | None = None) -> str:
    # JSON escapes some of what controls a terminal by itself; the rest, and halves of characters, can be escaped too.
    text = json.dumps(value, default=plain_value, indent=indent, ensure_ascii=False)
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file to write, which appears under its name once it is complete. Raises OSError at once where it can't."""
    temporary = path.with_name(f"writing-{path.name}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> None:
    """A table; the first column is text, the others are numbers."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=None if title is None else Text(plain(title)),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for position, column in enumerate(columns):
        table.add_column(Text(plain(column)), justify="right" if position else "left", no_wrap=not position)
    for row in rows:
        table.add_row(*(Text(plain(str(cell))) for cell in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120).print(table)


# Invisible characters that join letters, of Persian or of an emoji: without them a text is another.
_JOINERS = "\u200c\u200d"


def plain(text: str) -> str:
    """Text for a terminal, in one line: white space is a blank, and nothing in it controls anything."""
    return " ".join(_uncontrolled(text).split())


def plain_piece(text: str) -> str:
    """The same of a piece of a text: a blank at an end of it stays, as it stands between two words."""
    shown = _uncontrolled(text)
    return (
        f"{' ' * shown[:1].isspace()}{inner}{' ' * shown[-1:].isspace()}"
        if (inner := plain(shown))
        else " " * bool(shown)
    )


def _uncontrolled(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    """Itself, nothing for what is invisible, such as a change of direction, and a blank for all else."""
    if character.isprintable() or character in _JOINERS:
        return character
    return "" if unicodedata.category(character) == "Cf" else " "


def size(n_bytes: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if n_bytes < 1000 or unit == "GB":
            return f"{n_bytes:,.0f} {unit}" if unit == "B" else f"{n_bytes:,.1f} {unit}"
        n_bytes /= 1000
    raise AssertionError


def plain_value(value: Any) -> Any:
    """A dataclass, a configuration, a number of numpy's or a path, as JSON knows it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
