from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Dense, Normalize
from torch import nn

from wordhive.index import InputError, WordVectors
from wordhive.index.scoring.maxsim import maxsim
from wordhive.retrieval.architecture import Architecture, build
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import (
    GatedProjection,
    QueryWeights,
    ScaleWords,
    ScoreMix,
    StopWordGate,
    Truncate,
    WholeWordPooling,
)
from wordhive.retrieval.projection import importance_weights
from wordhive.retrieval.training.config import TrainConfig
from wordhive.retrieval.training.losses import embed

SENTENCES = [
    f"{subject} {verb} {place}."
    for subject in ("Bees", "The ants", "honey")
    for verb in ("dance", "go to", "find")
    for place in ("flowers", "the scent", "a web", "night")
]
PUBLISHED: dict[str, Any] = {"normalize": False, "query_weights": False, "stem": "porter", "pooling": "cls"}


def kinds(architecture: Architecture) -> list[str]:
    return [type(module).__name__ for module in build(architecture)]


def test_the_modules_of_both_designs(tiny_base: Path) -> None:
    ours = Architecture(base=str(tiny_base), word_dim=8, summary_dim=6)
    assert kinds(ours) == [
        "Transformer", "Pooling", "Dense", "Normalize", "WholeWordPooling", "StopWordGate", "QueryWeights", "Dense",
        "Normalize", "ScaleWords", "ScoreMix",
    ]  # fmt: skip
    published = Architecture(
        base=str(tiny_base), word_dim=8, summary_dim=6, second_dim=1, exact_match=True, **PUBLISHED
    )
    assert kinds(published) == [
        "Transformer", "Pooling", "Dense", "WholeWordPooling", "Dense", "StopWordGate", "ScaleWords", "Dense",
        "ScoreMix",
    ]  # fmt: skip
    assert not any(isinstance(module, Normalize) for module in build(published))
    assert all(module.bias for module in build(published) if isinstance(module, Dense))


def test_the_published_configuration_is_the_published_architecture() -> None:
    config = TrainConfig.load(Path(__file__).parents[2] / "configs" / "train" / "colberter.yaml")
    assert config.architecture == Architecture(base="distilbert-base-uncased", **PUBLISHED)
    assert [(stage.loss.parts.summary, stage.loss.gate) for stage in config.stages] == [(0.5, 0), (0.1, 0.75)]


class _Given(nn.Module):
    """Stands for a transformer: gives hand-made token vectors."""

    def __init__(self, vectors: dict[int, list[float]]) -> None:
        super().__init__()
        self.vectors = vectors

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        rows = [[self.vectors.get(int(i), [0.0, 0.0]) for i in row] for row in features["input_ids"]]
        return {**features, "token_embeddings": torch.tensor(rows)}


def test_published_scoring_on_numbers_by_hand(wordpiece: Any) -> None:
    ids = {word: wordpiece.convert_tokens_to_ids(word) for word in ("bee", "dance", "the", "ant")}
    given = _Given({ids["bee"]: [1.0, 0.0], ids["dance"]: [0.0, 2.0], ids["the"]: [-3.0, 0.0], ids["ant"]: [2.0, 2.0]})
    pooling, gate, mix = WholeWordPooling(), StopWordGate(2), ScoreMix(0.25)
    pooling.on_model_ready(type("Model", (), {"tokenizer": wordpiece}))
    with torch.no_grad():
        gate.linear.weight.copy_(torch.tensor([[0.5, 0.0]]))  # bee 1.5, dance 1, the −.5 → 0, ant 2

    def embedded(text: str, task: str) -> Any:
        features = dict(wordpiece([text], return_tensors="pt").items())
        features["sentence_embedding"] = torch.tensor([[2.0 if task == "query" else 3.0]])
        for module in (given, pooling, gate, ScaleWords(), mix):
            features = module(features, task=task) if isinstance(module, StopWordGate) else module(features)
        return features

    query, document = embedded("bee dance", "query"), embedded("the bee dance dance ant", "document")
    kept = document["token_embeddings"][0][document["attention_mask"][0]]
    torch.testing.assert_close(kept, torch.tensor([[1.5, 0.0], [0.0, 2.0], [4.0, 4.0]]))
    # bee: max(1.5, 0, 4); dance: max(0, 4, 8). "the" is gone: had it stayed with 0, nothing would change here.
    words = (query["token_embeddings"][0] @ kept.T).max(dim=1).values.sum()
    assert float(words.detach()) == 12
    assert 0.25 * 2 * 3 + 0.75 * float(words.detach()) == 10.5
    scores = maxsim(
        WordVectors(query["token_embeddings"][0].numpy(), np.array([0, 2]), np.zeros(2, np.uint32)),
        kept.detach().numpy(),
        np.array([0, 3]),
    )
    assert scores[0, 0] == 12


