"""What an experiment found out: everything that a report is made of, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from wordhive.index import InputError

from .contrasts import Contrast


@dataclass(frozen=True)
class IndexResults:
    """What an index of wordhive holds.

    Attributes:
        encoder: Name and fingerprint.
        config: Of the index.
        words_per_document: Word vectors that are stored.
        words_removed: Share of the documents' whole words that the model's stop-word gate removed; None without
            one.
        bytes_per_document: Of every part on disk.
        text_bytes: Of a document's plain text.
    """

    encoder: str
    config: dict[str, Any]
    words_per_document: float
    words_removed: float | None
    bytes_per_document: dict[str, float]
    text_bytes: float


@dataclass(frozen=True)
class SystemResults:
    """One system on one collection.

    Attributes:
        kind: Wordhive, bm25, dense, multi-vector, fusion or run.
        description: One line, what it is.
        measures: Means over the judged queries.
        per_query: Measure → value of each query, in the order of `CollectionResults.query_ids`.
        candidate_recall: Number of candidates → share of the exact top 10; empty where there is no first stage.
        bytes_per_document: By part, without texts and parameters; empty where unknown.
        latency: Stage → p50, p95, p99 in milliseconds, "total" among the stages.
        seconds_indexing: Encoding included; None where it is unknown.
        peak_memory: Bytes of the process while the system was measured, or until then where that can't be told.
        run: The TREC file, relative to the report's folder.
        index: None for other systems than whole ones of wordhive.
    """

    name: str
    kind: str
    description: str
    measures: dict[str, float]
    per_query: dict[str, list[float]]
    candidate_recall: dict[int, float]
    bytes_per_document: dict[str, float]
    latency: dict[str, dict[str, float]]
    queries_per_second: float | None
    seconds_indexing: float | None
    peak_memory: int | None
    run: str
    index: IndexResults | None = None


@dataclass(frozen=True)
class HitResult:
    """A document that was found.

    Attributes:
        grade: As judged, 0 for irrelevant, None for not judged.
        text: Its beginning, at most 300 characters.
        matches: Query word, document word, share of all that adds to the score; empty where the system can't tell.
    """

    id: str
    score: float
    grade: int | None
    text: str
    matches: list[tuple[str, str, float]]


@dataclass(frozen=True)
class SideBySide:
    """A query on which baseline and best other system differ most.

    Attributes:
        systems: System → value of the main measure.
        hits: Of these two systems, the first five.
    """

    query_id: str
    query: str
    systems: dict[str, float]
    hits: dict[str, list[HitResult]]


@dataclass(frozen=True)
class CollectionResults:
    """All systems on one collection.

    Attributes:
        main_measure: What systems are compared by.
        baseline: What they are compared with.
        truncated: Share of documents longer than the model's window; None where that is unknown.
        published: System → value of the main measure, source.
        warnings: A line → how often.
    """

    name: str
    split: str
    n_documents: int
    query_ids: list[str]
    queries: list[str]
    main_measure: str
    baseline: str
    systems: list[SystemResults]
    contrasts: list[Contrast]
    side_by_side: list[SideBySide]
    truncated: float | None
    published: dict[str, tuple[float, str]]
    warnings: dict[str, int]


@dataclass(frozen=True)
class ExperimentResults:
    """All collections of an experiment.

    Attributes:
        alpha: p-values below it are significant.
        setting: Configuration, versions, hardware, seeds, git revision, date.
    """

    title: str
    collections: list[CollectionResults]
    test: Literal["fisher", "student"]
    alpha: float
    setting: dict[str, Any]

    def to_json(self) -> str:
        """All of it as indented JSON."""
        return _FINDINGS.dump_json(self, indent=2).decode() + "\n"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Column names and rows for print: each system's main measure on each collection, and the mean of them.

        A star marks a system that differs significantly from the baseline.
        """
        several = len(self.collections) > 1
        columns = ["system", *(f"{each.name} {each.main_measure}" for each in self.collections)]
        rows = []
        for place, system in enumerate(self.collections[0].systems):
            values = [each.systems[place].measures[each.main_measure] for each in self.collections]
            stars = ["*" if self._differs(each, system.name) else " " for each in self.collections]
            cells = [f"{value:.4f}{star}" for value, star in zip(values, stars, strict=True)]
            rows.append([system.name, *cells, *([f"{sum(values) / len(values):.4f}"] if several else [])])
        return columns + (["mean"] if several else []), rows

    def _differs(self, collection: CollectionResults, system: str) -> bool:
        pair = {collection.baseline, system}
        return any({c.first, c.second} == pair and c.p < self.alpha for c in collection.contrasts)

    @classmethod
    def from_json(cls, text: str, source: str = "the results") -> ExperimentResults:
        """What `to_json` wrote; `source` names it in errors.

        Raises:
            InputError: Anything else.
        """
        try:
            return _FINDINGS.validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(
                f"{source} holds no results: {place} {first['msg'].lower()}; expected report.json of wordhive eval"
            ) from error

    @classmethod
    def read(cls, path: Path) -> ExperimentResults:
        """Those in a report.json.

        Raises:
            InputError: It holds none.
        """
        return cls.from_json(path.read_text(encoding="utf-8"), str(path))


_FINDINGS = TypeAdapter(ExperimentResults)
