"""The first stage: a FAISS index of one vector per document, on CPU or GPU."""

from __future__ import annotations

import re
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import shown
from ..config import IndexConfig
from ..errors import InputError, WordhiveError
from ..faiss import faiss_files, faiss_library
from ..word_vectors import LARGEST
from .appended_codes import append_codes
from .fast_scan import FastScan
from .filtered_search import search_allowed
from .product_scan import Found
from .search_width import SearchWidth, width_range
from .whole_search import lack, search_whole

# Encodings vary much more in some dims than in others: as soon as there are this many, each dim has its own range.
_FEW_DOCUMENTS = 1_000
# FAISS's GPU searches find no more, and can't run at the same time.
_GPU_MOST = 2048
_GPU_LOCK = threading.Lock()
# A float16 reaches to 65,504. Codes are a hundred times as coarse as one, and lose nothing by it.
_HALF_REACH = 1_000
# Queries × documents that are not worth waking threads for.
_FEW_PAIRS = 200_000


def check_device(device: str) -> None:
    """Raise InputError for a device that FAISS does not know, WordhiveError for a GPU that it can't find."""
    if not isinstance(device, str) or not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise InputError(f"device is {shown(device)}; choose cpu or cuda (cuda:1 for the second GPU)")
    if device == "cpu":
        return
    library = faiss_library.faiss()
    found = library.get_num_gpus() if hasattr(library, "StandardGpuResources") else 0
    if not found:
        raise WordhiveError(
            f"device {device!r} was asked for, but this FAISS finds no GPU; install 'wordhive[gpu]' "
            "on a CUDA machine, or search on the cpu"
        )
    if _gpu_number(device) >= found:
        raise WordhiveError(f"device {device!r} was asked for, but the last GPU here is cuda:{found - 1}")


