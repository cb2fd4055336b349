"""`Index`: word vectors on disk that survive anything: made, filled, emptied, compacted, read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import flag, given_ids, given_path, real_number, shown, whole_number
from .candidates.gpu import check_device
from .candidates.intrinsic_dimension import estimate
from .config import IndexConfig
from .errors import InputError
from .filters.conditions import Where
from .maintenance.coding import Coding, coding
from .maintenance.drift import drift
from .maintenance.info import IndexInfo, bytes_by_part
from .reading.current import CurrentSnapshot
from .reading.snapshot import OpenFiles, Snapshot
from .scoring.scores import Scores
from .storage.catalog.catalog import Catalog
from .storage.catalog.documents import StoredDocument
from .storage.parameters import check_decodes, check_fits_queries, config_for
from .storage.settings import EncoderStamp, IndexSettings
from .word_vectors import WordVectors
from .writing.creation import check_free, make
from .writing.free_numbers import Ids
from .writing.writer import Writer

# Numbers of first-stage vectors among which neighbours are looked for, to estimate their dimension.
_MEASURED_NUMBERS = 10_000_000


class Index:
    """An index folder: a catalog, trained parameters, immutable segments.

    Open any number of them for reading; one at a time can write. What is read is one moment's: that of opening, of the
    last `reload`, or of an own change.
    """

    def __init__(self, path: Path, catalog: Catalog, device: str) -> None:
        files = OpenFiles()
        if device != "cpu":
            from .scoring.torch_scoring import TorchScoring

            files.scoring = TorchScoring(device)
        self.path = path
        self._latest = CurrentSnapshot(path, catalog, IndexSettings.of(catalog), device, files)
        self._writer = Writer(path, self._latest, device)

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
        store_texts: bool = True,
        device: str = "cpu",
    ) -> Index:
        """A new, empty index in a folder that does not exist yet.

        config: an `IndexConfig`, a preset's name or a YAML file; None: preset "default", or "summary" with exact_match.
        encoder: what makes its vectors, checked by those who search with text. summary_weight: the summary's share of a
        score, 0 … 1. exact_match: only identical words match, by their word ids. query_length: what the lengths of
        a query's words add up to, where the model gives all queries the same. queries: such as will be asked, for the
        encoding to be fitted to; it needs none. store_texts: keep texts, to be given back with hits.
        device: "cpu" or "cuda": where documents get their encodings, FAISS searches, and candidates get their scores.
        Raises InputError when the path is taken, or the first stage is one for other scores than exact_match gives.
        """
        path = given_path(path)
        check_device(device)
        summary_weight = real_number(summary_weight, "summary_weight", "a number from 0 to 1", least=0, most=1)
        exact_match, store_texts = flag(exact_match, "exact_match"), flag(store_texts, "store_texts")
        if encoder is not None and not isinstance(encoder, EncoderStamp):
            raise InputError(f"encoder is {shown(encoder)}; expected an EncoderStamp, such as Encoder.stamp, or None")
        if query_length is not None:
            query_length = real_number(query_length, "query_length", "a number from 0, or None", least=0)
        check_free(path)
        config = config_for(config, exact_match=exact_match)
        check_decodes(config)
        if queries is not None:
            check_fits_queries(config)
            queries = queries if isinstance(queries, WordVectors) else WordVectors.from_list(queries)
        settings = IndexSettings(
            config, encoder, summary_weight, exact_match, query_length, queries is not None, store_texts
        )
        return cls(path, make(path, settings, queries), device)

    @classmethod
    def open(cls, path: str | Path, *, device: str = "cpu") -> Index:
        """An existing index. Raises InputError when the path holds none, or one of another format.

        device: "cpu" or "cuda": where documents get their encodings, FAISS searches, and candidates get their scores.
        """
        given, path = path, given_path(path)
        check_device(device)
        if not path.exists():
            raise InputError(f"no index at {given}; make one with: wordhive index INPUT --to {given}")
        if not (path / "catalog.db").is_file():
            raise InputError(f"{path} is no wordhive index (it has no catalog.db); give the folder that was indexed to")
        return cls(path, Catalog.open(path / "catalog.db"), device)

    def close(self) -> None:
        """Let go of the index. What was read before, by `snapshot`, stays readable."""
        self._latest.close()

    def reload(self) -> None:
        """See what others have committed since.

        Where another index was put in the place of this one, that one is read and written from now on. Until then this
        one is read as it was, and changes are refused. Raises WordhiveError where no index is there any more.
        """
        self._latest.reload()

    def snapshot(self) -> Snapshot:
        """What the index holds now, and for as long as you keep it.

        Raises WordhiveError for a file that is missing or not as it was written.
        """
        return self._latest.opened()

    def __len__(self) -> int:
        return len(self._latest.now())

    @property
    def settings(self) -> IndexSettings:
        """What the index was made with."""
        return self._latest.settings

    @property
    def _catalog(self) -> Catalog:
        return self._latest.catalog

    @property
    def config(self) -> IndexConfig:
        """What the index is configured to be; the first documents may be too few for all of it."""
        return self.settings.config

    @property
    def encoder(self) -> EncoderStamp | None:
        """What makes its vectors; None where they are made elsewhere."""
        return self.settings.encoder

    @property
    def summary_weight(self) -> float:
        """The summary's share of a score, 0 … 1."""
        return self.settings.summary_weight

    @property
    def exact_match(self) -> bool:
        """Whether only identical words match."""
        return self.settings.exact_match

    @property
    def dim(self) -> int:
        """Dimensions of a word; 0 before the first document."""
        return self._latest.now().dim

    @property
    def summary_dim(self) -> int:
        """Dimensions of a summary; 0 where documents have none."""
        return self._latest.now().summary_dim

    def add(
        self,
        ids: Ids,
        vectors: WordVectors | Sequence[Any],
        texts: Sequence[str | None] | None = None,
        attributes: Sequence[dict[str, Any] | None] | None = None,
    ) -> None:
        """Add documents in one commit: all of them, or none.

        ids: strings, the caller's own; or a function that chooses them while nobody else writes, of `FreeNumbers`.
        vectors: `WordVectors`, or one `[n_i, dim]` array or tensor a document.
        texts, attributes: stored and given back with hits. The first documents train codec and encoding.

        Raises InputError for ids that repeat or exist, numbers that disagree, other dims, or values that are not
        finite, or without word ids where only identical words match; WordhiveError when another process is writing or
        the disk is full.
        """
        self._writer.store(ids, vectors, texts, attributes, replace=False)

    def upsert(
        self,
        ids: Ids,
        vectors: WordVectors | Sequence[Any],
        texts: Sequence[str | None] | None = None,
        attributes: Sequence[dict[str, Any] | None] | None = None,
    ) -> int:
        """Add documents, in place of those of the same ids, in one commit; the number of documents that were replaced.

        Arguments and errors are those of `add`.
        """
        return self._writer.store(ids, vectors, texts, attributes, replace=True)

    def delete(self, ids: Iterable[str] | None = None, *, where: Where | None = None, missing_ok: bool = False) -> int:
        """Delete the documents of these ids, or those that a filter lets through, in one commit; their number.

        All of them, or none. Their bytes are given back by a later compaction: `compact`, or on its own once a segment
        is half deleted. missing_ok: pass over ids that are not there, which are an InputError otherwise.
        """
        if (ids is None) == (where is None):
            raise InputError("delete takes either ids or where; give one of them")
        named = [] if ids is None else given_ids(ids)
        return self._writer.delete(named, where, missing_ok=flag(missing_ok, "missing_ok"))

    def compact(self) -> None:
        """Rewrite the index as one segment without deleted documents, under the last parameters.

        It can be stopped at any time: the index is then as it was. Needs room on the disk for both.
        """
        self._writer.compact()

    def refit(self) -> None:
        """Train codecs and encoding anew, on documents of today, and rewrite the index with them.

        Codes are made of decoded codes: a codec's loss comes in twice. Stopped, it leaves an index that is partly
        rewritten, and as good as before; `compact` does the rest.
        """
        self._writer.refit()

    def set_candidates(self, n: int | None, probes: int | None = None) -> None:
        """How many candidates a search takes that asks for no number, from now on; None: 1000, as before any tuning.

        probes: lists that searches visit, or the least beam of a graph; None: as configured.
        Others who have the index open go on as they are. Raises InputError for a number below 1.
        """
        n, probes = (
            given if given is None else whole_number(given, name, otherwise=", or None")
            for name, given in (("candidates", n), ("probes", probes))
        )
        self._writer.set_tuning(n, probes)

    def known_ids(self, ids: Iterable[str]) -> set[str]:
        """Those of the given ids that the index holds, by its latest commit."""
        return self._catalog.known_ids(given_ids(ids))

    def texts(self, ids: Iterable[str]) -> dict[str, str | None]:
        """The stored texts of those of the given ids that the index holds."""
        return self.snapshot().texts(ids)

    def rows(self, ids: Iterable[str]) -> dict[str, int]:
        """The rows of those of the given ids that the index holds."""
        return self.snapshot().rows(ids)

    def ids(self) -> dict[int, str]:
        """The id of every row."""
        return self.snapshot().ids()

    def documents(self, rows: Sequence[int]) -> dict[int, StoredDocument]:
        """The stored documents of the given rows, by row."""
        return self.snapshot().documents(rows)

    def vectors(self, rows: NDArray[np.int64]) -> WordVectors:
        """The stored vectors of the given rows, in ascending order; see `Snapshot.vectors`."""
        return self.snapshot().vectors(rows)

    def find_candidates(self, queries: WordVectors, n: int) -> list[NDArray[np.int64]]:
        """The first stage; see `Snapshot.find_candidates`."""
        return self.snapshot().find_candidates(queries, n)

    def score(self, query: WordVectors, rows: NDArray[np.int64]) -> Scores:
        """The second stage; see `Snapshot.score`."""
        return self.snapshot().score(query, rows)

    def score_all(self, queries: WordVectors) -> Iterator[list[Scores]]:
        """Exact scores of every document; see `Snapshot.score_all`."""
        return self.snapshot().score_all(queries)

    def info(self) -> IndexInfo:
        """What the index holds, and its bytes by part."""
        now = self._latest.now()
        sizes = bytes_by_part(self._catalog.files(), self._catalog.size(), self._catalog.texts_size())
        return IndexInfo(
            str(self.path), len(now), len(now.tombstones), sum(s.record.n_words for s in now.segments),
            len(now.segments), now.dim, now.summary_dim, self.summary_weight, self.exact_match, self.encoder,
            self.config, sizes, self._catalog.text_bytes(),
        )  # fmt: skip

    def coding(self) -> Coding:
        """How its documents are coded now, and from how many on as it was asked to."""
        return coding(self.snapshot(), self.config)

    def intrinsic_dimension(self) -> float | None:
        """In how many directions first-stage vectors spread around each of them: the median of the largest segment.

        The higher, the more candidates, or the wider a graph's beam, for the same recall. None without a first stage,
        or with too few documents to tell.
        """
        now = self.snapshot()
        segments = [segment for segment in now.segments if now.parameters(segment.record.generation).encoding]
        largest = max(segments, key=lambda segment: segment.record.n_documents, default=None)
        vectors = largest.candidates.vectors(_MEASURED_NUMBERS) if largest else None
        return None if vectors is None else estimate(vectors)

    def drift(self) -> float | None:
        """How much worse the fitted first stage stands for documents that came after it was fitted; 1: no worse.

        From `drift.HIGH` on a `refit` is worth its time. None where nothing is fitted, or too few came since.
        """
        return drift(self.snapshot(), self.summary_weight if self.summary_dim else 0.0, self.settings.query_length)
