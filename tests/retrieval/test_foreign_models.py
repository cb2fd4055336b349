"""Models that know nothing of wordhive, as they are and with words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder, SentenceTransformer

from wordhive.index import InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.words import word_identity

from .conftest import assert_same

FOREIGN_TEXTS = ["bees dance", "", "ants follow the scent, ants follow honey"]
FOREIGN_QUERIES = ["bees dance", "", "ants follow"]


def test_a_foreign_model_works_as_it_is(foreign: MultiVectorEncoder) -> None:
    encoder = Encoder(foreign, precision="float32")
    for words, expected in (
        (encoder.encode_documents(FOREIGN_TEXTS), foreign.encode_document(FOREIGN_TEXTS, convert_to_numpy=True)),
        (encoder.encode_queries(FOREIGN_QUERIES), foreign.encode_query(FOREIGN_QUERIES, convert_to_numpy=True)),
    ):
        assert words.counts.tolist() == [len(vectors) for vectors in expected]
        np.testing.assert_allclose(words.vectors, np.concatenate(expected), atol=1e-5)
        assert set(words.word_ids.tolist()) == {0}
        assert words.summary is None
    assert encoder.summary_weight == 0


def test_a_foreign_models_queries_are_expanded(foreign: MultiVectorEncoder) -> None:
    assert Encoder(foreign).encode_queries(["bees", "ants dance"]).counts.tolist() == [16, 16]


def test_a_foreign_model_with_words_pools_its_own_token_vectors(foreign: MultiVectorEncoder) -> None:
    text = "honey ants honey"
    tokens = Encoder(foreign, precision="float32").encode_documents([text]).vectors
    words = Encoder(foreign, precision="float32").with_words().encode_documents([text])
    assert len(tokens) == 7  # [CLS] document : honey ants honey [SEP]
    expected = np.stack([*tokens[:3], (tokens[3] + tokens[5]) / 2, tokens[4], tokens[6]])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(words.vectors, expected, atol=1e-5)
    forms = ["document", ":", "honey", "ants"]
    assert words.word_ids.tolist() == [0, *(word_identity(form) for form in forms), 0]
    assert words.summary is None


def test_a_foreign_model_with_words_keeps_its_query_expansion(foreign: MultiVectorEncoder) -> None:
    words = Encoder(foreign).with_words().encode_queries(["bees bees"])
    assert words.counts.tolist() == [15]
    assert (words.word_ids == 0).sum() == 12


def test_with_words_leaves_the_model_as_it_was(make_foreign: Callable[..., MultiVectorEncoder]) -> None:
    encoder = Encoder(make_foreign())
    fingerprint, before = Encoder(encoder.model).fingerprint, encoder.encode_documents(FOREIGN_TEXTS)
    pooled = encoder.with_words()
    assert pooled.fingerprint != fingerprint
    assert Encoder(encoder.model).fingerprint == fingerprint
    assert_same(encoder.encode_documents(FOREIGN_TEXTS), before, 1e-6)


def test_with_words_keeps_prompts_and_extends_the_name(foreign: MultiVectorEncoder) -> None:
    pooled = Encoder(foreign, name="some/colbert").with_words()
    assert pooled.name == "some/colbert+words"
    assert pooled.model.prompts == foreign.prompts


def test_a_whole_word_model_with_words_is_refused(tiny_encoder: Encoder) -> None:
    with pytest.raises(InputError, match="already gives one vector a whole word; leave out words=True"):
        tiny_encoder.with_words()


def test_a_saved_foreign_model_is_loaded_by_its_folder(foreign: MultiVectorEncoder, tmp_path: Path) -> None:
    foreign.save(str(tmp_path / "colbert"), create_model_card=False)
    loaded = Encoder.load(str(tmp_path / "colbert"), device="cpu")
    assert_same(loaded.encode_queries(FOREIGN_TEXTS), Encoder(foreign).encode_queries(FOREIGN_TEXTS), 1e-6)
    assert loaded.fingerprint == Encoder(foreign).fingerprint
    pooled = Encoder.load(str(tmp_path / "colbert"), words=True, device="cpu")
    assert_same(pooled.encode_documents(FOREIGN_TEXTS), Encoder(foreign).with_words().encode_documents(FOREIGN_TEXTS))


def test_a_pooled_foreign_model_survives_saving(foreign: MultiVectorEncoder, tmp_path: Path) -> None:
    pooled = Encoder(foreign).with_words()
    pooled.save(tmp_path / "pooled")
    loaded = Encoder.load(str(tmp_path / "pooled"), device="cpu")
    assert loaded.fingerprint == pooled.fingerprint
    assert_same(loaded.encode_documents(FOREIGN_TEXTS), pooled.encode_documents(FOREIGN_TEXTS), 1e-6)


@pytest.mark.parametrize("bad", [7, None, "wordhive-minilm-32"])
def test_an_object_that_is_no_multi_vector_encoder_is_refused(bad: Any) -> None:
    with pytest.raises(InputError, match=f"model is a {type(bad).__name__}; expected a sentence_transformers.Multi"):
        Encoder(bad)


def test_a_single_vector_model_object_is_refused(tiny_base: Path) -> None:
    model = SentenceTransformer(str(tiny_base), device="cpu")
    with pytest.raises(InputError, match="model is a SentenceTransformer; expected"):
        Encoder.of(model)  # type: ignore[arg-type]


def test_of_takes_an_encoder_a_model_or_a_name(
    tiny_encoder: Encoder, tiny_folder: Path, foreign: MultiVectorEncoder
) -> None:
    assert Encoder.of(tiny_encoder) is tiny_encoder
    assert Encoder.of(foreign).model is foreign
    assert Encoder.of(foreign).name == "custom"
    assert Encoder.of(str(tiny_folder)).fingerprint == tiny_encoder.fingerprint
