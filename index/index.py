"""`Index`: word vectors on disk that survive anything, and the primitives of search."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from .candidates import CandidateIndex
from .catalog import Catalog, Generation, SegmentRecord, StoredDocument
from .config import IndexConfig
from .errors import InputError, WordhiveError
from .maxsim import maxsim
from .parameters import Parameters
from .segment import Segment, file_records, new_folder, remove_strangers, save_array
from .word_vectors import WordVectors, ragged_rows

# Words that an exact search decodes at a time.
_BLOCK_WORDS = 200_000


@dataclass(frozen=True)
class EncoderStamp:
    """Which encoder made the vectors: the name that it is loaded by, and the fingerprint of what it computes."""

    name: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint[:12]})"


@dataclass(frozen=True)
class Scores:
    """Scores of documents for one query, in both parts, weighted: float32 `[n]` each; `rows` int64 `[n]`."""

    rows: NDArray[np.int64]
    words: NDArray[np.float32]
    summary: NDArray[np.float32]

    @property
    def total(self) -> NDArray[np.float32]:
        return self.words + self.summary


@dataclass(frozen=True)
class IndexInfo:
    """What an index holds. `bytes` counts each part of it on disk; `text` is the plain text's own size."""

    path: str
    n_documents: int
    n_words: int
    n_segments: int
    dim: int
    summary_dim: int
    summary_weight: float
    encoder: EncoderStamp | None
    config: IndexConfig
    bytes: dict[str, int]
    text_bytes: int


