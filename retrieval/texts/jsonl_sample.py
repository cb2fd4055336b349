"""Random samples of texts: of one field of a JSON lines file, and of documents."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from wordhive.index import InputError

from .documents import Document
from .lines import read_objects


def sample_field(path: Path, field: str, n: int, seed: int) -> list[str]:
    """Up to n values of `field`, drawn without replacement; the same seed draws the same ones.

    Raises:
        InputError: A line is no JSON object or lacks the field, with file and line.
    """
    total = sum(1 for _ in _values(path, field))
    if not total:
        raise InputError(f"{path} is empty; give a file with text to fit on")
    places = random.Random(seed).sample(range(total), min(n, total))
    wanted = set(places)
    drawn = {place: value for place, value in enumerate(_values(path, field)) if place in wanted}
    return [drawn[place] for place in places]


def sample_texts(documents: Iterable[Document], n: int, seed: int) -> list[str]:
    """Up to n texts of documents, each document as likely as any other; the same seed draws the same ones."""
    draw, drawn = random.Random(seed), list[str]()
    for number, document in enumerate(documents):
        if number < n:
            drawn.append(document.text)
        elif (place := draw.randrange(number + 1)) < n:
            drawn[place] = document.text
    return drawn


def _values(path: Path, field: str) -> Iterator[str]:
    for place, fields in read_objects(path, f"a field {field!r}, or name another with --field"):
        value = fields.get(field)
        if not isinstance(value, str):
            raise InputError(
                f"{place}the field {field!r} is {'not there' if value is None else type(value).__name__}; expected a "
                f"string, or name another field with --field (fields: {', '.join(fields) or 'none'})"
            )
        yield value
