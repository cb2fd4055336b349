"""Folders of an index: each appears complete, is verified by its files' checksums, or is removed as an orphan."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ..errors import damaged
from ..files import checksum, link_error, sync
from .catalog.catalog import Catalog
from .catalog.catalog_records import FileRecord

_TEMPORARY = "writing-"
# Names of folders of segments and of parameters: no others are removed.
_SEGMENT = re.compile(r"\d{12}(\d{8})?")
_GENERATION = re.compile(r"\d+")
# Bytes from which files are read at once, by so many threads.
_READ_TOGETHER = 1 << 24
_READERS = 4


@contextmanager
def new_folder(parent: Path, name: str) -> Iterator[Path]:
    """A folder that appears under its name complete and on disk, or not at all.

    Yields a temporary folder, which the block fills.
    """
    temporary = parent / f"{_TEMPORARY}{name}"
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in sorted(temporary.iterdir()):
            sync(path)
        sync(temporary)
        temporary.rename(parent / name)
        sync(parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_orphans(parent: Path, known: set[str], form: re.Pattern[str]) -> None:
    """Remove folders that a crash left. Nothing is removed through a link.

    Args:
        parent: Folder that holds them.
        known: Names of the folders that stay.
        form: Of their names; other folders are somebody else's.
    """
    for folder in parent.iterdir() if parent.is_dir() and not parent.is_symlink() else ():
        is_ours = form.fullmatch(folder.name.removeprefix(_TEMPORARY)) is not None
        if is_ours and folder.name not in known and folder.is_dir() and not folder.is_symlink():
            # Some disks keep what another process has open: a later writer removes it.
            shutil.rmtree(folder, ignore_errors=True)


def sweep(index: Path, catalog: Catalog) -> None:
    """Remove the folders of segments and of parameters that the catalog does not name."""
    remove_orphans(index / "segments", {record.id for record in catalog.segments()}, _SEGMENT)
    remove_orphans(index / "params", {str(generation.id) for generation in catalog.generations()}, _GENERATION)


def file_records(root: Path, folder: Path) -> list[FileRecord]:
    """Size and checksum of every file in a folder of the index at `root`."""
    return [
        FileRecord(path.relative_to(root).as_posix(), path.stat().st_size, checksum(path))
        for path in sorted(folder.iterdir())
    ]


def verify(root: Path, files: Sequence[FileRecord]) -> None:
    """Raise WordhiveError for a file of the index at `root` that differs from its record."""
    if sum(file.size for file in files) < _READ_TOGETHER:
        for file in files:
            _verify(root, file)
        return
    with ThreadPoolExecutor(_READERS) as readers:  # a disk reads several files in half the time
        for verified in [readers.submit(_verify, root, file) for file in files]:
            verified.result()


def _verify(root: Path, file: FileRecord) -> None:
    path = root / file.path
    try:
        if path.is_symlink() or path.parent.is_symlink():
            raise link_error(path)
        whole = path.stat().st_size == file.size and checksum(path) == file.checksum
    except FileNotFoundError as error:  # maybe since a moment ago, by another process's merge
        raise damaged(path, fault="is missing from the index") from error
    except OSError as error:
        raise damaged(path, error.strerror, "cannot be read") from error
    if not whole:
        raise damaged(path)
