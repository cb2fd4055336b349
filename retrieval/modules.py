"""The modules that make a sentence-transformers sequence a whole-word encoder.

A wordhive model is an ordinary `MultiVectorEncoder` of these modules, saved and loaded in the hub layout:

    Transformer → Pooling(mean) → Normalize → WholeWordPooling → Dense → Normalize(token_embeddings) → ScoreMix
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules.module import Module
from torch import Tensor, nn

from wordhive.index import InputError

from .words import WordTable


class WholeWordPooling(Module):
    """One vector per unique whole word: the mean over all its pieces in the text (BOW², ColBERTer section 3.2).

    stem: a Snowball algorithm under which words are the same, or None to compare them lower-cased.
    keep_special: keep special tokens ([CLS], markers, query expansion) as vectors of their own, which a
        model trained token by token needs.

    Shortens `token_embeddings` `[n_texts, n_tokens, dim]` and `attention_mask` to the words and adds
    `word_ids` `[n_texts, n_words]` (int64; 0 for special tokens and padding).
    """

    config_keys = ["stem", "keep_special"]  # noqa: RUF012  the base class declares it so

    def __init__(self, stem: str | None = None, keep_special: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stem = stem
        self.keep_special = keep_special
        self._table: WordTable | None = None

    def on_model_ready(self, model: Any) -> None:
        self._table = WordTable.from_tokenizer(model.tokenizer, stem=self.stem)

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if self._table is None:
            raise InputError("WholeWordPooling has no vocabulary yet; call on_model_ready(model) after appending it")
        ids = features["input_ids"].cpu().numpy().astype(np.int64, copy=False)
        mask = features["attention_mask"].bool().cpu().numpy()
        words = self._table.words(ids, mask, keep_special=self.keep_special)
        tokens: Tensor = features["token_embeddings"]
        width = words.word_ids.shape[1]
        slots = torch.from_numpy(words.slots).to(tokens.device)
        features["token_embeddings"] = _mean_by_slot(tokens, slots, width)
        counts = torch.from_numpy(words.counts).to(tokens.device)
        features["attention_mask"] = torch.arange(width, device=tokens.device) < counts[:, None]
        features["word_ids"] = torch.from_numpy(words.word_ids.astype(np.int64)).to(tokens.device)
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_config(output_path)


def _mean_by_slot(tokens: Tensor, slots: Tensor, width: int) -> Tensor:
    """Mean of the tokens that share a slot, float32 `[n_texts, width, dim]`; slot −1 is left out."""
    n_texts, _, dim = tokens.shape
    text, token = torch.nonzero(slots >= 0, as_tuple=True)
    target = text * width + slots[text, token]
    # float32 whatever the transformer ran in: a mean of many bfloat16 pieces would lose its last digits.
    sums = torch.zeros(n_texts * width, dim, dtype=torch.float32, device=tokens.device)
    sums = sums.index_add(0, target, tokens[text, token].float())
    pieces = torch.bincount(target, minlength=n_texts * width).clamp(min=1)
    return (sums / pieces[:, None]).view(n_texts, width, dim)


class ScoreMix(Module):
    """How much of a score is the summary's: score = w · summary + (1 − w) · words, with w in 0 … 1.

    exact_match: only identical words match, as in models of a few dims (Uni-ColBERTer).
    Changes no feature: it carries how the model scores with the model.
    """

    config_keys = ["summary_weight", "exact_match"]  # noqa: RUF012

    def __init__(self, summary_weight: float, exact_match: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not 0 <= summary_weight <= 1:
            raise InputError(f"summary_weight is {summary_weight}; expected a number from 0 to 1")
        self.summary_weight = summary_weight
        self.exact_match = exact_match

    def get_config_dict(self) -> dict[str, Any]:
        # What models without exact matching are known by stays what it was before there was any.
        config: dict[str, Any] = super().get_config_dict()
        return {key: value for key, value in config.items() if key != "exact_match" or value}

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_config(output_path)


class StopWordGate(Module):
    """How much each word of a document is worth: ReLU of a linear layer (ColBERTer's contextualised stop words).

    Sets `word_scale`, float32 `[n_texts, n_words]`, for documents; a word of 0 is one to leave out.
    """

    config_keys = ["in_features"]  # noqa: RUF012
    forward_kwargs = {"task"}  # noqa: RUF012

    def __init__(self, in_features: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.in_features = in_features
        self.linear = nn.Linear(in_features, 1)
        nn.init.constant_(self.linear.bias, 1)  # open at first, or nothing would ever be learned

    def forward(self, features: dict[str, Any], task: str | None = None, **kwargs: Any) -> dict[str, Any]:
        if task == "document":
            features["word_scale"] = torch.relu(self.linear(features["token_embeddings"].float())).squeeze(-1)
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(  # type: ignore[override]
        cls, model_name_or_path: str, subfolder: str = "", local_files_only: bool = False, **kwargs: Any
    ) -> StopWordGate:
        place: dict[str, Any] = {"subfolder": subfolder, "local_files_only": local_files_only}
        gate = cls(**cls.load_config(model_name_or_path, **place))
        cls.load_torch_weights(model_name_or_path, model=gate, **place)
        return gate


class ScaleWords(Module):
    """Multiplies every word's vector by its `word_scale`, and removes the words whose scale is exactly 0."""

    config_keys: list[str] = []  # noqa: RUF012

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        scale = features.get("word_scale")
        if scale is not None:
            features["token_embeddings"] = features["token_embeddings"] * scale[..., None]
            features["attention_mask"] = features["attention_mask"].bool() & (scale != 0)
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_config(output_path)
