"""What brings the scores of a run to a common scale before they are added to another run's, by ranx's names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# The scores of the documents that a run has found for a query, their ranks, and how many documents all runs have found
# → their values on the common scale.
_Norm = Callable[[Values, Values, int], Values]


def _min_max(scores: Values, ranks: Values, n: int) -> Values:
    return _share(scores - scores.min(), float(np.ptp(scores)))


def _inverted(scores: Values, ranks: Values, n: int) -> Values:
    return _share(scores.max() - scores, float(np.ptp(scores)))


def _max(scores: Values, ranks: Values, n: int) -> Values:
    best = float(scores.max())
    if best <= 0 and scores.any():
        raise ValueError(f"norm max divides by the best score, which is {best:g}; take min-max or zmuv")
    return _share(scores, best)


def _sum(scores: Values, ranks: Values, n: int) -> Values:
    above = scores - scores.min()
    return _share(above, float(above.sum()))


def _zmuv(scores: Values, ranks: Values, n: int) -> Values:
    # Of equal scores, mean and deviation may differ from them by rounding.
    return _share(scores - scores.mean(), float(scores.std()) if np.ptp(scores) else 0.0)


def _rank(scores: Values, ranks: Values, n: int) -> Values:
    return 1 - (ranks - 1) / len(ranks)


def _borda(scores: Values, ranks: Values, n: int) -> Values:
    return 1 - (ranks - 1) / n


def _share(values: Values, whole: float) -> Values:
    return values / whole if whole > 0 else np.zeros(len(values))


NORMS: dict[str, _Norm] = {
    "min-max": _min_max,
    "min_max": _min_max,
    "min-max-inverted": _inverted,
    "min_max_inverted": _inverted,
    "max": _max,
    "sum": _sum,
    "zmuv": _zmuv,
    "rank": _rank,
    "borda": _borda,
}


def normalised(scores: Values, ranks: Values, norm: str | None) -> Values:
    """The scores of one query on the scale of `norm`, None for their own; float64 `[n_runs, n_documents]`.

    Args:
        scores, ranks: Of the same shape, NaN where a run has not found a document; it stays NaN but for "borda",
            which gives it the mean of the ranks that are left. Scores that are all equal become 0, but for "max"
            and by ranks.

    Raises:
        ValueError: The norm is not for such scores.
    """
    if norm is None:
        return scores
    values, n = np.full(scores.shape, np.nan), scores.shape[1]
    for own, given, places in zip(values, scores, ranks, strict=True):
        found = ~np.isnan(given)
        if found.any():
            own[found] = NORMS[norm](given[found], places[found], n)
        if norm == "borda":
            own[~found] = 0.5 - (np.count_nonzero(found) - 1) / (2 * n)
    return values
