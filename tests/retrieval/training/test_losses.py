from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Normalize
from torch import Tensor

from wordhive.index.scoring.maxsim import maxsim
from wordhive.retrieval.architecture import Architecture, build
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import ScoreMix, StopWordGate, Truncate
from wordhive.retrieval.training.config import LossConfig, PartWeights
from wordhive.retrieval.training.losses import Embedded, RankingLoss, embed, word_scores

QUERIES = ["how do bees dance", "ants follow scent", "honey"]
DOCUMENTS = [
    "Bees dance to tell where flowers are.",
    "The ants follow a scent, and the ants go.",
    "Honey never spoils.",
]
NEGATIVES = ["A termite mound breathes.", "Bees follow flowers.", "Ants eat honey."]


def made_up(n_texts: int, n_words: int, dim: int, seed: int) -> Embedded:
    random = torch.Generator().manual_seed(seed)
    words = torch.randn(n_texts, n_words, dim, generator=random)
    mask = torch.rand(n_texts, n_words, generator=random) < 0.7
    ids = torch.randint(1, 6, (n_texts, n_words), generator=random) * (torch.rand(n_texts, n_words) < 2)
    return Embedded(words, mask, ids, torch.randn(n_texts, 5, generator=random), None)


def slow_score(queries: Embedded, documents: Embedded, q: int, d: int, exact: bool) -> float:
    total = 0.0
    for i in range(queries.words.shape[1]):
        if not queries.mask[q, i]:
            continue
        best = None
        for j in range(documents.words.shape[1]):
            if not documents.mask[d, j]:
                continue
            if exact and (queries.word_ids[q, i] != documents.word_ids[d, j] or queries.word_ids[q, i] == 0):
                continue
            product = float(queries.words[q, i] @ documents.words[d, j])
            best = product if best is None else max(best, product)
        if best is not None:
            total += max(best, 0.0) if exact else best
    return total


@pytest.mark.parametrize("exact", [False, True])
def test_word_scores_are_the_sum_of_each_query_words_best_match(exact: bool) -> None:
    queries, documents = made_up(4, 6, 3, 1), made_up(5, 7, 3, 2)
    documents.mask[2] = False  # all its words were removed
    documents.word_ids[3, :2] = 0
    found = word_scores(queries, documents, exact_match=exact)
    for q in range(4):
        for d in range(5):
            assert float(found[q, d]) == pytest.approx(slow_score(queries, documents, q, d, exact), abs=1e-5)
    assert found[:, 2].abs().max() == 0


def test_word_scores_in_training_are_those_of_the_index() -> None:
    queries, documents = made_up(3, 5, 4, 3), made_up(4, 6, 4, 4)
    ragged = [
        (part.words[part.mask].numpy(), np.concatenate([[0], np.cumsum(part.mask.sum(1).numpy())]).astype(np.int64))
        for part in (queries, documents)
    ]
    from wordhive.index import WordVectors

    (q, q_offsets), (d, d_offsets) = ragged
    expected = maxsim(WordVectors(q, q_offsets, np.zeros(len(q), np.uint32)), d, d_offsets)
    np.testing.assert_allclose(word_scores(queries, documents).numpy(), expected, atol=1e-5)


def model_of(base: Any, **options: Any) -> MultiVectorEncoder:
    torch.manual_seed(0)
    return build(Architecture(base=str(base), word_dim=8, summary_dim=6, **options)).eval()


def features(model: MultiVectorEncoder, *columns: list[str]) -> list[dict[str, Any]]:
    return [dict(model.preprocess(texts, task="document" if place else "query")) for place, texts in enumerate(columns)]


def test_the_first_dims_score_as_a_truncated_model_does(tiny_base: Any) -> None:
    model = model_of(tiny_base)
    place = next(
        n for n, m in enumerate(model) if isinstance(m, Normalize) and m.module_input_name == "token_embeddings"
    )
    modules = list(model)
    short = MultiVectorEncoder(modules=[*modules[:place], Truncate(4), *modules[place:]])
    columns = features(model, QUERIES, DOCUMENTS)
    whole = [embed(model, f, task) for f, task in zip(columns, ("query", "document"), strict=True)]
    truncated = [embed(short, f, task) for f, task in zip(columns, ("query", "document"), strict=True)]
    assert truncated[0].words.shape[-1] == 4
    torch.testing.assert_close(word_scores(*whole, dim=4), word_scores(*truncated), atol=1e-5, rtol=1e-4)


