"""What an index trained once: its codecs, its encoding, an empty candidate index. One generation, one folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..candidates.candidate_index import CandidateIndex
from ..codecs import Codec, load_codec
from ..config import IndexConfig
from ..encodings import FusedEncoding
from ..errors import InputError, damaged
from ..files import open_regular
from ..tensors import read_tensors

CANDIDATES = "candidates.faiss"
LARGE_CANDIDATES = "candidates-large.faiss"
# Bytes of a configuration.
_MOST_CONFIG = 1 << 20


@dataclass(frozen=True)
class Parameters:
    """Everything that turns the vectors of a document into what a segment stores.

    Attributes:
        config: What was trained: as the index is configured, or with fallbacks where documents were few.
        words: Codec of word vectors.
        summaries: Codec of summaries; None where documents have none.
        encoding: Of the first stage; None where none is configured, or where documents were too few to fit one.
        dim: Of the encoding's vectors; 0 without.
    """

    config: IndexConfig
    words: Codec
    summaries: Codec | None
    encoding: FusedEncoding | None
    dim: int
    _folder: Path | None

    @classmethod
    def load(cls, folder: Path, dim: int, summary_dim: int) -> Parameters:
        """The parameters that `train_parameters` wrote.

        Args:
            folder: Where they are.
            dim: Dimensions of a word.
            summary_dim: Dimensions of a summary; 0 where documents have none.

        Raises:
            WordhiveError: A file is missing, damaged, or for other dims.
        """
        config = _read_config(folder / "config.json")
        encoding, encoded_dim = None, 0
        if config.encoding is not None:
            path = folder / "encoding.safetensors"
            try:
                encoding = FusedEncoding.from_tensors(config.encoding, read_tensors(path))
                encoded_dim = encoding.document_dim(dim, summary_dim)
            except ValueError as error:
                raise damaged(path, error) from error
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
        path = self._folder / (LARGE_CANDIDATES if self.is_large(n_documents) else CANDIDATES)
        return CandidateIndex.load(path, self.config, self.dim, 0)

    def is_large(self, n_documents: int) -> bool:
        """Whether a segment of so many documents has the candidate index of large ones."""
        return self.config.large_candidates is not None and n_documents >= self.config.large_from


def _read_config(path: Path) -> IndexConfig:
    try:
        with open_regular(path) as file:
            text = file.read(_MOST_CONFIG + 1)
        if not text.strip() or len(text) > _MOST_CONFIG:
            raise damaged(path, f"{len(text)} bytes or more")
        return IndexConfig.of(json.loads(text), str(path))
    except FileNotFoundError as error:
        raise damaged(path, fault="is missing from the index") from error
    except (InputError, ValueError, RecursionError, OSError) as error:
        raise damaged(path, error) from error
