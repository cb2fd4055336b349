"""Example queries that an index keeps: whenever its parameters are trained, they are fitted to these."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError, damaged
from ..files import sync
from ..tensors import read_tensors, write_tensors
from ..word_vectors import WordVectors

QUERIES = "queries.safetensors"


def save_queries(folder: Path, queries: WordVectors) -> None:
    """Write queries to the folder of parameters.

    Raises:
        InputError: Numbers that half precision can't hold.
    """
    queries.check_size(lambda number: f"query {number} (counted from 0)")
    write_tensors(folder / QUERIES, queries.tensors())
    sync(folder / QUERIES)
    sync(folder)


def load_queries(folder: Path) -> WordVectors:
    """The queries that `save_queries` kept.

    Raises:
        WordhiveError: They are missing or damaged.
    """
    path = folder / QUERIES
    try:
        return WordVectors.from_tensors(read_tensors(path))
    except (KeyError, InputError) as error:
        raise damaged(path, error) from error
