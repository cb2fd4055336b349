"""Options of commands that read files: which of a folder, which columns of tables; and what was left out, told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wordhive.index.quantity import quantity

from .. import terminal

if TYPE_CHECKING:
    from wordhive.retrieval.files.folder_walk import Choice
    from wordhive.retrieval.files.left_out import LeftOut
    from wordhive.retrieval.files.tables import TableColumns

# The exit code of a command that did its work, but for files that it could not read.
LEFT_OUT = 3
_NAMED, _FAULTS_SHOWN = 3, 50

Globs = Annotated[
    list[str] | None, typer.Option("--glob", help="Of a folder only the files that match: '*.md'; repeat it for more.")
]
Excludes = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Pass over files or folders of a folder: 'drafts/'; repeat it for more."),
]
NoGitignore = Annotated[
    bool, typer.Option("--no-gitignore", help="Read files of a folder that its .gitignore names, too.")
]
IdColumn = Annotated[
    str | None, typer.Option("--id-column", help="The column, or JSON key, with the ids of a table's rows.")
]
TextFieldNames = Annotated[
    str | None,
    typer.Option("--text-fields", help="The columns, or JSON keys, that make a text, in their order: 'title,body'."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first file of a folder that can't be read, before any work.")
]


@dataclass(frozen=True)
class Reading:
    """How a command reads its input, and what it passed over."""

    choice: Choice
    columns: TableColumns
    strict: bool
    left_out: list[LeftOut] = field(default_factory=list)

    def with_fields(self, names: Sequence[str] | None) -> Reading:
        """The same with the names of the fields that make a text; None: the usual ones."""
        return replace(self, columns=replace(self.columns, texts=tuple(names or ())))

    @property
    def faults(self) -> list[LeftOut]:
        """Files that could not be read."""
        return [one for one in self.left_out if one.is_fault]

    def pass_over(self, folder: str) -> Callable[[LeftOut], None]:
        """What to call with each file of a folder that is passed over."""

        def take(one: LeftOut) -> None:
            from wordhive.index import InputError

            if self.strict and one.is_fault:
                raise InputError(f"{folder}/{one}")
            self.left_out.append(one)

        return take

    def tell(self) -> None:
        """Name what was passed over, on stderr."""
        meant: dict[str, list[str]] = {}
        for one in self.left_out:
            if not one.is_fault:
                meant.setdefault(one.reason, []).append(one.path)
        if meant:
            terminal.note("Passed over:")
        for reason, paths in sorted(meant.items(), key=lambda item: -len(item[1])):
            named = ", ".join(paths[:_NAMED]) + (", …" if len(paths) > _NAMED else "")
            terminal.note(f"  {len(paths):,} {reason}: {terminal.plain(named)}")
        if faults := self.faults:
            terminal.note(f"Could not read {quantity(len(faults), 'file')}:")
        for one in faults[:_FAULTS_SHOWN]:
            terminal.note(f"  {terminal.plain(str(one))}")
        if len(faults) > _FAULTS_SHOWN:
            terminal.note(f"  … and {len(faults) - _FAULTS_SHOWN:,} more; --json names all")

    def as_json(self) -> dict[str, Any]:
        """What was passed over, for a result in JSON; nothing where nothing was."""
        return {"left_out": [asdict(one) for one in self.left_out]} if self.left_out else {}

    def finish(self) -> None:
        """End the command; its exit code says whether a file could not be read."""
        if n := len(self.faults):
            terminal.note(f"left out: {quantity(n, 'file')} that could not be read, named above")
            raise typer.Exit(LEFT_OUT)


def reading(
    globs: Sequence[str] | None,
    excludes: Sequence[str] | None,
    no_gitignore: bool,
    id_column: str | None,
    strict: bool,
) -> Reading:
    """The options of a command, as `Reading`."""
    from wordhive.retrieval.files.folder_walk import Choice
    from wordhive.retrieval.files.tables import TableColumns

    choice = Choice(tuple(globs or ()), tuple(excludes or ()), gitignore=not no_gitignore)
    return Reading(choice, TableColumns(id_column), strict)


def field_names(names: str | None) -> tuple[str, ...] | None:
    """The names that --text-fields was given; None for none.

    Raises:
        InputError: A name is empty, or there twice.
    """
    from wordhive.index.index import field_names as checked

    return None if names is None else checked([name.strip() for name in names.split(",")])
