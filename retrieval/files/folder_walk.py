"""The files of a folder: those that are read, and why each of the others is not."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from wordhive.index import InputError

from .kinds import Kind, kind_of
from .left_out import LeftOut

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_GITIGNORE = ".gitignore"
# Folders of wordhive's own that hold no documents: indexes, and shards.
_OWN = ("catalog.db", "shards.json")


@dataclass(frozen=True)
class Choice:
    """Which files of a folder are read. Patterns are those of .gitignore: `*.md`, `docs/**/*.txt`, `drafts/`.

    Attributes:
        globs: Only files that one of them matches; none: all.
        excludes: Files and folders to pass over.
        gitignore: Pass over what the folder's own .gitignore files name.
    """

    globs: Sequence[str] = ()
    excludes: Sequence[str] = ()
    gitignore: bool = True


ALL_FILES = Choice()


@dataclass(frozen=True)
class FoundFile:
    """A file to be read.

    Attributes:
        path: Where it is.
        name: Its path within the folder, with slashes.
        kind: What it is, by its name.
        size: Its bytes.
        modified: When it was last changed, in nanoseconds since 1970.
    """

    path: Path
    name: str
    kind: Kind
    size: int
    modified: int


def walk(folder: Path, choice: Choice, pass_over: Callable[[LeftOut], None]) -> Iterator[FoundFile]:
    """The files of a folder and those below it, in the order of their names.

    Links to files are followed, links to folders are not: so no link leads round in a circle. Names that begin with a
    dot are hidden.

    Args:
        pass_over: Called with each file that is none of them, and with each folder that is not entered.

    Raises:
        InputError: A pattern that is none.
    """
    return _Walk(folder, choice, pass_over).files()


def is_own(folder: Path) -> bool:
    """Whether a folder is an index, or shards: files of wordhive's own, that hold no documents."""
    return any((folder / name).is_file() for name in _OWN)


class _Walk:
    def __init__(self, folder: Path, choice: Choice, pass_over: Callable[[LeftOut], None]) -> None:
        self._folder = folder
        self._pass_over = pass_over
        self._globs = _patterns(choice.globs, "--glob") if choice.globs else None
        self._excludes = _patterns(choice.excludes, "--exclude")
        self._gitignore = choice.gitignore

    def files(self) -> Iterator[FoundFile]:
        return self._below(self._folder, "", ())

    def _below(self, folder: Path, prefix: str, ignored: tuple[tuple[str, GitIgnoreSpec], ...]) -> Iterator[FoundFile]:
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                raise
            self._pass_over(LeftOut(prefix, _reason(error), is_fault=True))
            return
        names = {entry.name for entry in found}
        if prefix and not names.isdisjoint(_OWN):
            self._pass_over(LeftOut(prefix, "an index or shards of wordhive"))
            return
        if self._gitignore and _GITIGNORE in names:
            lines = (folder / _GITIGNORE).read_text(encoding="utf-8", errors="replace").splitlines()
            ignored = (*ignored, (prefix, _patterns(lines, str(folder / _GITIGNORE))))
        for entry in found:
            name = prefix + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            named = f"{name}/" if is_folder else name
            if reason := self._unwanted(entry, named, ignored):
                self._pass_over(LeftOut(_shown(named), reason))
            elif is_folder:
                yield from self._below(folder / entry.name, named, ignored)
            elif isinstance(file := self._file(entry, name), LeftOut):
                self._pass_over(file)
            else:
                yield file

    def _unwanted(
        self, entry: os.DirEntry[str], named: str, ignored: tuple[tuple[str, GitIgnoreSpec], ...]
    ) -> str | None:
        if entry.name.startswith("."):
            return "hidden"
        if self._excludes.match_file(named):
            return "excluded"
        for prefix, patterns in reversed(ignored):  # the innermost that says something of it
            verdict = patterns.check_file(named[len(prefix) :]).include
            if verdict is not None:
                return f"ignored by {prefix}{_GITIGNORE}" if verdict else None
        return None

    def _file(self, entry: os.DirEntry[str], name: str) -> FoundFile | LeftOut:
        kind = kind_of(entry.name)
        if self._globs is not None and not self._globs.match_file(name):
            return LeftOut(_shown(name), "not matched by --glob")
        try:
            status = entry.stat()  # a link's target
        except OSError as error:
            return LeftOut(_shown(name), _reason(error), is_fault=kind is not None)
        if stat.S_ISDIR(status.st_mode):
            return LeftOut(_shown(name), "a link to a folder; index that folder itself")
        if not stat.S_ISREG(status.st_mode):
            return LeftOut(_shown(name), "no regular file")
        if kind is None:
            return LeftOut(_shown(name), f"of a kind that is not read ({PurePosixPath(name).suffix or 'no suffix'})")
        if _shown(name) != name:
            return LeftOut(_shown(name), "its name is not UTF-8; rename it", is_fault=True)
        return FoundFile(self._folder / name, name, kind, status.st_size, status.st_mtime_ns)


def _patterns(lines: Sequence[str], source: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise InputError(f"{source}: no pattern as in .gitignore ({error})") from error


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _shown(name: str) -> str:
    """A name as text: bytes of it that are not UTF-8 can't be shown."""
    return os.fsencode(name).decode("utf-8", "replace")
