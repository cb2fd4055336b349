"""Texts become vectors: whatever the batch, the precision and the threads; models that are fitted to texts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder, SentenceTransformer

from wordhive.index import InputError, WordhiveError, WordVectors
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import WholeWordPooling
from wordhive.retrieval.runtimes.forward_pass import forward
from wordhive.retrieval.words import word_identity

from .conftest import TEXTS, assert_same


@pytest.fixture
def _few_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.retrieval.windows.whole_texts._TOKENS_A_TEXT", 8)


@pytest.mark.usefixtures("_few_tokens")
@pytest.mark.parametrize("batch_size", [1, 3])
def test_documents_are_equal_whatever_the_batch_size(encoder: Encoder, encoded: WordVectors, batch_size: int) -> None:
    assert_same(encoder.encode_documents(TEXTS, batch_size=batch_size), encoded)


@pytest.mark.usefixtures("_few_tokens")
def test_documents_are_equal_whatever_their_order_and_batch_mates(encoder: Encoder, encoded: WordVectors) -> None:
    order = np.array([5, 0, 3, 6, 2, 1, 4])
    assert_same(encoder.encode_documents([TEXTS[i] for i in order], batch_size=2), encoded.take(order))
    assert_same(encoder.encode_documents(TEXTS[2:3]), encoded[2:3])


@pytest.mark.usefixtures("_few_tokens")
def test_many_chunks_keep_their_order(tiny_encoder: Encoder) -> None:
    texts = [("bees ants honey flower dance " * (i % 5))[: i + 1] for i in range(70)]
    assert_same(tiny_encoder.encode_documents(texts, batch_size=1), tiny_encoder.encode_documents(texts))


def test_vectors_are_float32_of_unit_norm_and_128_dims(encoded: WordVectors) -> None:
    assert encoded.dim == 128
    assert encoded.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-5)


def test_word_ids_are_the_unique_words_of_each_text(encoder: Encoder) -> None:
    words = encoder.encode_documents(["The bee, the BEE!", "bees"])
    assert words.counts.tolist() == [4, 1]
    assert words.word_ids.tolist() == [word_identity(form) for form in ("the", "bee", ",", "!", "bees")]


def test_the_summary_is_what_the_base_model_encodes(encoded: WordVectors, packaged_folder: Path) -> None:
    base = SentenceTransformer(str(packaged_folder), device="cpu")
    assert encoded.summary is not None
    expected = base.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(encoded.summary, expected, atol=1e-4)


def test_queries_and_documents_are_encoded_alike_by_the_shipped_model(encoder: Encoder, encoded: WordVectors) -> None:
    assert_same(encoder.encode_queries(TEXTS), encoded)


def test_an_empty_text_has_a_summary_but_no_words(encoder: Encoder) -> None:
    words = encoder.encode_documents(["", " \n"])
    assert words.counts.tolist() == [0, 0]
    assert words.vectors.shape == (0, 128)
    assert words.summary is not None
    assert words.summary.shape == (2, 384)


def test_no_texts_give_empty_vectors_of_the_models_dims(encoder: Encoder) -> None:
    for words in (encoder.encode_documents([]), encoder.encode_queries([]), encoder.encode_documents(iter([]))):
        assert (len(words), words.dim, words.summary_dim) == (0, 128, 384)


def test_generators_are_accepted(tiny_encoder: Encoder) -> None:
    assert_same(tiny_encoder.encode_documents(text for text in TEXTS), tiny_encoder.encode_documents(TEXTS))


def test_a_single_string_is_refused(tiny_encoder: Encoder) -> None:
    with pytest.raises(InputError, match=r"the texts are str; expected a list of them: wrap a single one"):
        tiny_encoder.encode_documents("bees")
    with pytest.raises(InputError, match=r"the texts are str; expected a list of them: wrap a single one"):
        tiny_encoder.encode_queries("bees")


@pytest.mark.parametrize("bad", [3, None, b"bees", ["bees"]])
def test_a_text_that_is_no_string_is_refused(tiny_encoder: Encoder, bad: Any) -> None:
    with pytest.raises(InputError, match=f"a text is {type(bad).__name__} .*expected strings"):
        tiny_encoder.encode_documents(["bees", bad])
    with pytest.raises(InputError, match=f"a text is {type(bad).__name__} .*expected strings"):
        tiny_encoder.encode_queries([bad])


def test_a_text_with_a_lone_surrogate_is_refused(tiny_encoder: Encoder) -> None:
    with pytest.raises(InputError):
        tiny_encoder.encode_documents(["half \ud800 a character"])


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_below_one_is_refused(tiny_encoder: Encoder, batch_size: int) -> None:
    with pytest.raises(InputError):
        tiny_encoder.encode_documents(["bees"], batch_size=batch_size)


def test_on_batch_counts_every_text_once(tiny_encoder: Encoder) -> None:
    sizes: list[int] = []
    tiny_encoder.encode_documents([*TEXTS, "bees " * 200], batch_size=1, on_batch=sizes.append)
    assert len(sizes) > 1
    assert sum(sizes) == len(TEXTS) + 1


def test_a_text_longer_than_the_window_is_read_to_its_end(tiny_encoder: Encoder) -> None:
    words = tiny_encoder.encode_documents(["bees " + "ants " * 100 + "honey"])
    assert words.word_ids.tolist() == [word_identity("bees"), word_identity("ants"), word_identity("honey")]


def test_a_single_query_is_encoded_with_one_thread(tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def watched(*given: Any) -> WordVectors:
        threads.append(torch.get_num_threads())
        return forward(*given)

    encoder, before = Encoder(tiny_encoder.model), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        monkeypatch.setattr("wordhive.retrieval.runtimes.torch_model.forward", watched)
        encoder.encode_queries(["bees"])
        assert torch.get_num_threads() == 2
        encoder.encode_queries(["bees", "ants"])
        assert threads == [1, 2]
    finally:
        torch.set_num_threads(before)


def test_threads_are_restored_after_a_query_that_fails(tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any) -> WordVectors:
        raise RuntimeError("out of memory")

    encoder, before = Encoder(tiny_encoder.model), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        monkeypatch.setattr("wordhive.retrieval.runtimes.torch_model.forward", fail)
        with pytest.raises(RuntimeError):
            encoder.encode_queries(["bees"])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_bfloat16_gives_nearly_the_same_float32_vectors(encoder: Encoder) -> None:
    texts = TEXTS[:4]
    exact = Encoder(encoder.model, precision="float32").encode_documents(texts)
    rough = Encoder(encoder.model, precision="bfloat16").encode_documents(texts)
    assert rough.vectors.dtype == np.float32
    assert rough.summary is not None
    assert rough.summary.dtype == np.float32
    assert rough.word_ids.tolist() == exact.word_ids.tolist()
    assert not np.array_equal(rough.vectors, exact.vectors)
    np.testing.assert_allclose(rough.vectors, exact.vectors, atol=0.03)
    np.testing.assert_allclose(rough.summary, exact.summary, atol=0.03)


def test_bfloat16_leaves_norms_exact_and_the_model_as_it_was(encoder: Encoder) -> None:
    vectors = Encoder(encoder.model, precision="bfloat16").encode_documents(TEXTS).vectors
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in encoder.model.modules())


def test_threads_encode_alike_in_bfloat16(encoder: Encoder) -> None:
    rough, threads = Encoder(encoder.model, precision="bfloat16"), torch.get_num_threads()
    alone = [rough.encode_queries([text]).vectors for text in TEXTS[:4]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: rough.encode_queries([TEXTS[number % 4]]).vectors, range(24)))
    for number, vectors in enumerate(together):
        np.testing.assert_array_equal(vectors, alone[number % 4])
    assert torch.get_num_threads() == threads


def test_an_unknown_precision_is_refused(foreign: MultiVectorEncoder) -> None:
    with pytest.raises(InputError, match="precision is 'int8'; choose auto, float32 or bfloat16"):
        Encoder(foreign, precision="int8")  # type: ignore[arg-type]


@pytest.mark.parametrize(("device", "error"), [("banana", InputError), ("cuda:99", WordhiveError)])
def test_a_device_that_is_not_there_is_named(tiny_folder: Path, device: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"'{device}'"):
        Encoder.load(str(tiny_folder), device=device)


def test_fit_projects_words_on_their_principal_axes(tiny_base: Path, sentences: list[str]) -> None:
    raw = Encoder.fit(str(tiny_base), sentences, dim=None, device="cpu")
    fitted = Encoder.fit(str(tiny_base), (text for text in sentences), dim=8, summary_weight=0.3, device="cpu")
    words, projected = raw.encode_documents(sentences), fitted.encode_documents(sentences)
    assert words.dim == 32
    assert projected.dim == 8
    assert fitted.summary_weight == 0.3
    assert projected.word_ids.tolist() == words.word_ids.tolist()
    rows = fitted.model[4].linear.weight.detach().numpy()
    np.testing.assert_allclose(rows @ rows.T, np.eye(8), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(projected.vectors, axis=1), 1, atol=1e-5)


def test_fit_is_repeatable(tiny_base: Path, sentences: list[str]) -> None:
    one, two = (Encoder.fit(str(tiny_base), sentences, dim=8, device="cpu") for _ in range(2))
    np.testing.assert_array_equal(one.model[4].linear.weight.detach(), two.model[4].linear.weight.detach())


def test_fit_stores_the_stem(tiny_base: Path, sentences: list[str]) -> None:
    fitted = Encoder.fit(str(tiny_base), sentences, dim=8, stem="porter", device="cpu")
    pooling = next(module for module in fitted.model if isinstance(module, WholeWordPooling))
    assert pooling.stem == "porter"
    assert fitted.encode_documents(["bee bees"]).counts.tolist() == [1]


def test_fit_refuses_too_little_text_dims_and_weights(tiny_base: Path, sentences: list[str]) -> None:
    with pytest.raises(InputError, match="2 word vectors cannot fit a projection of 32 dims"):
        Encoder.fit(str(tiny_base), ["bees dance"], dim=8, device="cpu")
    with pytest.raises(InputError, match=r"word_dim is 33, but .* has 32 dims"):
        Encoder.fit(str(tiny_base), sentences, dim=33, device="cpu")
    with pytest.raises(InputError, match=r"summary_weight is 1\.5"):
        Encoder.fit(str(tiny_base), sentences, summary_weight=1.5, device="cpu")
    with pytest.raises(InputError, match="the texts are str; expected a list of them"):
        Encoder.fit(str(tiny_base), "bees dance", dim=8, device="cpu")


def test_a_fitted_encoder_does_not_go_by_its_base_models_name(tiny_base: Path, sentences: list[str]) -> None:
    assert Encoder.fit(str(tiny_base), sentences, dim=8, device="cpu").name == "custom"


@pytest.fixture(scope="module")
def trained() -> Encoder:
    """The default model, trained: 32 dims, a stop-word gate, query weights, a summary of 256 dims."""
    return Encoder.load()


def test_the_default_model_keeps_few_small_words(trained: Encoder, encoder: Encoder) -> None:
    text = "The genes of the honey bee, and of other insects, are known: they tell how a queen is made of a larva."
    words, all_words = trained.encode_documents([text]), encoder.encode_documents([text])
    assert (words.dim, words.summary_dim) == (32, 256)
    assert len(words.vectors) < len(all_words.vectors)
    kept = set(words.word_ids.tolist())
    assert kept < set(all_words.word_ids.tolist())
    assert {word_identity(form) for form in ("genes", "honey", "bee", "queen", "larva")} & kept


def test_the_default_models_query_words_share_one_score(trained: Encoder) -> None:
    queries = trained.encode_queries(["how is a queen bee made?"])
    lengths = dict(zip(queries.word_ids.tolist(), np.linalg.norm(queries.vectors, axis=1), strict=True))
    assert sum(lengths.values()) == pytest.approx(1, abs=1e-4)
    assert lengths[word_identity("queen")] > lengths[word_identity("a")]


def test_the_default_model_in_fewer_dims(trained: Encoder) -> None:
    short = Encoder.load("wordhive-minilm-32@16")
    texts = ["honey bees", "ants follow scent"]
    whole, found = trained.encode_documents(texts), short.encode_documents(texts)
    assert found.dim == 16
    assert found.word_ids.tolist() == whole.word_ids.tolist()
    lengths = [np.linalg.norm(words.vectors, axis=1) for words in (whole, found)]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=1e-4)


def test_words_are_counted_as_they_are_pooled(encoder: Encoder, sentences: list[str]) -> None:
    texts = [*TEXTS, *sentences, " ".join(f"w{number}" for number in range(400))]  # the last is cut
    assert encoder.count_words(iter(texts)).tolist() == encoder.encode_documents(texts).counts.tolist()
    assert encoder.count_words([]).tolist() == []
    assert not encoder.has_stop_word_gate  # every word is stored


def test_words_are_counted_before_the_gate_removes_some(trained: Encoder, encoder: Encoder) -> None:
    assert trained.has_stop_word_gate
    text = "The genes of the honey bee, and of other insects, are known: they tell how a queen is made of a larva."
    assert trained.count_words([text]).tolist() == encoder.encode_documents([text]).counts.tolist()
    assert trained.encode_documents([text]).counts[0] < trained.count_words([text])[0]


def test_special_tokens_count_where_they_are_kept(foreign: MultiVectorEncoder) -> None:
    encoder = Encoder(foreign).with_words()
    assert encoder.count_words(TEXTS).tolist() == encoder.encode_documents(TEXTS).counts.tolist()


def test_words_of_a_model_without_words_can_not_be_counted(foreign: MultiVectorEncoder) -> None:
    with pytest.raises(InputError, match="knows no whole words"):
        Encoder(foreign).count_words(["bees"])
