"""Several systems' runs put together, by ranx."""

from __future__ import annotations

import warnings
from typing import Any

from wordhive.index import InputError

from ..experiment import FusionSpec
from ..runs import Qrels, Run
from .job import Costs, Found, Job, Stamp

# ranx knows no empty ranking: a document that is none stands for one.
_NOTHING = ""


def stamp(spec: FusionSpec, job: Job) -> Stamp:
    """The parts' stamps, on the split for tuning too."""
    parts: Stamp = {"of": {name: job.part(name, job).stamp for name in spec.of}}
    if spec.tune_on is not None:
        tuning = job.tuning(job, spec.tune_on)
        parts["tuned on"] = {name: job.part(name, tuning).stamp for name in spec.of}
        parts["judgements"] = tuning.prepared.qrels_stamp
        parts["measure"] = job.measure
    return parts


def find(spec: FusionSpec, job: Job) -> Found:
    """The fused run; its parameters are chosen on another split's judgements where one is named.

    Raises InputError for a method, norm or parameters that ranx does not know.
    """
    steps = {name: job.part(name, job) for name in spec.of}
    params = dict(spec.params)
    if spec.tune_on is not None:
        tuning = job.tuning(job, spec.tune_on)
        runs = [job.part(name, tuning).run() for name in spec.of]
        params = _tuned(spec, tuning.prepared.collection.qrels, runs, job.measure)
    run = _fused(spec, [step.run() for step in steps.values()], list(job.queries), params, job.depth)
    sizes = {name: step.costs.bytes_per_document for name, step in steps.items()}
    known = {name: round(sum(parts.values()), 1) for name, parts in sizes.items() if parts}
    described = f"{spec.method} of {' and '.join(spec.of)}" + (f", {params}" if params else "")
    tuned = "" if spec.tune_on is None else f", chosen on {spec.tune_on}"
    # Its bytes are those of all parts, or not known.
    return Found(run, Costs(described + tuned, bytes_per_document=known if len(known) == len(sizes) else {}))


def _fused(spec: FusionSpec, runs: list[Run], queries: list[str], params: dict[str, Any], depth: int) -> Run:
    import ranx

    given = [_ranx_run(run, queries) for run in runs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = ranx.fuse(runs=given, norm=spec.norm, method=spec.method, params=params or None).to_dict()
        except Exception as error:  # ranx raises whatever its parts do
            raise _unknown(spec, params, error) from error
    return {id: _best(found[id], depth) for id in queries}


def _tuned(spec: FusionSpec, qrels: Qrels, runs: list[Run], measure: str) -> dict[str, Any]:
    import ranx

    queries = list(qrels)
    try:
        params = ranx.optimize_fusion(
            qrels=ranx.Qrels(qrels), runs=[_ranx_run(run, queries) for run in runs], norm=spec.norm,
            method=spec.method, metric=measure, show_progress=False,
        )  # fmt: skip
    except Exception as error:  # the same
        raise _unknown(spec, {}, error) from error
    return dict(params)


def _ranx_run(run: Run, queries: list[str]) -> Any:
    import ranx

    return ranx.Run({id: dict(run.get(id) or {_NOTHING: 0.0}) for id in queries})


def _best(scores: dict[str, float], depth: int) -> dict[str, float]:
    pairs = sorted((-score, id) for id, score in scores.items() if id != _NOTHING)
    return {id: -score for score, id in pairs[:depth]}


def _unknown(spec: FusionSpec, params: dict[str, Any], error: Exception) -> InputError:
    return InputError(
        f"ranx can't fuse {spec.name!r} with method {spec.method!r}, norm {spec.norm!r}, params {params} "
        f"({type(error).__name__}: {error!s:.100}); try method rrf, or wsum with params {{weights: [.5, .5]}}"
    )
