"""The first stage: a FAISS index of one vector per document, on CPU or GPU."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..config import IndexConfig
from ..errors import InputError
from ..faiss import faiss_factory, faiss_files, faiss_library
from ..faiss.faiss_index import FaissIndex, Kind
from ..word_vectors import LARGEST
from . import gpu
from .appended_codes import append_codes
from .fast_scan import FastScan
from .filtered_search import search_allowed
from .gpu import check_device
from .graph_metric import set_metric
from .product_scan import Candidates
from .search_width import SearchWidth, width_range
from .whole_search import queries_lacking, search_whole

# Encodings spread much more in some dims than in others: from this many on, each dim's own range is learned.
_FEW_DOCUMENTS = 1_000
# Queries × documents that are not worth waking threads for.
_FEW_PAIRS = 200_000


class CandidateIndex:
    """Finds the documents whose encodings have the largest inner products with a query's."""

    def __init__(self, index: FaissIndex, config: IndexConfig, *, on_cpu: CandidateIndex | None = None) -> None:
        self._faiss = index
        self._config = config
        self._on_cpu = on_cpu  # the same index on the CPU, where this one is on a GPU
        self._packed: FastScan | None = None  # the codes in the form that a fast scan reads
        self._packing = threading.Lock()

    @classmethod
    def train(cls, config: IndexConfig, sample: NDArray[np.float32]) -> CandidateIndex:
        """An empty index by `config.candidates`, trained on encodings `[n, dim]`.

        Raises:
            InputError: A string that is no FAISS factory, or a sample too small to train it.
        """
        return cls._trained(config, config.candidates, sample)

    @classmethod
    def train_large(cls, config: IndexConfig, sample: NDArray[np.float32]) -> CandidateIndex | None:
        """The same by `config.large_candidates`, for segments of `config.large_from` documents; None where none is."""
        return cls._trained(config, config.large_candidates, sample) if config.large_candidates else None

    @classmethod
    def _trained(cls, config: IndexConfig, factory: str, sample: NDArray[np.float32]) -> CandidateIndex:
        # A graph and the index that refines its finds share one metric, which must be the search's.
        euclidean = factory.startswith("HNSW") and ",R" not in factory and config.links == "euclidean"
        index = faiss_factory.from_factory(
            sample.shape[1], factory, sample, "candidates", _FEW_DOCUMENTS, euclidean=euclidean
        )
        faiss_files.check_known(index.index, factory, "candidates")
        if index.kind is Kind.GRAPH:
            index.index.hnsw.efConstruction = config.ef_construction
        return cls(index, config)

    def __len__(self) -> int:
        return self._faiss.n

    @property
    def is_scan(self) -> bool:
        """Whether a search for fewer documents returns the first documents of a search for more."""
        return self._faiss.is_codes or self._faiss.kind is Kind.LISTS

    def add(self, encodings: NDArray[np.float32]) -> None:
        """Append documents; they are numbered from `len(self)`."""
        self._packed = None
        self._link()
        encodings = _floats(encodings)
        if self._faiss.is_half:  # infinite, it would be nearest to all queries or to none
            encodings = np.clip(encodings, -LARGEST, LARGEST)
        self._faiss.index.add(encodings)

    def append(self, path: Path, kept: NDArray[np.int64] | None = None, *, alike: bool = True) -> bool:
        """Append the documents of a saved index.

        A graph is linked anew, from decoded vectors.

        Args:
            path: The saved index.
            kept: Numbers of its documents to append, ascending. None: all.
            alike: The saved index began as a copy of this one when it was empty. Then its codes are copied; otherwise
                they are decoded and coded again.

        Returns:
            Whether it was done. False where codes can't be decoded to what they hold: then encode the documents anew.
        """
        self._packed = None
        other = FaissIndex.of(faiss_files.read(path, self._faiss.dim, _factories(self._config)))
        if alike and append_codes(self._faiss, other, kept):
            return True
        if not other.decodes:
            return False
        self._link()
        for vectors in other.decoded(kept):
            self._faiss.index.add(vectors)
        return True

    def _link(self) -> None:
        library = faiss_library.faiss()
        if self._faiss.kind is Kind.GRAPH:
            self._faiss.index.keep_max_size_level0 = True  # with all links that have room, every document is found
            euclidean = self._config.links == "euclidean"
            set_metric(self._faiss, library.METRIC_L2 if euclidean else library.METRIC_INNER_PRODUCT)

    def probing(self, n: int) -> tuple[int, int] | None:
        """The fewest and the most probes that make a difference in a search for n; None where all are scanned."""
        return width_range((self._on_cpu or self)._faiss, min(n, len(self)))

    def search(
        self,
        queries: NDArray[np.float32],
        n: int,
        allowed: NDArray[np.bool_] | None = None,
        *,
        probes: int | None = None,
    ) -> Candidates:
        """The best n documents of each query, or all; see SQUASH's promise (Oakley & Ferhatosmanoglu 2024).

        Args:
            queries: Float32 `[n_queries, dim]`.
            n: Number of documents to find.
            allowed: Bool `[len(self)]`, the documents that may be found. With a filter, the CPU searches. None: all.
            probes: Lists that an IVF index visits, or the least beam of a graph; more for a query that finds fewer
                than n documents. None: as configured.

        Returns:
            Inner products and numbers, `[n_queries, n]`.

        Raises:
            InputError: For more than 2048 documents on a GPU.
        """
        n = min(n, len(self) if allowed is None else int(np.count_nonzero(allowed)))
        if allowed is not None and len(allowed) != len(self):
            raise InputError(f"{len(allowed)} documents are allowed or not, of {len(self)}; expected one each")
        if n <= 0:
            return np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
        some = allowed is not None and not allowed.all()
        if self._on_cpu is not None:
            if some:  # FAISS's GPU searches take no selector
                return self._on_cpu.search(queries, n, allowed, probes=probes)
            width = SearchWidth.of(self._config, probes)
            scores, numbers = gpu.search(self._faiss, _floats(queries), n, width)
            if len(lacking := queries_lacking(numbers)):
                scores[lacking], numbers[lacking] = self._on_cpu.search(queries[lacking], n, probes=probes)
            return scores, numbers
        few = len(queries) == 1 or len(queries) * len(self) < _FEW_PAIRS
        with faiss_library.one_thread(few):
            return self._search(_floats(queries), n, allowed if some else None, probes)

    def _search(
        self, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_] | None, probes: int | None
    ) -> Candidates:
        if self._faiss.has_fast_scan:
            packed = self._fast_scan()
            return packed.search(queries, n) if allowed is None else packed.search_allowed(queries, n, allowed)
        inner_product = faiss_library.faiss().METRIC_INNER_PRODUCT
        if self._faiss.index.metric_type != inner_product:
            set_metric(self._faiss, inner_product)
        width = SearchWidth.of(self._config, probes)
        if allowed is not None:
            return search_allowed(self._faiss, queries, n, allowed, width)
        return search_whole(self._faiss, queries, n, width)

    def _fast_scan(self) -> FastScan:
        with self._packing:
            if self._packed is None:
                self._packed = FastScan(self._faiss.index)
            return self._packed

    def vectors(self, most: int) -> NDArray[np.float32] | None:
        """The decoded encodings of the first documents, float32 `[n, dim]`, at most `most` numbers in all.

        None where FAISS can't decode them, or decodes them to something else than it searches.
        """
        if not self._has_vectors:
            return None
        return np.asarray(self._faiss.index.reconstruct_n(0, min(most // self._faiss.dim, len(self))), np.float32)

    def vectors_of(self, numbers: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The decoded encodings of the documents with these numbers, or None, as `vectors`."""
        return np.asarray(self._faiss.index.reconstruct_batch(numbers), np.float32) if self._has_vectors else None

    @property
    def _has_vectors(self) -> bool:
        return (self._faiss.is_codes or self._faiss.kind is Kind.GRAPH) and self._faiss.decodes

    def to(self, device: str) -> CandidateIndex:
        """This index on "cpu", "cuda" or "cuda:1".

        Raises:
            WordhiveError: FAISS has no such GPU, or it no room.
        """
        check_device(device)
        if device == "cpu":
            return self
        return CandidateIndex(gpu.copied(self._faiss, device, self._config.candidates), self._config, on_cpu=self)

    def save(self, path: Path) -> None:
        faiss_library.write(self._faiss.index, path)

    def size(self) -> int:
        """Bytes that `save` writes."""
        return faiss_library.size(self._faiss.index)

    @classmethod
    def load(cls, path: Path, config: IndexConfig, dim: int, n: int, *, mapped: bool = False) -> CandidateIndex:
        """Open a saved index.

        Args:
            path: The file.
            config: The configuration that it was made by.
            dim: Dims that it must have.
            n: Vectors that it must hold.
            mapped: Memory-mapped, read-only.

        Raises:
            WordhiveError: The file is missing, damaged, or of another class, dims or count.
        """
        index = FaissIndex.of(faiss_files.read(path, dim, _factories(config), n, mapped=mapped))
        if mapped and index.kind is Kind.GRAPH:
            set_metric(index, faiss_library.faiss().METRIC_INNER_PRODUCT)  # before threads search it
        return cls(index, config)


def _floats(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors, np.float32)


def _factories(config: IndexConfig) -> tuple[str, ...]:
    return (config.candidates, config.large_candidates) if config.large_candidates else (config.candidates,)
