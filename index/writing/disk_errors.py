"""Errors of the disk, in words a user can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import WordhiveError
from ..storage.catalog.connection import WriteError


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise errors of the disk and of SQLite, met while the block writes to the index at `path`, as WordhiveError."""
    try:
        yield
    except (OSError, WriteError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "database or disk is full" in str(error):
            raise WordhiveError(
                f"the disk is full: nothing of this batch was kept in {path}; free some space and run again"
            ) from error
        raise WordhiveError(f"cannot write to {path}: {getattr(error, 'strerror', None) or error}") from error
