"""Runs an experiment step by step, each kept on disk, so that a stopped one goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from wordhive import __version__
from wordhive.index import IndexConfig
from wordhive.index.arguments import given_path

from .collections.preparation import Prepared, chosen, on_split, prepare, prepare_split
from .contrasts import Values, contrasts
from .environment import setting
from .experiment import CollectionSpec, Experiment, FusionSpec, SystemSpec, WordhiveSpec, slug
from .published_results import published
from .result_cache import read_result, write_result
from .results import CollectionResults, ExperimentResults, SideBySide, SystemResults
from .runs import MEASURES, query_values, trec_lines, without_itself
from .side_by_side import side_by_side
from .systems import Measurements, RunResult, Stamp, Task, TaskResult, find, stamp
from .systems.indexes import truncated

_COSTS = TypeAdapter(Measurements)
_SIDE_BY_SIDE = TypeAdapter(list[SideBySide])


class Runner:
    """An experiment under way.

    Args:
        report: The folder of runs and of what is kept of every step.
        cache: The folder of encodings and indexes, which several experiments may share.
        on_step: Called with collection and system when a step is done.
    """

    def __init__(
        self,
        experiment: Experiment,
        report: Path,
        cache: Path | None = None,
        on_step: Callable[[str, str], None] = lambda collection, system: None,
    ) -> None:
        self.experiment = experiment
        self.report = given_path(report)
        self.cache = self.report / "cache" if cache is None else given_path(cache)
        self._on_step = on_step
        self._prepared: dict[str, Prepared] = {}

    def run(self) -> ExperimentResults:
        """Do every step that is not done yet, and put all together.

        Raises InputError before the first step for collections, configurations or measures that are not there.
        """
        self._check()
        collections = [self._collection(spec) for spec in self.experiment.collections]
        facts = setting()
        facts["config"] = self.experiment.model_dump(mode="json", exclude_none=True)
        facts["seed"] = self.experiment.seed
        return ExperimentResults(self.experiment.title, collections, self.experiment.test, self.experiment.alpha, facts)

    def step(self, name: str, job: Task) -> TaskResult:
        """A system's run and costs on a job: kept ones where nothing that determines them has changed."""
        spec = self.experiment.system(name)
        made_for = self._stamp(name, job)
        path = self.report / "runs" / job.folder / f"{slug(name)}.trec"
        state = self.report / "steps" / job.folder / f"{slug(name)}.json"
        kept = read_result(state, made_for)
        if kept is not None and path.is_file() and _digest(path) == kept["run"]:
            return TaskResult(_COSTS.validate_python(kept["costs"]), made_for, path)
        result = self._result(spec, job)
        _write_run(path, result, slug(name))
        state.parent.mkdir(parents=True, exist_ok=True)
        write_result(state, {"costs": asdict(result.costs), "run": _digest(path)}, made_for)
        self._on_step(job.folder, name)
        return TaskResult(result.costs, made_for, path)

    def _result(self, spec: SystemSpec, job: Task) -> RunResult:
        if not job.prepared.collection.without_itself:
            return find(spec, job)
        result = find(spec, replace(job, depth=job.depth + 1))
        return replace(result, run=without_itself(result.run, job.depth))

    def _check(self) -> None:
        """Find out now what would end the experiment after hours."""
        query_values({"q": {"d": 1}}, {"q": {"d": 1.0}}, self._all_measures())
        for system in self.experiment.systems:
            if isinstance(system, WordhiveSpec) and system.config is not None:
                IndexConfig.load(system.config)
        splits = [s.tune_on for s in self.experiment.systems if isinstance(s, FusionSpec) and s.tune_on is not None]
        for collection in self.experiment.collections:
            for spec in [collection, *(on_split(collection, split) for split in splits)]:
                chosen(spec)

    def _all_measures(self) -> list[str]:
        own = [name for collection in self.experiment.collections for name in collection.measures or ()]
        return list(dict.fromkeys([*(self.experiment.measures or MEASURES), *own]))

    def _stamp(self, name: str, job: Task) -> Stamp:
        spec = self.experiment.system(name)
        described: Stamp = {
            "system": spec.model_dump(mode="json"),
            "collection": job.prepared.stamp,
            "depth": job.depth,
            "timed": job.timed,
            "exact": job.exact,
            "without itself": job.prepared.collection.without_itself,
            "wordhive": __version__,
            **stamp(spec, job),
        }
        plain: Stamp = json.loads(json.dumps(described))  # as it comes back from a file
        return plain

    def _job(self, spec: CollectionSpec) -> tuple[Task, tuple[str, ...]]:
        prepared = self._prepared.get(spec.title) or prepare(spec)
        self._prepared[spec.title] = prepared
        folder = slug(spec.title)
        cache = self.cache / f"{slug(Path(spec.place).name)}-{prepared.fingerprint[:8]}"
        own = self.experiment
        measures = spec.measures or own.measures or prepared.collection.measures
        job = Task(
            prepared, folder, cache, own.depth, own.queries_timed, own.queries_exact, measures[0], self.step, _tuning
        )
        return job, measures

    def _collection(self, spec: CollectionSpec) -> CollectionResults:
        job, measures = self._job(spec)
        steps = {system.name: self.step(system.name, job) for system in self.experiment.systems}
        collection, prepared = job.prepared.collection, job.prepared
        values = {name: query_values(collection.qrels, step.run(), measures) for name, step in steps.items()}
        main = {name: found[measures[0]] for name, found in values.items()}
        systems = [self._system(name, step, values[name]) for name, step in steps.items()]
        notes = [step.costs.notes for step in steps.values()]
        return CollectionResults(
            name=spec.title,
            split=collection.split,
            n_documents=prepared.n_documents,
            query_ids=list(collection.queries),
            queries=list(collection.queries.values()),
            main_measure=measures[0],
            baseline=self.experiment.reference,
            systems=systems,
            contrasts=contrasts(main, self.experiment.test, self.experiment.seed),
            side_by_side=self._side_by_side(job, steps, main),
            truncated=truncated(list(self.experiment.systems), job.prepared),
            published=published(spec.published or spec.place, measures[0]),
            warnings={line: n for lines in [collection.warnings, *notes] for line, n in lines.items()},
        )

    def _system(self, name: str, step: TaskResult, values: Values) -> SystemResults:
        costs = step.costs
        return SystemResults(
            name=name,
            kind=self.experiment.system(name).kind,
            description=costs.description,
            measures={measure: float(each.mean()) for measure, each in values.items()},
            per_query={measure: each.tolist() for measure, each in values.items()},
            candidate_recall=costs.candidate_recall,
            bytes_per_document=costs.bytes_per_document,
            latency=costs.latency,
            queries_per_second=costs.queries_per_second,
            seconds_indexing=costs.seconds_indexing,
            peak_memory=costs.peak_memory,
            run=step.path.relative_to(self.report).as_posix(),
            index=costs.index,
        )

    def _side_by_side(self, job: Task, steps: dict[str, TaskResult], values: Values) -> list[SideBySide]:
        path = self.report / "steps" / job.folder / "side by side.json"
        made_for: dict[str, Any] = {
            "steps": {name: step.stamp for name, step in steps.items()},
            "values": {
                name: hashlib.sha256(np.ascontiguousarray(v).tobytes()).hexdigest() for name, v in values.items()
            },
            "judgements": job.prepared.qrels_stamp,
            "baseline": self.experiment.reference,
        }
        if (kept := read_result(path, made_for)) is not None:
            return _SIDE_BY_SIDE.validate_python(kept["queries"])
        queries = side_by_side(job, list(self.experiment.systems), steps, values, self.experiment.reference)
        write_result(path, {"queries": [asdict(query) for query in queries]}, made_for)
        return queries


def _tuning(job: Task, split: str) -> Task:
    """The job on another split, with nothing measured but the run."""
    prepared = prepare_split(job.prepared, split)
    return replace(job, prepared=prepared, folder=f"{job.folder}/tuning-{slug(split)}", timed=0, exact=0)


def _write_run(path: Path, result: RunResult, tag: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"writing-{path.name}")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(trec_lines(result.run, f"wordhive-{tag}"))
    temporary.replace(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
