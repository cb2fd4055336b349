"""In what setting something was measured: versions, hardware, git revision, date."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "wordhive",
    "torch",
    "transformers",
    "sentence-transformers",
    "faiss-cpu",
    "faiss-gpu-cuvs",
    "numpy",
    "numba",
    "bm25s",
    "ranx",
    "ir-datasets",
)


def versions() -> dict[str, str]:
    """The installed versions of what results depend on."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def machine() -> dict[str, Any]:
    """Processor, cores, memory, GPU, system."""
    torch = sys.modules.get("torch")  # nothing ran on a GPU without it
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": None if memory is None else f"{memory / 1e9:.1f} GB",
        "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None,
        "system": platform.platform(),
    }


def git_revision() -> str | None:
    """The revision of wordhive's own source, "+" behind it where files were changed; None outside a repository."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():  # installed, maybe inside of a user's own repository
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):  # no git
        return None


def setting() -> dict[str, Any]:
    """All of it, and the date."""
    return {
        "versions": versions(),
        "python": platform.python_version(),
        "machine": machine(),
        "git": git_revision(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def _processor() -> str:
    # platform.processor() is empty, or the architecture, on most Linux systems.
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