def losses_by_hand(scores: Tensor, scale: float) -> float:
    logits = scores.double().numpy() * scale
    total = 0.0
    for row in range(len(logits)):
        total -= logits[row, row] - np.log(np.exp(logits[row]).sum())
    return total / len(logits)


def test_contrastive_loss_is_cross_entropy_over_all_documents_of_the_batch(tiny_base: Any) -> None:
    model = model_of(tiny_base)
    columns = features(model, QUERIES, DOCUMENTS, NEGATIVES)
    found = RankingLoss(model, LossConfig(scale=7))(columns)["contrastive"]
    encoder = Encoder(model, precision="float32")
    q, d = encoder.encode_queries(QUERIES), encoder.encode_documents(DOCUMENTS + NEGATIVES)
    assert q.summary is not None
    assert d.summary is not None
    w = encoder.summary_weight
    scores = w * (q.summary @ d.summary.T) + (1 - w) * maxsim(q, d.vectors, d.offsets)
    assert float(found.detach()) == pytest.approx(losses_by_hand(torch.from_numpy(scores), 7), abs=1e-4)


def test_parts_and_dims_are_weighted_sums(tiny_base: Any) -> None:
    model = model_of(tiny_base)
    columns = features(model, QUERIES, DOCUMENTS)

    def loss(**parts: float) -> float:
        return float(RankingLoss(model, LossConfig(parts=PartWeights(**parts)))(columns)["contrastive"])

    single = [loss(fused=1), loss(fused=0, words=1), loss(fused=0, summary=1)]
    assert len({round(value, 4) for value in single}) == 3
    assert loss(fused=0.5, words=2, summary=3) == pytest.approx(np.dot([0.5, 2, 3], single), rel=1e-5)
    both = RankingLoss(model, LossConfig(dims=(8, 4)))(columns)["contrastive"]
    short = RankingLoss(model, LossConfig(dims=(4,)))(columns)["contrastive"]
    assert float(both) == pytest.approx((2 * single[0] + float(short)) / 3, rel=1e-5)


def test_a_student_that_scores_as_its_teacher_has_nothing_to_learn(tiny_base: Any) -> None:
    model, other = model_of(tiny_base), model_of(tiny_base, summary_weight=0.1)
    columns = features(model, QUERIES, DOCUMENTS, NEGATIVES)
    config = LossConfig(contrastive=0, distillation=1, margin_mse=1)
    same = RankingLoss(model, config, teacher=model)(columns)
    assert float(same["distillation"]) == pytest.approx(0, abs=1e-5)
    assert float(same["margin_mse"]) == pytest.approx(0, abs=1e-6)
    differs = RankingLoss(model, config, teacher=other)(columns)
    assert float(differs["distillation"]) > 1e-4
    assert float(differs["margin_mse"]) > 1e-6


def test_given_scores_teach_a_rows_own_documents(tiny_base: Any) -> None:
    model = model_of(tiny_base)
    columns = features(model, QUERIES, DOCUMENTS, NEGATIVES)
    config = LossConfig(contrastive=0, distillation=1, margin_mse=1, scale=3, teacher_scale=2)
    wanted = torch.tensor([[2.0, 1.0], [0.5, 1.0], [3.0, -1.0]])
    found = RankingLoss(model, config)(columns, wanted)
    q, p, n = (embed(model, f, "query" if place == 0 else "document") for place, f in enumerate(columns))
    w = next(module.summary_weight for module in model if isinstance(module, ScoreMix))
    own = torch.stack(
        [torch.diagonal(w * (q.summary @ d.summary.T) + (1 - w) * word_scores(q, d)).detach() for d in (p, n)],
        dim=1,
    )
    margins = (own[:, 0] - own[:, 1]) - (wanted[:, 0] - wanted[:, 1])
    assert float(found["margin_mse"]) == pytest.approx(float((margins**2).mean()), rel=1e-4)
    teacher = torch.softmax(wanted * 2, 1)
    divergence = (teacher * (teacher.log() - torch.log_softmax(own * 3, 1))).sum(1).mean()
    assert float(found["distillation"]) == pytest.approx(float(divergence), rel=1e-4)


