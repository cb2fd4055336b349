"""What an index trained once: its codecs, its encoding, an empty candidate index. One generation, one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .candidates import CandidateIndex
from .codecs import Codec
from .config import IndexConfig
from .encodings import FusedEncoding, least_documents
from .errors import InputError, WordhiveError
from .tensors import read_tensors, write_tensors
from .word_vectors import WordVectors

# Enough to train any codec or encoding here, little enough to hold in memory.
_SAMPLE_WORDS = 200_000
_SAMPLE_DOCUMENTS = 20_000


@dataclass(frozen=True)
class Parameters:
    """Everything that turns the vectors of a document into what a segment stores.

    words, summaries: codecs; summaries is None where texts have no summary.
    encoding: the first stage's vectors; None where every search scores all documents: because the configuration says
    so, or because there were too few documents to fit it to.
    """

    config: IndexConfig
    words: Codec
    summaries: Codec | None
    encoding: FusedEncoding | None
    _candidates: Path | None

    @classmethod
    def train(cls, config: IndexConfig, documents: WordVectors, summary_weight: float, folder: Path) -> None:
        """Train all parameters on documents and write them to `folder`."""
        if not enough_documents(config, len(documents)):
            config = config.model_copy(update={"encoding": None, "reduction": None})
        random = np.random.default_rng(0)
        chosen = np.sort(random.permutation(len(documents))[:_SAMPLE_DOCUMENTS])
        sample = documents.take(chosen) if len(chosen) < len(documents) else documents
        words = sample.vectors[np.sort(random.permutation(len(sample.vectors))[:_SAMPLE_WORDS])]
        Codec.train(config.codec, words).save(folder / "words.faiss")
        if sample.summary is not None:
            Codec.train(config.codec, sample.summary).save(folder / "summaries.faiss")
        if config.encoding is not None:
            weight = summary_weight if sample.summary is not None else 0.0
            encoding = FusedEncoding.fit(config.encoding, sample, weight, config.reduction)
            write_tensors(folder / "encoding.safetensors", encoding.tensors())
            encodings = encoding.encode_documents(sample[: _SAMPLE_DOCUMENTS // 2])
            CandidateIndex.train(config, encodings).save(folder / "candidates.faiss")
        (folder / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, has_summary: bool) -> Parameters:
        """The parameters that `train` wrote. Raises WordhiveError for a file that is missing or damaged."""
        config = _read_config(folder / "config.json")
        encoding = None
        if config.encoding is not None:
            path = folder / "encoding.safetensors"
            try:
                encoding = FusedEncoding.from_tensors(config.encoding, read_tensors(path))
            except KeyError as error:
                raise WordhiveError(f"{path} is damaged (no tensor {error}); restore it from a copy") from error
        return cls(
            config,
            Codec.load(folder / "words.faiss"),
            Codec.load(folder / "summaries.faiss") if has_summary else None,
            encoding,
            folder / "candidates.faiss" if encoding is not None else None,
        )

    def empty_candidates(self) -> CandidateIndex | None:
        """A fresh candidate index for one segment."""
        return CandidateIndex.load(self._candidates, self.config) if self._candidates else None


def enough_documents(config: IndexConfig, n: int) -> bool:
    """Whether n documents are enough to fit the encoding that the configuration asks for."""
    return config.encoding is not None and n >= least_documents(config.encoding, config.reduction)


def _read_config(path: Path) -> IndexConfig:
    try:
        text = path.read_text(encoding="utf-8")
        if not text.strip():
            raise WordhiveError(f"{path} is damaged (empty); restore it from a copy")
        return IndexConfig.parse(text, str(path))
    except FileNotFoundError as error:
        raise WordhiveError(f"{path} is missing from the index; restore it from a copy") from error
    except (InputError, UnicodeDecodeError) as error:
        raise WordhiveError(f"{path} is damaged ({error}); restore it from a copy") from error
