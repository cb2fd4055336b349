"""How widely a first stage looks that does not scan all: lists that are visited, places in a walk through a graph."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import IndexConfig
from ..faiss import faiss_library
from .product_scan import Found

# A graph's search takes as long as a scan of so many documents for each place of its beam, or longer (512 dims in SQ8:
# 31 where the beam is 1024, 70 where it is 64).
_SCANNED_A_PLACE = 30
# FAISS's GPU searches visit no more lists.
_GPU_LISTS = 2048


@dataclass(frozen=True)
class SearchWidth:
    """lists: that an IVF index visits, at most all. beam: of a graph's walk, at least as many as are to be found."""

    lists: int
    beam: int

    @classmethod
    def of(cls, config: IndexConfig, probes: int | None) -> SearchWidth:
        """Both as wide as `probes`; None: as the configuration says."""
        return cls(config.nprobe, config.ef_search) if probes is None else cls(probes, probes)

    def widened(self, factor: float) -> SearchWidth:
        """So many times as wide."""
        return SearchWidth(math.ceil(self.lists * factor), int(self.beam * factor))

    def doubled(self, reach: tuple[int, int] | None) -> SearchWidth:
        """Twice as wide, as far as that makes a difference. reach: an index's `width_range`."""
        most = 0 if reach is None else reach[1]
        return SearchWidth(max(self.lists, min(2 * self.lists, most)), max(self.beam, min(2 * self.beam, most)))

    def search(self, index: Any, queries: NDArray[np.float32], n: int, selector: Any = None) -> Found:
        """The best n documents of each query in a FAISS index, `[n_queries, n]`: inner products and numbers.

        Places are free, number −1, where as widely as this fewer documents are met.
        selector: FAISS's, of the documents that may be found. A graph is scanned where its walk would take longer.
        """
        library = faiss_library.faiss()
        if isinstance(index, library.IndexHNSW) and not self.walks(n, index.ntotal):
            index = library.downcast_index(index.storage)
        scores, numbers = index.search(queries, n, params=self._parameters(index, n, selector))
        return scores, numbers

    def walks(self, n: int, n_allowed: int) -> bool:
        """Whether a graph's walk for n documents takes less time than a scan of those that may be found."""
        return n_allowed > _SCANNED_A_PLACE * max(n, self.beam)

    # Given with the search, not set on the index: searches in several threads may ask for different ones.
    def _parameters(self, index: Any, n: int, selector: Any) -> Any:
        library = faiss_library.faiss()
        chosen = {} if selector is None else {"sel": selector}
        if isinstance(index, library.IndexPreTransform):
            inner = self._parameters(library.downcast_index(index.index), n, selector)
            return None if inner is None else library.SearchParametersPreTransform(index_params=inner)
        if isinstance(index, library.IndexRefine):
            inner = self._parameters(library.downcast_index(index.base_index), int(n * index.k_factor), selector)
            how = {"k_factor": index.k_factor, "base_index_params": inner}
            return None if inner is None else library.IndexRefineSearchParameters(**how)
        if isinstance(index, library.IndexIVF):
            return library.SearchParametersIVF(nprobe=min(self.lists, index.nlist), **chosen)
        if isinstance(index, getattr(library, "GpuIndexIVF", ())):
            return library.SearchParametersIVF(nprobe=min(self.lists, _GPU_LISTS), **chosen)
        if isinstance(index, library.IndexHNSW):
            return library.SearchParametersHNSW(efSearch=min(max(n, self.beam), max(n, index.ntotal)), **chosen)
        return library.SearchParameters(**chosen) if chosen else None


def width_range(index: Any, n: int) -> tuple[int, int] | None:
    """The fewest and the most probes that make a difference in a search for n documents; None for a scan of all."""
    library = faiss_library.faiss()
    if isinstance(index, library.IndexPreTransform):
        return width_range(library.downcast_index(index.index), n)
    if isinstance(index, library.IndexRefine):
        return width_range(library.downcast_index(index.base_index), n)
    if isinstance(index, library.IndexIVF):
        return 1, int(index.nlist)
    if isinstance(index, library.IndexHNSW) and SearchWidth(0, n).walks(n, index.ntotal):
        return n, int(index.ntotal)
    return None
