"""The number of commits, in a file of its own beside the catalog.

After a crash SQLite takes a damaged commit in its log for one that was never finished, and drops it with all that
follow: the catalog is then whole, and of an earlier moment. A commit is counted once it is on the disk, so that a
catalog with fewer commits than were counted has lost some.
"""

from __future__ import annotations

from pathlib import Path

import xxhash

from ...errors import damaged, warn
from ...files import open_regular, sync

NAME = "committed"
# Of the file, and some more.
_MOST_BYTES = 100


def counted(folder: Path) -> int:
    """Commits that the index in `folder` once had; 0 where none was counted.

    Raises:
        WordhiveError: A damaged file.
    """
    path = folder / NAME
    try:
        with open_regular(path) as file:
            written = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise damaged(path, error.strerror, "cannot be read") from error
    number = written.split(b" ")[0]
    n = int(number) if number.isdigit() and len(number) < 20 else 0
    if written != _line(n):
        raise damaged(path)
    return n


def count_or_warn(folder: Path, n: int) -> None:
    """Write that the index in `folder` has n commits on the disk; where that fails, the next commit does it."""
    try:
        count(folder, n)
    except OSError as error:  # whatever it is, the commit is there, and must not be reported as lost
        warn(f"{folder}: commit {n} was not counted ({error}); nothing is lost, the next one is")


def count(folder: Path, n: int) -> None:
    temporary = folder / f"{NAME}.new"
    temporary.unlink(missing_ok=True)  # of a crash
    with temporary.open("xb") as file:
        file.write(_line(n))
    sync(temporary)
    temporary.replace(folder / NAME)
    sync(folder)


def _line(n: int) -> bytes:
    number = str(n).encode()
    return number + b" " + xxhash.xxh3_64_hexdigest(number).encode() + b"\n"
