"""`check`: whether every file of an index is as it was written, and the catalog agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..arguments import given_path
from ..errors import InputError, WordhiveError, damaged
from ..reading.snapshot import Snapshot
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.text_compression import MOST_TEXT
from ..storage.folders import verify
from ..storage.settings import IndexSettings
from ..storage.training_queries import load_queries

# Documents that are read at a time.
_AT_ONCE = 1000


def check(path: str | Path, *, untrusted: bool = False) -> list[str]:
    """What is damaged in an index, a line each; nothing where all is well.

    Args:
        path: Folder of the index.
        untrusted: Check the contents too (shapes, numbers, classes, texts), in case somebody wrote wrong ones with
            right checksums; see docs/security.md.

    Raises:
        InputError: The path holds no index.
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
        faults = [*_catalog(catalog), *_files(path, catalog)]
        if untrusted and not faults:
            faults = [*_contents(path, catalog)]
        return [*dict.fromkeys(faults or _documents(path, catalog))]
    finally:
        catalog.close()


def _catalog(catalog: Catalog) -> Iterator[str]:
    try:
        for fault in catalog.faults():
            yield str(damaged(catalog.path, fault))
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
    """Impossible contents of files and settings; each segment and generation is checked by itself."""
    try:
        settings = IndexSettings.of(catalog)
        snapshot = Snapshot(path, catalog, settings, "cpu")
        if settings.has_queries:
            load_queries(path / "params")
    except (WordhiveError, OSError) as error:
        yield str(error)
        return
    for generation in snapshot.generations:
        try:
            parameters = snapshot.parameters(generation)
            for n_documents in {1, settings.config.large_from}:
                parameters.empty_candidates(n_documents)
        except (WordhiveError, OSError) as error:
            yield str(error)
    for segment in snapshot.segments:
        try:
            segment.open(snapshot.parameters(segment.record.generation))
            for documents in segment.blocks(snapshot.tombstones.live(segment)):
                snapshot.decoded(segment, documents)
        except (WordhiveError, OSError) as error:
            if segment.record.generation in snapshot.files.parameters:
                yield str(error)


def _documents(path: Path, catalog: Catalog) -> Iterator[str]:
    """Live rows of segments without a document, and documents without a live row."""
    try:
        snapshot = Snapshot(path, catalog, IndexSettings.of(catalog), "cpu")
        for segment in snapshot.segments:
            known = {file.path for file in catalog.files(f"segments/{segment.record.id}/")}
            if f"segments/{segment.record.id}/words.npy" not in known:
                yield str(damaged(catalog.path, f"no files of segment {segment.record.id}"))
        live = {int(row) for segment in snapshot.segments for row in segment.rows[snapshot.tombstones.live(segment)]}
        odd = live ^ set(snapshot.ids())
        if odd:
            yield str(damaged(catalog.path, f"rows and documents disagree, {min(odd)} first"))
        rows = sorted(live)
        for part in _sized(snapshot.text_sizes(rows)):
            snapshot.documents(part)
    except (WordhiveError, OSError) as error:
        if "catalog.db" in str(error):
            yield str(error)


def _sized(sizes: dict[int, int]) -> Iterator[list[int]]:
    """Rows in parts whose texts fit into memory."""
    part: list[int] = []
    n_bytes = 0
    for row, size in sizes.items():
        if part and (len(part) == _AT_ONCE or n_bytes + size > MOST_TEXT):
            yield part
            part, n_bytes = [], 0
        part.append(row)
        n_bytes += size
    if part:
        yield part
