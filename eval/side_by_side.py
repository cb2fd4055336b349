"""Queries on which two systems differ most, with what each of them found."""

from __future__ import annotations

from collections.abc import Callable

from .contrasts import Values, best_other, most_changed
from .experiment import MultiVectorSpec, SystemSpec, WordhiveSpec
from .results import HitResult, SideBySide
from .systems import Task, TaskResult
from .systems.indexes import index_of

_QUERIES_EACH_WAY = 8
_HITS = 5
_CHARACTERS = 300

Match = tuple[str, str, float]


def side_by_side(
    job: Task, systems: list[SystemSpec], steps: dict[str, TaskResult], values: Values, baseline: str
) -> list[SideBySide]:
    """Up to eight queries on which the best other system is furthest ahead of the baseline, and eight the other way."""
    other = best_other(values, baseline)
    if other is None:
        return []
    collection = job.prepared.collection
    names = list(job.queries)
    chosen = [names[place] for place in most_changed(values[baseline], values[other], _QUERIES_EACH_WAY)]
    runs = {}
    for name in (baseline, other):
        run = steps[name].run()
        runs[name] = {id: list(run.get(id, {}).items())[:_HITS] for id in chosen}
    wanted = {document for run in runs.values() for found in run.values() for document, _ in found}
    texts = {
        document.id: _beginning(document.text) for document in collection.documents() if document.id in wanted
    } if wanted else {}  # fmt: skip
    tell = {spec.name: _explainer(spec, job) for spec in systems if spec.name in runs}
    shown = []
    for id in chosen:
        place, query = names.index(id), job.queries[id]
        hits = {
            name: [
                HitResult(
                    document, score, collection.qrels[id].get(document), texts.get(document, ""),
                    tell[name](query, document) if document in texts else [],
                )
                for document, score in run[id]
            ]
            for name, run in runs.items()
        }  # fmt: skip
        shown.append(SideBySide(id, query, {name: float(value[place]) for name, value in values.items()}, hits))
    return shown


def _beginning(text: str) -> str:
    """What is shown of a text, to the end of a word."""
    if len(text) <= _CHARACTERS:
        return text
    kept = text[: _CHARACTERS - 1]
    return (kept.rpartition(" ")[0] or kept).rstrip() + "…"


def _explainer(spec: SystemSpec, job: Task) -> Callable[[str, str], list[Match]]:
    """What tells the matched words of a query and a document; of other systems than ours nothing can be told."""
    if not isinstance(spec, WordhiveSpec | MultiVectorSpec) or (
        isinstance(spec, WordhiveSpec) and (spec.part == "summary" or spec.chunk)
    ):
        return lambda query, id: []
    retriever = index_of(spec, job)[0]

    def matches(query: str, id: str) -> list[Match]:
        if not query.strip():
            return []
        told = retriever.explain(query, id)
        adding = sum(max(match.score, 0.0) for match in told.matches) + max(told.summary_score, 0.0)
        adding += told.lexical_score
        return [
            (match.word, match.match, share)
            for match in told.matches
            if match.match is not None and match.score > 0 and (share := round(match.score / adding, 4)) > 0
        ]

    return matches
