"""`check`: whether every file of an index is as it was written, and the catalog agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..arguments import given_path
from ..errors import InputError, WordhiveError
from ..reading.snapshot import Snapshot, blocks
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.text_compression import MOST_TEXT
from ..storage.parameters import load_queries
from ..storage.segment import verify
from ..storage.settings import IndexSettings

# Documents that are read at a time.
_AT_ONCE = 1000


def check(path: str | Path, *, untrusted: bool = False) -> list[str]:
    """What is damaged in the index at `path`, a line each; nothing where all is well.

    untrusted: look too whether what was written can be true: shapes, numbers, classes, texts, though checksums agree
    (docs/security.md). Raises InputError when the path holds no index.
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
        found = [*_catalog(catalog), *_files(path, catalog)]
        if untrusted and not found:
            found = [*_contents(path, catalog)]
        return [*dict.fromkeys(found or _documents(path, catalog))]
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
    except WordhiveError as error:  # the catalog's own fault
        yield str(error)
        return
    for file in files:
        try:
            verify(path, [file])
        except (WordhiveError, OSError) as error:
            yield str(error)


def _contents(path: Path, catalog: Catalog) -> Iterator[str]:
    """What of the files and settings can't be as it is; each segment and generation is looked at by itself."""
    try:
        settings = IndexSettings.of(catalog)
        now = Snapshot(path, catalog, settings, "cpu")
        if settings.has_queries:
            load_queries(path / "params")
    except (WordhiveError, OSError) as error:
        yield str(error)
        return
    for generation in now.generations:
        try:
            parameters = now.parameters(generation)
            for n_documents in {1, settings.config.large_from}:
                parameters.empty_candidates(n_documents)
        except (WordhiveError, OSError) as error:
            yield str(error)
    for segment in now.segments:
        try:
            segment.open(now.parameters(segment.record.generation))
            for local in blocks(segment, now.live(segment)):
                now.decoded(segment, local)
        except (WordhiveError, OSError) as error:
            if segment.record.generation in now.files.parameters:
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
        for part in _sized(now.text_sizes(rows)):
            now.documents(part)
    except (WordhiveError, OSError) as error:
        if "catalog.db" in str(error):
            yield str(error)


def _sized(sizes: dict[int, int]) -> Iterator[list[int]]:
    """Rows, so many at a time that their texts fit into memory whatever they are."""
    part: list[int] = []
    held = 0
    for row, size in sizes.items():
        if part and (len(part) == _AT_ONCE or held + size > MOST_TEXT):
            yield part
            part, held = [], 0
        part.append(row)
        held += size
    if part:
        yield part
