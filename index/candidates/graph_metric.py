"""What is near in a graph: it is linked by one metric, and searched by inner products."""

from __future__ import annotations

from ..faiss import faiss_library
from ..faiss.faiss_index import FaissIndex


def set_metric(graph: FaissIndex, metric: int) -> None:
    """Set FAISS's metric of a graph from now on, whatever it was when the documents were linked."""
    assert graph.inner is not None
    graph.inner.index.metric_type = metric
    graph.index.hnsw.is_similarity = metric == faiss_library.faiss().METRIC_INNER_PRODUCT
    graph.index.metric_type = metric
