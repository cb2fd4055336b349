"""What a training makes small: ranking losses over the scores of a batch, and the stop-word gates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from ..modules import ScoreMix
from .config import LossConfig


@dataclass(frozen=True)
class Embedded:
    """A batch of texts as a model sees them.

    Attributes:
        words: float32 `[n_texts, n_words, dim]`.
        mask: Bool `[n_texts, n_words]`.
        word_ids: int64 `[n_texts, n_words]`.
        summary: float32 `[n_texts, summary_dim]`.
        scale: float32 `[n_texts, n_words]`, gates or query weights, or None.
    """

    words: Tensor
    mask: Tensor
    word_ids: Tensor
    summary: Tensor
    scale: Tensor | None


def word_scores(queries: Embedded, documents: Embedded, *, exact_match: bool = False, dim: int | None = None) -> Tensor:
    """The words' part of the score of every query with every document, `[n_queries, n_documents]`.

    The same score as an index gives: a removed word is in no maximum, a document without words scores 0.

    Args:
        dim: Of the first dims alone, as long as the whole vectors are.
    """
    best = best_matches(queries, documents, exact_match=exact_match, dim=dim)
    total: Tensor = (best * queries.mask[:, :, None]).sum(dim=1)
    return total


def best_matches(
    queries: Embedded, documents: Embedded, *, exact_match: bool = False, dim: int | None = None
) -> Tensor:
    """Each query word's best product with a word of each document, `[n_queries, n_query_words, n_documents]`."""
    q, d = _first_dims(queries.words, dim), _first_dims(documents.words, dim)
    n_queries, n_documents = len(q), len(d)
    products = (q.flatten(0, 1) @ d.flatten(0, 1).T).view(n_queries, q.shape[1], n_documents, d.shape[1])
    pairs = documents.mask[None, None]
    if exact_match:
        same = queries.word_ids[:, :, None, None] == documents.word_ids[None, None]
        pairs = pairs & same & (queries.word_ids > 0)[:, :, None, None]
    best = products.masked_fill(~pairs, float("-inf")).amax(dim=-1)
    # Without a partner a query word adds nothing; nor does it with one that it only speaks against.
    best = torch.where(best.isinf(), best.new_zeros(()), best)
    return best.clamp(min=0) if exact_match else best


def _first_dims(words: Tensor, dim: int | None) -> Tensor:
    if dim is None or dim >= words.shape[-1]:
        return words
    # What Truncate and Normalize make of them, and then the word's own scale.
    first: Tensor = functional.normalize(words[..., :dim], dim=-1) * words.norm(dim=-1, keepdim=True)
    return first


def _unit(texts: Embedded) -> Embedded:
    return replace(texts, words=functional.normalize(texts.words, dim=-1))


def _centred(matches: Tensor) -> Tensor:
    return matches - matches.mean(dim=-1, keepdim=True)


