"""A progress bar on a terminal, or a caller's function; nothing where the output is read by a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wordhive.index.arguments import flag

# A bar or none; None: on a terminal only; a function: called with the number of items done, and of all or None.
Shown = bool | Callable[[int, int | None], object] | None


@contextmanager
def progress_bar(label: str, total: int | None, *, show: Shown = None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; call what it gives with the number of items that were done."""
    if callable(show):
        yield _counting(show, total)
        return
    if not (sys.stderr.isatty() if show is None else flag(show, "show_progress")):
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)


def _counting(call: Callable[[int, int | None], object], total: int | None) -> Callable[[int], None]:
    n_done = 0

    def advance(done: int) -> None:
        nonlocal n_done
        n_done += done
        call(n_done, total)

    return advance
