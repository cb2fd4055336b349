from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from wordhive.index import InputError
from wordhive.retrieval.modules import ScoreMix, WholeWordPooling

TEXTS = ["Bees dance, and bees' dances xylophones tell", "", "bees", "xylophones. Xylophones! the the"]


def pooling_for(tokenizer: PreTrainedTokenizerBase, **options: Any) -> WholeWordPooling:
    module = WholeWordPooling(**options)
    module.on_model_ready(SimpleNamespace(tokenizer=tokenizer))
    return module


def features_of(tokenizer: PreTrainedTokenizerBase, texts: list[str], dim: int = 6) -> dict[str, Tensor]:
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    n_texts, n_tokens = batch["input_ids"].shape
    tokens = torch.randn(n_texts, n_tokens, dim, generator=torch.Generator().manual_seed(1))
    return {**batch, "token_embeddings": tokens}


def slow_means(
    tokenizer: Any, text: str, vectors: Tensor, keep_special: bool
) -> tuple[list[np.ndarray[Any, Any]], list[bool]]:
    """The mean over all pieces of every unique word, piece by piece, and which of them are special tokens."""
    encoded = tokenizer(text)
    forms: dict[int, str] = {}
    for token, number in zip(encoded["input_ids"], encoded.word_ids(), strict=True):
        if number is not None:
            forms[number] = forms.get(number, "") + tokenizer.convert_ids_to_tokens(token).removeprefix("##")
    groups: dict[Any, list[int]] = {}
    for place, number in enumerate(encoded.word_ids()):
        if number is not None:
            groups.setdefault(forms[number], []).append(place)
        elif keep_special:
            groups[place] = [place]
    means = []
    for places in groups.values():
        total = np.zeros(vectors.shape[1])
        for place in places:
            total += vectors[place].double().numpy()
        means.append(total / len(places))
    return means, [isinstance(key, int) for key in groups]


@pytest.mark.parametrize("keep_special", [False, True])
def test_whole_word_pooling_is_the_mean_over_a_words_pieces(wordpiece: Any, keep_special: bool) -> None:
    features = features_of(wordpiece, TEXTS)
    tokens = features["token_embeddings"].clone()
    pooled = pooling_for(wordpiece, keep_special=keep_special)(features)
    for number, text in enumerate(TEXTS):
        expected, special = slow_means(wordpiece, text, tokens[number], keep_special)
        kept = pooled["attention_mask"][number]
        assert int(kept.sum()) == len(expected)
        if expected:
            np.testing.assert_allclose(pooled["token_embeddings"][number][kept], np.stack(expected), atol=1e-6)
        assert (pooled["word_ids"][number][kept] == 0).tolist() == special
        assert (pooled["word_ids"][number][~kept] == 0).all()


def test_bfloat16_tokens_are_averaged_in_float32(wordpiece: Any) -> None:
    features = features_of(wordpiece, ["bees " * 50])
    tokens = features["token_embeddings"].bfloat16()
    pooled = pooling_for(wordpiece)({**features, "token_embeddings": tokens})
    assert pooled["token_embeddings"].dtype == torch.float32
    torch.testing.assert_close(pooled["token_embeddings"][0, 0], tokens[0, 1:51].float().mean(dim=0))


def test_different_words_of_one_piece_keep_their_token_vectors(wordpiece: Any) -> None:
    features = features_of(wordpiece, ["bees dance over the flowers"])
    tokens = features["token_embeddings"].clone()
    assert tokens.shape[1] == 7
    pooled = pooling_for(wordpiece)(features)
    assert torch.equal(pooled["token_embeddings"], tokens[:, 1:-1])
    assert pooled["attention_mask"].tolist() == [[True] * 5]


def test_with_special_tokens_kept_all_token_vectors_stay(wordpiece: Any) -> None:
    features = features_of(wordpiece, ["bees dance over the flowers"])
    tokens = features["token_embeddings"].clone()
    pooled = pooling_for(wordpiece, keep_special=True)(features)
    assert torch.equal(pooled["token_embeddings"], tokens)


def test_a_batch_without_words_has_no_vectors(wordpiece: Any) -> None:
    pooled = pooling_for(wordpiece)(features_of(wordpiece, ["", " "]))
    assert pooled["token_embeddings"].shape == (2, 0, 6)
    assert pooled["attention_mask"].shape == (2, 0)
    assert pooled["word_ids"].shape == (2, 0)


def test_gradients_flow_to_every_piece_in_equal_shares(wordpiece: Any) -> None:
    features = features_of(wordpiece, ["bees dance bees"])
    tokens = features["token_embeddings"].requires_grad_()
    pooling_for(wordpiece)(features)["token_embeddings"].sum().backward()
    assert tokens.grad is not None
    assert tokens.grad[0, :, 0].tolist() == [0.0, 0.5, 1.0, 0.5, 0.0]


def test_a_stem_joins_inflected_words(wordpiece: Any) -> None:
    features = features_of(wordpiece, ["runs running"])
    tokens = features["token_embeddings"].clone()
    pooled = pooling_for(wordpiece, stem="porter")(features)
    assert pooled["token_embeddings"].shape == (1, 1, 6)
    torch.testing.assert_close(pooled["token_embeddings"][0, 0], tokens[0, 1:3].mean(dim=0))


def test_pooling_without_a_vocabulary_is_refused(wordpiece: Any) -> None:
    with pytest.raises(InputError, match="WholeWordPooling has no vocabulary yet; call on_model_ready"):
        WholeWordPooling()(features_of(wordpiece, ["bees"]))


def test_an_unknown_stem_is_refused_when_the_model_is_ready(wordpiece: Any) -> None:
    with pytest.raises(InputError, match="no stemmer 'klingon'"):
        pooling_for(wordpiece, stem="klingon")


@pytest.mark.parametrize("weight", [0, 0.25, 1])
def test_score_mix_takes_weights_from_zero_to_one(weight: float) -> None:
    assert ScoreMix(weight).summary_weight == weight


@pytest.mark.parametrize("weight", [-0.01, 1.01, float("nan"), float("inf")])
def test_score_mix_refuses_other_weights(weight: float) -> None:
    with pytest.raises(InputError, match=f"summary_weight is {weight}; expected a number from 0 to 1"):
        ScoreMix(weight)


def test_score_mix_changes_no_feature() -> None:
    features = {"token_embeddings": torch.ones(1, 2, 3), "other": "x"}
    assert ScoreMix(0.5)(dict(features)) == features
