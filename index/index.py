"""`Index`: word vectors on disk that survive anything, and the primitives of search."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .batch import Batch
from .candidates import check_device
from .catalog import Catalog, Generation, SegmentRecord, StoredDocument
from .config import IndexConfig
from .errors import InputError, WordhiveError, WordhiveWarning
from .info import EncoderStamp, IndexInfo, bytes_by_part
from .intrinsic_dimension import estimate
from .merging import check, due, merge
from .parameters import (
    Parameters,
    check_fits_exact_match,
    check_fits_queries,
    enough_documents,
    load_queries,
    save_queries,
)
from .scores import Scores, best
from .scoring import score_documents
from .segment import Segment, file_records, new_folder
from .snapshot import Snapshot
from .word_vectors import WordVectors
from .writing import check_free, commit_batch, commit_merge, disk_errors, sweep, write_lock, write_segment

# Words that an exact search decodes at a time.
_BLOCK_WORDS = 200_000
# Numbers of first-stage vectors among which neighbours are looked for, to estimate their dimension.
_MEASURED_NUMBERS = 10_000_000


class Index:
    """An index folder: a catalog, trained parameters, immutable segments.

    Open any number of them for reading; one at a time can add.
    """

    def __init__(self, path: Path, catalog: Catalog, device: str) -> None:
        check_device(device)
        if device != "cpu":
            from .encodings.torch_kernels import torch_device

            torch_device(device)
        self.path = path
        self._catalog = catalog
        self._device = device
        settings = catalog.settings()
        try:
            self.config = IndexConfig.parse(json.dumps(settings["config"]), f"the configuration of {path}")
            self.summary_weight: float = settings["summary_weight"]
            self.encoder = EncoderStamp(**settings["encoder"]) if settings["encoder"] else None
            self._has_queries: bool = settings.get("queries", False)
            self._query_length: float | None = settings.get("query_length")
            self.exact_match: bool = settings.get("exact_match", False)
        except KeyError as error:
            raise WordhiveError(f"{catalog.path} is damaged (no setting {error}); restore it from a copy") from error
        self._now = Snapshot(path, catalog, self.config, device)

    @classmethod
    def create(
        cls,
        path: str | Path,
        config: IndexConfig | str | Path | None = None,
        *,
        encoder: EncoderStamp | None = None,
        summary_weight: float = 0.0,
        exact_match: bool = False,
        query_length: float | None = None,
        queries: WordVectors | Sequence[Any] | None = None,
        device: str = "cpu",
    ) -> Index:
        """A new, empty index in a folder that does not exist yet.

        config: an `IndexConfig`, a preset's name or a YAML file; None: preset "default", or "summary" with exact_match.
        encoder: what makes its vectors, checked by those who search with text. summary_weight: the summary's share of a
        score, 0 … 1. exact_match: only identical words match, by their word ids. query_length: what the lengths of
        a query's words add up to, where the model gives all queries the same. queries: such as will be asked, for the
        encoding to be fitted to; it needs none. device: of the first stage, "cpu" or "cuda": where FAISS searches,
        and documents get their encodings.
        Raises InputError when the path is taken, or the first stage is one for other scores than exact_match gives.
        """
        path = Path(path)
        check_device(device)
        if not 0 <= summary_weight <= 1:
            raise InputError(f"summary_weight is {summary_weight}; expected a number from 0 to 1")
        check_free(path)
        if config is None:
            config = IndexConfig.default(exact_match=exact_match)
        elif not isinstance(config, IndexConfig):
            config = IndexConfig.load(config)
        if exact_match:
            check_fits_exact_match(config)
        if queries is not None:
            check_fits_queries(config)
            queries = queries if isinstance(queries, WordVectors) else WordVectors.from_list(queries)
        settings = {
            "config": config.model_dump(),
            "encoder": asdict(encoder) if encoder else None,
            "summary_weight": float(summary_weight),
            "exact_match": bool(exact_match),
            "query_length": query_length,
            "queries": queries is not None,
        }
        existed = path.exists()
        with disk_errors(path):
            try:
                path.mkdir(parents=True, exist_ok=True)
                (path / "segments").mkdir()
                (path / "params").mkdir()
                if queries is not None:
                    save_queries(path / "params", queries)
                files = file_records(path, path / "params")
                catalog = Catalog.create(path / "catalog.db", settings, files)
            except BaseException:
                for made in [path] if not existed else list(path.iterdir()):
                    shutil.rmtree(made, ignore_errors=True) if made.is_dir() else made.unlink()
                raise
        return cls(path, catalog, device)

    @classmethod
    def open(cls, path: str | Path, *, device: str = "cpu") -> Index:
        """An existing index. Raises InputError when the path holds none, or one of another format."""
        path = Path(path)
        if not path.exists():
            raise InputError(f"no index at {path}; make one with: wordhive index INPUT --to {path}")
        if not (path / "catalog.db").is_file():
            raise InputError(f"{path} is no wordhive index (it has no catalog.db); give the folder that was indexed to")
        return cls(path, Catalog.open(path / "catalog.db"), device)

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()

    def reload(self) -> None:
        """See what others have committed since."""
        self._now = Snapshot(self.path, self._catalog, self.config, self._device, self._now)

    def __len__(self) -> int:
        return self._catalog.n_documents()

    @property
    def dim(self) -> int:
        """Dimensions of a word; 0 before the first document."""
        return self._now.generation.dim if self._now.generation else 0

    @property
    def summary_dim(self) -> int:
        """Dimensions of a summary; 0 where documents have none."""
        return self._now.generation.summary_dim if self._now.generation else 0

    def add(
        self,
        ids: Sequence[str],
        vectors: WordVectors | Sequence[Any],
        texts: Sequence[str | None] | None = None,
        attributes: Sequence[dict[str, Any] | None] | None = None,
    ) -> None:
        """Add documents in one commit: all of them, or none.

        ids: strings, the caller's own. vectors: `WordVectors`, or one `[n_i, dim]` array or tensor a document.
        texts, attributes: stored and given back with hits. The first documents train codec and encoding.

        Raises InputError for ids that repeat or exist, numbers that disagree, other dims, or values that are not
        finite, or without word ids where only identical words match; WordhiveError when another process is writing or
        the disk is full.
        """
        if not len(ids) and not len(vectors):
            return
        if not isinstance(vectors, WordVectors):
            vectors = WordVectors.from_list(vectors, dim=self.dim or None)
        self._check_word_ids(vectors)
        batch = Batch.check(ids, vectors, texts, attributes)
        try:
            with write_lock(self.path, self._catalog):
                self.reload()
                self._check_new(batch)
                self._write(batch)
                self.reload()
                self._merge()
        except BaseException:
            # What was trained or opened on the way belongs to nothing that was committed.
            self._now = Snapshot(self.path, self._catalog, self.config, self._device)
            raise

    def known_ids(self, ids: Sequence[str]) -> set[str]:
        """Those of the given ids that the index holds."""
        return self._catalog.known_ids(ids)

    def texts(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The stored texts of those of the given ids that the index holds."""
        return self._catalog.texts(ids)

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those of the given ids that the index holds."""
        return self._catalog.rows(ids)

    def ids(self) -> dict[int, str]:
        """The id of every row."""
        return self._catalog.ids()

    def documents(self, rows: Sequence[int]) -> dict[int, StoredDocument]:
        """The stored documents of the given rows, by row."""
        return self._catalog.documents(rows)

    def vectors(self, rows: NDArray[np.int64]) -> WordVectors:
        """The stored vectors of the given rows, in ascending order, as their codes say; unknown rows are left out."""
        rows = np.unique(rows)
        if self._now.n_rows <= rows.max(initial=-1):  # another process has added since
            self.reload()
        now = self._opened()
        parts = [now.decoded(segment, local) for segment, local in _by_segment(now, rows)]
        return WordVectors.concat(parts) if parts else WordVectors.empty(self.dim, self.summary_dim)

    def find_candidates(self, queries: WordVectors, n: int) -> list[NDArray[np.int64]]:
        """The first stage: for each query the rows of up to n documents, best first.

        Behind them come the rows of segments without an encoding: of the first documents, while they were too few to
        fit one to. All of those are candidates.

        Raises InputError when the index was made without a first stage.
        """
        if self.config.encoding is None:
            raise InputError("this index has no first stage (its preset scores every document); use candidates='all'")
        self._check_query(queries)
        found: list[list[tuple[NDArray[np.float32], NDArray[np.int64]]]] = [[] for _ in range(len(queries))]
        encoded: dict[int, NDArray[np.float32]] = {}
        unencoded: list[NDArray[np.int64]] = []
        now = self._opened()
        for segment in now.segments:
            generation = segment.record.generation
            encoding = now.parameters(generation).encoding
            if encoding is None:
                unencoded.append(np.arange(segment.record.n_documents) + segment.record.first_row)
                continue
            if generation not in encoded:
                encoded[generation] = encoding.encode_queries(queries)
            scores, numbers = now.candidates(segment).search(encoded[generation], n)
            for query, (score, number) in enumerate(zip(scores, numbers, strict=True)):
                real = number >= 0
                found[query].append((score[real], number[real] + segment.record.first_row))
        return [np.concatenate([best(parts, n), *unencoded]) for parts in found]

    def score(self, query: WordVectors, rows: NDArray[np.int64]) -> Scores:
        """The second stage: exact scores of the given rows for one query (`WordVectors` of one text).

        The scores are exact for the stored codes: float32 arithmetic on the decoded vectors.
        """
        self._check_query(query)
        now = self._opened()
        parts = [self._score(query, now, segment, local) for segment, local in _by_segment(now, np.unique(rows))]
        return Scores.concat([part[0] for part in parts])

    def score_all(self, queries: WordVectors) -> Iterator[list[Scores]]:
        """Exact scores of every document, a block of documents at a time: for each block, one `Scores` a query."""
        self._check_query(queries)
        now = self._opened()
        for segment in now.segments:
            offsets = segment.offsets
            start = 0
            while start < segment.record.n_documents:
                limit = offsets[start] + _BLOCK_WORDS
                stop = max(start + 1, int(np.searchsorted(offsets, limit, side="right")) - 1)
                yield self._score(queries, now, segment, np.arange(start, stop))
                start = stop

    def info(self) -> IndexInfo:
        """What the index holds, and its bytes by part."""
        sizes = bytes_by_part(self._catalog.files(), self._catalog.size())
        return IndexInfo(
            str(self.path), len(self), sum(s.record.n_words for s in self._now.segments), len(self._now.segments),
            self.dim, self.summary_dim, self.summary_weight, self.exact_match, self.encoder, self.config, sizes,
            self._catalog.text_bytes(),
        )  # fmt: skip

    def intrinsic_dimension(self) -> float | None:
        """In how many directions first-stage vectors spread around each of them: the median of the largest segment.

        The higher, the more candidates, or the wider a graph's beam, for the same recall. None without a first stage,
        or with too few documents to tell.
        """
        now = self._opened()
        segments = [segment for segment in now.segments if now.parameters(segment.record.generation).encoding]
        largest = max(segments, key=lambda segment: segment.record.n_documents, default=None)
        vectors = largest.candidates.vectors(_MEASURED_NUMBERS) if largest else None
        return None if vectors is None else estimate(vectors)

    def _score(self, queries: WordVectors, now: Snapshot, segment: Segment, local: NDArray[np.int64]) -> list[Scores]:
        parameters = now.parameters(segment.record.generation)
        return score_documents(queries, segment, parameters, local, self._weight, exact_match=self.exact_match)

    @property
    def _weight(self) -> float:
        return self.summary_weight if self.summary_dim else 0.0

    def _opened(self) -> Snapshot:
        # One snapshot throughout: another thread may add meanwhile, and put a new one in its place.
        now = self._now
        while not now.open():
            now = self._now = Snapshot(self.path, self._catalog, self.config, self._device, now)
        return now

    def _merge(self) -> None:
        """Merge small segments; where it fails, they stay as they are until the next commit."""
        try:
            while run := due([segment.record for segment in self._now.segments]):
                merged = [segment for segment in self._now.segments if segment.record in run]
                check(self.path, merged, self._catalog.files())
                record, files = merge(self.path, merged, self._now.parameters(run[0].generation))
                commit_merge(self._catalog, run, record, files)
                self.reload()
                sweep(self.path, self._catalog)
        except Exception as error:  # whatever it is, the documents are committed, and must not be reported as lost
            warnings.warn(
                f"{self.path}: segments were not merged ({error}); no document is lost, the next commit tries again",
                WordhiveWarning,
                stacklevel=3,
            )

    def _check_query(self, queries: WordVectors) -> None:
        self._check_word_ids(queries)
        self._check_dims(queries)

    def _check_word_ids(self, vectors: WordVectors) -> None:
        if self.exact_match and len(vectors.word_ids) and not vectors.word_ids.any():
            raise InputError(
                "the vectors have no word ids, and this index scores only pairs of identical words; "
                "give WordVectors with the word_ids of a whole-word model"
            )

    def _check_dims(self, vectors: WordVectors) -> None:
        if self._now.generation is None:
            return
        if vectors.dim != self.dim:
            raise InputError(f"the vectors have {vectors.dim} dims, the index {self.dim}; use the model that made it")
        if vectors.summary_dim != self.summary_dim:
            raise InputError(
                f"the summaries have {vectors.summary_dim} dims, the index's {self.summary_dim}; "
                "use the model that made it"
            )

    def _check_new(self, batch: Batch) -> None:
        self._check_dims(batch.vectors)
        known = self._catalog.known_ids(batch.ids)
        if known:
            example = next(id for id in batch.ids if id in known)
            more = f" and {len(known) - 1} more" if len(known) > 1 else ""
            raise InputError(f"document id {example!r}{more} is already in {self.path}; give new ids")

    def _write(self, batch: Batch) -> None:
        vectors, files, new = batch.vectors, [], None
        segments, generation = self._now.segments, self._now.generation
        if generation is None or self._outgrown(generation, len(vectors)):
            generation = new = Generation(generation.id + 1 if generation else 1, vectors.dim, vectors.summary_dim)
            with new_folder(self.path / "params", str(new.id)) as folder:
                sample = WordVectors.concat([*(self._now.decoded(segment) for segment in segments), vectors])
                queries = load_queries(self.path / "params") if self._has_queries else None
                Parameters.train(self.config, sample, self.summary_weight, folder, queries, self._query_length)
            parameters = Parameters.load(self.path / "params" / str(new.id), has_summary=vectors.summary_dim > 0)
            files += file_records(self.path, self.path / "params" / str(new.id))
        else:
            parameters = self._now.parameters(generation.id)
        first_row = self._now.n_rows
        record = SegmentRecord(f"{first_row:012d}", generation.id, first_row, len(vectors), len(vectors.vectors))
        files += write_segment(self.path, record, vectors, parameters, self._device)
        commit_batch(self._catalog, batch, record, new, files)

    def _outgrown(self, generation: Generation, n_new: int) -> bool:
        """Whether the documents were too few to fit an encoding to, and with n_new more are enough."""
        if self._now.parameters(generation.id).encoding is not None:
            return False
        n_held = sum(segment.record.n_documents for segment in self._now.segments)
        return enough_documents(self.config, n_held + n_new)


def _by_segment(now: Snapshot, rows: NDArray[np.int64]) -> Iterator[tuple[Segment, NDArray[np.int64]]]:
    """Sorted rows, as numbers within each of the segments that hold them."""
    for segment in now.segments:
        first = segment.record.first_row
        start, stop = np.searchsorted(rows, [first, first + segment.record.n_documents])
        if start < stop:
            yield segment, rows[start:stop] - first
