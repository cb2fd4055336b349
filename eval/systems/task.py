"""What a system is asked for, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..collections.preparation import Prepared
from ..results import IndexResults
from ..runs import Run, read_run

Stamp = dict[str, Any]


@dataclass(frozen=True)
class Measurements:
    """What a run took; see `SystemResults`."""

    description: str
    candidate_recall: dict[int, float] = field(default_factory=dict)
    bytes_per_document: dict[str, float] = field(default_factory=dict)
    latency: dict[str, dict[str, float]] = field(default_factory=dict)
    queries_per_second: float | None = None
    seconds_indexing: float | None = None
    peak_memory: int | None = None
    notes: dict[str, int] = field(default_factory=dict)
    index: IndexResults | None = None


@dataclass(frozen=True)
class RunResult:
    """A run, each query's documents best first, and what it took."""

    run: Run
    costs: Measurements


@dataclass(frozen=True)
class TaskResult:
    """A system's part of an experiment, done and kept.

    Attributes:
        stamp: Everything that determines it.
        path: Of the TREC run.
    """

    costs: Measurements
    stamp: Stamp
    path: Path

    def run(self) -> Run:
        """The run as it was written; read at each call, for all runs of an experiment may not fit in memory."""
        return read_run(self.path) if self.path.stat().st_size else {}


@dataclass(frozen=True)
class Task:
    """A collection to be searched.

    Attributes:
        folder: Name of its runs.
        cache: A folder for everything made of its documents.
        depth: Documents of a ranking.
        timed: Queries for latencies.
        exact: Queries whose candidates are held against exact search, None: all.
        measure: What systems are compared by.
        part: The step of another system on a job.
        tuning: This job on another split.
    """

    prepared: Prepared
    folder: str
    cache: Path
    depth: int
    timed: int
    exact: int | None
    measure: str
    part: Callable[[str, Task], TaskResult]
    tuning: Callable[[Task, str], Task]

    @property
    def queries(self) -> dict[str, str]:
        """Id → text."""
        return self.prepared.collection.queries

    @property
    def timed_texts(self) -> list[str]:
        """Queries for latencies."""
        return list(self.queries.values())[: self.timed]


def rate(n_queries: int, seconds: float) -> float:
    """Queries a second."""
    return round(n_queries / max(seconds, 1e-9), 2)
