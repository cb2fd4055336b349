"""Files on the disk: whether they have arrived there, and are what was written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import xxhash


class Digest(Protocol):
    """What hashlib and xxhash make of bytes."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def checksum(path: Path) -> str:
    """The XXH3 of a file, 128 bits in hexadecimal: against accidents, and as fast as the file can be read."""
    return hexdigest(path, xxhash.xxh3_128())


def hexdigest(path: Path, digest: Digest) -> str:
    """What a fresh digest makes of a file, in hexadecimal."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


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
