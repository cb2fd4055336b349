"""The metric of a graph: documents are linked by one metric and searched by another, the inner product."""

from __future__ import annotations

from ..faiss import faiss_library
from ..faiss.faiss_index import FaissIndex


def set_metric(graph: FaissIndex, metric: int) -> None:
    """Let a graph link and search by FAISS's `metric` from now on."""
    assert graph.inner is not None
    graph.inner.index.metric_type = metric
    graph.index.hnsw.is_similarity = metric == faiss_library.faiss().METRIC_INNER_PRODUCT
    graph.index.metric_type = metric
