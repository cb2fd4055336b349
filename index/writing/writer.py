"""`Writer`: the changes of an open index. Each is one commit, and what it leaves is merged where that is due."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..arguments import listed
from ..errors import InputError, WordhiveWarning
from ..filters.conditions import Where
from ..reading.current import CurrentSnapshot
from ..reading.snapshot import Snapshot
from ..reading.unknown_attributes import warn_of_unknown
from ..storage.batch import Batch, check_new_ids
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.catalog_records import FileRecord, Generation, SegmentRecord
from ..storage.parameters import SAMPLE_DOCUMENTS, Parameters, can_retrain, load_queries
from ..storage.segment import Segment, file_records, new_folder
from ..storage.settings import IndexSettings
from ..word_vectors import WordVectors
from .commits import (
    commit_batch,
    commit_deletion,
    commit_generation,
    commit_merge,
    commit_tuning,
    sweep,
    write_lock,
    write_segment,
)
from .free_numbers import FreeNumbers, Ids
from .merging import due, merge


class Writer:
    """Changes an index, as its only writer for as long as a change takes; `latest` sees them."""

    def __init__(self, path: Path, latest: CurrentSnapshot, device: str) -> None:
        self._path = path
        self._latest = latest
        self._device = device
        self._changing = threading.RLock()
        self._ids_checked = False

    @property
    def _catalog(self) -> Catalog:
        return self._latest.catalog

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The index for this process alone to write, as it is now. Raises WordhiveError where it was replaced."""
        with self._changing, write_lock(self._path, self._catalog):
            self._latest.look()
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
        """Add documents; the number of those whose place they took, which is an InputError without `replace`."""
        ids = ids if callable(ids) else listed(ids, "ids")
        vectors = vectors if isinstance(vectors, WordVectors) else listed(vectors, "vectors")
        if not len(vectors) and (callable(ids) or not ids):
            return 0
        if not isinstance(vectors, WordVectors):
            vectors = WordVectors.from_list(vectors, dim=self._latest.now().dim or None)
        self._latest.now().check_word_ids(vectors)
        batch = None if callable(ids) else Batch.check(ids, vectors, texts, attributes)
        with self.alone():
            if callable(ids):
                chosen = ids(FreeNumbers(self._catalog, self._latest.now().n_rows))
                batch = Batch.check(chosen, vectors, texts, attributes)
            assert batch is not None
            self._latest.now().check_dims(batch.vectors)
            if not self._ids_checked:  # a damaged id would not be found, and there a second time
                self._catalog.check_ids()
                self._ids_checked = True
            known = self._catalog.rows(batch.ids)
            if not replace:
                check_new_ids(batch.ids, known, self._path)
            self._write(batch, sorted(known.values()))
            self._latest.changed()
            self._merge_due()
            return len(known)

    def delete(self, ids: list[str], where: Where | None, *, missing_ok: bool) -> int:
        """Delete the documents that a filter lets through, or those of the ids where there is none; their number."""
        with self.alone():
            rows = self._catalog.matching(where) if where is not None else self._rows_of(ids, missing_ok)
            if where is not None and not rows:
                warn_of_unknown(self._catalog, where)
            if rows:
                commit_deletion(self._catalog, rows)
                self._latest.changed()
                self._merge_due()
            return len(rows)

    def compact(self) -> None:
        """Make one segment of all, under the last parameters."""
        with self.alone():
            self._compact()

    def refit(self) -> None:
        """Train parameters anew, and code everything by them."""
        with self.alone():
            now = self._latest.opened()
            if now.generation is None or not len(now):
                return
            new = Generation(now.generation.id + 1, now.dim, now.summary_dim, now.n_rows)
            commit_generation(self._catalog, new, self._train(new, now.sample(SAMPLE_DOCUMENTS)))
            self._latest.changed()
            self._compact()

    def set_tuning(self, candidates: int | None, probes: int | None) -> None:
        """Keep how many candidates a search takes that asks for no number, and how it looks for them."""
        with self.alone():
            commit_tuning(self._catalog, candidates, probes)
            self._latest.settings = IndexSettings.of(self._catalog)
            self._latest.changed()

    def _rows_of(self, ids: list[str], missing_ok: bool) -> list[int]:
        rows = self._catalog.rows(ids)
        missing = next((id for id in ids if id not in rows), None)
        if missing is not None and not missing_ok:
            self._catalog.check_ids()
            raise InputError(f"{self._path} holds no document {missing!r}; nothing was deleted")
        return sorted(rows.values())

    def _write(self, batch: Batch, replaced: Sequence[int]) -> None:
        vectors, files, new = batch.vectors, [], None
        now, settings = self._latest.now(), self._latest.settings
        generation = now.generation
        if generation is None or self._outgrown(generation, vectors):
            number, n_rows = generation.id + 1 if generation else 1, now.n_rows + len(vectors)
            generation = new = Generation(number, vectors.dim, vectors.summary_dim, n_rows)
            now = self._latest.opened()
            held = [now.decoded(segment) for segment in now.segments]
            files += self._train(new, WordVectors.concat([*held, vectors]))
            parameters = Parameters.load(self._path / "params" / str(new.id), new.dim, new.summary_dim)
        else:
            parameters = now.parameters(generation.id)
        n = len(vectors)
        record = SegmentRecord(self._new_name(), generation.id, now.n_rows, n, len(vectors.vectors), n)
        files += write_segment(self._path, record, vectors, parameters, self._device)
        commit_batch(self._catalog, batch, record, new, files, replaced, store_texts=settings.store_texts)

    def _train(self, new: Generation, sample: WordVectors) -> list[FileRecord]:
        settings = self._latest.settings
        with new_folder(self._path / "params", str(new.id)) as folder:
            queries = load_queries(self._path / "params") if settings.has_queries else None
            Parameters.train(settings.config, sample, settings.summary_weight, folder, queries, settings.query_length)
        return file_records(self._path, self._path / "params" / str(new.id))

    def _outgrown(self, generation: Generation, new: WordVectors) -> bool:
        """Whether the documents were too few to train all that was asked for, and with new ones are enough."""
        now = self._latest.now()
        held, asked = now.parameters(generation.id).config, self._latest.settings.config
        return can_retrain(held, asked, len(now) + len(new), lambda: self._latest.opened().n_words + len(new.vectors))

    def _new_name(self) -> str:
        """A segment's name: no segment had it before, so nobody takes one's files for another's."""
        return f"{self._catalog.n_commits():012d}"

    def _compact(self) -> None:
        now = self._latest.opened()
        last = now.generation.id if now.generation else 0
        done = len(now.segments) == 1 and now.segments[0].record.generation == last and not len(now.tombstones)
        if now.segments and not done:
            self._merge(now, now.segments)
        self._catalog.shrink()
        self._latest.changed()

    def _merge_due(self) -> None:
        """Merge what should be; where it fails, it stays as it is until the next commit."""
        try:
            while run := self._due():
                self._merge(self._latest.opened(), run)
        except Exception as error:  # whatever it is, the documents are committed, and must not be reported as lost
            warnings.warn(
                f"{self._path}: segments were not merged ({error}); no document is lost, the next commit tries again",
                WordhiveWarning,
                stacklevel=4,
            )

    def _due(self) -> list[Segment]:
        now = self._latest.now()
        deleted = {s.record.id: now.n_deleted(s.record) for s in now.segments} if len(now.tombstones) else {}
        run = due([segment.record for segment in now.segments], deleted)
        return [segment for segment in now.segments if segment.record in run]

    def _merge(self, now: Snapshot, segments: Sequence[Segment]) -> None:
        assert now.generation is not None
        record, files = merge(self._path, now, segments, now.generation, self._new_name(), self._device)
        commit_merge(self._catalog, [segment.record for segment in segments], record, files)
        self._latest.changed()
        sweep(self._path, self._catalog)
