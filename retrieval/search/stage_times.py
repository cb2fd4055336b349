"""`StageTimes`: how long each stage of a search takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class StageTimes:
    """The seconds of each stage of one search, or of several together.

    times = StageTimes()
    retriever.search("how do bees communicate?", times=times)
    times.seconds  # {"encode": 0.004, "candidates": 0.0006, "rerank": 0.0005, "fetch": 0.0001}
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(
        self,
        stage: str,
        work: Callable[_Arguments, _Result],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> _Result:
        """Call `work` with the arguments, and add its time to the stage's; what it returns."""
        started = time.perf_counter()
        result = work(*args, **kwargs)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started
        return result
