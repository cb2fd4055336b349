"""`SearchWidth`: how many lists a first stage visits, or how wide it walks a graph, instead of a scan of everything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import IndexConfig
from ..faiss import faiss_library
from ..faiss.faiss_index import FaissIndex, Kind
from .product_scan import Candidates

# A graph's search takes as long as a scan of 30 documents for each place of its beam, or longer (512 dims in SQ8: 31
# where the beam is 1024, 70 where it is 64).
_SCANNED_A_PLACE = 30
# FAISS's GPU searches visit no more lists.
_GPU_LISTS = 2048


@dataclass(frozen=True)
class SearchWidth:
    """How widely a search looks.

    Attributes:
        lists: Lists that an IVF index visits; more than there are means all.
        beam: Beam of a graph's walk; a search for n documents takes n where that is more.
    """

    lists: int
    beam: int

    @classmethod
    def of(cls, config: IndexConfig, probes: int | None) -> SearchWidth:
        """Both as wide as `probes`; None: as the configuration says."""
        return cls(config.nprobe, config.ef_search) if probes is None else cls(probes, probes)

    def widened(self, factor: float) -> SearchWidth:
        """This width times a factor."""
        return SearchWidth(math.ceil(self.lists * factor), int(self.beam * factor))

    def doubled(self, limits: tuple[int, int] | None) -> SearchWidth:
        """Twice this width, up to the upper limit of an index's `width_range`."""
        most = 0 if limits is None else limits[1]
        return SearchWidth(max(self.lists, min(2 * self.lists, most)), max(self.beam, min(2 * self.beam, most)))

    def search(self, index: FaissIndex, queries: NDArray[np.float32], n: int, selector: Any = None) -> Candidates:
        """The best n documents of each query, `[n_queries, n]`: inner products and numbers.

        A place is free, number −1, where a search of this width meets fewer documents. A graph is scanned where its
        walk would take longer.

        Args:
            selector: FAISS's, of the documents that may be found.
        """
        if index.kind is Kind.GRAPH and index.inner is not None and not self.walks(n, index.n):
            index = index.inner
        scores, numbers = index.index.search(queries, n, params=self._parameters(index, n, selector))
        return scores, numbers

    def walks(self, n: int, n_allowed: int) -> bool:
        """Whether a graph's walk for n documents takes less time than a scan of those that may be found."""
        return n_allowed > _SCANNED_A_PLACE * max(n, self.beam)

    # Given with the search, not set on the index: searches in several threads may ask for different ones.
    def _parameters(self, index: FaissIndex, n: int, selector: Any) -> Any:
        library = faiss_library.faiss()
        chosen = {} if selector is None else {"sel": selector}
        if index.kind is Kind.LISTS:
            return library.SearchParametersIVF(nprobe=min(self.lists, index.index.nlist), **chosen)
        if index.kind is Kind.GPU_LISTS:
            return library.SearchParametersIVF(nprobe=min(self.lists, _GPU_LISTS), **chosen)
        if index.kind is Kind.GRAPH:
            return library.SearchParametersHNSW(efSearch=min(max(n, self.beam), max(n, index.n)), **chosen)
        if index.inner is None:
            return library.SearchParameters(**chosen) if chosen else None
        n_inner = int(n * index.index.k_factor) if index.kind is Kind.REFINED else n
        inner = self._parameters(index.inner, n_inner, selector)
        if inner is None:
            return None
        if index.kind is Kind.TRANSFORMED:
            return library.SearchParametersPreTransform(index_params=inner)
        return library.IndexRefineSearchParameters(k_factor=index.index.k_factor, base_index_params=inner)


def width_range(index: FaissIndex, n: int) -> tuple[int, int] | None:
    """The fewest and the most probes that make a difference in a search for n documents; None for a scan of all."""
    if index.kind is Kind.LISTS:
        return 1, int(index.index.nlist)
    if index.kind is Kind.GRAPH:
        return (n, index.n) if SearchWidth(0, n).walks(n, index.n) else None
    return width_range(index.inner, n) if index.inner is not None else None
