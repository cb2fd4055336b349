"""The lock of an index folder: one process at a time makes or changes what is in it."""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor

from ..errors import WordhiveError
from ..files import link_error, refuse_links
from ..storage.catalog.catalog import Catalog
from ..storage.folders import sweep
from .disk_errors import disk_errors

# Held while an index is changed, and while it is made.
LOCK = "lock"
CREATING = "creating"
# Seconds between two looks at a lock that is waited for.
_PAUSE = 0.01
# What is opened is the file itself: a link would lead a write to wherever it points.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def folder_lock(folder: Path, name: str = LOCK, *, seconds: float = 0.0) -> Iterator[None]:
    """Lock an existing folder against others that ask for the lock of the same name.

    Args:
        folder: The folder.
        name: File that is locked.
        seconds: How long to wait while another process has the lock.

    Raises:
        WordhiveError: Another process has the lock for longer, or it is a link.
        OSError: The folder is gone or can't be written to.
    """
    with _locked(folder / name, time.monotonic() + seconds):
        yield


@contextmanager
def write_lock(path: Path, catalog: Catalog) -> Iterator[None]:
    """The index at `path`, for this process alone to write; folders that a crash or a failure left are removed.

    Raises:
        WordhiveError: Another process is writing, the disk fails or is full, or another index lies there now.
    """
    catalog.check_not_replaced()  # a lock is made only where the index is
    with ExitStack() as stack:
        with disk_errors(path):
            stack.enter_context(folder_lock(path))
        catalog.check_not_replaced()  # and from here on it stays where it is, as far as others ask for the lock
        refuse_links(path)
        try:
            sweep(path, catalog)
            with disk_errors(path):
                yield
        except BaseException:
            with suppress(WordhiveError, OSError):  # what went wrong is told; the next writer removes what it left
                sweep(path, catalog)
            raise


def _locked(path: Path, deadline: float) -> io.FileIO:
    """The file, locked until it is closed; an interrupt between closes it."""
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
    """Whether the file is still at the path: the process that had the lock before may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
