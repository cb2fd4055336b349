"""The first stage: a FAISS index of one vector per document, on CPU or GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import faiss_library
from .config import IndexConfig
from .errors import WordhiveError


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
        return cls(faiss_library.from_factory(sample.shape[1], config.candidates, sample, "candidates"), config)

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
        if n == 0:
            return np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
        library = faiss_library.faiss()
        space = library.GpuParameterSpace() if _on_gpu(self._index) else library.ParameterSpace()
        if "IVF" in self._config.candidates:
            space.set_index_parameter(self._index, "nprobe", self._config.nprobe)
        if "HNSW" in self._config.candidates:
            space.set_index_parameter(self._index, "efSearch", max(n, self._config.ef_search))
        scores, numbers = self._index.search(np.ascontiguousarray(queries, np.float32), n)
        return scores, numbers

    def to(self, device: str) -> CandidateIndex:
        """This index on "cpu" or "cuda". Raises WordhiveError where FAISS has no GPU."""
        library = faiss_library.faiss()
        if device == "cpu":
            return self
        if not hasattr(library, "StandardGpuResources") or library.get_num_gpus() == 0:
            raise WordhiveError(
                f"device {device!r} was asked for, but this FAISS finds no GPU; install 'wordhive[gpu]' "
                "on a CUDA machine, or search on the cpu"
            )
        resources = library.StandardGpuResources()
        return CandidateIndex(library.index_cpu_to_gpu(resources, 0, self._index), self._config)

    def save(self, path: Path) -> None:
        faiss_library.write(self._index, path)

    @classmethod
    def load(cls, path: Path, config: IndexConfig) -> CandidateIndex:
        return cls(faiss_library.read(path), config)


def _on_gpu(index: Any) -> bool:
    return type(index).__name__.startswith("Gpu")