def test_query_weights_sum_to_one_and_follow_rarity(tiny_base: Path) -> None:
    encoder = Encoder.started(Architecture(base=str(tiny_base), word_dim=8, summary_dim=6), SENTENCES, device="cpu")
    queries = encoder.encode_queries(["the bees dance", "honey", ""])
    norms = np.linalg.norm(queries.vectors, axis=1)
    sums = [norms[a:b].sum() for a, b in zip(queries.offsets[:-1], queries.offsets[1:], strict=True)]
    np.testing.assert_allclose(sums, [1, 1, 0], atol=1e-5)
    assert norms[1] != pytest.approx(norms[0], rel=1e-3)
    documents = encoder.encode_documents(["the bees dance"])
    np.testing.assert_allclose(np.linalg.norm(documents.vectors, axis=1), 1, atol=1e-5)  # all gates start at 1


def test_importance_weights_find_what_a_vector_says_of_a_words_rarity() -> None:
    random = np.random.default_rng(1)
    n_texts, dim = 400, 6
    texts = [np.flatnonzero(random.random(30) < np.linspace(0.03, 0.95, 30)) for _ in range(n_texts)]
    frequency = np.bincount(np.concatenate(texts), minlength=30)
    rarity = np.log1p((n_texts - frequency + 0.5) / (frequency + 0.5))
    ids = np.concatenate(texts)
    vectors = random.normal(size=(len(ids), dim)).astype(np.float32)
    vectors[:, 0] = rarity[ids] + np.log(-np.expm1(-rarity[ids]))
    offsets = np.cumsum([0, *map(len, texts)])
    weights, bias = importance_weights(WordVectors(vectors, offsets, (ids + 1).astype(np.uint32)))
    found = np.logaddexp(0, vectors @ weights + bias)
    np.testing.assert_allclose(found, rarity[ids], atol=0.05)
    with pytest.raises(InputError, match="give more text"):
        importance_weights(WordVectors(vectors[:3], np.array([0, 3]), np.ones(3, np.uint32)))


def test_a_gated_projection_starts_linear_and_is_saved(tiny_base: Path, tmp_path: Path) -> None:
    architecture = Architecture(base=str(tiny_base), word_dim=8, hidden_dim=12, summary_dim=6)
    encoder = Encoder.started(architecture, SENTENCES, device="cpu")
    plain = Encoder.started(architecture.model_copy(update={"hidden_dim": None}), SENTENCES, device="cpu")
    texts = ["Bees dance.", "the ants"]
    np.testing.assert_allclose(
        encoder.encode_documents(texts).vectors, plain.encode_documents(texts).vectors, atol=1e-5
    )
    block = next(module for module in encoder.model if isinstance(module, GatedProjection))
    with torch.no_grad():
        block.down.weight.normal_(generator=torch.Generator().manual_seed(1))
    changed = encoder.encode_documents(texts).vectors
    assert abs(changed - plain.encode_documents(texts).vectors).max() > 0.01
    encoder.save(tmp_path / "model")
    loaded = Encoder.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.encode_documents(texts).vectors, changed, atol=1e-6)


