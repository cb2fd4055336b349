"""Systems that an experiment sets side by side, a file for each kind."""

from __future__ import annotations

from ..experiment import Bm25Spec, DenseSpec, FusionSpec, MultiVectorSpec, SystemSpec, WordhiveSpec
from ..measuring.memory import reset_peak
from . import bm25, fusion, indexes, run_files
from .task import Measurements, RunResult, Stamp, Task, TaskResult

__all__ = ["Measurements", "RunResult", "Stamp", "Task", "TaskResult", "find", "stamp"]


def stamp(spec: SystemSpec, job: Task) -> Stamp:
    """Everything that determines what a system finds, beside its specification, collection and job."""
    if isinstance(spec, WordhiveSpec | MultiVectorSpec):
        return indexes.stamp(spec)
    if isinstance(spec, Bm25Spec):
        return bm25.stamp()
    if isinstance(spec, DenseSpec):
        from . import dense  # here: only a single vector's model needs torch

        return dense.stamp(spec)
    return fusion.stamp(spec, job) if isinstance(spec, FusionSpec) else run_files.stamp(spec, job)


def find(spec: SystemSpec, job: Task) -> RunResult:
    """The run of a system, and its costs."""
    reset_peak()
    if isinstance(spec, WordhiveSpec | MultiVectorSpec):
        return indexes.find(spec, job)
    if isinstance(spec, Bm25Spec):
        return bm25.find(spec, job)
    if isinstance(spec, DenseSpec):
        from . import dense

        return dense.find(spec, job)
    return fusion.find(spec, job) if isinstance(spec, FusionSpec) else run_files.find(spec, job)
