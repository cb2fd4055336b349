"""What an index trained once: its codecs, its encoding, an empty candidate index. One generation, one folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..candidates.candidate_index import CandidateIndex
from ..codecs import Codec, check_codec, decodes, has_codebooks, load_codec, sample_size, train_codec
from ..config import FittedConfig, IndexConfig, SummaryConfig
from ..encodings import FusedEncoding, least_documents
from ..errors import InputError, WordhiveError
from ..faiss import faiss_factory
from ..files import open_regular, sync
from ..tensors import read_tensors, write_tensors
from ..word_sample import word_sample
from ..word_vectors import WordVectors

# Enough to train any codec or encoding here, little enough to hold in memory.
SAMPLE_DOCUMENTS = 20_000
# A codebook of fewer follows them, and stands badly for those to come.
_LEAST_TO_LEARN = 1_024
# What of a configuration few documents have in another form.
_MAKESHIFT = ("codec", "summary_codec", "encoding")
_LARGE = "candidates-large.faiss"
# Bytes of a configuration.
_MOST_CONFIG = 1 << 20
QUERIES = "queries.safetensors"


@dataclass(frozen=True)
class Parameters:
    """Everything that turns the vectors of a document into what a segment stores.

    words, summaries: codecs; summaries is None where texts have no summary.
    encoding: the first stage's vectors; None where every search scores all documents: because the configuration says
    so, or because there were too few documents to fit it to. dim: of those vectors; 0 without.
    """

    config: IndexConfig
    words: Codec
    summaries: Codec | None
    encoding: FusedEncoding | None
    dim: int
    _folder: Path | None

    @classmethod
    def train(
        cls,
        config: IndexConfig,
        documents: WordVectors,
        summary_weight: float,
        folder: Path,
        queries: WordVectors | None = None,
        query_length: float | None = None,
    ) -> None:
        """Train all parameters on documents, and on queries where there are some, and write them to `folder`.

        query_length: of a query's words, see `FusedEncoding.fit`.

        Raises InputError for queries of other dims than the documents, and for a codec that there is not.
        """
        if queries is not None and (queries.dim, queries.summary_dim) != (documents.dim, documents.summary_dim):
            raise InputError(
                f"the queries that the index was given have {queries.dim} dims (summaries {queries.summary_dim}), the "
                f"documents {documents.dim} ({documents.summary_dim}); make the index anew, with one model for both"
            )
        for codec, dim in ((config.codec, documents.dim), (config.summary_codec, documents.summary_dim)):
            if dim and decodes(codec):  # an index of an earlier version may name one that is not
                check_codec(codec, dim)
        asked, config = config, _trainable(config, len(documents), len(documents.vectors))
        chosen = np.sort(np.random.default_rng(0).permutation(len(documents))[:SAMPLE_DOCUMENTS])
        sample = documents.take(chosen) if len(chosen) < len(documents) else documents
        train_codec(config.codec, codec_sample(config.codec, sample)).save(folder, "words")
        if sample.summary is not None:
            train_codec(config.summary_codec, sample.summary).save(folder, "summaries")
        if config.encoding is None:
            _check_candidates(asked, sample, summary_weight)
        else:
            encoding, encodings = fit_encoding(config, sample, summary_weight, queries, query_length)
            if len(encodings) < _wanted_by_candidates(config):
                encodings = encoding.encode_documents(sample)
            write_tensors(folder / "encoding.safetensors", encoding.tensors())
            CandidateIndex.train(config, encodings).save(folder / "candidates.faiss")
            large = CandidateIndex.train_large(config, encodings)
            if large is not None:
                large.save(folder / _LARGE)
        (folder / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, dim: int, summary_dim: int) -> Parameters:
        """The parameters that `train` wrote, of words and summaries of so many dims; 0: without summaries.

        Raises WordhiveError for a file that is missing or damaged, or for other dims.
        """
        config = _read_config(folder / "config.json")
        encoding, encoded_dim = None, 0
        if config.encoding is not None:
            path = folder / "encoding.safetensors"
            try:
                encoding = FusedEncoding.from_tensors(config.encoding, read_tensors(path))
                encoded_dim = encoding.document_dim(dim, summary_dim)
            except ValueError as error:
                raise WordhiveError(f"{path} is damaged ({error}); restore it from a copy") from error
        return cls(
            config,
            load_codec(config.codec, folder, "words", dim),
            load_codec(config.summary_codec, folder, "summaries", summary_dim) if summary_dim else None,
            encoding,
            encoded_dim,
            folder if encoding is not None else None,
        )

    def empty_candidates(self, n_documents: int) -> CandidateIndex | None:
        """A fresh candidate index for a segment of so many documents."""
        if self._folder is None:
            return None
        path = self._folder / (_LARGE if self.is_large(n_documents) else "candidates.faiss")
        return CandidateIndex.load(path, self.config, self.dim, 0)

    def is_large(self, n_documents: int) -> bool:
        """Whether a segment of so many documents has the candidate index of large ones."""
        return self.config.large_candidates is not None and n_documents >= self.config.large_from


def codec_sample(factory: str, documents: WordVectors) -> NDArray[np.float32]:
    """The words of a sample of documents that a codec of that name is trained on, float32 `[n, dim]`."""
    return documents.vectors[word_sample(documents, sample_size(factory), 0)]


def fit_encoding(
    config: IndexConfig,
    sample: WordVectors,
    summary_weight: float,
    queries: WordVectors | None = None,
    query_length: float | None = None,
) -> tuple[FusedEncoding, NDArray[np.float32]]:
    """The encoding that the configuration asks for, as it is read back from disk, and some documents' encodings."""
    assert config.encoding is not None
    weight = summary_weight if sample.summary is not None else 0.0
    fitted, encoded = FusedEncoding.fit_and_encode(
        config.encoding, sample, weight, config.reduction, queries, query_length, config.candidates
    )
    return FusedEncoding.from_tensors(config.encoding, fitted.tensors()), encoded


