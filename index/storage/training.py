"""Training the parameters of an index: codecs, encoding, candidate index.

While documents are few, some parts of a configuration have a fallback that needs no training.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..candidates.candidate_index import CandidateIndex
from ..codecs import check_codec, decodes, has_codebooks, sample_size, train_codec
from ..config import FittedConfig, IndexConfig
from ..encodings import FusedEncoding, least_documents
from ..errors import InputError
from ..faiss import faiss_factory
from ..tensors import write_tensors
from ..word_sample import word_sample
from ..word_vectors import WordVectors
from .parameters import CANDIDATES, LARGE_CANDIDATES

# Enough to train any codec or encoding here, and few enough to hold in memory.
SAMPLE_DOCUMENTS = 20_000
# Fewer documents overfit a codebook.
_LEAST_FOR_CODEBOOKS = 1_024
# The parts of a configuration that have a fallback.
_WITH_FALLBACK = ("codec", "summary_codec", "encoding")
_FALLBACK_CODEC = "SQ8"


def train_parameters(
    config: IndexConfig,
    documents: WordVectors,
    summary_weight: float,
    folder: Path,
    queries: WordVectors | None = None,
    query_length: float | None = None,
) -> None:
    """Train all parameters and write them to a folder.

    Args:
        config: Of the index.
        documents: Documents to train on.
        summary_weight: The summary's share of a score.
        folder: Where the files go.
        queries: Example queries to fit the encoding to.
        query_length: Sum of a query's word norms, if the model fixes it.

    Raises:
        InputError: Queries and documents have different dims, or there is no such codec.
    """
    if queries is not None and (queries.dim, queries.summary_dim) != (documents.dim, documents.summary_dim):
        raise InputError(
            f"the queries that the index was given have {queries.dim} dims (summaries {queries.summary_dim}), the "
            f"documents {documents.dim} ({documents.summary_dim}); make the index anew, with one model for both"
        )
    for codec, dim in ((config.codec, documents.dim), (config.summary_codec, documents.summary_dim)):
        if dim and decodes(codec):  # an index of an earlier version may name one that is not
            check_codec(codec, dim)
    requested, config = config, _fit_for(config, len(documents), len(documents.vectors))
    chosen = np.sort(np.random.default_rng(0).permutation(len(documents))[:SAMPLE_DOCUMENTS])
    sample = documents.take(chosen) if len(chosen) < len(documents) else documents
    train_codec(config.codec, codec_sample(config.codec, sample)).save(folder, "words")
    if sample.summary is not None:
        train_codec(config.summary_codec, sample.summary).save(folder, "summaries")
    if config.encoding is None:
        _check_candidates(requested, sample, summary_weight)
    else:
        encoding, encodings = fit_encoding(config, sample, summary_weight, queries, query_length)
        if len(encodings) < _least_for_candidates(config):
            encodings = encoding.encode_documents(sample)
        write_tensors(folder / "encoding.safetensors", encoding.tensors())
        CandidateIndex.train(config, encodings).save(folder / CANDIDATES)
        large = CandidateIndex.train_large(config, encodings)
        if large is not None:
            large.save(folder / LARGE_CANDIDATES)
    (folder / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")


def codec_sample(factory: str, documents: WordVectors) -> NDArray[np.float32]:
    """Words of a sample of documents, as many as a codec of that name is trained on: float32 `[n, dim]`."""
    return documents.vectors[word_sample(documents, sample_size(factory), 0)]


def fit_encoding(
    config: IndexConfig,
    sample: WordVectors,
    summary_weight: float,
    queries: WordVectors | None = None,
    query_length: float | None = None,
) -> tuple[FusedEncoding, NDArray[np.float32]]:
    """Fit the configured encoding.

    Args:
        config: Of the index.
        sample: Documents to fit to.
        summary_weight: The summary's share of a score.
        queries: Example queries to fit to.
        query_length: Sum of a query's word norms, if the model fixes it.

    Returns:
        The encoding as it is read back from disk, and encodings of some of the documents.
    """
    assert config.encoding is not None
    weight = summary_weight if sample.summary is not None else 0.0
    fitted, encoded = FusedEncoding.fit_and_encode(
        config.encoding, sample, weight, config.reduction, queries, query_length, config.candidates
    )
    return FusedEncoding.from_tensors(config.encoding, fitted.tensors()), encoded


def can_retrain(used: IndexConfig, requested: IndexConfig, n_documents: int, n_words: Callable[[], int]) -> bool:
    """Whether a fallback is used because documents were few, and there are enough of them now to do without.

    Args:
        used: The configuration of the last parameters.
        requested: The configuration of the index.
        n_documents: How many documents there are now.
        n_words: Counts their words.
    """
    if all(getattr(used, part) == getattr(requested, part) for part in _WITH_FALLBACK):
        return False
    possible = _fit_for(requested, n_documents, n_words())
    return any(getattr(used, part) != getattr(requested, part) == getattr(possible, part) for part in _WITH_FALLBACK)


def _fit_for(config: IndexConfig, n_documents: int, n_words: int) -> IndexConfig:
    """The configuration that so many documents can train: with fallbacks where they are too few.

    A codec that can't be decoded, which earlier versions took, always has its fallback.

    Raises:
        InputError: What no sample could train, because it never has enough documents.
    """
    fallback: dict[str, str | None] = {}
    if n_documents < first_stage_from(config):
        fallback.update(encoding=None, reduction=None)
    codecs = {"codec": (config.codec, n_words), "summary_codec": (config.summary_codec, n_documents)}
    for name, (codec, n) in codecs.items():
        least = _least_to_train(codec, name, sample_size(codec)) if has_codebooks(codec) else 0
        few = has_codebooks(codec) and (n_documents < _LEAST_FOR_CODEBOOKS or n < least)
        if few or not decodes(codec):
            fallback[name] = _FALLBACK_CODEC
    return config.model_copy(update=fallback)


def first_stage_from(config: IndexConfig) -> int:
    """The number of documents from which on there is the configured first stage; 1: from the first document."""
    if config.encoding is None:
        return 1
    return max(least_documents(config.encoding, config.reduction), _least_for_candidates(config))


def codecs_from(config: IndexConfig) -> int:
    """The number of documents from which on codecs are as configured; 1: from the first document."""
    return _LEAST_FOR_CODEBOOKS if has_codebooks(config.codec) or has_codebooks(config.summary_codec) else 1


def _least_for_candidates(config: IndexConfig) -> int:
    """The fewest documents that the first stage can be trained on."""
    factories = [config.candidates, *([config.large_candidates] if config.large_candidates else [])]
    return max(_least_to_train(factory, "candidates", SAMPLE_DOCUMENTS) for factory in factories)


def _least_to_train(factory: str, purpose: str, most: int) -> int:
    least = faiss_factory.least_to_train(factory)
    if least > most:
        raise InputError(
            f"{purpose} {factory!r} would be trained on {least:,} vectors or more, and a sample has {most:,}; "
            "choose fewer lists, or codes of fewer bits"
        )
    return least


def _check_candidates(config: IndexConfig, sample: WordVectors, summary_weight: float) -> None:
    """Raise InputError for a first stage that could not be made, although documents are too few to make it yet."""
    if config.reduction is not None:
        dim = config.reduction.dims
    elif config.encoding is None or isinstance(config.encoding, FittedConfig):
        return  # the dims follow from the documents that it will be fitted to
    else:
        dim = fit_encoding(config, sample, summary_weight)[1].shape[1]
    for factory in filter(None, (config.candidates, config.large_candidates)):
        faiss_factory.parsed(dim, factory, "candidates", "")
