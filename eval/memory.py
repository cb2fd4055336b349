"""How much memory this process has taken at most."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Begin to count anew, where the system can (Linux); elsewhere the peak stays that of the whole process."""
    if _RESET.exists():
        _RESET.write_text("5")


def peak_memory() -> int:
    """The most bytes of memory that this process had at once, mapped files included as far as they are in memory."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
