"""The first stage: a FAISS index of one vector per document, on CPU or GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import faiss_library
from .config import IndexConfig
from .errors import InputError, WordhiveError

# Encodings vary much more in some dims than in others: as soon as there are this many, each dim has its own range.
_FEW_DOCUMENTS = 1_000
# Queries × documents that are not worth waking threads for.
_FEW_PAIRS = 200_000


def check_device(device: str) -> None:
    """Raise InputError for a device that this version does not know, WordhiveError for a GPU that FAISS can't find."""
    if device not in ("cpu", "cuda"):
        raise InputError(f"device is {device!r}; choose cpu or cuda")
    if device == "cpu":
        return
    library = faiss_library.faiss()
    if not hasattr(library, "StandardGpuResources") or library.get_num_gpus() == 0:
        raise WordhiveError(
            f"device {device!r} was asked for, but this FAISS finds no GPU; install 'wordhive[gpu]' "
            "on a CUDA machine, or search on the cpu"
        )


class CandidateIndex:
    """Finds the documents whose encodings have the largest inner products with a query's."""

    def __init__(self, index: Any, config: IndexConfig) -> None:
        self._index = index
        self._config = config

    @classmethod
    def train(cls, config: IndexConfig, sample: NDArray[np.float32]) -> CandidateIndex:
        """An empty index by `config.candidates`, trained on encodings `[n, dim]`.

        Raises InputError for a string that is no FAISS factory, or a sample too small to train it.
        """
        index = faiss_library.from_factory(sample.shape[1], config.candidates, sample, "candidates", _FEW_DOCUMENTS)
        return cls(_visiting(index, config), config)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, encodings: NDArray[np.float32]) -> None:
        """Append documents; they are numbered from `len(self)`."""
        self._index.add(np.ascontiguousarray(encodings, np.float32))

    def search(self, queries: NDArray[np.float32], n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The best n documents of each query, `[n_queries, min(n, len(self))]`: inner products and numbers.

        A graph or list index may find fewer: the places left over have number −1.
        """
        n = min(n, len(self))
        if n <= 0:
            return np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
        beam = self._beam(n)
        small = len(queries) == 1 or len(queries) * len(self) < _FEW_PAIRS
        with faiss_library.one_thread(small):
            scores, numbers = self._index.search(np.ascontiguousarray(queries, np.float32), n, params=beam)
        return scores, numbers

    def _beam(self, n: int) -> Any:
        # Given with the search, not set on the index: searches in several threads may ask for different n.
        library = faiss_library.faiss()
        if not isinstance(self._index, library.IndexHNSW):
            return None
        return library.SearchParametersHNSW(efSearch=max(n, self._config.ef_search))

    def to(self, device: str) -> CandidateIndex:
        """This index on "cpu" or "cuda". Raises WordhiveError where FAISS has no GPU."""
        check_device(device)
        if device == "cpu":
            return self
        library = faiss_library.faiss()
        resources = library.StandardGpuResources()
        try:
            return CandidateIndex(library.index_cpu_to_gpu(resources, 0, self._index), self._config)
        except RuntimeError as error:
            raise WordhiveError(
                f"candidates {self._config.candidates!r} cannot be on a GPU; search on the cpu, or index with Flat, "
                "SQ8 or IVF…"
            ) from error

    def save(self, path: Path) -> None:
        faiss_library.write(self._index, path)

    @classmethod
    def load(cls, path: Path, config: IndexConfig) -> CandidateIndex:
        return cls(_visiting(faiss_library.read(path), config), config)


def _visiting(index: Any, config: IndexConfig) -> Any:
    if "IVF" in config.candidates:
        faiss_library.faiss().ParameterSpace().set_index_parameter(index, "nprobe", config.nprobe)
    return index
