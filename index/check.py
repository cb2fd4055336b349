"""`check`: whether every file of an index is as it was written, and the catalog agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .arguments import given_path
from .catalog import Catalog
from .errors import InputError, WordhiveError
from .segment import verify
from .settings import IndexSettings
from .snapshot import Snapshot

# Documents that are read at a time.
_AT_ONCE = 1000


def check(path: str | Path) -> list[str]:
    """What is damaged in the index at `path`, a line each; nothing where all is well.

    Raises InputError when the path holds no index.
    """
    path = given_path(path)
    if not (path / "catalog.db").is_file():
        raise InputError(f"{path} is no wordhive index (it has no catalog.db); give the folder that was indexed to")
    try:
        catalog = Catalog.open(path / "catalog.db")
    except InputError:
        raise
    except WordhiveError as error:
        return [str(error)]
    try:
        return [*_catalog(catalog), *_files(path, catalog)] or [*_documents(path, catalog)]
    finally:
        catalog.close()


def _catalog(catalog: Catalog) -> Iterator[str]:
    try:
        for fault in catalog.faults():
            yield f"{catalog.path} is damaged ({fault}); restore it from a copy"
    except WordhiveError as error:
        yield str(error)


def _files(path: Path, catalog: Catalog) -> Iterator[str]:
    try:
        files = catalog.files()
    except WordhiveError:  # the catalog's own fault, told already
        return
    for file in files:
        try:
            verify(path, [file])
        except (WordhiveError, OSError) as error:
            yield str(error)


def _documents(path: Path, catalog: Catalog) -> Iterator[str]:
    """Whether every live row of every segment is a document, and no other is."""
    try:
        now = Snapshot(path, catalog, IndexSettings.of(catalog), "cpu")
        for segment in now.segments:
            known = {file.path for file in catalog.files(f"segments/{segment.record.id}/")}
            if f"segments/{segment.record.id}/words.npy" not in known:
                yield f"{catalog.path} is damaged (no files of segment {segment.record.id}); restore it from a copy"
        live = {int(row) for segment in now.segments for row in segment.rows[now.live(segment)]}
        odd = live ^ set(now.ids())
        if odd:
            yield f"{catalog.path} is damaged (rows and documents disagree, {min(odd)} first); restore it from a copy"
        rows = sorted(live)
        for start in range(0, len(rows), _AT_ONCE):
            now.documents(rows[start : start + _AT_ONCE])
    except (WordhiveError, OSError) as error:
        if "catalog.db" in str(error):
            yield str(error)
