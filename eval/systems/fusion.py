"""Several systems' runs put together."""

from __future__ import annotations

from ..experiment import FusionSpec
from ..fusion.fuse import fuse, tune
from .task import Measurements, RunResult, Stamp, Task

_NAMES = {"rrf": "reciprocal rank fusion", "wsum": "weighted sum of scores"}


def stamp(spec: FusionSpec, job: Task) -> Stamp:
    """The parts' stamps, on the split for tuning too."""
    parts: Stamp = {"of": {name: job.part(name, job).stamp for name in spec.of}}
    if spec.tune_on is not None:
        tuning = job.tuning(job, spec.tune_on)
        parts["tuned on"] = {name: job.part(name, tuning).stamp for name in spec.of}
        parts["judgements"] = tuning.prepared.qrels_stamp
        parts["measure"] = job.measure
    return parts


def find(spec: FusionSpec, job: Task) -> RunResult:
    """The fused run; its parameters are chosen on another split's judgements where one is named.

    Raises:
        InputError: An unknown method, norm or parameter.
    """
    steps = {name: job.part(name, job) for name in spec.of}
    params = dict(spec.params)
    if spec.tune_on is not None:
        tuning = job.tuning(job, spec.tune_on)
        runs = [job.part(name, tuning).run() for name in spec.of]
        params |= tune(tuning.prepared.collection.qrels, runs, spec.method, job.measure, norm=spec.norm)
    run = fuse([step.run() for step in steps.values()], spec.method, params or None, norm=spec.norm, depth=job.depth)
    run = {id: run.get(id, {}) for id in job.queries}
    sizes = {name: step.costs.bytes_per_document for name, step in steps.items()}
    known = {name: round(sum(parts.values()), 1) for name, parts in sizes.items() if parts}
    described = f"{_NAMES.get(spec.method, spec.method)} of {' and '.join(spec.of)}" + (f", {params}" if params else "")
    tuned = "" if spec.tune_on is None else f", chosen on {spec.tune_on}"
    # Its bytes are those of all parts, or not known.
    return RunResult(run, Measurements(described + tuned, bytes_per_document=known if len(known) == len(sizes) else {}))