class CandidateIndex:
    """Finds the documents whose encodings have the largest inner products with a query's."""

    def __init__(self, index: Any, config: IndexConfig, *, on_cpu: CandidateIndex | None = None) -> None:
        self._index = index
        self._config = config
        self._on_cpu = on_cpu  # the same, where this one is on a GPU
        self._packed: FastScan | None = None  # what is scanned, where it is not the codes themselves
        self._packing = threading.Lock()

    @classmethod
    def train(cls, config: IndexConfig, sample: NDArray[np.float32]) -> CandidateIndex:
        """An empty index by `config.candidates`, trained on encodings `[n, dim]`.

        Raises InputError for a string that is no FAISS factory, or a sample too small to train it.
        """
        return cls._trained(config, config.candidates, sample)

    @classmethod
    def train_large(cls, config: IndexConfig, sample: NDArray[np.float32]) -> CandidateIndex | None:
        """The same by `config.large_candidates`, for segments of `config.large_from` documents; None where none is."""
        return cls._trained(config, config.large_candidates, sample) if config.large_candidates else None

    @classmethod
    def _trained(cls, config: IndexConfig, factory: str, sample: NDArray[np.float32]) -> CandidateIndex:
        # What refines a graph's finds has one metric with it, which must be the search's.
        euclidean = factory.startswith("HNSW") and ",R" not in factory and config.links == "euclidean"
        index = faiss_library.from_factory(
            sample.shape[1], factory, sample, "candidates", _FEW_DOCUMENTS, euclidean=euclidean
        )
        faiss_files.check_known(index, factory, "candidates")
        if isinstance(index, faiss_library.faiss().IndexHNSW):
            index.hnsw.efConstruction = config.ef_construction
        return cls(index, config)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def is_scan(self) -> bool:
        """Whether a search for fewer documents finds the first of those that one for more finds."""
        library = faiss_library.faiss()
        return isinstance(self._index, (library.IndexFlatCodes, library.IndexIVF))

    @property
    def _decodes(self) -> bool:
        return faiss_library.decodes(self._index)

    @property
    def _is_graph(self) -> bool:
        return isinstance(self._index, faiss_library.faiss().IndexHNSW)

    def add(self, encodings: NDArray[np.float32]) -> None:
        """Append documents; they are numbered from `len(self)`."""
        self._packed = None
        self._link()
        encodings = _floats(encodings)
        if faiss_library.is_half(self._index):  # infinite, it would be nearest to all queries or to none
            encodings = np.clip(encodings, -LARGEST, LARGEST)
        self._index.add(encodings)

    def append(self, path: Path, kept: NDArray[np.int64] | None = None, *, alike: bool = True) -> bool:
        """Append the documents of a saved index, or say that it can't be done: then they are to be encoded anew.

        kept: their numbers there, ascending; None: all. alike: the saved index began as a copy of this one when it was
        empty, so that its codes are taken over as they are. Otherwise, and in a graph, which is linked anew, documents
        are added as the vectors that their codes stand for: not where those say less than the codes do.
        """
        self._packed = None
        other = faiss_files.read(path, self._index.d, _factories(self._config))
        if alike and append_codes(self._index, other, kept):
            return True
        if not faiss_library.decodes(other):
            return False
        self._link()
        for vectors in faiss_library.decoded(other, kept):
            self._index.add(vectors)
        return True

    def _link(self) -> None:
        library = faiss_library.faiss()
        if self._is_graph:
            self._index.keep_max_size_level0 = True  # all links that there is room for, so that all are found
            _set_metric(
                self._index, library.METRIC_L2 if self._config.links == "euclidean" else library.METRIC_INNER_PRODUCT
            )

    def probing(self, n: int) -> tuple[int, int] | None:
        """The fewest and the most probes that make a difference in a search for n; None: all are scanned anyway."""
        return width_range((self._on_cpu or self)._index, min(n, len(self)))

    def search(
        self,
        queries: NDArray[np.float32],
        n: int,
        allowed: NDArray[np.bool_] | None = None,
        *,
        probes: int | None = None,
    ) -> Found:
        """The best n documents of each query, `[n_queries, n]`: inner products and numbers.

        So many are always found, or all that there are (SQUASH's promise, Oakley & Ferhatosmanoglu 2024).
        allowed: `[len(self)]`, the documents that may be found, on the CPU where some may not; None: all.
        probes: lists that an IVF index visits, least beam of a graph; None: as configured. More for a query for which
        they hold fewer than n documents.
        Raises InputError for more than 2048 documents on a GPU.
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
            if n > _GPU_MOST:
                raise InputError(f"{n} candidates were asked for; a GPU finds at most {_GPU_MOST}, search on the cpu")
            with _GPU_LOCK:
                scores, numbers = SearchWidth.of(self._config, probes).search(self._index, _floats(queries), n)
            if len(lacking := lack(numbers)):  # of lists that are visited, as many as it takes
                found = self._on_cpu.search(queries[lacking], n, probes=probes)
                scores[lacking], numbers[lacking] = found
            return scores, numbers
        small = len(queries) == 1 or len(queries) * len(self) < _FEW_PAIRS
        with faiss_library.one_thread(small):
            return self._searched(queries, n, allowed if some else None, probes)

    def _searched(self, queries: Any, n: int, allowed: NDArray[np.bool_] | None, probes: int | None) -> Found:
        library, queries = faiss_library.faiss(), _floats(queries)
        if FastScan.fits(self._index):
            packed = self._fast_scan()
            return packed.search(queries, n) if allowed is None else packed.search_allowed(queries, n, allowed)
        if self._index.metric_type != library.METRIC_INNER_PRODUCT:
            _set_metric(self._index, library.METRIC_INNER_PRODUCT)
        probing = SearchWidth.of(self._config, probes)
        if allowed is not None:
            return search_allowed(self._index, queries, n, allowed, probing)
        return search_whole(self._index, queries, n, probing)

    def _fast_scan(self) -> FastScan:
        with self._packing:
            if self._packed is None:
                self._packed = FastScan(self._index)
            return self._packed

    def vectors(self, most: int) -> NDArray[np.float32] | None:
        """The encodings of the first documents, at most so many numbers, as their codes say: float32 `[n, dim]`.

        None where FAISS can't decode them, or not to what it searches.
        """
        library = faiss_library.faiss()
        if not isinstance(self._index, (library.IndexFlatCodes, library.IndexHNSW)) or not self._decodes:
            return None
        return np.asarray(self._index.reconstruct_n(0, min(most // self._index.d, len(self))), np.float32)

    def vectors_of(self, numbers: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The encodings of the documents with these numbers, as `vectors` has them; None where it has none."""
        library = faiss_library.faiss()
        if not isinstance(self._index, (library.IndexFlatCodes, library.IndexHNSW)) or not self._decodes:
            return None
        return np.asarray(self._index.reconstruct_batch(numbers), np.float32)

    def to(self, device: str) -> CandidateIndex:
        """This index on "cpu", "cuda" or "cuda:1". Raises WordhiveError where FAISS has no such GPU."""
        check_device(device)
        if device == "cpu":
            return self
        try:
            if not self._decodes:
                raise RuntimeError("its codes say more than the vectors that they are decoded to")
            return CandidateIndex(_on_gpu(self._index, _gpu_number(device)), self._config, on_cpu=self)
        except RuntimeError as error:
            if "out of memory" in str(error):
                raise WordhiveError(
                    f"{device} has no room for {len(self):,} first-stage vectors of {self._index.d} dims, two bytes a "
                    "dim or more; search on the cpu, or index with a reduction to fewer dims"
                ) from error
            raise WordhiveError(
                f"candidates {self._config.candidates!r} cannot be on a GPU; search on the cpu, or index with Flat, "
                "SQ8, PQ{dims}x4 or IVF…"
            ) from error

    def save(self, path: Path) -> None:
        faiss_library.write(self._index, path)

    def size(self) -> int:
        """Bytes that `save` writes."""
        return faiss_library.size(self._index)

    @classmethod
    def load(cls, path: Path, config: IndexConfig, dim: int, n: int, *, mapped: bool = False) -> CandidateIndex:
        """A saved index of n vectors; mapped: to be searched only, and read from disk where a search needs it.

        Raises WordhiveError for a file that is missing, damaged, or not of the configured class, dims and count.
        """
        index = faiss_files.read(path, dim, _factories(config), n, mapped=mapped)
        if mapped and isinstance(index, faiss_library.faiss().IndexHNSW):
            _set_metric(index, faiss_library.faiss().METRIC_INNER_PRODUCT)  # before threads search it
        return cls(index, config)


