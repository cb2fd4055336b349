"""`SearchOptions`: the keyword arguments of every search."""

from __future__ import annotations

from typing import Literal, TypedDict

from wordhive.index import InputError
from wordhive.index.arguments import instance, shown
from wordhive.index.filters.conditions import Where

from .stage_times import StageTimes

Candidates = int | Literal["all"]


class SearchOptions(TypedDict, total=False):
    """The keyword arguments of a search. All may be left out, or be None.

    Args:
        candidates: How many documents the second stage scores, or "all" for an exact search. Default: the number that
            the index was tuned to, or 1000; all documents where the index has no first stage.
        where: A filter on attributes: a dict such as `{"year": {"$gte": 2000}}`, an expression such as "year >= 2000",
            or JSON. Only documents that match are searched.
        offset: How many of the best documents are passed over: offset=10 gives the second ten.
        score_threshold: The least score of a hit.
        carving: Score query words with this inner product or more as one word. A search is faster, and no score is
            higher than the exact one. The first stage sees all words. An index that matches identical words refuses it.
        times: A `StageTimes` that gets the seconds of each stage: encode, filter, candidates, rerank, fetch.
    """

    candidates: Candidates | None
    where: Where | str | None
    offset: int | None
    score_threshold: float | None
    carving: float | None
    times: StageTimes | None


_NAMES = tuple(SearchOptions.__annotations__)


def times_of(options: SearchOptions) -> StageTimes:
    """The times that a search is to fill in: the caller's, or new ones.

    Raises:
        InputError: A search has no option of that name, or `times` is no `StageTimes`.
    """
    unknown = options.keys() - set(_NAMES)
    if unknown:
        raise InputError(f"a search has no option {shown(min(unknown))}; choose from k, {', '.join(_NAMES)}")
    times = options.get("times")
    if times is None:
        return StageTimes()
    instance(times, "times", StageTimes, "a StageTimes, or None")
    return times
