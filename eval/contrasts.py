"""Pairs of systems, tested on the same queries; and the queries on which two of them differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError

Values = dict[str, NDArray[np.float64]]
Test = Literal["fisher", "student"]

TEST_NAMES = {"fisher": "Fisher's randomisation test", "student": "Student's paired t-test"}
_PERMUTATIONS = 10_000
# Differences that differ by less, as a share of the largest one, differ by rounding.
_EQUAL = 1e-12


@dataclass(frozen=True)
class Contrast:
    """Two systems, or runs, on one measure.

    Attributes:
        difference: Mean of the first less mean of the second.
        p: Probability of such a difference by chance, corrected by Holm for the number of pairs that were tested.
        wins: Queries on which the first is better.
        ties: Queries on which both are equal.
        losses: Queries on which the first is worse.
    """

    first: str
    second: str
    difference: float
    p: float
    wins: int
    ties: int
    losses: int

    @property
    def swapped(self) -> Contrast:
        """The same pair, seen from the other side."""
        return Contrast(self.second, self.first, -self.difference, self.p, self.losses, self.ties, self.wins)


def contrasts(
    values: Values, test: Test, seed: int = 0, pairs: Sequence[tuple[str, str]] | None = None
) -> list[Contrast]:
    """Test pairs of systems on the same queries, two-sided.

    Args:
        values: System → value of each query, float64 `[n_queries]`.
        test: Fisher's randomisation test with 10,000 permutations, or Student's t-test.
        seed: Draws the permutations.
        pairs: What to test; all pairs by default.
    """
    chosen = list(combinations(values, 2) if pairs is None else pairs)
    differences = [values[first] - values[second] for first, second in chosen]
    corrected = holm([p_value(difference, test, seed) for difference in differences])
    return [
        Contrast(
            first, second, float(values[first].mean() - values[second].mean()), p,
            int((difference > 0).sum()), int((difference == 0).sum()), int((difference < 0).sum()),
        )
        for (first, second), difference, p in zip(chosen, differences, corrected, strict=True)
    ]  # fmt: skip


def p_value(differences: NDArray[np.float64], test: Test, seed: int = 0) -> float:
    """How likely differences at least as large on average are, were their signs a matter of chance; 1 without any, and
    for a single query, of which nothing can be told.

    Where all differences are equal, Student's t would divide by their variance of 0: their p-value is then the exact
    one of the randomisation, 2 / 2^n.

    Args:
        seed: Draws the permutations.

    Raises:
        InputError: Differences that are no numbers.
    """
    from scipy import stats

    if not np.isfinite(differences).all():
        raise InputError("a difference between two runs is no number; compare them by a measure that has a value")
    if len(differences) < 2 or not differences.any():
        return 1.0
    if test == "student":
        if np.ptp(differences) <= _EQUAL * np.abs(differences).max():
            return float(2.0 ** (1 - len(differences)))
        return float(stats.ttest_1samp(differences, 0).pvalue)
    found = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=_PERMUTATIONS,
        batch=1000, random_state=seed,
    )  # fmt: skip
    return float(found.pvalue)


def holm(p: list[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979): the smallest times n, the next times n − 1, …, never falling."""
    order = np.argsort(p, kind="stable")
    corrected = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    result = np.empty(len(p))
    result[order] = np.minimum(np.maximum.accumulate(corrected), 1)
    return [float(value) for value in result]


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