def test_mini_batches_change_no_gradient(tiny_base: Any) -> None:
    gradients = []
    for size in (None, 2):
        model = model_of(tiny_base)
        columns = features(model, QUERIES, DOCUMENTS, NEGATIVES)
        loss = RankingLoss(model, LossConfig(distillation=1, gate=0.5), model_of(tiny_base), mini_batch_size=size)
        sum(loss(columns).values()).backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    assert any("word_embeddings" in name for name in gradients[0])
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-5, rtol=1e-3)


def test_the_gates_loss_is_their_mean_over_real_words_of_each_column(tiny_base: Any) -> None:
    model = model_of(tiny_base)
    gate = next(module for module in model if isinstance(module, StopWordGate))
    with torch.no_grad():
        gate.linear.weight.normal_(generator=torch.Generator().manual_seed(3))
        gate.linear.bias.fill_(1000)  # all are open: their median tells where half of them would close
    columns = features(model, QUERIES, DOCUMENTS, NEGATIVES)
    opened = embed(model, columns[1], "document")
    assert opened.scale is not None
    with torch.no_grad():
        gate.linear.bias -= opened.scale[opened.word_ids > 0].median()
    expected = 0.0
    for column in columns[1:]:
        scale = embed(model, column, "document").scale
        ids = embed(model, column, "document").word_ids
        assert scale is not None
        real = scale[ids > 0]
        assert (real == 0).any()
        assert (real > 0).any()
        expected += float(real.detach().mean())
    found = RankingLoss(model, LossConfig(gate=0.75))(columns)["gate"]
    assert float(found) == pytest.approx(0.75 * expected, rel=1e-5)


def test_a_removed_word_is_in_no_score(tiny_base: Any) -> None:
    model = model_of(tiny_base, summary_weight=0)
    gate = next(module for module in model if isinstance(module, StopWordGate))
    with torch.no_grad():
        gate.linear.bias.fill_(-100)
    q, d = features(model, QUERIES, DOCUMENTS)
    assert word_scores(embed(model, q, "query"), embed(model, d, "document")).abs().max() == 0
    assert len(Encoder(model, precision="float32").encode_documents(DOCUMENTS).vectors) == 0


def test_matches_are_learned_word_by_word(tiny_base: Any) -> None:
    model, teacher = model_of(tiny_base), model_of(tiny_base, summary_weight=0.1)
    columns = features(model, QUERIES, DOCUMENTS)
    config = LossConfig(contrastive=0, matches=1)
    assert float(RankingLoss(model, config, model)(columns)["matches"].detach()) == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        for module in teacher:
            if hasattr(module, "linear") and module.linear.weight.shape[0] > 1:
                module.linear.weight.normal_(generator=torch.Generator().manual_seed(5))
    q, d = (embed(model, f, task) for f, task in zip(columns, ("query", "document"), strict=True))
    tq, td = (embed(teacher, f, task) for f, task in zip(columns, ("query", "document"), strict=True))
    wrong = there = 0.0
    for text in range(len(QUERIES)):
        for word in np.flatnonzero(q.mask[text].numpy()):
            rows = []
            for queries, documents in ((q, d), (tq, td)):
                unit = queries.words[text, word] / queries.words[text, word].norm()
                best = [float((documents.words[n, documents.mask[n]] @ unit).max()) for n in range(len(DOCUMENTS))]
                rows.append(np.array(best) - np.mean(best))
            share = float(tq.words[text, word].norm())
            wrong += share * ((rows[0] - rows[1]) ** 2).sum()
            there += share * (rows[1] ** 2).sum()
    mine, theirs = (
        (queries.summary @ documents.summary.T).detach().numpy() for queries, documents in ((q, d), (tq, td))
    )
    mine, theirs = (part - part.mean(axis=1, keepdims=True) for part in (mine, theirs))
    expected = wrong / there + ((mine - theirs) ** 2).sum() / (theirs**2).sum()
    found = RankingLoss(model, config, teacher)(columns)["matches"]
    assert float(found.detach()) == pytest.approx(expected, rel=1e-4)