def _unexplained(found: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """The squared error as a share of what there is to explain: 0 for equals, 1 for a constant."""
    share: Tensor = ((found - wanted).square() * weights).sum() / (wanted.square() * weights).sum().clamp(min=1e-9)
    return share


class RankingLoss(nn.Module):
    """The weighted sum of ranking losses that a configuration asks for, by name, for sentence-transformers' trainer.

    Inputs: features of queries, positives and as many columns of negatives as there are; labels: the teacher's scores
    of a row's documents `[batch, 1 + negatives]`, where they come with the examples.

    Args:
        teacher: A frozen model with the same tokenizer, which scores the whole batch; None: labels do.
        mini_batch_size: Texts whose activations are in memory at a time; gradients are the same.
    """

    def __init__(
        self,
        model: MultiVectorEncoder,
        config: LossConfig,
        teacher: MultiVectorEncoder | None = None,
        mini_batch_size: int | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.mini_batch_size = mini_batch_size
        # Not a submodule: it is neither trained nor saved.
        self._teacher = (teacher,)
        self._exact_match = self._mix.exact_match

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None) -> dict[str, Tensor]:
        columns = [dict(features) for features in sentence_features]
        queries, *documents = [
            self._embed(features, "document" if place else "query") for place, features in enumerate(columns)
        ]
        taught = self._taught(columns)
        # A sum over words of products that are nearly the same needs all its digits.
        with torch.autocast(queries.words.device.type, enabled=False):
            candidates = _together(documents)
            wanted = labels.float() if labels is not None else taught and self._teacher_scores(*taught)
            losses = self._ranking_losses(queries, candidates, wanted if self.config.needs_teacher else None)
            if self.config.matches and taught:
                losses["matches"] = self.config.matches * self._match_error(queries, candidates, *taught)
            if self.config.gate:
                losses["gate"] = self.config.gate * torch.stack([_mean_gate(column) for column in documents]).sum()
        return losses

    def _ranking_losses(self, queries: Embedded, documents: Embedded, wanted: Tensor | None) -> dict[str, Tensor]:
        positives = torch.arange(len(queries.words), device=queries.words.device)
        losses: dict[str, Tensor] = {}
        for scores, weight in self._scores(queries, documents):
            for name, loss in self._ranking(scores, positives, wanted, len(documents.words) // len(positives)).items():
                losses[name] = losses.get(name, loss.new_zeros(())) + weight * loss
        return losses

    def _match_error(self, queries: Embedded, documents: Embedded, taught: Embedded, candidates: Embedded) -> Tensor:
        # A query word's own mean over the documents ranks nothing. Words count by their shares of a query.
        weights = (taught.words.norm(dim=-1) * queries.mask)[:, :, None]
        wanted = _centred(best_matches(_unit(taught), candidates))
        error = queries.summary.new_zeros(())
        for dim, share in self._dims():
            found = _centred(best_matches(_unit(queries), documents, exact_match=self._exact_match, dim=dim))
            error = error + share * _unexplained(found, wanted, weights)
        mine, theirs = (_centred(q.summary @ d.summary.T) for q, d in ((queries, documents), (taught, candidates)))
        return error + _unexplained(mine, theirs, torch.ones_like(theirs[:, :1]))

    def _embed(self, features: dict[str, Any], task: str) -> Embedded:
        size, total = self.mini_batch_size, len(features["input_ids"])
        if size is None or size >= total:
            return embed(self.model, features, task)
        parts = []
        for start in range(0, total, size):
            part = {key: v[start : start + size] if isinstance(v, Tensor) else v for key, v in features.items()}
            # Activations of one part at a time: the others' are computed again in the backward pass.
            arrays = checkpoint(_embedded_arrays, self.model, part, task, use_reentrant=False)
            parts.append(Embedded(*arrays))
        return _together(parts)

    def _scores(self, queries: Embedded, documents: Embedded) -> list[tuple[Tensor, float]]:
        """Every score that is to rank, and its weight."""
        parts, found = self.config.parts, []
        summary = queries.summary @ documents.summary.T
        w = torch.sigmoid(self._mix.logit)
        for dim, share in self._dims():
            words = word_scores(queries, documents, exact_match=self._exact_match, dim=dim)
            found.append((w * summary + (1 - w) * words, parts.fused * share))
            found.append((words, parts.words * share))
        found.append((summary, parts.summary))
        return [(scores, weight) for scores, weight in found if weight]

    def _dims(self) -> list[tuple[int | None, float]]:
        """Numbers of dims that are to stand for all, and their shares of a loss: as large as they are."""
        dims = self.config.dims
        return [(dim, dim / sum(dims)) for dim in dims] or [(None, 1.0)]

    @property
    def _mix(self) -> ScoreMix:
        # The trainer may have wrapped the model (distributed training).
        model = getattr(self.model, "module", self.model)
        return next(module for module in model if isinstance(module, ScoreMix))

    def _taught(self, columns: list[dict[str, Any]]) -> tuple[Embedded, Embedded] | None:
        """Queries and documents as the teacher sees them."""
        teacher = self._teacher[0]
        if teacher is None:
            return None
        with torch.no_grad():
            queries, *documents = [
                embed(teacher, features, "document" if place else "query") for place, features in enumerate(columns)
            ]
        return queries, _together(documents)

    def _teacher_scores(self, queries: Embedded, documents: Embedded) -> Tensor:
        w = next(module.summary_weight for module in self._teacher[0] or () if isinstance(module, ScoreMix))
        with torch.no_grad():
            return w * (queries.summary @ documents.summary.T) + (1 - w) * word_scores(queries, documents)

    def _ranking(self, scores: Tensor, positives: Tensor, wanted: Tensor | None, n_columns: int) -> dict[str, Tensor]:
        config, losses = self.config, {}
        if config.contrastive:
            losses["contrastive"] = config.contrastive * functional.cross_entropy(scores * config.scale, positives)
        if wanted is None:
            return losses
        # Documents stand column by column: those of row i are i, i + batch, …
        own = positives[:, None] + len(positives) * torch.arange(n_columns, device=scores.device)
        compared = scores if wanted.shape == scores.shape else scores.gather(1, own)
        if config.distillation:
            student = functional.log_softmax(compared * config.scale, dim=-1)
            teacher = functional.log_softmax(wanted * config.teacher_scale, dim=-1)
            divergence = functional.kl_div(student, teacher, reduction="batchmean", log_target=True)
            losses["distillation"] = config.distillation * divergence
        if config.margin_mse:
            mine, theirs = scores.gather(1, own), wanted if wanted.shape == own.shape else wanted.gather(1, own)
            margins = (mine[:, :1] - mine[:, 1:]) - (theirs[:, :1] - theirs[:, 1:])
            losses["margin_mse"] = config.margin_mse * margins.square().mean()
        return losses


def embed(model: nn.Module, features: dict[str, Any], task: str) -> Embedded:
    """What a model makes of tokenized texts, in float32."""
    return Embedded(*_embedded_arrays(model, features, task))


def _embedded_arrays(
    model: nn.Module, features: dict[str, Any], task: str
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    # Modules write into the features they get: those of a batch are embedded more than once.
    found = model(_tokens(features), task=task)
    scale = found.get("word_scale")
    words = found["token_embeddings"].float()
    ids = found.get("word_ids")
    return (
        words,
        found["attention_mask"].bool(),
        ids if ids is not None else torch.zeros(words.shape[:2], dtype=torch.int64, device=words.device),
        found["sentence_embedding"].float(),
        scale.float() if scale is not None else None,
    )


def _together(parts: list[Embedded]) -> Embedded:
    """All texts of several batches, as wide as the widest."""
    width = max(part.words.shape[1] for part in parts)

    def padded(tensor: Tensor) -> Tensor:
        missing = width - tensor.shape[1]
        return functional.pad(tensor, (0, 0) * (tensor.dim() - 2) + (0, missing))

    scales = [padded(part.scale) for part in parts if part.scale is not None]
    return Embedded(
        torch.cat([padded(part.words) for part in parts]),
        torch.cat([padded(part.mask) for part in parts]),
        torch.cat([padded(part.word_ids) for part in parts]),
        torch.cat([part.summary for part in parts]),
        torch.cat(scales) if scales else None,
    )


def _tokens(features: dict[str, Any]) -> dict[str, Any]:
    return dict(features)


def _mean_gate(documents: Embedded) -> Tensor:
    # The mean over all real words of a batch, whether open or closed, as in the published training code.
    if documents.scale is None:
        return documents.summary.new_zeros(())
    return documents.scale.sum() / (documents.word_ids > 0).sum().clamp(min=1)
