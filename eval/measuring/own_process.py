"""Work in a process of its own, whose memory and threads nothing else has used."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from wordhive.index import WordhiveError

_Result = TypeVar("_Result")


def in_own_process(
    work: Callable[..., _Result], *arguments: Any, environment: Mapping[str, str] | None = None
) -> _Result:
    """What a piece of work gives; it, its arguments and its result can be pickled.

    Args:
        environment: Variables that the process begins with, beside those of this one. Raises what the work raises,
            and WordhiveError where the process dies.
    """
    with (
        _environment(environment or {}),
        ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_end_at_interrupts) as process,
    ):
        try:
            return process.submit(work, *arguments).result()
        except BrokenProcessPool as error:
            raise WordhiveError(
                "the process that measured was killed, or crashed in compiled code; see whether memory is enough"
            ) from error


def _end_at_interrupts() -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))  # without a word: the parent is told, too


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
