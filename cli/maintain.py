"""`wordhive delete`, `compact`, `refit`, `check`: keep an index in order."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from . import terminal

if TYPE_CHECKING:
    from wordhive.index import Index
    from wordhive.index.storage.catalog.catalog_records import Generation

_PANEL = "Maintenance"

_Folder = Annotated[Path, typer.Argument(help="The folder of an index.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def register(app: typer.Typer) -> None:
    for command in (delete, compact, refit, check):
        app.command(rich_help_panel=_PANEL)(command)


def delete(
    index: _Folder,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of documents.")] = None,
    ids_from: Annotated[Path | None, typer.Option(help="A text file with an id a line, or -: standard input.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Those that this lets through: year < 2000 AND lang = 'en'; or JSON.")
    ] = None,
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="Pass over ids that are not there.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Delete documents, by id or by a filter: all of those, or none.

    \b
    wordhive delete my.hive doc-1 doc-2
    wordhive delete my.hive --ids-from gone.txt
    wordhive delete my.hive --where "year < 2000"
    """
    from wordhive.index import Index, InputError
    from wordhive.index.filters.given_filter import given_filter

    named = [*(ids or ()), *(_lines(ids_from) if ids_from else ())]
    if bool(named) == (where is not None):
        raise InputError("give either ids, also from a file with --ids-from, or --where")
    chosen = given_filter(where) if where is not None else None
    opened = Index.open(index)
    before = len(opened)
    with terminal.stoppable(lambda: _deleted(opened, before)):
        deleted = opened.delete(list(dict.fromkeys(named)) if named else None, where=chosen, missing_ok=missing_ok)
    _report(index, opened, f"{quantity(deleted, 'document')} deleted, {len(opened):,} left", as_json, deleted=deleted)


def compact(index: _Folder, as_json: _AsJson = False) -> None:
    """Give back the room that deleted documents take, and make one segment of many.

    It may be stopped at any time: the index then holds what it held.

    \b
    wordhive compact my.hive
    """
    from wordhive.index import Index

    opened = Index.open(index)
    before = opened.info().total_bytes
    with terminal.stoppable(lambda: f"{index} holds what it held; run the same command again to give the rest back"):
        opened.compact()
    after = opened.info().total_bytes
    text = f"{terminal.size(before)} before, {terminal.size(after)} now"
    _report(index, opened, text, as_json, bytes_before=before, bytes=after)


def refit(index: _Folder, as_json: _AsJson = False) -> None:
    """Fit codecs and first stage anew, to the documents of today, and rewrite the index; see drift in wordhive info.

    \b
    wordhive refit my.hive
    """
    from wordhive.index import Index

    opened = Index.open(index)
    before = opened.snapshot().generation
    with terminal.stoppable(lambda: _refitted(opened, before)):
        opened.refit()
    _report(index, opened, f"fitted anew to {quantity(len(opened), 'document')}", as_json)


def check(
    index: _Folder,
    untrusted: Annotated[
        bool, typer.Option("--untrusted", help="Of an index from somebody else: look whether what it says can be true.")
    ] = False,
    as_json: _AsJson = False,
) -> None:
    """Read every file of an index and compare it with its checksum; exit with 1 where one is damaged.

    \b
    wordhive check my.hive
    wordhive check their.hive --untrusted
    """
    from wordhive.index.maintenance.check import check as damages

    found = damages(index, untrusted=untrusted)
    if as_json:
        terminal.print_json({"index": str(index), "damages": found})
    for damage in [] if as_json else found:
        terminal.say(damage)
    if found:
        raise typer.Exit(1)
    if not as_json:
        terminal.say(f"{index}: every file is as it was written")


def _deleted(index: Index, before: int) -> str:
    index.reload()
    return f"{quantity(before - len(index), 'document')} deleted, {len(index):,} left"


def _refitted(index: Index, before: Generation | None) -> str:
    index.reload()
    if index.snapshot().generation == before:
        return f"{index.path} is as it was"
    return f"{index.path} is fitted anew, and rewritten in part; wordhive compact does the rest"


def _lines(path: Path) -> list[str]:
    from wordhive.index import InputError

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error.reason}); expected a text with an id a line") from error
    return [line for line in text.splitlines() if line.strip()]


def _report(path: Path, index: Index, text: str, as_json: bool, **values: int) -> None:
    if as_json:
        terminal.print_json({"index": str(path), "documents": len(index), **values})
    else:
        terminal.say(f"{path}: {text}")
