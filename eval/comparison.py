"""Runs side by side, with paired tests of the first against the others."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np

from wordhive.index import InputError
from wordhive.index.arguments import instance, one_of
from wordhive.index.quantity import quantity

from .contrasts import TEST_NAMES, Contrast, Test, contrasts
from .runs import Qrels, Run, query_values

_SIGNED = re.compile(r"[-+<] ?[.\d]+")
_LATEX = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\~{}", "^": r"\^{}"})


@dataclass(frozen=True)
class Comparison:
    """The first run beside each of the others.

    Attributes:
        n_queries: Judged queries.
        first: Name of the first run.
        means: Run → mean of the measure.
        others: The first run and each of the others.
        missing: Run → judged queries that it does not answer. It has 0 there.
        unknown: Run → queries without judgements. They are left out.
    """

    measure: str
    test: Test
    n_queries: int
    first: str
    means: dict[str, float]
    others: list[Contrast]
    missing: dict[str, int]
    unknown: dict[str, int]

    @property
    def method(self) -> str:
        """How the p-values came about, in a line."""
        return f"{TEST_NAMES[self.test]}, two-sided, Holm-corrected; {quantity(self.n_queries, 'query')}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Column names and rows for print: differences and counts are the first run's, against that of the row."""
        columns = ["run", self.measure, "first − this", "p", "first wins / ties / loses"]
        rows = [[self.first, f"{self.means[self.first]:.4f}", "", "", ""]]
        for other in self.others:
            counts = f"{other.wins} / {other.ties} / {other.losses}"
            p = "< .0001" if other.p < 0.0001 else f"{other.p:.4f}"
            rows.append([other.second, f"{self.means[other.second]:.4f}", f"{other.difference:+.4f}", p, counts])
        return columns, rows

    def plain(self) -> dict[str, Any]:
        """The comparison for JSON: each of the others with its name and its mean."""
        others = []
        for other in self.others:
            fields = asdict(other)
            del fields["first"]
            others.append({"name": fields.pop("second"), "value": self.means[other.second], **fields})
        fields = {**asdict(self), "value": self.means[self.first], "others": others}
        del fields["means"]
        return fields

    def latex(self) -> str:
        """The table for a LaTeX document that uses booktabs."""
        columns, rows = self.table()
        head, *body = (" & ".join(map(latex_cell, cells)) + r" \\" for cells in [columns, *rows])
        begin, end = [r"\begin{tabular}{lrrrr}", r"\toprule"], [r"\bottomrule", r"\end{tabular}", ""]
        return "\n".join([f"% {self.method}", *begin, head, r"\midrule", *body, *end])


@dataclass(frozen=True)
class QueryChange:
    """A query on which two runs differ.

    Attributes:
        difference: The first run's value less the other's.
    """

    id: str
    first: float
    other: float
    difference: float


def compare(qrels: Qrels, runs: dict[str, Run], measure: str = "ndcg@10", test: Test = "fisher") -> Comparison:
    """Compare the first run with each of the others on every judged query, by a paired, two-sided test.

    Args:
        test: Fisher's randomisation, 10,000 permutations with a fixed seed, or Student's t. p-values are corrected
            for the number of comparisons, by Holm.

    Raises:
        InputError: Fewer than two runs or queries, an unknown measure, or a run that answers none of the judged
            queries.
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
    first, *others = values
    compared = contrasts(values, test, pairs=[(first, other) for other in others])
    means = {name: float(each.mean()) for name, each in values.items()}
    missing = {name: sum(id not in run for id in qrels) for name, run in runs.items()}
    unknown = {name: sum(id not in qrels for id in run) for name, run in runs.items()}
    return Comparison(measure, test, len(qrels), first, means, compared, missing, unknown)


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


def latex_cell(cell: str) -> str:
    """Text or a number for a cell, with what LaTeX would take for commands escaped."""
    # A number with a sign is mathematics, or its minus would be a hyphen.
    return f"${cell}$" if _SIGNED.fullmatch(cell) else cell.translate(_LATEX).replace("−", "$-$")
