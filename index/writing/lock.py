"""The lock of an index folder: one process at a time makes or changes what is in it."""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import lock_descriptor

from ..errors import WordhiveError
from ..files import link_error

# Held while an index is changed, and while it is made.
LOCK = "lock"
CREATING = "creating"
# Seconds between two looks at a lock that is waited for.
_PAUSE = 0.01
# What is opened is the file itself: a link would lead a write to wherever it points.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def folder_lock(folder: Path, name: str = LOCK, *, seconds: float = 0.0) -> Iterator[None]:
    """A folder, which is there, for this process alone, as far as others ask for the lock of that name too.

    seconds: how long to wait where another process has it. Raises WordhiveError where it has it for longer, or where
    the lock is a link, and OSError where the folder is gone or can't be written to.
    """
    with _locked(folder / name, time.monotonic() + seconds):
        yield


def _locked(path: Path, deadline: float) -> io.FileIO:
    """The file, locked until it is closed; it closes itself where an interrupt comes between."""
    while True:
        file = _opened(path)
        if lock_descriptor(file.fileno(), blocking=False):
            if _is_at(path, file.fileno()):
                return file
        elif time.monotonic() >= deadline:
            raise WordhiveError(f"another process is writing to {path.parent}; wait for it to end and try again")
        else:
            time.sleep(_PAUSE)
        file.close()


def _opened(path: Path) -> io.FileIO:
    try:
        return io.FileIO(path, "r+", opener=lambda name, _: os.open(name, _FLAGS, 0o666))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise link_error(path) from error
        raise


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the file is still the one at the path, which who had the lock before may have removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