class Index:
    """An index folder: a catalog, trained parameters, immutable segments.

    Open any number of them for reading; one at a time can add.
    """

    def __init__(self, path: Path, catalog: Catalog, device: str) -> None:
        self.path = path
        self._catalog = catalog
        self._device = device
        settings = catalog.settings()
        self.config = IndexConfig.parse(json.dumps(settings["config"]), f"the configuration of {path}")
        self.summary_weight: float = settings["summary_weight"]
        self.encoder = EncoderStamp(**settings["encoder"]) if settings["encoder"] else None
        self._parameters: dict[int, Parameters] = {}
        self._candidates: dict[str, CandidateIndex] = {}
        self.reload()

    @classmethod
    def create(
        cls,
        path: str | Path,
        config: IndexConfig | str | Path = "default",
        *,
        encoder: EncoderStamp | None = None,
        summary_weight: float = 0.0,
        device: str = "cpu",
    ) -> Index:
        """A new, empty index in a folder that does not exist yet.

        config: an `IndexConfig`, a preset's name or a YAML file. encoder: what makes its vectors, checked by those
        who search with text. summary_weight: the summary's share of a score, 0 … 1. device: of the first stage.
        Raises InputError when the path is taken.
        """
        path = Path(path)
        if not 0 <= summary_weight <= 1:
            raise InputError(f"summary_weight is {summary_weight}; expected a number from 0 to 1")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            kind = "an index" if (path / "catalog.db").exists() else "something"
            raise InputError(f"{path} is already {kind}; open it, or choose another path")
        if not isinstance(config, IndexConfig):
            config = IndexConfig.load(config)
        settings = {
            "config": config.model_dump(),
            "encoder": asdict(encoder) if encoder else None,
            "summary_weight": float(summary_weight),
        }
        existed = path.exists()
        with _disk_errors(path):
            try:
                path.mkdir(parents=True, exist_ok=True)
                (path / "segments").mkdir()
                (path / "params").mkdir()
                catalog = Catalog.create(path / "catalog.db", settings)
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
        self._segments = [
            Segment(self.path / "segments" / record.id, record, self.config) for record in self._catalog.segments()
        ]
        generations = self._catalog.generations()
        self._generation: Generation | None = generations[-1] if generations else None

    def __len__(self) -> int:
        return self._catalog.n_documents()

    @property
    def dim(self) -> int:
        """Dimensions of a word; 0 before the first document."""
        return self._generation.dim if self._generation else 0

    @property
    def summary_dim(self) -> int:
        """Dimensions of a summary; 0 where documents have none."""
        return self._generation.summary_dim if self._generation else 0

    def add(
        self,
        ids: Sequence[str],
        vectors: WordVectors | Sequence[Any],
        texts: Sequence[str] | None = None,
        attributes: Sequence[dict[str, Any] | None] | None = None,
    ) -> None:
        """Add documents in one commit: all of them, or none.

        ids: strings, the caller's own. vectors: `WordVectors`, or one `[n_i, dim]` array or tensor a document.
        texts, attributes: stored and given back with hits. The first documents train codec and encoding.

        Raises InputError for ids that repeat or exist, numbers that disagree, other dims, or values that are not
        finite; WordhiveError when another process is writing or the disk is full.
        """
        if not len(ids) and not len(vectors):
            return
        if not isinstance(vectors, WordVectors):
            vectors = WordVectors.from_list(vectors, dim=self.dim or None)
        _check_numbers(len(vectors), ids=ids, texts=texts, attributes=attributes)
        _check_ids(ids)
        for id, text in zip(ids, texts or (), strict=False):
            _check_unicode(text, f"the text of document {id!r}")
        details = [_as_json(given, id) for id, given in zip(ids, attributes or [None] * len(ids), strict=True)]
        with self._writer():
            self._check_new(ids, vectors)
            self._write(ids, vectors, texts or [None] * len(ids), details)
            self.reload()

    def known_ids(self, ids: Sequence[str]) -> set[str]:
        """Those of the given ids that the index holds."""
        return self._catalog.known_ids(ids)

    def ids(self) -> dict[int, str]:
        """The id of every row."""
        return self._catalog.ids()

    def documents(self, rows: Sequence[int]) -> dict[int, StoredDocument]:
        """The stored documents of the given rows, by row."""
        return self._catalog.documents(rows)

    def find_candidates(self, queries: WordVectors, n: int) -> list[NDArray[np.int64]]:
        """The first stage: for each query the rows of up to n documents, best first.

        Raises InputError when the index was made without a first stage.
        """
        if self.config.encoding is None:
            raise InputError("this index has no first stage (its preset scores every document); use candidates='all'")
        self._check_dims(queries)
        found: list[list[tuple[NDArray[np.float32], NDArray[np.int64]]]] = [[] for _ in range(len(queries))]
        encoded: dict[int, NDArray[np.float32]] = {}
        for segment in self._segments:
            generation = segment.record.generation
            if generation not in encoded:
                encoding = self._load(generation).encoding
                assert encoding is not None
                encoded[generation] = encoding.encode_queries(queries)
            candidates = self._candidate_index(segment)
            scores, numbers = candidates.search(encoded[generation], n)
            for query, (score, number) in enumerate(zip(scores, numbers, strict=True)):
                real = number >= 0
                found[query].append((score[real], number[real] + segment.record.first_row))
        return [_best(parts, n) for parts in found]

    def score(self, query: WordVectors, rows: NDArray[np.int64]) -> Scores:
        """The second stage: exact scores of the given rows for one query (`WordVectors` of one text).

        The scores are exact for the stored codes: float32 arithmetic on the decoded vectors.
        """
        self._check_dims(query)
        parts = [self._score(query, segment, local) for segment, local in self._by_segment(np.unique(rows))]
        return _join(parts, query=0)

    def score_all(self, queries: WordVectors) -> Iterator[list[Scores]]:
        """Exact scores of every document, a block of documents at a time: for each block, one `Scores` a query."""
        self._check_dims(queries)
        for segment in self._segments:
            offsets = segment.offsets
            start = 0
            while start < segment.record.n_documents:
                limit = offsets[start] + _BLOCK_WORDS
                stop = max(start + 1, int(np.searchsorted(offsets, limit, side="right")) - 1)
                part = self._score(queries, segment, np.arange(start, stop))
                yield [_join([part], query) for query in range(len(queries))]
                start = stop

    def info(self) -> IndexInfo:
        """What the index holds, and its bytes by part."""
        parts = {
            "words": "words.npy",
            "word ids": "word_ids.npy",
            "offsets": "offsets.npy",
            "summaries": "summaries.npy",
        }
        parts["candidates"] = "candidates.faiss"
        names = {name: part for part, name in parts.items()}
        sizes = dict.fromkeys([*parts, "parameters", "catalog with texts"], 0)
        for file in self._catalog.files():
            folder, _, name = file.path.partition("/")
            sizes["parameters" if folder == "params" else names[name.rpartition("/")[2]]] += file.size
        sizes["catalog with texts"] = sum(path.stat().st_size for path in self.path.glob("catalog.db*"))
        return IndexInfo(
            str(self.path), len(self), sum(s.record.n_words for s in self._segments), len(self._segments),
            self.dim, self.summary_dim, self.summary_weight, self.encoder, self.config, sizes,
            self._catalog.text_bytes(),
        )  # fmt: skip

    def _score(
        self, queries: WordVectors, segment: Segment, local: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        parameters = self._load(segment.record.generation)
        if len(local) and local[-1] - local[0] == len(local) - 1:  # a range: read it without a gather
            first, last = segment.offsets[local[0]], segment.offsets[local[-1] + 1]
            codes, offsets = segment.words[first:last], segment.offsets[local[0] : local[-1] + 2] - first
        else:
            rows, offsets = ragged_rows(segment.offsets, local)
            codes = segment.words[rows]
        words = maxsim(queries, parameters.words.decode(codes), offsets) * np.float32(1 - self._weight)
        summary = np.zeros_like(words)
        if self._weight and queries.summary is not None:
            assert parameters.summaries is not None
            decoded = parameters.summaries.decode(segment.summaries[local])
            summary = queries.summary @ decoded.T * np.float32(self._weight)
        return local + segment.record.first_row, words, summary

    @property
    def _weight(self) -> float:
        return self.summary_weight if self.summary_dim else 0.0

    def _by_segment(self, rows: NDArray[np.int64]) -> Iterator[tuple[Segment, NDArray[np.int64]]]:
        for segment in self._segments:
            first = segment.record.first_row
            start, stop = np.searchsorted(rows, [first, first + segment.record.n_documents])
            if start < stop:
                yield segment, rows[start:stop] - first

    def _candidate_index(self, segment: Segment) -> CandidateIndex:
        id = segment.record.id
        if id not in self._candidates:
            self._candidates[id] = segment.candidates.to(self._device)
        return self._candidates[id]

    def _load(self, generation: int) -> Parameters:
        if generation not in self._parameters:
            record = next((known for known in self._catalog.generations() if known.id == generation), None)
            has_summary = bool(record.summary_dim if record else self.summary_dim)
            folder = self.path / "params" / str(generation)
            self._parameters[generation] = Parameters.load(folder, has_summary=has_summary)
        return self._parameters[generation]

    def _check_dims(self, vectors: WordVectors) -> None:
        if self._generation is None:
            return
        if vectors.dim != self.dim:
            raise InputError(f"the vectors have {vectors.dim} dims, the index {self.dim}; use the model that made it")
        if vectors.summary_dim != self.summary_dim:
            raise InputError(
                f"the summaries have {vectors.summary_dim} dims, the index's {self.summary_dim}; "
                "use the model that made it"
            )

    @contextmanager
    def _writer(self) -> Iterator[None]:
        lock = FileLock(self.path / "lock", timeout=0)
        try:
            with _disk_errors(self.path):
                lock.acquire()
        except Timeout as error:
            raise WordhiveError(
                f"another process is writing to {self.path}; wait for it to end and try again"
            ) from error
        try:
            self.reload()
            self._sweep()
            with _disk_errors(self.path):
                yield
        except BaseException:
            # What was trained or opened on the way belongs to nothing that was committed.
            self._parameters.clear()
            self._candidates.clear()
            self._sweep()
            raise
        finally:
            lock.release()

    def _sweep(self) -> None:
        remove_strangers(self.path / "segments", {record.id for record in self._catalog.segments()})
        remove_strangers(self.path / "params", {str(generation.id) for generation in self._catalog.generations()})

    def _check_new(self, ids: Sequence[str], vectors: WordVectors) -> None:
        self._check_dims(vectors)
        known = self._catalog.known_ids(ids)
        if known:
            example = next(id for id in ids if id in known)
            more = f" and {len(known) - 1} more" if len(known) > 1 else ""
            raise InputError(f"document id {example!r}{more} is already in {self.path}; give new ids")

    def _write(
        self,
        ids: Sequence[str],
        vectors: WordVectors,
        texts: Sequence[str | None],
        details: Sequence[str | None],
    ) -> None:
        files = []
        generation = self._generation
        if generation is None:
            generation = Generation(1, vectors.dim, vectors.summary_dim)
            with new_folder(self.path / "params", str(generation.id)) as folder:
                Parameters.train(self.config, vectors, self.summary_weight, folder)
            files += file_records(self.path, self.path / "params" / str(generation.id))
        last = self._segments[-1].record if self._segments else None
        first_row = last.first_row + last.n_documents if last else 0
        record = SegmentRecord(f"{first_row:012d}", generation.id, first_row, len(ids), len(vectors.vectors))
        with new_folder(self.path / "segments", record.id) as folder:
            self._write_segment(folder, vectors, self._load(generation.id))
        files += file_records(self.path, self.path / "segments" / record.id)
        with self._catalog.commit("add", len(ids)) as transaction:
            if self._generation is None:
                row = (generation.id, generation.dim, generation.summary_dim)
                transaction.execute("INSERT INTO generation VALUES (?, ?, ?)", row)
            values = (record.id, record.generation, record.first_row, record.n_documents, record.n_words)
            transaction.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?)", values)
            transaction.executemany(
                "INSERT INTO file VALUES (?, ?, ?)", [(file.path, file.size, file.sha256) for file in files]
            )
            rows = range(first_row, first_row + len(ids))
            documents = zip(rows, ids, texts, details, strict=True)
            transaction.executemany("INSERT INTO document VALUES (?, ?, ?, ?)", documents)

    def _write_segment(self, folder: Path, vectors: WordVectors, parameters: Parameters) -> None:
        save_array(folder / "words.npy", parameters.words.encode(vectors.vectors))
        save_array(folder / "offsets.npy", vectors.offsets)
        save_array(folder / "word_ids.npy", vectors.word_ids)
        if vectors.summary is not None and parameters.summaries is not None:
            save_array(folder / "summaries.npy", parameters.summaries.encode(vectors.summary))
        candidates = parameters.empty_candidates()
        if candidates is not None and parameters.encoding is not None:
            candidates.add(parameters.encoding.encode_documents(vectors))
            candidates.save(folder / "candidates.faiss")


