"""A random sample of one field of a JSON lines file."""

from __future__ import annotations

import json
import random
from pathlib import Path

from wordhive.index import InputError

from .documents import read_lines


def sample_field(path: Path, field: str, n: int, seed: int) -> list[str]:
    """Up to n values of `field`, drawn without replacement; the same seed draws the same ones.

    Raises InputError, with file and line, where a line is no JSON object or lacks the field.
    """
    values = []
    for number, line in read_lines(path):
        try:
            value = json.loads(line)[field]
        except (json.JSONDecodeError, KeyError, TypeError, IndexError) as error:
            raise InputError(
                f"{path}:{number}: no JSON object with a field {field!r}; name the field with --field"
            ) from error
        if not isinstance(value, str):
            raise InputError(f"{path}:{number}: the field {field!r} is {type(value).__name__}; expected a string")
        values.append(value)
    if not values:
        raise InputError(f"{path} is empty; give a file with text to fit on")
    return random.Random(seed).sample(values, min(n, len(values)))
