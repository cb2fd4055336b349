"""Making the folder of a new index: all of it or nothing, even if other processes make one there too."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..errors import InputError
from ..files import sync
from ..storage.catalog.catalog import Catalog
from ..storage.folders import file_records
from ..storage.settings import IndexSettings
from ..storage.training_queries import QUERIES, save_queries
from ..word_vectors import WordVectors
from .disk_errors import disk_errors
from .lock import CREATING, LOCK, folder_lock

# The catalog's name until it is complete.
NEW_CATALOG = "catalog.new"
# Another process that makes an index there needs less.
_PATIENCE = 60.0


def check_free(path: Path) -> None:
    """Raise InputError where no new index can be, because something is there."""
    if path.exists() and (not path.is_dir() or any(_is_strange(entry, path) for entry in _entries(path))):
        kind = "an index" if (path / "catalog.db").exists() else "something"
        raise InputError(f"{path} is already {kind}; open it, or choose another path")


def create(path: Path, settings: IndexSettings, queries: WordVectors | None) -> Catalog:
    """Make a new, empty index at a path that is free.

    Where several processes make one at the same path, one of them does, and the others get an InputError.

    Args:
        path: Its folder.
        settings: What it is made with.
        queries: Example queries to keep, which its encodings will be fitted to.

    Returns:
        Its catalog.

    Raises:
        WordhiveError: The disk fails or is full. Nothing is left then.
    """
    with disk_errors(path):
        while True:
            existed = path.exists()
            path.mkdir(parents=True, exist_ok=True)
            try:
                with folder_lock(path, CREATING, seconds=_PATIENCE):
                    return _create(path, settings, queries, existed=existed)
            except FileNotFoundError:
                # Somebody else made the folder, failed, and removed it.
                if path.exists():
                    raise


def _create(path: Path, settings: IndexSettings, queries: WordVectors | None, *, existed: bool) -> Catalog:
    """Make the index while nobody else makes one there.

    Args:
        existed: Whether the folder was there before.
    """
    try:
        check_free(path)
        _build(path, settings, queries)
    except BaseException:
        (path / CREATING).unlink(missing_ok=True)
        if not existed:
            with suppress(OSError):  # somebody put something there
                path.rmdir()
        raise
    (path / CREATING).unlink(missing_ok=True)
    sync(path)
    return Catalog.open(path / "catalog.db")


def _build(path: Path, settings: IndexSettings, queries: WordVectors | None) -> None:
    try:
        _clear(path)
        (path / "segments").mkdir()
        (path / "params").mkdir()
        if queries is not None:
            save_queries(path / "params", queries)
        files = file_records(path, path / "params")
        Catalog.create(path / NEW_CATALOG, settings.values(), files).close()
        # From here on it is an index: one that was killed before can be made again.
        (path / NEW_CATALOG).rename(path / "catalog.db")
    except BaseException:
        _clear(path)
        raise


def _clear(path: Path) -> None:
    """Remove what is left of an index whose creation failed or was killed."""
    for entry in sorted(_half_made(path) - {path / CREATING}, reverse=True):  # files before their folders
        if entry.is_dir():
            entry.rmdir()
        else:
            entry.unlink(missing_ok=True)


def _is_strange(entry: Path, path: Path) -> bool:
    return entry not in _half_made(path) or entry.is_symlink()


def _entries(path: Path) -> set[Path]:
    """What is in a folder, and in the folders that an index has, unless another process removes it meanwhile."""
    entries: set[Path] = set()
    for folder in (path, path / "segments", path / "params"):
        with suppress(FileNotFoundError, NotADirectoryError):
            entries.update(folder.iterdir())
    return entries


def _half_made(path: Path) -> set[Path]:
    """What an index may consist of before it has its catalog: from then on it exists."""
    catalog = [f"{NEW_CATALOG}{part}" for part in ("", "-journal", "-wal", "-shm")]
    return {path / name for name in (LOCK, CREATING, "segments", "params", f"params/{QUERIES}", *catalog)}
