"""Runs side by side, with paired tests of the first against the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError
from wordhive.index.arguments import instance, one_of
from wordhive.index.quantity import quantity

from .runs import Qrels, Run, query_values

Test = Literal["fisher", "student"]

_PERMUTATIONS = 10_000
# Differences that differ by less, as a share of the largest one, differ by rounding.
_EQUAL = 1e-12
TEST_NAMES = {"fisher": "Fisher's randomisation test", "student": "Student's paired t-test"}
_SIGNED = re.compile(r"[-+<] ?[.\d]+")
_LATEX = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\~{}", "^": r"\^{}"})


@dataclass(frozen=True)
class Compared:
    """One run beside the first.

    value: mean of the measure. difference: the first run's less this one's. p: of no difference at all, corrected for
    the number of comparisons. wins, ties, losses: queries on which the first run is better, equal, worse.
    """

    name: str
    value: float
    difference: float
    p: float
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Comparison:
    """The first run's mean, and the others beside it.

    n_queries: judged ones. missing: of each run, judged queries that it does not answer, where it has 0. unknown: of
    each run, queries without judgements, which are left out.
    """

    measure: str
    test: Test
    n_queries: int
    first: str
    value: float
    others: list[Compared]
    missing: dict[str, int]
    unknown: dict[str, int]

    @property
    def method(self) -> str:
        """How the p-values came about, in a line."""
        return f"{TEST_NAMES[self.test]}, two-sided, Holm-corrected; {quantity(self.n_queries, 'query')}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Column names and rows for print: differences and counts are the first run's, against that of the row."""
        columns = ["run", self.measure, "first − this", "p", "first wins / ties / loses"]
        rows = [[self.first, f"{self.value:.4f}", "", "", ""]]
        for other in self.others:
            counts = f"{other.wins} / {other.ties} / {other.losses}"
            p = "< .0001" if other.p < 0.0001 else f"{other.p:.4f}"
            rows.append([other.name, f"{other.value:.4f}", f"{other.difference:+.4f}", p, counts])
        return columns, rows

    def latex(self) -> str:
        """The table for a LaTeX document that uses booktabs."""
        columns, rows = self.table()
        head, *body = (" & ".join(map(latex_cell, cells)) + r" \\" for cells in [columns, *rows])
        begin, end = [r"\begin{tabular}{lrrrr}", r"\toprule"], [r"\bottomrule", r"\end{tabular}", ""]
        return "\n".join([f"% {self.method}", *begin, head, r"\midrule", *body, *end])


@dataclass(frozen=True)
class QueryChange:
    """A query on which two runs differ. difference: the first run's value less the other's."""

    id: str
    first: float
    other: float
    difference: float


def compare(qrels: Qrels, runs: dict[str, Run], measure: str = "ndcg@10", test: Test = "fisher") -> Comparison:
    """Compare the first run with each of the others on every judged query, by a paired, two-sided test.

    test: Fisher's randomisation, 10,000 permutations with a fixed seed, or Student's t. p-values are corrected for the
    number of comparisons, by Holm. Raises InputError for fewer than two runs or queries, an unknown measure, or a run
    that answers none of the judged queries.
    """
    _check(qrels, runs, measure, test)
    if len(runs) < 2 or len(qrels) < 2:
        raise InputError(
            f"{quantity(len(runs), 'run')} on {quantity(len(qrels), 'judged query')}; a comparison takes "
            f"two of each at least"
        )
    for name, run in runs.items():
        if run and not any(id in run for id in qrels):
            raise InputError(
                f"{name} answers none of the {len(qrels)} judged queries (it has {next(iter(run))!r}, they are such as "
                f"{next(iter(qrels))!r}); is it a run of this collection, and of this split?"
            )
    values = {name: query_values(qrels, run, [measure])[measure] for name, run in runs.items()}
    (first, mine), *others = values.items()
    p = holm([p_value(mine - theirs, test) for _, theirs in others])
    compared = [
        Compared(
            name, float(theirs.mean()), float(mine.mean() - theirs.mean()), corrected,
            int((mine > theirs).sum()), int((mine == theirs).sum()), int((mine < theirs).sum()),
        )
        for (name, theirs), corrected in zip(others, p, strict=True)
    ]  # fmt: skip
    missing = {name: sum(id not in run for id in qrels) for name, run in runs.items()}
    unknown = {name: sum(id not in qrels for id in run) for name, run in runs.items()}
    return Comparison(measure, test, len(qrels), first, float(mine.mean()), compared, missing, unknown)


def _check(qrels: Any, runs: Any, measure: Any, test: Any) -> None:
    instance(qrels, "qrels", dict, "a dict of queries, each with a dict of documents and grades")
    instance(runs, "runs", dict, "a dict of names and runs")
    for run in runs.values():
        instance(run, "a run", dict, "a dict of queries, each with a dict of documents and scores")
    instance(measure, "the measure", str, "a name such as ndcg@10")
    one_of(test, "test", get_args(Test))


def changes(qrels: Qrels, first: Run, other: Run, measure: str, n: int) -> list[QueryChange]:
    """The n queries on which two runs differ most, the greatest difference first; ties in the order of the queries."""
    one, two = (query_values(qrels, run, [measure])[measure] for run in (first, other))
    order = np.argsort(-np.abs(one - two), kind="stable")[:n]
    ids = list(qrels)
    return [
        QueryChange(ids[i], float(one[i]), float(two[i]), float(one[i] - two[i])) for i in order if one[i] != two[i]
    ]


def p_value(differences: NDArray[np.float64], test: Test, seed: int = 0) -> float:
    """How likely differences at least as large on average are, were their signs a matter of chance; 1 without any, and
    for a single query, of which nothing can be told.

    Where all differences are equal, Student's t would divide by their variance of 0: their p-value is then the exact
    one of the randomisation, 2 / 2^n. seed: draws the permutations. Raises InputError for differences that are no
    numbers.
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


def latex_cell(cell: str) -> str:
    """Text or a number for a cell, with what LaTeX would take for commands escaped."""
    # A number with a sign is mathematics, or its minus would be a hyphen.
    return f"${cell}$" if _SIGNED.fullmatch(cell) else cell.translate(_LATEX).replace("−", "$-$")
