"""`TorchTokens`: tokens as sentence-transformers gives them, padded to one length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from torch import Tensor

from ..encoding_model import Task


@dataclass(frozen=True)
class TorchTokens:
    """The tokens of several texts.

    Attributes:
        model: Whose.
        task: "query" or "document".
        features: As the model's `preprocess` gives them.
        longest: Tokens that the model reads at most; None: all.
    """

    model: MultiVectorEncoder
    task: Task
    features: Any
    longest: int | None

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The tokens of each text, without those that only fill it up."""
        return np.asarray(self.features["attention_mask"].sum(dim=1).cpu().numpy(), np.int64)

    @property
    def cut(self) -> NDArray[np.bool_]:
        """Whether only the beginning of a text is read."""
        lengths = self.lengths
        encodings = getattr(self.features, "encodings", None)
        if encodings:
            return np.array([bool(encoding.overflowing) for encoding in encodings], np.bool_)
        # A tokenizer in Python does not tell; a text that just fits is cut into one window.
        return lengths >= (np.inf if self.longest is None else self.longest)

    def take(self, rows: NDArray[np.int64]) -> TorchTokens:
        """Some of the texts, without the columns that pad all of them. Not for queries that padding expands."""
        return replace(self, features=part(self.features, rows))

    def scored(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The tokens of each text, and which of them the model scores."""
        features = dict(self.features)
        for module in self.model:
            if isinstance(module, MultiVectorMask):
                features = module(features, task=self.task)
        ids = features["input_ids"].cpu().numpy().astype(np.int64)
        return ids, features["attention_mask"].bool().cpu().numpy()

    def offsets(self) -> NDArray[np.int64] | None:
        """The characters of each token, the prompt counted; None where the tokenizer does not tell."""
        encodings = getattr(self.features, "encodings", None)
        if not encodings or self.features.get("modality") != "text":
            return None
        spans = np.array([encoding.offsets for encoding in encodings], np.int64).reshape(len(encodings), -1, 2)
        # Query expansion may have appended tokens since.
        return np.pad(spans, [(0, 0), (0, self.features["input_ids"].shape[1] - spans.shape[1]), (0, 0)])


def part(tokens: Any, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Some texts of tokenised ones, without the columns that pad all of them. Not for queries that padding expands."""
    mask = tokens["attention_mask"]
    used = mask[rows].any(dim=0).nonzero().ravel()
    columns = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
    return {
        name: (value[rows, columns] if value.shape[:2] == mask.shape else value[rows])
        if isinstance(value, Tensor) and value.shape[:1] == mask.shape[:1]
        else value
        for name, value in tokens.items()
    }
