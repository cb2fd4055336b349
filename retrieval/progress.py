"""A progress bar on a terminal; nothing where the output is read by a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wordhive.index.arguments import flag


@contextmanager
def progress_bar(label: str, total: int | None, *, show: bool | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; call what it gives with the number of items that were done.

    Args:
        show: None shows it on a terminal only.
    """
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