def test_fewer_dims_by_name(tiny_base: Path, tmp_path: Path) -> None:
    encoder = Encoder.started(Architecture(base=str(tiny_base), word_dim=8, summary_dim=6), SENTENCES, device="cpu")
    encoder.save(tmp_path / "model")
    short = Encoder.load(f"{tmp_path / 'model'}@4")
    assert short.name.endswith("model@4")
    whole, found = (e.encode_documents(SENTENCES[:3]).vectors for e in (encoder, short))
    expected = whole[:, :4] / np.linalg.norm(whole[:, :4], axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert short.fingerprint != encoder.fingerprint
    short.save(tmp_path / "short")
    again = Encoder.load(tmp_path / "short")
    assert any(isinstance(module, Truncate) for module in again.model)
    np.testing.assert_allclose(again.encode_documents(SENTENCES[:3]).vectors, found, atol=1e-6)
    with pytest.raises(InputError, match="choose 1 to 8"):
        encoder.with_dim(9)
    published = Architecture(base=str(tiny_base), word_dim=8, summary_dim=6, **PUBLISHED)
    with pytest.raises(InputError, match="does not normalise"):
        Encoder(build(published)).with_dim(4)


def test_only_documents_have_gates_and_only_queries_weights(tiny_base: Path) -> None:
    model = build(Architecture(base=str(tiny_base), word_dim=8, summary_dim=6)).eval()
    gate = next(module for module in model if isinstance(module, StopWordGate))
    weights = next(module for module in model if isinstance(module, QueryWeights))
    with torch.no_grad():
        gate.linear.bias.fill_(-1)
    found = {
        task: embed(model, dict(model.preprocess(["bees dance"], task=task)), task) for task in ("query", "document")
    }
    assert not found["document"].mask.any()
    assert found["query"].mask.sum() == 2
    with torch.no_grad():
        gate.linear.bias.fill_(2)
        weights.linear.bias.fill_(5)
    document = embed(model, dict(model.preprocess(["bees dance"], task="document")), "document")
    torch.testing.assert_close(document.words[document.mask].norm(dim=-1), torch.full((2,), 2.0))


@pytest.mark.parametrize(
    ("summary_weight", "learned"), [(0.0, False), (1.0, False), (0.3, True), (0.5, True), (0.999, True)]
)
def test_a_mix_keeps_its_weight(summary_weight: float, learned: bool) -> None:
    mix = ScoreMix(summary_weight)
    assert mix.summary_weight == pytest.approx(summary_weight, abs=1e-6)
    assert mix.logit.requires_grad is learned
    assert float(torch.sigmoid(mix.logit.detach())) == pytest.approx(summary_weight, abs=1e-6)


def test_dims_that_the_base_has_not(tiny_base: Path) -> None:
    with pytest.raises(InputError, match="summary_dim is 64"):
        build(Architecture(base=str(tiny_base), word_dim=8, summary_dim=64))
    with pytest.raises(InputError, match="word_dim is 0"):
        Architecture(word_dim=0)


def test_a_trained_models_heads_are_taken_over_where_they_fit(tiny_base: Path, tmp_path: Path) -> None:
    first = Encoder.started(Architecture(base=str(tiny_base), word_dim=8, summary_dim=6), SENTENCES, device="cpu")
    with torch.no_grad():
        for module in first.model:
            if isinstance(module, (Dense, StopWordGate, QueryWeights)):
                module.linear.weight.normal_(generator=torch.Generator().manual_seed(7))
    first.save(tmp_path / "first")
    architecture = Architecture(
        base=str(tmp_path / "first"), stem="porter", word_dim=4, summary_dim=6, exact_match=True
    )
    second = Encoder.started(architecture, SENTENCES, device="cpu")
    assert second.exact_match
    for kind, same in ((StopWordGate, True), (QueryWeights, True), (Dense, None)):
        mine, theirs = ([m for m in e.model if isinstance(m, kind)] for e in (second, first))
        if same:
            assert torch.equal(mine[0].linear.weight, theirs[0].linear.weight)
        else:
            assert torch.equal(mine[0].linear.weight, theirs[0].linear.weight)  # the summary's
            assert mine[1].linear.weight.shape == (4, 32)
    np.testing.assert_allclose(
        second.encode_documents(["bees"]).summary, first.encode_documents(["bees"]).summary, atol=1e-5
    )
