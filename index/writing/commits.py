"""The commits of an index: what each kind of change writes to the catalog, as one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..storage.batch import Batch, attributes_as_json
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.catalog_records import FileRecord, Generation, SegmentRecord
from ..storage.settings import without_unset

Attributes = dict[str, Any]
# Documents whose texts are read at a time: their checksums are of texts too.
_UPDATED_AT_ONCE = 500


def commit_batch(
    catalog: Catalog,
    batch: Batch,
    record: SegmentRecord,
    new: Generation | None,
    files: Sequence[FileRecord],
    replaced: Sequence[int] = (),
    *,
    store_texts: bool = True,
) -> None:
    """Commit a batch of documents, whose segment is written.

    Args:
        catalog: Of the index.
        batch: The documents.
        record: Their segment.
        new: The generation of parameters that codes them, where they are the first that it codes.
        files: Files of the segment, and of the new generation.
        replaced: Rows of the documents that they replace.
        store_texts: Keep texts, or only their sizes.
    """
    codec = catalog.writing_codec(batch.texts if store_texts else ())
    with catalog.commit("upsert" if len(replaced) else "add", len(batch.ids)) as transaction:
        if new is not None:
            transaction.insert_generation(new)
        transaction.delete_documents(replaced)
        transaction.insert_segment(record, files)
        rows = range(record.first_row, record.first_row + record.n_documents)
        transaction.insert_documents(rows, batch, codec, store_texts=store_texts)


def commit_changes(
    catalog: Catalog,
    removed: Sequence[int],
    labels: Mapping[int, tuple[str, str | None]],
    added: Iterable[tuple[Batch, SegmentRecord, Generation | None, Sequence[FileRecord]]],
    n_documents: int,
    *,
    store_texts: bool = True,
) -> None:
    """Commit that documents are removed, get other ids and attributes, and are added, all at once.

    Args:
        catalog: Of the index.
        removed: Rows.
        labels: Id, and attributes as JSON, by row.
        added: Batches, each with its segment, which is written while they are gone through, with the generation of
            parameters of which it is the first, and the files of both.
        n_documents: How many documents that are, for the history.
        store_texts: Keep texts, or only their sizes.
    """
    with catalog.commit("sync", n_documents) as transaction:
        transaction.delete_documents(removed)
        transaction.relabel_documents(catalog.relabelled(labels))
        codec = catalog.text_codec(0)
        for batch, record, new, files in added:
            if new is not None:
                transaction.insert_generation(new)
            transaction.insert_segment(record, files)
            rows = range(record.first_row, record.first_row + record.n_documents)
            if not codec.id:  # none with a dictionary yet; one that is trained here is of no use if the commit fails
                codec = catalog.writing_codec(batch.texts if store_texts else ())
            transaction.insert_documents(rows, batch, codec, store_texts=store_texts)


def commit_generation(catalog: Catalog, new: Generation, files: Sequence[FileRecord]) -> None:
    """Commit a generation of parameters, which codes documents from now on."""
    with catalog.commit("refit", 0) as transaction:
        transaction.insert_generation(new, files)


def commit_tuning(catalog: Catalog, candidates: int | None, probes: int | None) -> None:
    """Commit the settings by which a search takes candidates if it does not say how many; see `IndexSettings`."""
    settings = {**catalog.settings(), "candidates": candidates, "probes": probes}
    with catalog.commit("tune", 0) as transaction:
        transaction.replace_settings(without_unset(settings))


def commit_deletion(catalog: Catalog, rows: Sequence[int]) -> None:
    """Commit that the documents of those rows are deleted."""
    with catalog.commit("delete", len(rows)) as transaction:
        transaction.delete_documents(rows)


def commit_update(catalog: Catalog, changes: Mapping[int, Attributes]) -> None:
    """Commit changes of attributes, by row: new values by name, None for those that are removed."""
    rows = sorted(changes)
    with catalog.commit("update", len(rows)) as transaction:
        for start in range(0, len(rows), _UPDATED_AT_ONCE):
            records = catalog.records(rows[start : start + _UPDATED_AT_ONCE])
            for document, record in records:
                merged = {**document.attributes, **changes[document.row]}
                kept = {name: value for name, value in merged.items() if value is not None}
                transaction.update_attributes(record, document.text, attributes_as_json(kept, document.id))


def commit_merge(
    catalog: Catalog, merged: Sequence[SegmentRecord], record: SegmentRecord | None, files: Sequence[FileRecord]
) -> None:
    """Commit that a segment replaces those that were merged into it.

    Args:
        record: None where no document was left.
    """
    with catalog.commit("merge", record.n_documents if record else 0) as transaction:
        transaction.delete_segments(merged)
        if record is not None:
            transaction.insert_segment(record, files)
        transaction.delete_unused_generations()
