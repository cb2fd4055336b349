"""Results of a bench on disk, one file each, so that a stopped run goes on where it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def result_path(folder: Path, name: str) -> Path:
    """The file of the result of that name."""
    return folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', name)}.json"


def write_result(path: Path, values: dict[str, Any], made_for: dict[str, Any]) -> None:
    """Keep a result with the setting in which it was found."""
    temporary = path.with_name(f"writing-{path.name}")
    temporary.write_text(json.dumps({"made_for": made_for, **values}, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def read_result(path: Path, made_for: dict[str, Any]) -> dict[str, Any] | None:
    """What an earlier run found in the same setting, or None."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return values if values.pop("made_for") == made_for else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not there, or another version's
        return None
