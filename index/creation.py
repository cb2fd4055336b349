"""Making the folder of a new index: all of it, or nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from .catalog import Catalog
from .disk import sync
from .errors import InputError
from .parameters import QUERIES, save_queries
from .segment import file_records
from .settings import IndexSettings
from .word_vectors import WordVectors
from .writing import disk_errors

# The catalog's name until it is complete.
NEW_CATALOG = "catalog.new"


def check_free(path: Path) -> None:
    """Raise InputError where no new index can be, because something is there."""
    if path.exists() and (not path.is_dir() or any(it not in _half_made(path) for it in path.rglob("*"))):
        kind = "an index" if (path / "catalog.db").exists() else "something"
        raise InputError(f"{path} is already {kind}; open it, or choose another path")


def clear(path: Path) -> None:
    """Remove what is left of an index whose creation was killed, from a path that is free."""
    for made in sorted(_half_made(path), reverse=True):  # files before their folders
        if made.is_dir():
            made.rmdir()
        else:
            made.unlink(missing_ok=True)


def make(path: Path, settings: IndexSettings, queries: WordVectors | None) -> Catalog:
    """The catalog of a new, empty index at a path that is free. queries: that its encodings are to be fitted to.

    Raises WordhiveError where the disk fails or is full, and leaves nothing then.
    """
    existed = path.exists()
    with disk_errors(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
            clear(path)
            (path / "segments").mkdir()
            (path / "params").mkdir()
            if queries is not None:
                save_queries(path / "params", queries)
            files = file_records(path, path / "params")
            Catalog.create(path / NEW_CATALOG, settings.values(), files).close()
            # From here on it is an index: one that was killed before can be made again.
            (path / NEW_CATALOG).rename(path / "catalog.db")
            sync(path)
            return Catalog.open(path / "catalog.db")
        except BaseException:
            for made in [path] if not existed else list(path.iterdir()):
                shutil.rmtree(made, ignore_errors=True) if made.is_dir() else made.unlink()
            raise


def _half_made(path: Path) -> set[Path]:
    """What an index consists of before it has a catalog, by which it exists."""
    catalog = [f"{NEW_CATALOG}{part}" for part in ("", "-journal", "-wal", "-shm")]
    return {path / name for name in ("segments", "params", f"params/{QUERIES}", *catalog)}
