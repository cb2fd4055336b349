"""What a compressed or approximate search is held against."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..exact_scores import ExactScores
from ..runs import Qrels, measure, ranking

TOPS = (1, 10, 100)


class GroundTruth:
    """What exact search finds, and what is relevant: the measure of anything that finds less."""

    def __init__(self, names: Sequence[str], qrels: Qrels, exact: ExactScores) -> None:
        self.names = names
        self.qrels = qrels
        self.exact = exact
        self.best = {k: [exact.best(i, k) for i in range(len(names))] for k in TOPS}

    @property
    def stamp(self) -> dict[str, str]:
        """Tells these documents, queries and judgements from others."""
        judged = hashlib.sha256(json.dumps(self.qrels, sort_keys=True).encode()).hexdigest()
        return {"collection": self.exact.stamp, "qrels": judged}

    def ndcg(self, found: Sequence[NDArray[np.int64]]) -> float:
        """nDCG@10 when the found documents of every query are ranked by their exact scores."""
        return self.ndcg_of(
            [ranking(rows, self.exact.scores[i][rows], self.exact.ids, 10) for i, rows in enumerate(found)]
        )

    def ndcg_of(self, rankings: Sequence[dict[str, float]]) -> float:
        """nDCG@10 of every query's ranking: documents by id with their scores, best first."""
        run = dict(zip(self.names, rankings, strict=True))
        return round(measure(self.qrels, run, ["ndcg@10"])["ndcg@10"], 4)