def _best(parts: list[tuple[NDArray[np.float32], NDArray[np.int64]]], n: int) -> NDArray[np.int64]:
    if not parts:
        return np.zeros(0, np.int64)
    scores = np.concatenate([score for score, _ in parts])
    rows = np.concatenate([row for _, row in parts])
    return rows[np.lexsort((rows, -scores))[:n]]


def _join(parts: list[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]], query: int) -> Scores:
    if not parts:
        return Scores(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32))
    rows, words, summaries = zip(*parts, strict=True)
    return Scores(
        np.concatenate(rows),
        np.concatenate([part[query] for part in words]),
        np.concatenate([part[query] for part in summaries]),
    )


def _check_numbers(n_texts: int, **given: Sequence[Any] | None) -> None:
    for name, values in given.items():
        if values is not None and len(values) != n_texts:
            raise InputError(f"{len(values)} {name} for the vectors of {n_texts} documents; expected one each")


def _check_ids(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for id in ids:
        if not isinstance(id, str) or not id:
            raise InputError(f"document id {id!r} is not a string with characters; ids are strings of your own")
        if id in seen:
            raise InputError(f"document id {id!r} is given twice; every document needs an id of its own")
        _check_unicode(id, f"document id {id!r}")
        seen.add(id)


def _check_unicode(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} holds half of a character (a lone surrogate); decode it as UTF-8 first") from error


def _as_json(attributes: dict[str, Any] | None, id: str) -> str | None:
    try:
        return json.dumps(attributes, ensure_ascii=False) if attributes else None
    except (TypeError, ValueError) as error:
        raise InputError(f"the attributes of document {id!r} are no JSON ({error}); use strings, numbers, lists, dicts") from error


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(path) from error
        raise WordhiveError(f"cannot write to {path}: {error.strerror or error}") from error
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise _disk_full(path) from error
        raise WordhiveError(f"cannot write to {path}: {error}") from error


def _disk_full(path: Path) -> WordhiveError:
    return WordhiveError(f"the disk is full: nothing of this batch was kept in {path}; free some space and run again")