def can_retrain(held: IndexConfig, asked: IndexConfig, n_documents: int, n_words: Callable[[], int]) -> bool:
    """Whether parameters are makeshift, because documents were few, and there are enough now to train better ones."""
    if all(getattr(held, part) == getattr(asked, part) for part in _MAKESHIFT):
        return False
    now = _trainable(asked, n_documents, n_words())
    return any(getattr(held, part) != getattr(asked, part) == getattr(now, part) for part in _MAKESHIFT)


def _trainable(config: IndexConfig, n_documents: int, n_words: int) -> IndexConfig:
    """What of the configuration can be trained on so many: few have no encoding yet, and no codebooks.

    A codec that is not decoded, which earlier versions took, is never trained.
    Raises InputError for what could not be trained on any number, because a sample has no more.
    """
    makeshift: dict[str, str | None] = {}
    if n_documents < first_stage_from(config):
        makeshift.update(encoding=None, reduction=None)
    codecs = {"codec": (config.codec, n_words), "summary_codec": (config.summary_codec, n_documents)}
    for name, (codec, n) in codecs.items():
        few = has_codebooks(codec) and (n_documents < _LEAST_TO_LEARN or n < _wanted(codec, name, sample_size(codec)))
        if few or not decodes(codec):
            makeshift[name] = "SQ8"
    return config.model_copy(update=makeshift)


def _wanted_by_candidates(config: IndexConfig) -> int:
    """How many documents the first stage is trained on at least."""
    factories = [config.candidates, *([config.large_candidates] if config.large_candidates else [])]
    return max(_wanted(factory, "candidates", SAMPLE_DOCUMENTS) for factory in factories)


def _wanted(factory: str, purpose: str, most: int) -> int:
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


def check_decodes(config: IndexConfig) -> None:
    """Raise InputError for codecs that are not decoded to what they hold."""
    for codec in (config.codec, config.summary_codec):
        if not decodes(codec):
            check_codec(codec, 1)


def first_stage_from(config: IndexConfig) -> int:
    """From how many documents on there is a first stage, where one is configured; 1: from the first."""
    if config.encoding is None:
        return 1
    return max(least_documents(config.encoding, config.reduction), _wanted_by_candidates(config))


def codecs_from(config: IndexConfig) -> int:
    """From how many documents on codecs are those that are configured; 1: from the first."""
    return _LEAST_TO_LEARN if has_codebooks(config.codec) or has_codebooks(config.summary_codec) else 1


def check_fits_exact_match(config: IndexConfig) -> None:
    """Raise InputError for a configuration that does not fit scores where only identical words match."""
    if not config.word_ids:
        raise InputError("word_ids is false, but only identical words match here, by their ids; leave it true")
    if config.encoding is not None and not isinstance(config.encoding, SummaryConfig):
        raise InputError(
            f"a {config.encoding.family} first stage stands for the best of all pairs of words, and here only "
            "identical words match; take preset summary, or exact to score every document"
        )


def check_fits_queries(config: IndexConfig) -> None:
    """Raise InputError where queries make no difference to what the configuration asks for."""
    reduced = config.reduction is not None and config.reduction.method == "query-aware"
    if not isinstance(config.encoding, FittedConfig) and not (config.encoding is not None and reduced):
        other = "" if isinstance(config.encoding, SummaryConfig) else ", or take preset default or small"
        raise InputError(f"this configuration fits nothing to queries; leave them out{other}")


def save_queries(folder: Path, queries: WordVectors) -> None:
    """Keep queries to fit to: whenever parameters are trained, they are taken into account.

    Raises InputError for vectors that half precision can't hold.
    """
    queries.check_size(lambda place: f"query {place} (counted from 0)")
    write_tensors(folder / QUERIES, queries.tensors())
    sync(folder / QUERIES)
    sync(folder)


def load_queries(folder: Path) -> WordVectors:
    """The queries that `save_queries` kept. Raises WordhiveError where they are missing or damaged."""
    path = folder / QUERIES
    try:
        return WordVectors.from_tensors(read_tensors(path))
    except (KeyError, InputError) as error:
        raise WordhiveError(f"{path} is damaged ({error}); restore it from a copy") from error


def _read_config(path: Path) -> IndexConfig:
    try:
        with open_regular(path) as file:
            text = file.read(_MOST_CONFIG + 1)
        if not text.strip() or len(text) > _MOST_CONFIG:
            raise WordhiveError(f"{path} is damaged ({len(text)} bytes or more); restore it from a copy")
        return IndexConfig.of(json.loads(text), str(path))
    except FileNotFoundError as error:
        raise WordhiveError(f"{path} is missing from the index; restore it from a copy") from error
    except (InputError, ValueError, RecursionError, OSError) as error:
        raise WordhiveError(f"{path} is damaged ({error}); restore it from a copy") from error
