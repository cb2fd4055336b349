"""Whether vectors, of queries or documents, fit an index."""

from __future__ import annotations

from ..arguments import instance
from ..errors import InputError
from ..storage.catalog.catalog_records import Generation
from ..storage.settings import IndexSettings
from ..word_vectors import WordVectors


def check_query(queries: WordVectors, settings: IndexSettings, generation: Generation | None) -> None:
    """Raise InputError for queries that the documents of an index can't be scored for."""
    instance(queries, "the queries", WordVectors, "WordVectors, as WordVectors.from_list() makes them")
    check_word_ids(queries, settings)
    check_dims(queries, generation)
    queries.check_size(lambda number: f"query {number} (counted from 0)")


def check_word_ids(vectors: WordVectors, settings: IndexSettings) -> None:
    """Raise InputError for vectors without word ids where only identical words match."""
    if settings.exact_match and len(vectors.word_ids) and not vectors.word_ids.any():
        raise InputError(
            "the vectors have no word ids, and this index scores only pairs of identical words; "
            "give WordVectors with the word_ids of a whole-word model"
        )


def check_dims(vectors: WordVectors, generation: Generation | None) -> None:
    """Raise InputError for vectors of other dims than the index's.

    Args:
        generation: None before the first document.
    """
    if generation is None:
        return
    if vectors.dim != generation.dim:
        raise InputError(f"the vectors have {vectors.dim} dims, the index {generation.dim}; use the model that made it")
    if vectors.summary_dim != generation.summary_dim:
        raise InputError(
            f"the summaries have {vectors.summary_dim} dims, the index's {generation.summary_dim}; "
            "use the model that made it"
        )
