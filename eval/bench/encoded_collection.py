"""What benches of one part of an index have in common: an encoded collection, and what exact search finds in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordhive.index import WordVectors
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import DOCUMENTS_A_COMMIT

from ..collections.collection import Collection
from ..encoded import encode
from ..exact_scores import ExactScores
from ..measuring.latency import timed
from .ground_truth import GroundTruth

# Single queries that are timed.
_TIMED_QUERIES = 100


@dataclass(frozen=True)
class BenchResults:
    """What was measured on: a collection's first documents, with its first judged queries.

    Attributes:
        fitted_to: Documents that parameters were trained on, the first ones.
        encoder: Name and fingerprint.
        summary_weight: The summary's share of the score.
        ndcg_exact: nDCG@10 of exact search without compression.
    """

    collection: str
    split: str
    n_documents: int
    n_queries: int
    fitted_to: int
    encoder: str
    summary_weight: float
    ndcg_exact: float


class EncodedCollection:
    """The first documents of a collection, encoded, with its first judged queries and the exact results."""

    def __init__(
        self,
        collection: Collection,
        encoder: Encoder,
        folder: Path,
        *,
        shards: Path | None = None,
        n_queries: int | None = None,
        n_documents: int | None = None,
        fitted_to: int = DOCUMENTS_A_COMMIT,
        summary_weight: float | None = None,
    ) -> None:
        """Encode what is not encoded yet, and score every document.

        Args:
            folder: Keeps exact scores and results, so that a run that was stopped goes on where it was.
            shards: The encoded documents, in that folder by default. They are written where they are not there.
            n_queries: The first judged queries; all by default.
            n_documents: The first documents; all by default.
            fitted_to: Documents that parameters are trained on, the first ones.
            summary_weight: The summary's share of the score; the model's by default.

        Raises:
            InputError: The shards are of another model, or of other documents.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.collection, self.encoder, self.folder = collection, encoder, folder
        self.shards = shards or folder / "shards"
        self.n_documents = encode(collection, self.shards, encoder, n_documents)
        self.fitted_to = min(fitted_to, self.n_documents)
        self.summary_weight = encoder.summary_weight if summary_weight is None else summary_weight
        names = list(collection.queries)[:n_queries]
        self.queries = encoder.encode_queries([collection.queries[name] for name in names])
        exact = ExactScores.make(
            folder, self.shards, self.queries, self.summary_weight, self.n_documents, exact_match=encoder.exact_match
        )
        self.truth = GroundTruth(names, {name: collection.qrels[name] for name in names}, exact)

    @property
    def made_for(self) -> dict[str, Any]:
        """Tells results on this collection from results on others."""
        return {**self.truth.stamp, "fitted_to": self.fitted_to}

    def facts(self) -> dict[str, Any]:
        """The fields of `BenchResults`."""
        return {
            "collection": self.collection.name,
            "split": self.collection.split,
            "n_documents": self.n_documents,
            "n_queries": len(self.queries),
            "fitted_to": self.fitted_to,
            "encoder": str(self.encoder.stamp),
            "summary_weight": self.summary_weight,
            "ndcg_exact": self.truth.ndcg([np.arange(self.n_documents)] * len(self.queries)),
        }

    def median_seconds(self, work: Callable[[WordVectors], Any], most: int = _TIMED_QUERIES) -> float:
        """Seconds that some work takes for one query, the median of the first queries."""
        singles = [self.queries[i : i + 1] for i in range(min(len(self.queries), most))]
        return float(np.median([timed(lambda query=query: work(query))[1] for query in singles]))  # type: ignore[misc]
