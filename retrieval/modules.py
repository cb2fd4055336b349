"""The modules that make a sentence-transformers sequence a whole-word encoder.

A wordhive model is an ordinary `MultiVectorEncoder` of these modules, saved and loaded in the hub layout:

    Transformer → Pooling → [Dense] → [Normalize] → WholeWordPooling → [StopWordGate, QueryWeights]
    → Dense or GatedProjection → [Truncate] → [Normalize(token_embeddings)] → [ScaleWords] → ScoreMix
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules.module import Module
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import Self

from wordhive.index import InputError

from .words import WordTable


class _SavedModule(Module):
    """A module that is saved as its config, and its weights where it has some."""

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_config(output_path)
        if self.state_dict():
            self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> Self:  # type: ignore[override]
        where = {key: kwargs[key] for key in ("token", "cache_folder", "revision", "local_files_only") if key in kwargs}
        module = cls(**cls.load_config(model_name_or_path, subfolder=subfolder, **where))
        if module.state_dict():
            cls.load_torch_weights(model_name_or_path, subfolder=subfolder, model=module, **where)
        return module


class WholeWordPooling(_SavedModule):
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


class StopWordGate(_SavedModule):
    """How much each word of a document counts, learned: `word_scale` = ReLU(w · vector + b), `[n_texts, n_words]`.

    Gates start open, at 1. `ScaleWords` removes a word whose gate is exactly 0. (ColBERTer section 3.3.)

    Args:
        floor: Gates below it are 0.
    """

    config_keys = ["in_features", "floor"]  # noqa: RUF012
    forward_kwargs = {"task"}  # noqa: RUF012

    def __init__(self, in_features: int, floor: float = 0.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.in_features = in_features
        self.floor = floor
        self.linear = _constant_linear(in_features, 1.0)

    def forward(self, features: dict[str, Any], task: str | None = None, **kwargs: Any) -> dict[str, Any]:
        if task != "query":
            gates = functional.relu(self.linear(features["token_embeddings"]).squeeze(-1))
            features["word_scale"] = gates * (gates >= self.floor) * features["attention_mask"]
        return features


class QueryWeights(_SavedModule):
    """Which share of the words' score each word of a query has, learned: `word_scale`, `[n_texts, n_words]`.

    Shares are positive and sum to 1 in a query: softplus(w · vector + b) over the sum of them. So a score does not grow
    with the query's length, and its mix with the summary's is the same for all queries.
    """

    config_keys = ["in_features"]  # noqa: RUF012
    forward_kwargs = {"task"}  # noqa: RUF012

    def __init__(self, in_features: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.in_features = in_features
        self.linear = _constant_linear(in_features, 0.0)

    def forward(self, features: dict[str, Any], task: str | None = None, **kwargs: Any) -> dict[str, Any]:
        if task == "query":
            raw = functional.softplus(self.linear(features["token_embeddings"]).squeeze(-1))
            raw = raw * features["attention_mask"]
            features["word_scale"] = raw / raw.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(raw.dtype).tiny)
        return features


class ScaleWords(_SavedModule):
    """Multiplies word vectors by their `word_scale`, and removes the words where it is exactly 0.

    A removed word is in no score: neither in training nor in an index.
    """

    config_keys: list[str] = []  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        scale = features.get("word_scale")
        if scale is not None:
            features["token_embeddings"] = features["token_embeddings"] * scale[..., None]
            features["attention_mask"] = features["attention_mask"].bool() & (scale > 0)
        return features


class GatedProjection(_SavedModule):
    """A projection of word vectors with a gated block beside the linear map: R x + D (silu(G x) · U x).

    The block has `hidden_features` and starts at 0, so that the module starts as its linear part. (A variant of the
    projection heads that Clavié et al. 2025, arXiv 2510.12327, found better than one linear layer.)
    """

    config_keys = ["in_features", "out_features", "hidden_features"]  # noqa: RUF012

    def __init__(self, in_features: int, out_features: int, hidden_features: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.in_features = in_features
        self.out_features = out_features
        self.hidden_features = hidden_features
        self.linear = nn.Linear(in_features, out_features, bias=False)
        self.gate = nn.Linear(in_features, hidden_features, bias=False)
        self.up = nn.Linear(in_features, hidden_features, bias=False)
        self.down = nn.Linear(hidden_features, out_features, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        words = features["token_embeddings"]
        block = self.down(functional.silu(self.gate(words)) * self.up(words))
        features["token_embeddings"] = self.linear(words) + block
        return features

    def get_embedding_dimension(self) -> int:
        return self.out_features


class Truncate(_SavedModule):
    """The first `dim` dims of word vectors: for models trained so that those stand for all (Matryoshka)."""

    config_keys = ["dim"]  # noqa: RUF012

    def __init__(self, dim: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dim = dim

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features["token_embeddings"] = features["token_embeddings"][..., : self.dim]
        return features

    def get_embedding_dimension(self) -> int:
        return self.dim


class ScoreMix(_SavedModule):
    """How the two parts of a score go together: score = w · summary + (1 − w) · words.

    Changes no feature: it carries what the score needs with the model.

    Args:
        summary_weight: W, 0 … 1; learned in training unless it is 0 or 1, as the logit of w (ColBERTer section
            3.1).
        exact_match: Only identical words match; pairs of different words count 0 (ColBERTer section 3.4).
    """

    config_keys = ["summary_weight", "exact_match"]  # noqa: RUF012

    def __init__(self, summary_weight: float, exact_match: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not 0 <= summary_weight <= 1:
            raise InputError(f"summary_weight is {summary_weight}; expected a number from 0 to 1")
        inside = 0 < summary_weight < 1
        odds = summary_weight / (1 - summary_weight) if inside else summary_weight and math.inf
        start = math.log(odds) if odds else -math.inf
        self.logit = nn.Parameter(torch.tensor(start), requires_grad=inside)
        self.exact_match = exact_match

    def get_config_dict(self) -> dict[str, Any]:
        # What models without exact matching are known by stays what it was before there was any.
        config: dict[str, Any] = super().get_config_dict()
        return {key: value for key, value in config.items() if key != "exact_match" or value}

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_config(output_path)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> Self:  # type: ignore[override]
        return cls(**cls.load_config(model_name_or_path, subfolder=subfolder))

    @property
    def summary_weight(self) -> float:
        """w, to six digits."""
        return round(float(torch.sigmoid(self.logit.detach())), 6)

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return features


def _constant_linear(in_features: int, value: float) -> nn.Linear:
    """A linear layer to one number that starts at `value` whatever it is given."""
    linear = nn.Linear(in_features, 1)
    nn.init.zeros_(linear.weight)
    nn.init.constant_(linear.bias, value)
    return linear
