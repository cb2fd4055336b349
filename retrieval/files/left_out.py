"""`LeftOut`: a file of a folder that is no document of the index, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """A file, or a folder with all that is in it, that was passed over.

    Attributes:
        path: Within the folder that was read.
        reason: One line.
        is_fault: It should have been read and could not be; else it was meant to be passed over.
    """

    path: str
    reason: str
    is_fault: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