def _floats(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors, np.float32)


def _factories(config: IndexConfig) -> tuple[str, ...]:
    return (config.candidates, config.large_candidates) if config.large_candidates else (config.candidates,)


def _set_metric(graph: Any, metric: int) -> None:
    """What is near in a graph from now on, whatever it was when its documents were linked."""
    library = faiss_library.faiss()
    library.downcast_index(graph.storage).metric_type = metric
    graph.hnsw.is_similarity = metric == library.METRIC_INNER_PRODUCT
    graph.metric_type = metric


def _on_gpu(index: Any, number: int) -> Any:
    library, resources = faiss_library.faiss(), _gpu_resources()
    if isinstance(index, library.IndexHNSW):  # its links have no use there: all vectors are scanned
        _set_metric(index, library.METRIC_INNER_PRODUCT)
        index = library.downcast_index(index.storage)
    if not isinstance(index, library.IndexFlatCodes) or isinstance(index, library.IndexFlat):
        options = library.GpuClonerOptions()
        options.use_cuvs = False  # which has no lists of scalar quantisers
        return library.index_cpu_to_gpu(resources, number, index, options)
    # FAISS has no codes without lists on a GPU: the decoded numbers take their place, in two bytes each.
    some = index.reconstruct_n(0, min(index.ntotal, _FEW_DOCUMENTS))
    config = library.GpuIndexFlatConfig()
    config.device, config.use_cuvs = number, False
    config.useFloat16 = bool(np.abs(some).max(initial=0) < _HALF_REACH)
    flat = library.GpuIndexFlat(resources, index.d, library.METRIC_INNER_PRODUCT, config)
    for vectors in faiss_library.decoded(index):
        flat.add(vectors)
    return flat


# Its scratch memory is 1.5 GB on a large GPU: one for all segments.
@cache
def _gpu_resources() -> Any:
    return faiss_library.faiss().StandardGpuResources()


def _gpu_number(device: str) -> int:
    return int(device.partition(":")[2] or 0)
