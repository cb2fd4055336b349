"""`Writer`: the changes of an open index. Each is one commit; segments are merged afterwards where that is due."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
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
from ..storage.batch import Batch, check_new_ids
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
            if not self._ids_checked:  # a document whose id is damaged is not found, and would be added twice
                self._catalog.check_ids()
                self._ids_checked = True
            known = self._catalog.rows(batch.ids)
            if not replace:
                check_new_ids(batch.ids, known, self._path)
            self._write(batch, sorted(known.values()))
            self._current.changed()
            self._merge_due()
            return len(known)

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

    def _rows_of(self, ids: Sequence[str], missing_ok: bool) -> list[int]:
        rows = self._catalog.rows(ids)
        missing = next((id for id in ids if id not in rows), None)
        if missing is not None and not missing_ok:
            self._catalog.check_ids()
            raise InputError(f"{self._path} holds no document {missing!r}; nothing was changed")
        return sorted(rows.values())

    def _write(self, batch: Batch, replaced: Sequence[int]) -> None:
        vectors, files, new = batch.vectors, [], None
        snapshot, settings = self._current.snapshot(), self._current.settings
        generation = snapshot.generation
        if generation is None or self._can_retrain(generation, vectors):
            number, n_rows = generation.id + 1 if generation else 1, snapshot.n_rows + len(vectors)
            generation = new = Generation(number, vectors.dim, vectors.summary_dim, n_rows)
            snapshot = self._current.opened()
            stored = [snapshot.decoded(segment) for segment in snapshot.segments]
            files += self._train(new, WordVectors.concat([*stored, vectors]))
            parameters = Parameters.load(self._path / "params" / str(new.id), new.dim, new.summary_dim)
        else:
            parameters = snapshot.parameters(generation.id)
        n = len(vectors)
        record = SegmentRecord(self._new_name(), generation.id, snapshot.n_rows, n, len(vectors.vectors), n)
        files += write_segment(self._path, record, vectors, parameters, self._device)
        commit_batch(self._catalog, batch, record, new, files, replaced, store_texts=settings.store_texts)

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

    def _new_name(self) -> str:
        """A name that no segment had before, so that nobody takes one's files for another's."""
        return f"{self._catalog.n_commits():012d}"

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
