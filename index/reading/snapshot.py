"""`Snapshot`: what an index holds at one moment, and the primitives of search on it.

It stays as it is while others add, delete and merge: its view of the catalog is one read transaction, and its files
are mapped, so that they can be read after their names are gone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..arguments import given_ids, given_rows, instance, whole_number
from ..candidates.candidate_index import CandidateIndex
from ..errors import InputError, WordhiveError
from ..filters.conditions import Where
from ..scoring.rerank import score_documents
from ..scoring.scores import Scores, best
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.catalog_records import Generation, SegmentRecord
from ..storage.catalog.documents import StoredDocument
from ..storage.parameters import Parameters
from ..storage.segment import Segment, verify
from ..storage.settings import IndexSettings
from ..word_vectors import WordVectors, ragged_blocks, ragged_rows
from .unknown_attributes import warn_of_unknown

if TYPE_CHECKING:  # torch is imported for a device of its own alone
    from ..scoring.torch_scoring import TorchScoring

# Words that an exact search scores at a time; a GPU has hardly begun with as many as a processor's cache holds.
_BLOCK_WORDS = 200_000
_BLOCK_WORDS_ON_DEVICE = 4_000_000
# Filters whose rows are remembered, the last ones: eight bytes a row.
_KEPT_FILTERS = 8


@dataclass
class OpenFiles:
    """What snapshots of the same index share: files that are open, parameters that are loaded, and what is on a device.

    scoring: the second stage there; None: on the CPU.
    """

    segments: dict[SegmentRecord, Segment] = field(default_factory=dict)
    parameters: dict[int, Parameters] = field(default_factory=dict)
    moved: dict[str, CandidateIndex] = field(default_factory=dict)
    scoring: TorchScoring | None = None


class Snapshot:
    """The documents of an index at one moment.

    segments: in the order of their rows. generation: the last parameters, by which documents are added; None before
    the first. tombstones: rows of deleted documents, int64, ascending. catalog: as it was at that moment.
    """

    def __init__(
        self, path: Path, catalog: Catalog, settings: IndexSettings, device: str, files: OpenFiles | None = None
    ) -> None:
        self._path = path
        self.catalog = catalog.pinned()
        self.settings = settings
        self._device = device
        self._is_open = False
        self._matching: dict[str, NDArray[np.int64]] = {}
        self._filtering = threading.Lock()
        before = files or OpenFiles()
        records = self.catalog.segments()
        self.segments: list[Segment] = [
            before.segments.get(record) or Segment(path / "segments" / record.id, record, settings.config)
            for record in records
        ]
        ids = {record.id for record in records}
        self.generations = {generation.id: generation for generation in self.catalog.generations()}
        self.files = OpenFiles(
            dict(zip(records, self.segments, strict=True)),
            {id: loaded for id, loaded in before.parameters.items() if id in self.generations},
            {id: index for id, index in before.moved.items() if id in ids},
            before.scoring,
        )
        self.generation: Generation | None = self.generations[max(self.generations)] if self.generations else None
        self.tombstones = np.array(self.catalog.tombstones(), np.int64)

    def __len__(self) -> int:
        return self._n_documents

    @cached_property
    def _n_documents(self) -> int:
        return self.catalog.n_documents()  # SQLite counts rows one by one: milliseconds for a million

    @property
    def n_words(self) -> int:
        """Words of all documents that are not deleted."""
        return sum(int(np.diff(segment.offsets)[self.live(segment)].sum()) for segment in self.segments)

    @property
    def n_rows(self) -> int:
        """The first row that no segment owns yet."""
        last = self.segments[-1].record if self.segments else None
        return last.first_row + last.n_rows if last else 0

    @property
    def dim(self) -> int:
        """Dimensions of a word; 0 before the first document."""
        return self.generation.dim if self.generation else 0

    @property
    def summary_dim(self) -> int:
        """Dimensions of a summary; 0 where documents have none."""
        return self.generation.summary_dim if self.generation else 0

    def open(self) -> bool:
        """Map all files, each found to be as it was written; False where another process removed some by a merge.

        Raises WordhiveError for a file that is missing or damaged.
        """
        if self._is_open:
            return True
        try:
            for segment in self.segments:
                parameters = self.parameters(segment.record.generation)
                if not segment.is_open:
                    # What reads headers of arrays and indexes may fail at damaged ones in any way.
                    verify(self._path, self.catalog.files(f"segments/{segment.record.id}/"))
                    segment.open(parameters)
                    segment.is_open = True
                self._check_tombstones(segment)
        except WordhiveError:
            if [segment.record for segment in self.segments] == self._now():
                raise
            return False
        self._is_open = True
        return True

    def _check_tombstones(self, segment: Segment) -> None:
        first = segment.record.first_row
        start, stop = np.searchsorted(self.tombstones, [first, first + segment.record.n_rows])
        deleted, rows = self.deleted(segment), segment.rows
        if not np.array_equal(rows[deleted[deleted < len(rows)]], self.tombstones[start:stop]):
            raise WordhiveError(f"{self.catalog.path} is damaged (no row of a tombstone); restore it from a copy")

    def _now(self) -> list[SegmentRecord]:
        latest = self.catalog.pinned()
        try:
            return latest.segments()
        finally:
            latest.close()

    def parameters(self, generation: int) -> Parameters:
        """The parameters of that generation."""
        found = self.files.parameters.get(generation)
        if found is None:
            if generation not in self.generations:
                raise WordhiveError(f"{self.catalog.path} is damaged (no generation {generation}); restore a copy")
            verify(self._path, self.catalog.files(f"params/{generation}/"))
            folder = self._path / "params" / str(generation)
            held = self.generations[generation]
            found = Parameters.load(folder, held.dim, held.summary_dim)
            self.files.parameters[generation] = found
        return found

    def candidates(self, segment: Segment) -> CandidateIndex:
        """The first stage of a segment, on the device."""
        if self._device == "cpu":
            return segment.candidates
        id = segment.record.id
        if id not in self.files.moved:
            self.files.moved[id] = segment.candidates.to(self._device)
        return self.files.moved[id]

    def decoded(self, segment: Segment, local: NDArray[np.int64] | None = None) -> WordVectors:
        """The vectors of a segment's documents, as its codes say.

        local: their numbers within it; None: all that are not deleted.
        """
        local = self.live(segment) if local is None else local
        parameters = self.parameters(segment.record.generation)
        words, offsets = ragged_rows(segment.offsets, local)
        summary = None if parameters.summaries is None else parameters.summaries.decode(segment.summaries[local])
        word_ids = segment.word_ids_of(local, offsets)
        return WordVectors(parameters.words.decode(segment.words[words]), offsets, word_ids, summary)

    def n_deleted(self, record: SegmentRecord) -> int:
        """Deleted documents that a segment still holds."""
        start, stop = np.searchsorted(self.tombstones, [record.first_row, record.first_row + record.n_rows])
        return int(stop - start)

    def deleted(self, segment: Segment) -> NDArray[np.int64]:
        """Numbers of the deleted documents within a segment, ascending."""
        first = segment.record.first_row
        start, stop = np.searchsorted(self.tombstones, [first, first + segment.record.n_rows])
        return np.searchsorted(segment.rows, self.tombstones[start:stop])

    def live(self, segment: Segment) -> NDArray[np.int64]:
        """Numbers of the other documents within a segment, ascending."""
        return np.delete(np.arange(segment.record.n_documents), self.deleted(segment))

    def among(self, segment: Segment, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers within a segment of those of the given ascending rows that are documents of it, and not deleted."""
        first = segment.record.first_row
        start, stop = np.searchsorted(rows, [first, first + segment.record.n_rows])
        rows = rows[start:stop]
        held = segment.rows
        places = np.searchsorted(held, rows)
        places = places[(places < len(held)) & (held[np.minimum(places, len(held) - 1)] == rows)]
        deleted = self.deleted(segment)
        return np.setdiff1d(places, deleted, assume_unique=True) if len(deleted) else places

    def _allowed(self, segment: Segment, rows: NDArray[np.int64] | None) -> NDArray[np.bool_] | None:
        """Which of a segment's documents count: a mask, or None where all do."""
        deleted = self.deleted(segment)
        if rows is None and not len(deleted):
            return None
        mask = np.zeros(segment.record.n_documents, np.bool_)
        mask[self.live(segment) if rows is None else self.among(segment, rows)] = True
        return mask

    def find_candidates(
        self, queries: WordVectors, n: int, rows: NDArray[np.int64] | None = None, *, probes: int | None = None
    ) -> list[NDArray[np.int64]]:
        """The first stage: for each query the rows of up to n documents, best first.

        rows: only among these, ascending. Behind the n come the rows of segments without an encoding: of the first
        documents, while they were too few to fit one to. All of those are candidates.
        probes: lists that are visited, or the least beam of a graph; None: as tuned, or else as configured.

        Raises InputError when the index was made without a first stage.
        """
        if self.settings.config.encoding is None:
            raise InputError("this index has no first stage (its preset scores every document); use candidates='all'")
        self.check_query(queries)
        n, rows = whole_number(n, "n", least=0), None if rows is None else given_rows(rows)
        probes = self.settings.probes if probes is None else whole_number(probes, "probes", otherwise=", or None")
        found: list[list[tuple[NDArray[np.float32], NDArray[np.int64]]]] = [[] for _ in range(len(queries))]
        encoded: dict[int, NDArray[np.float32]] = {}
        unencoded: list[NDArray[np.int64]] = []
        for segment in self.segments:
            allowed, generation = self._allowed(segment, rows), segment.record.generation
            encoding = self.parameters(generation).encoding
            if encoding is None:
                unencoded.append(segment.rows if allowed is None else segment.rows[allowed])
                continue
            if generation not in encoded:
                encoded[generation] = encoding.encode_queries(queries)
            scores, numbers = self.candidates(segment).search(encoded[generation], n, allowed, probes=probes)
            for query, (score, number) in enumerate(zip(scores, numbers, strict=True)):
                real = number >= 0
                found[query].append((score[real], segment.rows[number[real]]))
        return [np.concatenate([best(parts, n), *unencoded]) for parts in found]

    def probing(self, n: int) -> tuple[int, int] | None:
        """The fewest and the most probes that make a difference in a search for n candidates; None: all are scanned."""
        n = whole_number(n, "n")
        encoded = [s for s in self.segments if self.parameters(s.record.generation).encoding is not None]
        ranges = [reach for segment in encoded if (reach := self.candidates(segment).probing(n)) is not None]
        return (min(least for least, _ in ranges), max(most for _, most in ranges)) if ranges else None

    def score(self, query: WordVectors, rows: NDArray[np.int64]) -> Scores:
        """The second stage: exact scores of the given rows for one query (`WordVectors` of one text).

        The scores are exact for the stored codes: float32 arithmetic on the decoded vectors, on the index's device (of
        words on the CPU, where only identical ones match). Rows of no document are left out.
        """
        self.check_query(query)
        rows = _ascending(given_rows(rows))
        generations: dict[int, list[tuple[Segment, NDArray[np.int64]]]] = {}
        for segment in self.segments:
            local = self.among(segment, rows)
            if len(local):
                generations.setdefault(segment.record.generation, []).append((segment, local))
        return Scores.concat([self._scored(query, documents)[0] for documents in generations.values()])

    def score_all(self, queries: WordVectors, rows: NDArray[np.int64] | None = None) -> Iterator[list[Scores]]:
        """Exact scores of every document, a block of documents at a time: for each block, one `Scores` a query.

        rows: only of these, ascending.
        """
        self.check_query(queries)
        rows = None if rows is None else given_rows(rows)
        most = None if self.files.scoring is None else _BLOCK_WORDS_ON_DEVICE
        for segment in self.segments:
            for local in blocks(segment, self.live(segment) if rows is None else self.among(segment, rows), most):
                yield self._scored(queries, [(segment, local)])

    def _scored(self, queries: WordVectors, documents: Sequence[tuple[Segment, NDArray[np.int64]]]) -> list[Scores]:
        """One `Scores` a query, of documents of the same generation."""
        parameters = self.parameters(documents[0][0].record.generation)
        weight = self.settings.summary_weight if self.summary_dim else 0.0
        return score_documents(
            queries,
            documents,
            parameters.words,
            parameters.summaries,
            weight,
            exact_match=self.settings.exact_match,
            scoring=self.files.scoring,
        )

    def vectors(self, rows: NDArray[np.int64]) -> WordVectors:
        """The stored vectors of the given rows, in ascending order, as their codes say; unknown rows are left out."""
        rows = _ascending(given_rows(rows))
        parts = [(segment, self.among(segment, rows)) for segment in self.segments]
        decoded = [self.decoded(segment, local) for segment, local in parts if len(local)]
        return WordVectors.concat(decoded) if decoded else WordVectors.empty(self.dim, self.summary_dim)

    def sample(self, n: int) -> WordVectors:
        """n documents, or all, evenly from all, as their codes say; the same ones every time."""
        n = whole_number(n, "n", least=0)
        live = np.concatenate([np.zeros(0, np.int64), *(segment.rows[self.live(segment)] for segment in self.segments)])
        return self.vectors(live[np.sort(np.random.default_rng(0).permutation(len(live))[:n])])

    def matching(self, where: Where) -> NDArray[np.int64]:
        """The rows of the documents that a filter lets through, ascending. Raises InputError for what is no filter.

        Those of the last few filters are kept, since what they let through does not change. Where there are none, a
        warning names the attributes that no document has.
        """
        try:
            key = repr(where)
        except (ValueError, RecursionError):  # more digits or levels than Python prints, or than a filter may have
            return np.array(self.catalog.matching(where), np.int64)
        with self._filtering:
            rows = self._matching.pop(key, None)
        if rows is None:
            rows = np.array(self.catalog.matching(where), np.int64)
            rows.flags.writeable = False
            if not len(rows):
                warn_of_unknown(self.catalog, where)
        with self._filtering:
            self._matching[key] = rows
            if len(self._matching) > _KEPT_FILTERS:
                del self._matching[next(iter(self._matching))]
        return rows

    def texts(self, ids: Iterable[str]) -> dict[str, str | None]:
        """The stored texts of those of the given ids that the index holds."""
        return self.catalog.texts(given_ids(ids))

    def rows(self, ids: Iterable[str]) -> dict[str, int]:
        """The rows of those of the given ids that the index holds."""
        return self.catalog.rows(given_ids(ids))

    def ids(self) -> dict[int, str]:
        """The id of every row."""
        return self.catalog.ids()

    def documents(self, rows: Sequence[int]) -> dict[int, StoredDocument]:
        """The stored documents of the given rows, by row.

        Raises InputError for a row of no document, WordhiveError for a document that the catalog lost.
        """
        listed = given_rows(rows).tolist()
        found = self.catalog.documents(listed)
        missing = next((row for row in listed if row not in found), None)
        if missing is not None:
            if not any(len(self.among(segment, np.array([missing]))) for segment in self.segments):
                raise InputError(f"{self._path} holds no document in row {missing}; see ids() for the rows")
            raise WordhiveError(f"{self.catalog.path} is damaged (no document {missing}); restore it from a copy")
        return found

    def text_sizes(self, rows: Sequence[int]) -> dict[int, int]:
        """The bytes of the texts of the given rows, kept or not; 0 for none."""
        return self.catalog.text_sizes(rows)

    def check_query(self, queries: WordVectors) -> None:
        """Raise InputError for queries that the index's documents can't be scored for."""
        instance(queries, "the queries", WordVectors, "WordVectors, as WordVectors.from_list() makes them")
        self.check_word_ids(queries)
        self.check_dims(queries)
        queries.check_size(lambda place: f"query {place} (counted from 0)")

    def check_word_ids(self, vectors: WordVectors) -> None:
        """Raise InputError for vectors without word ids where only identical words match."""
        if self.settings.exact_match and len(vectors.word_ids) and not vectors.word_ids.any():
            raise InputError(
                "the vectors have no word ids, and this index scores only pairs of identical words; "
                "give WordVectors with the word_ids of a whole-word model"
            )

    def check_dims(self, vectors: WordVectors) -> None:
        """Raise InputError for vectors of other dims than the index's."""
        if self.generation is None:
            return
        if vectors.dim != self.dim:
            raise InputError(f"the vectors have {vectors.dim} dims, the index {self.dim}; use the model that made it")
        if vectors.summary_dim != self.summary_dim:
            raise InputError(
                f"the summaries have {vectors.summary_dim} dims, the index's {self.summary_dim}; "
                "use the model that made it"
            )


def _ascending(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each of them once; `np.unique` makes a hash table, which takes longer."""
    ordered = np.sort(rows)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def blocks(segment: Segment, local: NDArray[np.int64], most_words: int | None = None) -> Iterator[NDArray[np.int64]]:
    """Documents of a segment, by ascending numbers, so many words at a time; some hundred thousand."""
    counts = segment.offsets[local + 1] - segment.offsets[local]
    return (local[block] for block in ragged_blocks(counts, most_words or _BLOCK_WORDS))
