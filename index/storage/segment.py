"""One immutable segment on disk: what `add` wrote, memory-mapped when read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..candidates.candidate_index import CandidateIndex
from ..codecs import Codec
from ..config import IndexConfig
from ..errors import damaged
from ..lexical.lexical_queries import LexicalQueries
from ..vectors.window_words import WindowWords
from ..word_vectors import ragged_blocks
from .array_files import map_array
from .catalog.catalog_records import SegmentRecord
from .inverted_lists import InvertedLists
from .parameters import CANDIDATES, Parameters
from .window_lists import WindowLists
from .word_id_lists import WordIdLists

# Words of a block, unless a caller says another number.
_BLOCK_WORDS = 200_000


class Segment:
    """The files of one segment. Its documents are numbered from 0.

    words: uint8 `[n_words, code_size]`, the words of a document in the order of their ids.
    offsets: int64 `[n_documents + 1]`; document i owns the words `offsets[i]:offsets[i + 1]`.
    word_ids: compressed; `word_ids_of` reads them.
    rows: int64 `[n_documents]`, ascending: the row of each document in the index.
    inverted: the documents of each word, in memory only.
    summaries: uint8 `[n_documents, summary code size]`, where documents have summaries.
    windows: which words of long documents stand together, where there are long documents.
    candidates: the first stage, where there is one, once the segment is open.

    Each raises WordhiveError for a file that is missing or damaged.
    """

    candidates: CandidateIndex

    def __init__(self, folder: Path, record: SegmentRecord, config: IndexConfig) -> None:
        self.folder = folder
        self.record = record
        self._config = config
        self.is_open = False  # until all files are verified and mapped

    def open(self, parameters: Parameters) -> None:
        """Map all files, so that they stay readable when a merge removes them, and check that they fit each other.

        Raises:
            WordhiveError: A damaged file, or one that does not fit the catalog or the parameters.
        """
        n, n_words = self.record.n_documents, self.record.n_words
        self._expect("words", self.words.shape == (n_words, parameters.words.code_size))
        self._check_codes("words", parameters.words, self.words)
        offsets = self.offsets
        self._expect("offsets", offsets.shape == (n + 1,) and offsets[0] == 0 and offsets[-1] == n_words)
        self._expect("offsets", bool((offsets[1:] >= offsets[:-1]).all()))
        self._expect("word_id_sizes", len(self.word_ids.sizes) == n and self.word_ids.is_whole())
        rows, first = self.rows, self.record.first_row
        self._expect(
            "rows", rows.shape == (n,) and (not n or (rows[0] >= first and rows[-1] < first + self.record.n_rows))
        )
        self._expect("rows", bool((rows[1:] > rows[:-1]).all()))
        if parameters.summaries is not None:
            self._expect("summaries", self.summaries.shape == (n, parameters.summaries.code_size))
            self._check_codes("summaries", parameters.summaries, self.summaries)
        if self.windows is not None:
            size = 0 if parameters.summaries is None else parameters.summaries.code_size
            self.windows.check(self.folder, n, size)
            if parameters.summaries is not None and self.windows.summaries is not None:
                self._check_codes("window_summaries", parameters.summaries, self.windows.summaries)
        if parameters.encoding is not None:
            path = self.folder / CANDIDATES
            self.candidates = CandidateIndex.load(path, self._config, parameters.dim, n, mapped=True)

    def _expect(self, name: str, fits: bool) -> None:
        if not fits:
            raise damaged(self.folder / f"{name}.npy", "it does not fit the catalog or the other files")

    def _check_codes(self, name: str, codec: Codec, codes: NDArray[np.uint8]) -> None:
        try:
            codec.check_codes(codes)
        except ValueError as error:
            raise damaged(self.folder / f"{name}.npy", error) from error

    @cached_property
    def words(self) -> NDArray[np.uint8]:
        words: NDArray[np.uint8] = map_array(self.folder / "words.npy", "|u1", dims=2)
        return words

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        return np.asarray(map_array(self.folder / "offsets.npy", "<i8"))

    @cached_property
    def word_ids(self) -> WordIdLists:
        return WordIdLists.load(self.folder)

    def word_ids_of(self, documents: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The word ids of chosen documents, uint32 `[offsets[-1]]`.

        Args:
            offsets: Of their words, int64 `[n + 1]`.
        """
        return self.word_ids.decode(documents, offsets)

    def lexical_scores(self, queries: LexicalQueries, documents: NDArray[np.int64]) -> NDArray[np.float32]:
        """The lexical part of the score of every query with chosen documents, float32 `[n_queries, n]`."""
        return self.word_ids.lexical_scores(queries, documents, self.offsets[documents + 1] - self.offsets[documents])

    @cached_property
    def inverted(self) -> InvertedLists:
        """Which documents have a word; made when it is first asked for."""
        return InvertedLists.of(self.word_ids, self.offsets)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        first, n = self.record.first_row, self.record.n_documents
        if n == self.record.n_rows:
            return np.arange(first, first + n)
        rows: NDArray[np.int64] = np.asarray(map_array(self.folder / "rows.npy", "<i8"))
        return rows

    @cached_property
    def summaries(self) -> NDArray[np.uint8]:
        summaries: NDArray[np.uint8] = map_array(self.folder / "summaries.npy", "|u1", dims=2)
        return summaries

    @cached_property
    def windows(self) -> WindowLists | None:
        """The windows of long documents; None where every document is one window."""
        return WindowLists.load(self.folder, has_summaries=(self.folder / "summaries.npy").exists())

    def windows_of(self, documents: NDArray[np.int64]) -> WindowWords | None:
        """The windows of chosen documents, without summaries; None where each of them is one window."""
        if self.windows is None:
            return None
        return self.windows.of(documents, self.offsets[documents + 1] - self.offsets[documents])

    def window_summaries_of(self, documents: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The codes of the summaries of all windows of chosen documents, one document after the other."""
        assert self.windows is not None
        return self.windows.summaries_of(documents)

    def blocks(self, documents: NDArray[np.int64], most_words: int | None = None) -> Iterator[NDArray[np.int64]]:
        """Cut ascending numbers of documents into blocks of at most so many words; a longer document comes alone."""
        counts = self.offsets[documents + 1] - self.offsets[documents]
        return (documents[block] for block in ragged_blocks(counts, most_words or _BLOCK_WORDS))
