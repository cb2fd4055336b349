"""The sentences of a report."""

from __future__ import annotations

from wordhive.index.quantity import quantity

from ..contrasts import TEST_NAMES, Contrast
from ..results import CollectionResults, ExperimentResults, SystemResults
from . import numbers
from .ranking import Legend, against, baseline, challenger, leader, listed, measure_name, named, value


def compared(results: ExperimentResults) -> str:
    """How many systems, collections and queries the report compares."""
    n_queries = sum(len(collection.query_ids) for collection in results.collections)
    return (
        f"{quantity(len(Legend.of(results).names), 'system')} on {quantity(len(results.collections), 'collection')} "
        f"with {quantity(n_queries, 'judged query')}."
    )


def method(results: ExperimentResults) -> str:
    """The test of differences, and its correction."""
    name = TEST_NAMES[results.test]
    return (
        f"{name}, two-sided, on each pair of systems; p-values corrected by Holm over the pairs of a collection; "
        f"significant below {_alpha(results.alpha)}."
    )


def letters(results: ExperimentResults) -> str:
    """How to read the letters in tables."""
    below = f"p\u00a0<\u00a0{_alpha(results.alpha)}"
    return f"Raised letters: the systems that this one is significantly better than ({below})."


def result(collection: CollectionResults, alpha: float) -> str:
    """The best system of a collection, its lead over the baseline, and the significance of that."""
    best, base = leader(collection), baseline(collection)
    if best is None:
        return f"No system has {measure_name(collection.main_measure)}."
    score = f"{measure_name(collection.main_measure)} {numbers.quality(value(best, collection.main_measure))}"
    if len(collection.systems) == 1:
        return f"{named(best.name)} has {score}; there is nothing to compare it with."
    if base is None or value(base, collection.main_measure) is None:
        return f"{named(best.name)} is best with {score}; the baseline {named(collection.baseline)} has no value."
    if best is not base:
        return f"{_best(collection, best)} best with {score}, {_lead(collection, best.name, base.name, alpha)}."
    second = challenger(collection)
    if second is None:
        return f"{named(base.name)}, the baseline, has {score}; no other system has a value."
    lead = _lead(collection, base.name, second.name, alpha)
    return f"{named(base.name)}, the baseline, is not beaten: {score}, {lead}."


def about(collection: CollectionResults) -> str:
    """Size and split of a collection."""
    size = quantity(collection.n_documents, "document")
    return f"{size}, {quantity(len(collection.query_ids), 'judged query')}, split {collection.split}."


def truncation(collection: CollectionResults) -> str | None:
    """The share of documents longer than the model's window; None if unknown."""
    if collection.truncated is None:
        return None
    if not collection.truncated:
        return "No document is longer than the model’s window."
    percent = numbers.share(collection.truncated) if collection.truncated >= 0.0005 else "Fewer than .1 %"
    return f"{percent} of the documents are longer than the model’s window; they were read in several windows."


def _best(collection: CollectionResults, first: SystemResults) -> str:
    """The best system, with all whose printed value is the same."""
    same = [s for s in collection.systems if s is not first and s.name != collection.baseline]
    top = numbers.quality(value(first, collection.main_measure))
    equal = [s for s in same if numbers.quality(value(s, collection.main_measure)) == top]
    names = [s.name for s in (first, *equal)]
    return f"{named(names[0])} is" if len(names) == 1 else f"{listed(names)} are"


def _lead(collection: CollectionResults, first: str, second: str, alpha: float) -> str:
    contrast = against(collection, first, second)
    means = {s.name: value(s, collection.main_measure) or 0.0 for s in collection.systems}
    gap = numbers.quality(abs(means[first] - means[second]))
    if means[first] == means[second]:
        return f"the same as {named(second)}"
    return f"{gap} above {named(second)} ({_significance(contrast, alpha)})"


def _significance(contrast: Contrast | None, alpha: float) -> str:
    if contrast is None:
        return "not tested"
    p = numbers.probability(contrast.p)
    p = (f"p {p}" if p.startswith("<") else f"p = {p}").replace(" ", "\u00a0")
    return f"significant, {p}" if contrast.p < alpha else f"not significant, {p}"


def _alpha(alpha: float) -> str:
    return f"{alpha:g}".removeprefix("0")
