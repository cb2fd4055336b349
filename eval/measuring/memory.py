"""How much memory this process has, and has taken at most."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Begin to count anew, where the system can (Linux); elsewhere the peak stays that of the whole process."""
    if _RESET.exists():
        _RESET.write_text("5")


def own_memory() -> int | None:
    """The bytes of memory that this process has now, mapped files left out; None where the system does not say."""
    return _status("RssAnon:")


def peak_memory() -> int:
    """The most bytes of memory that this process had at once, mapped files included as far as they are in memory."""
    peak = _status("VmHWM:")
    if peak is not None:
        return peak
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _status(key: str) -> int | None:
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return None
