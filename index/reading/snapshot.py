"""`Snapshot`: what an index holds at one moment, and the primitives of search on it.

It stays as it is while others add, delete and merge: its view of the catalog is one read transaction, and its files
are mapped, so that they can be read after their names are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arguments import given_ids, given_rows, whole_number
from ..candidates.candidate_index import CandidateIndex
from ..errors import InputError, WordhiveError, damaged
from ..filters.conditions import Where
from ..lexical.lexical_queries import LexicalQueries
from ..scoring.rerank import score_documents
from ..scoring.scores import Scores, best
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.catalog_records import Generation, SegmentRecord
from ..storage.catalog.documents import StoredDocument
from ..storage.folders import verify
from ..storage.parameters import Parameters
from ..storage.segment import Segment
from ..storage.settings import IndexSettings
from ..vectors.ragged import ragged_rows
from ..word_vectors import WordVectors
from .filter_cache import FilterCache
from .lexicon import Lexicon
from .open_files import OpenFiles
from .tombstones import Tombstones
from .vector_checks import check_query

# Words that an exact search scores at a time on a device, which has hardly begun with a block for a CPU's cache.
_BLOCK_WORDS_ON_DEVICE = 4_000_000
# One candidate by rare words for so many by vectors, at most.
_RARE_SHARE = 10


class Snapshot:
    """The documents of an index at one moment. Each has a row, a number that it keeps for its life.

    segments: in the order of their rows. generation: the last parameters, which code new documents; None before the
    first document. tombstones: which documents of the segments are deleted.

    Args:
        catalog: As it was at that moment.
    """

    def __init__(
        self, path: Path, catalog: Catalog, settings: IndexSettings, device: str, files: OpenFiles | None = None
    ) -> None:
        self._path = path
        self.catalog = catalog.pinned()
        self.settings = settings
        self._device = device
        self._is_open = False
        self._filters = FilterCache(self.catalog)
        earlier = files or OpenFiles()
        self.segments: list[Segment] = [
            earlier.segments.get(record) or Segment(path / "segments" / record.id, record, settings.config)
            for record in self.catalog.segments()
        ]
        self.generations = {generation.id: generation for generation in self.catalog.generations()}
        self.files = earlier.kept(self.segments, self.generations)
        self.generation: Generation | None = self.generations[max(self.generations)] if self.generations else None
        self.tombstones = Tombstones(self.catalog.tombstones())

    def __len__(self) -> int:
        return self._n_documents

    @cached_property
    def _n_documents(self) -> int:
        return self.catalog.n_documents()  # SQLite counts rows one by one: milliseconds for a million

    @property
    def n_words(self) -> int:
        """Words of all documents that are not deleted."""
        return sum(int(np.diff(segment.offsets)[self.tombstones.live(segment)].sum()) for segment in self.segments)

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
        """Verify and map all files. False where another process removed some by a merge.

        Raises:
            WordhiveError: A file that is missing or damaged.
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
                if not self.tombstones.fit(segment):
                    raise damaged(self.catalog.path, "no row of a tombstone")
        except WordhiveError:
            if [segment.record for segment in self.segments] == self._latest_segments():
                raise
            return False
        self._is_open = True
        return True

    def _latest_segments(self) -> list[SegmentRecord]:
        latest = self.catalog.pinned()
        try:
            return latest.segments()
        finally:
            latest.close()

    def parameters(self, generation: int) -> Parameters:
        """The parameters of that generation."""
        if generation not in self.files.parameters:
            trained = self.generations.get(generation)
            if trained is None:
                raise damaged(self.catalog.path, f"no generation {generation}")
            verify(self._path, self.catalog.files(f"params/{generation}/"))
            folder = self._path / "params" / str(generation)
            self.files.parameters[generation] = Parameters.load(folder, trained.dim, trained.summary_dim)
        return self.files.parameters[generation]

    def candidates(self, segment: Segment) -> CandidateIndex:
        """The first stage of a segment, on the device."""
        if self._device == "cpu":
            return segment.candidates
        id = segment.record.id
        if id not in self.files.moved:
            self.files.moved[id] = segment.candidates.to(self._device)
        return self.files.moved[id]

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self.segments, self.tombstones)

    def lexical(self, queries: WordVectors) -> LexicalQueries | None:
        """What each word of the queries adds to the score of a document that has it.

        None where that is nothing: the index is not configured so, or no word of the queries is known.
        """
        weight = self.settings.config.lexical_weight
        if not weight or not queries.word_ids.any():
            return None
        return self._lexicon.queries(queries, weight, self._summary_weight)

    @property
    def _summary_weight(self) -> float:
        return self.settings.summary_weight if self.summary_dim else 0.0

    def decoded(self, segment: Segment, documents: NDArray[np.int64] | None = None) -> WordVectors:
        """The vectors that the codes of a segment's documents are decoded to.

        Args:
            segment: The segment.
            documents: Their numbers within it; None: all that are not deleted.
        """
        documents = self.tombstones.live(segment) if documents is None else documents
        parameters = self.parameters(segment.record.generation)
        words, offsets = ragged_rows(segment.offsets, documents)
        summary = None if parameters.summaries is None else parameters.summaries.decode(segment.summaries[documents])
        word_ids = segment.word_ids_of(documents, offsets)
        windows = segment.windows_of(documents)
        if windows is not None and parameters.summaries is not None:
            windows = replace(windows, summary=parameters.summaries.decode(segment.window_summaries_of(documents)))
        return WordVectors(parameters.words.decode(segment.words[words]), offsets, word_ids, summary, windows)

    def find_candidates(
        self,
        queries: WordVectors,
        n: int,
        rows: NDArray[np.int64] | None = None,
        *,
        probes: int | None = None,
        lexical: LexicalQueries | None = None,
    ) -> list[NDArray[np.int64]]:
        """The first stage: for each query the rows of up to n documents, best first.

        Behind these come all documents of segments without an encoding, which were added while documents were too few
        to fit one. If scores have a lexical part, up to n / 10 documents with rare words of the query come last.

        Args:
            queries: The queries.
            n: How many candidates.
            rows: Rows that may be found, ascending; None: all.
            probes: Lists to visit, or the smallest beam of a graph; None: as tuned, or else as configured.
            lexical: As `lexical(queries)` returns it, where that is known already.

        Raises:
            InputError: The index was made without a first stage.
        """
        if self.settings.config.encoding is None:
            raise InputError("this index has no first stage (its preset scores every document); use candidates='all'")
        self.check_query(queries)
        n, rows = whole_number(n, "n", least=0), None if rows is None else given_rows(rows)
        probes = self.settings.probes if probes is None else whole_number(probes, "probes", otherwise=", or None")
        results: list[list[tuple[NDArray[np.float32], NDArray[np.int64]]]] = [[] for _ in range(len(queries))]
        encoded: dict[int, NDArray[np.float32]] = {}
        unencoded: list[NDArray[np.int64]] = []
        for segment in self.segments:
            allowed, generation = self.tombstones.allowed(segment, rows), segment.record.generation
            encoding = self.parameters(generation).encoding
            if encoding is None:
                unencoded.append(segment.rows if allowed is None else segment.rows[allowed])
                continue
            if generation not in encoded:
                encoded[generation] = encoding.encode_queries(queries)
            scores, numbers = self.candidates(segment).search(encoded[generation], n, allowed, probes=probes)
            for query, (score, number) in enumerate(zip(scores, numbers, strict=True)):
                real = number >= 0
                results[query].append((score[real], segment.rows[number[real]]))
        found = [np.concatenate([best(parts, n), *unencoded]) for parts in results]
        lexical = lexical or self.lexical(queries)
        if lexical is None:
            return found
        more = -(-n // _RARE_SHARE)
        return [self._lexicon.with_rare(it, lexical[i : i + 1], more, rows) for i, it in enumerate(found)]

    def probing(self, n: int) -> tuple[int, int] | None:
        """The fewest and the most probes that make a difference in a search for n candidates; None: all are scanned."""
        n = whole_number(n, "n")
        encoded = [s for s in self.segments if self.parameters(s.record.generation).encoding is not None]
        ranges = [reach for segment in encoded if (reach := self.candidates(segment).probing(n)) is not None]
        return (min(least for least, _ in ranges), max(most for _, most in ranges)) if ranges else None

    def score(
        self,
        query: WordVectors,
        rows: NDArray[np.int64],
        *,
        lexical: LexicalQueries | None = None,
        most: int | None = None,
    ) -> Scores:
        """The second stage: exact scores of the given rows for one query (`WordVectors` of one text).

        They are exact for the stored codes: float32 arithmetic on the decoded vectors, on the index's device (on the
        CPU where only identical words match). Rows of no document are left out.

        Args:
            query: The query.
            rows: The rows.
            lexical: What the query's words add; None: as `lexical(query)` says.
            most: Rows that can't be among so many best may be left out; None: none is.
        """
        self.check_query(query)
        lexical = lexical or self.lexical(query)
        rows = _ascending(given_rows(rows))
        generations: dict[int, list[tuple[Segment, NDArray[np.int64]]]] = {}
        for segment in self.segments:
            documents = self.tombstones.live_among(segment, rows)
            if len(documents):
                generations.setdefault(segment.record.generation, []).append((segment, documents))
        return Scores.concat([self._scored(query, lexical, chosen, most)[0] for chosen in generations.values()])

    def score_all(
        self,
        queries: WordVectors,
        rows: NDArray[np.int64] | None = None,
        *,
        lexical: LexicalQueries | None = None,
        most: int | None = None,
    ) -> Iterator[list[Scores]]:
        """Exact scores of every document, a block of documents at a time: for each block, one `Scores` a query.

        Args:
            queries: The queries.
            rows: Rows that are scored, ascending; None: all.
            lexical: What the queries' words add; None: as `lexical(queries)` says.
            most: Rows that can't be among so many best may be left out; None: none is.
        """
        self.check_query(queries)
        lexical = lexical or self.lexical(queries)
        rows = None if rows is None else given_rows(rows)
        most = None if self.files.scoring is None else _BLOCK_WORDS_ON_DEVICE
        for segment in self.segments:
            documents = self.tombstones.live(segment) if rows is None else self.tombstones.live_among(segment, rows)
            for block in segment.blocks(documents, most):
                yield self._scored(queries, lexical, [(segment, block)], most)

    def _scored(
        self,
        queries: WordVectors,
        lexical: LexicalQueries | None,
        documents: Sequence[tuple[Segment, NDArray[np.int64]]],
        most: int | None,
    ) -> list[Scores]:
        """One `Scores` a query, of documents of the same generation."""
        parameters = self.parameters(documents[0][0].record.generation)
        return score_documents(
            queries,
            documents,
            parameters.words,
            parameters.summaries,
            self._summary_weight,
            exact_match=self.settings.exact_match,
            lexical=lexical,
            most=most,
            scoring=self.files.scoring,
        )

    def vectors(self, rows: NDArray[np.int64]) -> WordVectors:
        """The stored vectors of the given rows, in ascending order, as their codes say; unknown rows are left out."""
        rows = _ascending(given_rows(rows))
        parts = [(segment, self.tombstones.live_among(segment, rows)) for segment in self.segments]
        decoded = [self.decoded(segment, documents) for segment, documents in parts if len(documents)]
        return WordVectors.concat(decoded) if decoded else WordVectors.empty(self.dim, self.summary_dim)

    def sample(self, n: int) -> WordVectors:
        """The stored vectors of n documents drawn from all, or of all; the same ones every time."""
        n = whole_number(n, "n", least=0)
        parts = (segment.rows[self.tombstones.live(segment)] for segment in self.segments)
        live = np.concatenate([np.zeros(0, np.int64), *parts])
        return self.vectors(live[np.sort(np.random.default_rng(0).permutation(len(live))[:n])])

    def matching(self, where: Where | str) -> NDArray[np.int64]:
        """The rows of the documents that match a filter, ascending.

        Where nothing matches, a warning names the attributes that no document has. The last few results are kept.

        Args:
            where: A filter as a dict, an expression, or JSON.

        Raises:
            InputError: What is no filter.
        """
        return self._filters.matching(where)

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

        Raises:
            InputError: A row of no document.
            WordhiveError: A document that the catalog lost.
        """
        listed = given_rows(rows).tolist()
        documents = self.catalog.documents(listed)
        missing = next((row for row in listed if row not in documents), None)
        if missing is not None:
            if not any(len(self.tombstones.live_among(segment, np.array([missing]))) for segment in self.segments):
                raise InputError(f"{self._path} holds no document in row {missing}; see ids() for the rows")
            raise damaged(self.catalog.path, f"no document {missing}")
        return documents

    def text_sizes(self, rows: Sequence[int]) -> dict[int, int]:
        """The bytes of the texts of the given rows, kept or not; 0 for none."""
        return self.catalog.text_sizes(rows)

    def check_query(self, queries: WordVectors) -> None:
        """Raise InputError for queries that the index's documents can't be scored for."""
        check_query(queries, self.settings, self.generation)


def _ascending(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows in order, each once; `np.unique` makes a hash table, which takes longer."""
    ordered = np.sort(rows)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
