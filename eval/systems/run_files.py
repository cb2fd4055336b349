"""TREC run files that someone else made."""

from __future__ import annotations

import hashlib
from pathlib import Path

from wordhive.index import InputError
from wordhive.index.quantity import quantity

from ..experiment import RunSpec, slug
from ..runs import read_run
from .task import Measurements, RunResult, Stamp, Task


def stamp(spec: RunSpec, job: Task) -> Stamp:
    """The file's content."""
    path = _path(spec, job)
    if not path.is_file():
        raise InputError(f"no run of {spec.name!r} at {path}; put it there, or leave the system out")
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def find(spec: RunSpec, job: Task) -> RunResult:
    """The judged queries' part of the file.

    Raises:
        InputError: One that is no run, with file and line.
    """
    path = _path(spec, job)
    given = read_run(path)
    run = {id: dict(list(given[id].items())[: job.depth]) for id in job.queries if id in given}
    if not run:
        raise InputError(
            f"{path} answers none of the {quantity(len(job.queries), 'query')} of "
            f"{job.prepared.spec.title}; is it a run of "
            "this collection, and of this split?"
        )
    strange, missing = sum(id not in job.queries for id in given), len(job.queries) - len(run)
    notes = {
        f"{spec.name}: queries of the run file that are not judged, left out": strange,
        f"{spec.name}: judged queries without an answer in the run file, 0 there": missing,
    }
    return RunResult(run, Measurements(f"run file {path.name}", notes={line: n for line, n in notes.items() if n}))


def _path(spec: RunSpec, job: Task) -> Path:
    of = job.prepared.spec
    try:
        return Path(spec.file.format(collection=slug(of.title), split=of.split)).expanduser()
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(
            f"the file {spec.file!r} of {spec.name!r} asks for {error}; only {{collection}} and {{split}} are filled in"
        ) from error
