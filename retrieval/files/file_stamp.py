"""`FileStamp`: by what a file is known to be the same as before, and the attribute `file` that keeps it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import xxhash

from wordhive.index import InputError

from .folder_walk import FoundFile

# The attribute of a document that tells of its file.
FILE = "file"
# Nanoseconds within which a file system may give two changes of a file the same time.
_SAME_TIME = 50_000_000
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class FileStamp:
    """What a file was when it was read.

    Attributes:
        size: Its bytes.
        modified: When it was last changed, as ISO 8601 with nanoseconds, in UTC: such texts are ordered as times are.
        digest: XXH3 of its content, 32 hexadecimal digits.
    """

    size: int
    modified: str
    digest: str

    @classmethod
    def of(cls, file: FoundFile) -> FileStamp:
        """The stamp of a file as it is now.

        Raises:
            OSError: It can't be read.
        """
        _wait_until_settled(file.modified)
        digest = xxhash.xxh3_128()
        with file.path.open("rb") as content:
            while piece := content.read(_AT_ONCE):
                digest.update(piece)
        return cls(file.size, iso_time(file.modified), digest.hexdigest())

    @classmethod
    def of_bytes(cls, file: FoundFile, content: bytes) -> FileStamp:
        """The stamp of a file that was read."""
        return cls(file.size, iso_time(file.modified), xxhash.xxh3_128_hexdigest(content))

    def is_unread(self, file: FoundFile) -> bool:
        """Whether the file is as it was, as far as its size and its time tell."""
        return self.size == file.size and self.modified == iso_time(file.modified)

    def attribute(self, file: FoundFile, **more: str) -> dict[str, Any]:
        """The attribute `file`: a document's path, type, and this stamp."""
        return {
            "path": file.name, "type": file.kind, "modified": self.modified, "size": self.size, "digest": self.digest,
            **more,
        }  # fmt: skip


def moved(attributes: Mapping[str, Any], file: FoundFile, stamp: FileStamp) -> dict[str, Any]:
    """The attributes of a document whose file has another name or time by now, and the same content."""
    return {**attributes, FILE: {**attributes[FILE], **stamp.attribute(file)}}


def read_settled(file: FoundFile) -> bytes:
    """The content of a file.

    Raises:
        InputError: It changed meanwhile.
        OSError: It can't be read.
    """
    _wait_until_settled(file.modified)
    content = file.path.read_bytes()
    check_unchanged(file)
    return content


def check_unchanged(file: FoundFile) -> None:
    """Raise InputError where a file is not what it was when it was found."""
    status = file.path.stat()
    if (status.st_size, status.st_mtime_ns) != (file.size, file.modified):
        raise InputError("it changed while it was read; run the command again")


def iso_time(nanoseconds: int) -> str:
    """A time in nanoseconds since 1970, as `FileStamp` keeps it."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):  # a file system with a time of no year that Python knows
        return f"{nanoseconds}"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _wait_until_settled(modified: int) -> None:
    """Wait until a change of a file would give it another time than the one that it has."""
    while 0 <= time.time_ns() - modified < _SAME_TIME:
        time.sleep(_SAME_TIME / 1e9)
