"""`Writer`: the changes of an open index. Each is one commit; segments are merged afterwards where that is due."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..arguments import listed
from ..errors import InputError, warn
from ..filters.conditions import Where
from ..reading.current import CurrentSnapshot
from ..reading.snapshot import Snapshot
from ..reading.unknown_attributes import warn_of_unknown
from ..reading.vector_checks import check_dims, check_word_ids
from ..storage.batch import Batch, attributes_as_json, check_ids, check_new_ids
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.catalog_records import FileRecord, Generation, SegmentRecord
from ..storage.folders import file_records, new_folder, sweep
from ..storage.parameters import Parameters
from ..storage.segment import Segment
from ..storage.settings import IndexSettings
from ..storage.training import SAMPLE_DOCUMENTS, can_retrain, train_parameters
from ..storage.training_queries import load_queries
from ..word_vectors import WordVectors
from .commits import (
    Attributes,
    commit_batch,
    commit_changes,
    commit_deletion,
    commit_generation,
    commit_merge,
    commit_tuning,
    commit_update,
)
from .free_numbers import FreeNumbers, Ids
from .lock import write_lock
from .merging import due, merge
from .segment_writer import write_segment

# The segment of a batch, the generation of parameters of which it is the first, and the files of both.
_Written = tuple[SegmentRecord, Generation | None, list[FileRecord]]


class Writer:
    """Changes an index: only this process writes to it while a change takes place."""

    def __init__(self, path: Path, current: CurrentSnapshot, device: str) -> None:
        self._path = path
        self._current = current
        self._device = device
        self._changing = threading.RLock()
        self._ids_checked = False

    @property
    def _catalog(self) -> Catalog:
        return self._current.catalog

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from writing, and see what they have committed.

        Raises:
            WordhiveError: It was replaced.
        """
        with self._changing, write_lock(self._path, self._catalog):
            self._current.refresh()
            yield

    def store(
        self,
        ids: Ids,
        vectors: WordVectors | Sequence[Any],
        texts: Sequence[str | None] | None,
        attributes: Sequence[dict[str, Any] | None] | None,
        *,
        replace: bool,
    ) -> int:
        """Add documents; the number of documents that they replace, which is an InputError without `replace`."""
        ids = ids if callable(ids) else listed(ids, "ids")
        vectors = vectors if isinstance(vectors, WordVectors) else listed(vectors, "vectors")
        if not len(vectors) and (callable(ids) or not ids):
            return 0
        if not isinstance(vectors, WordVectors):
            vectors = WordVectors.from_list(vectors, dim=self._current.snapshot().dim or None)
        check_word_ids(vectors, self._current.settings)
        batch = None if callable(ids) else Batch.check(ids, vectors, texts, attributes)
        with self.alone():
            if callable(ids):
                chosen = ids(FreeNumbers(self._catalog, self._current.snapshot().n_rows))
                batch = Batch.check(chosen, vectors, texts, attributes)
            assert batch is not None
            check_dims(batch.vectors, self._current.snapshot().generation)
            self._check_stored_ids()
            known = self._catalog.rows(batch.ids)
            if not replace:
                check_new_ids(batch.ids, known, self._path)
            self._write(batch, sorted(known.values()))
            self._current.changed()
            self._merge_due()
            return len(known)

    def change(
        self,
        removed: list[str],
        labels: Mapping[str, tuple[str, dict[str, Any]]],
        batches: Iterable[Batch],
        n_added: int,
    ) -> None:
        """Remove documents, give others new ids and attributes, and add some, in one commit; see `Index.change`."""
        with self.alone():
            self._check_stored_ids()
            rows = self._rows_of(removed, missing_ok=False)
            self._rows_of(list(labels), missing_ok=False)
            named = self._catalog.rows(list(labels))
            ids = [new for new, _ in labels.values()]
            check_ids(ids)
            check_new_ids(ids, self._catalog.known_ids(ids) - set(removed) - labels.keys(), self._path)
            by_row = {named[id]: (new, attributes_as_json(attributes, new)) for id, (new, attributes) in labels.items()}
            store_texts = self._current.settings.store_texts
            n = len(rows) + len(by_row) + n_added
            commit_changes(self._catalog, rows, by_row, self._segments(batches), n, store_texts=store_texts)
            self._current.changed()
            self._merge_due()

    def delete(self, ids: Sequence[str], where: Where | None, *, missing_ok: bool) -> int:
        """Delete the documents that match a filter or, without one, those of the ids; their number."""
        with self.alone():
            rows = self._chosen(ids, where, missing_ok=missing_ok)
            if rows:
                commit_deletion(self._catalog, rows)
                self._current.changed()
                self._merge_due()
            return len(rows)

    def update(
        self, ids: Sequence[str], where: Where | None, attributes: Sequence[Attributes], *, missing_ok: bool
    ) -> int:
        """Change attributes of the documents that match a filter or, without one, of those of the ids; their number.

        Args:
            attributes: One for all documents, or one for each id.
        """
        with self.alone():
            rows = self._chosen(ids, where, missing_ok=missing_ok)
            changes: Mapping[int, Attributes] = dict.fromkeys(rows, attributes[0]) if attributes else {}
            if len(attributes) > 1:
                row_of = self._catalog.rows(ids)
                changes = {row_of[id]: given for id, given in zip(ids, attributes, strict=True) if id in row_of}
            if changes:
                commit_update(self._catalog, changes)
                self._current.changed()
            return len(changes)

    def _chosen(self, ids: Sequence[str], where: Where | None, *, missing_ok: bool) -> list[int]:
        if where is None:
            return self._rows_of(ids, missing_ok)
        rows = self._catalog.matching(where)
        if not rows:
            warn_of_unknown(self._catalog, where)
        return rows

    def compact(self) -> None:
        """Merge all segments into one, coded by the last parameters."""
        with self.alone():
            self._compact()

    def refit(self) -> None:
        """Train parameters anew, and code all documents by them."""
        with self.alone():
            snapshot = self._current.opened()
            if snapshot.generation is None or not len(snapshot):
                return
            new = Generation(snapshot.generation.id + 1, snapshot.dim, snapshot.summary_dim, snapshot.n_rows)
            commit_generation(self._catalog, new, self._train(new, snapshot.sample(SAMPLE_DOCUMENTS)))
            self._current.changed()
            self._compact()

    def set_tuning(self, candidates: int | None, probes: int | None) -> None:
        """Set how many candidates a search takes by default, and how widely it looks for them."""
        with self.alone():
            commit_tuning(self._catalog, candidates, probes)
            self._current.settings = IndexSettings.of(self._catalog)
            self._current.changed()

    def _check_stored_ids(self) -> None:
        if not self._ids_checked:  # a document whose id is damaged is not found, and would be added twice
            self._catalog.check_ids()
            self._ids_checked = True

    def _rows_of(self, ids: Sequence[str], missing_ok: bool) -> list[int]:
        rows = self._catalog.rows(ids)
        missing = next((id for id in ids if id not in rows), None)
        if missing is not None and not missing_ok:
            self._catalog.check_ids()
            raise InputError(f"{self._path} holds no document {missing!r}; nothing was changed")
        return sorted(rows.values())

    def _write(self, batch: Batch, replaced: Sequence[int]) -> None:
        record, new, files = self._segment(batch, None)
        store_texts = self._current.settings.store_texts
        commit_batch(self._catalog, batch, record, new, files, replaced, store_texts=store_texts)

    def _segments(
        self, batches: Iterable[Batch]
    ) -> Iterator[tuple[Batch, SegmentRecord, Generation | None, list[FileRecord]]]:
        """Batches with their segments, which are written meanwhile, one behind the other."""
        last: _Written | None = None
        trained: Generation | None = None
        for batch in batches:
            check_dims(batch.vectors, self._current.snapshot().generation if last is None else trained)
            check_new_ids(batch.ids, self._catalog.rows(batch.ids), self._path)
            record, new, files = last = self._segment(batch, last, trained)
            trained = new or trained
            yield batch, record, new, files

    def _segment(self, batch: Batch, before: _Written | None, trained: Generation | None = None) -> _Written:
        """Write the segment of a batch.

        Args:
            before: The one before it of the same commit.
            trained: The generation that was trained for the same commit.
        """
        vectors, files, new = batch.vectors, [], None
        snapshot = self._current.snapshot()
        generation = trained or snapshot.generation
        if before is not None:
            assert generation is not None
            parameters = self._parameters(generation)
        elif generation is None or self._can_retrain(generation, vectors):
            number, n_rows = generation.id + 1 if generation else 1, snapshot.n_rows + len(vectors)
            generation = new = Generation(number, vectors.dim, vectors.summary_dim, n_rows)
            snapshot = self._current.opened()
            stored = [snapshot.decoded(segment) for segment in snapshot.segments]
            files += self._train(new, WordVectors.concat([*stored, vectors]))
            parameters = self._parameters(new)
        else:
            parameters = snapshot.parameters(generation.id)
        n = len(vectors)
        first = snapshot.n_rows if before is None else before[0].first_row + before[0].n_rows
        record = SegmentRecord(self._new_name(before), generation.id, first, n, len(vectors.vectors), n)
        files += write_segment(self._path, record, vectors, parameters, self._device)
        return record, new, files

    def _parameters(self, generation: Generation) -> Parameters:
        if generation.id in self._current.snapshot().generations:
            return self._current.snapshot().parameters(generation.id)
        return Parameters.load(self._path / "params" / str(generation.id), generation.dim, generation.summary_dim)

    def _train(self, new: Generation, sample: WordVectors) -> list[FileRecord]:
        settings = self._current.settings
        with new_folder(self._path / "params", str(new.id)) as folder:
            queries = load_queries(self._path / "params") if settings.has_queries else None
            train_parameters(settings.config, sample, settings.summary_weight, folder, queries, settings.query_length)
        return file_records(self._path, self._path / "params" / str(new.id))

    def _can_retrain(self, generation: Generation, new: WordVectors) -> bool:
        """Whether documents were too few for the whole configuration, and with the new ones are enough."""
        snapshot = self._current.snapshot()
        used, requested = snapshot.parameters(generation.id).config, self._current.settings.config
        n = len(snapshot) + len(new)
        return can_retrain(used, requested, n, lambda: self._current.opened().n_words + len(new.vectors))

    def _new_name(self, before: _Written | None = None) -> str:
        """A name that no segment had before, so that nobody takes one's files for another's.

        Args:
            before: The segment before it of the same commit.
        """
        name = f"{self._catalog.n_commits():012d}"
        return name if before is None else f"{name}{int(before[0].id[12:] or 0) + 1:08d}"

    def _compact(self) -> None:
        snapshot = self._current.opened()
        last, segments = snapshot.generation.id if snapshot.generation else 0, snapshot.segments
        is_compact = len(segments) == 1 and segments[0].record.generation == last and not len(snapshot.tombstones)
        if segments and not is_compact:
            self._merge(snapshot, segments)
        self._catalog.shrink()
        self._current.changed()

    def _merge_due(self) -> None:
        """Merge segments that should be merged; where that fails, the next commit tries again."""
        try:
            while run := self._due():
                self._merge(self._current.opened(), run)
        except Exception as error:  # whatever it is, the documents are committed, and must not be reported as lost
            warn(f"{self._path}: segments were not merged ({error}); no document is lost, the next commit tries again")

    def _due(self) -> list[Segment]:
        snapshot = self._current.snapshot()
        records = [segment.record for segment in snapshot.segments]
        run = due(records, {record.id: snapshot.tombstones.count(record) for record in records})
        return [segment for segment in snapshot.segments if segment.record in run]

    def _merge(self, snapshot: Snapshot, segments: Sequence[Segment]) -> None:
        assert snapshot.generation is not None
        record, files = merge(self._path, snapshot, segments, snapshot.generation, self._new_name(), self._device)
        commit_merge(self._catalog, [segment.record for segment in segments], record, files)
        self._current.changed()
        sweep(self._path, self._catalog)
