"""All pairs of systems, tested on the same queries; and the queries on which two of them differ most."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .comparison import Test, holm, p_value
from .results import Contrast

Values = dict[str, NDArray[np.float64]]


def contrasts(values: Values, test: Test, seed: int = 0) -> list[Contrast]:
    """Every pair of systems, with p-values corrected for their number by Holm.

    values: system → value of each query, float64 `[n_queries]`. seed: of the randomisation test.
    """
    pairs = list(combinations(values, 2))
    differences = [values[first] - values[second] for first, second in pairs]
    corrected = holm([p_value(difference, test, seed) for difference in differences]) if pairs else []
    return [
        Contrast(
            first, second, float(difference.mean()), p,
            int((difference > 0).sum()), int((difference == 0).sum()), int((difference < 0).sum()),
        )
        for (first, second), difference, p in zip(pairs, differences, corrected, strict=True)
    ]  # fmt: skip


def best_other(values: Values, baseline: str) -> str | None:
    """The best of the other systems on average, the first of equal ones; None where there is no other."""
    return max((name for name in values if name != baseline), key=lambda name: values[name].mean(), default=None)


def most_changed(first: NDArray[np.float64], second: NDArray[np.float64], n: int) -> list[int]:
    """The places of up to n queries on which the second is furthest ahead, then up to n on which the first is."""
    gain = second - first
    order = np.argsort(-gain, kind="stable")
    won = [int(i) for i in order[:n] if gain[i] > 0]
    order = np.argsort(gain, kind="stable")
    return won + [int(i) for i in order[:n] if gain[i] < 0]
