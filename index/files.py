"""Files on the disk: whether they have arrived there, and are what was written."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import xxhash

from .errors import WordhiveError


class Digest(Protocol):
    """What hashlib and xxhash make of bytes."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def checksum(path: Path) -> str:
    """The XXH3 of a file, 128 bits in hexadecimal: against accidents, and as fast as the file can be read."""
    return hexdigest(path, xxhash.xxh3_128())


def hexdigest(path: Path, digest: Digest) -> str:
    """What a fresh digest makes of a file, in hexadecimal."""
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def refuse_links(index: Path) -> None:
    """Raise WordhiveError for a link in an index, which would lead what is written to wherever it points.

    Args:
        index: Its folder, which may be reached by a link itself: that is the user's own.
    """
    for folder in (index, index / "segments", index / "params"):
        if folder.is_dir():
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        raise link_error(Path(entry.path))


def link_error(path: Path) -> WordhiveError:
    """What to raise for a link in an index."""
    return WordhiveError(
        f"{path} is a link, and an index holds none; copy the index with what its links point to (cp -rL), "
        "or restore it from a copy"
    )


def discard(path: Path) -> None:
    """Remove a file, if there is one and the disk lets it go: after a failure, which is what there is to tell."""
    with suppress(OSError):
        path.unlink()


def open_regular(path: Path) -> BinaryIO:
    """A file opened to be read, which must be one: to open a pipe would wait for who writes to it, for ever.

    Raises:
        OSError: Anything else, and for a link to a file.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - who asked for it closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return file


def _open_at_once(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    # A folder is synced through a descriptor too; Windows has none for it and needs none.
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
