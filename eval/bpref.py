"""Bpref (Buckley and Voorhees, SIGIR 2004), as trec_eval has it.

ranx divides by the number of documents that are judged not relevant, also where there is none: its value is no number
then, and where no document of a query is relevant, other queries' values become 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from wordhive.index import InputError

_NAME = re.compile(r"bpref(?:-l(\d{1,9}))?")


def bpref_level(measure: str) -> int | None:
    """The least grade that is relevant, of the measures "bpref" (1) and "bpref-l2"; None for another measure.

    Raises:
        InputError: A bpref with a cutoff, which it has not.
    """
    if not measure.startswith("bpref"):
        return None
    match = _NAME.fullmatch(measure)
    if not match:
        raise InputError(f"no measure {measure!r}; bpref has no cutoff: choose bpref, or bpref-l2 from grade 2 on")
    return int(match[1] or 1)


def bpref(grades: Mapping[str, int], ranking: Iterable[str], level: int = 1) -> float:
    """How few documents that are judged not relevant are ranked above the relevant ones; 0 without a relevant one.

    Args:
        grades: Of the judged documents; those below 0 do not count at all.
        ranking: Documents, best first; those that nobody judged are passed over.
    """
    n_relevant = sum(grade >= level for grade in grades.values())
    bound = min(n_relevant, sum(0 <= grade < level for grade in grades.values()))
    total, above = 0.0, 0
    for document in ranking:
        grade = grades.get(document, -1)
        if grade >= level:
            total += 1 - min(above, n_relevant) / bound if above else 1
        elif grade >= 0:
            above += 1
    return total / n_relevant if n_relevant else 0.0
