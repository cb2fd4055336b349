"""Models that are saved, and the fingerprint that tells them apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import MultiVectorEncoder

from wordhive.index import InputError, WordVectors
from wordhive.retrieval.encoder import Encoder

from .conftest import TEXTS, assert_same


def test_a_saved_model_gives_the_same_vectors_and_fingerprint(
    tiny_base: Path, sentences: list[str], tmp_path: Path
) -> None:
    fitted = Encoder.fit(str(tiny_base), sentences, dim=8, stem="porter", summary_weight=0.5, device="cpu")
    fitted.save(tmp_path / "full")
    loaded = Encoder.load(str(tmp_path / "full"), device="cpu")
    assert_same(loaded.encode_documents(sentences), fitted.encode_documents(sentences), 1e-6)
    assert loaded.fingerprint == fitted.fingerprint
    assert loaded.summary_weight == 0.5
    assert not list((tmp_path / "full").rglob("*.bin"))


def test_a_light_model_holds_no_transformer_and_gives_the_same(
    tiny_base: Path, sentences: list[str], tmp_path: Path
) -> None:
    fitted = Encoder.fit(str(tiny_base), sentences, dim=8, device="cpu")
    fitted.save(tmp_path / "light", base=str(tiny_base))
    loaded = Encoder.load(str(tmp_path / "light"), device="cpu")
    assert_same(loaded.encode_documents(sentences), fitted.encode_documents(sentences), 1e-6)
    assert loaded.fingerprint == fitted.fingerprint
    weights = [path.relative_to(tmp_path / "light").as_posix() for path in tmp_path.rglob("*.safetensors")]
    assert weights == ["4_Dense/model.safetensors"]


def test_the_shipped_model_survives_saving(encoder: Encoder, encoded: WordVectors, tmp_path: Path) -> None:
    encoder.save(tmp_path / "light", base="sentence-transformers/all-MiniLM-L6-v2")
    loaded = Encoder.load(str(tmp_path / "light"), device="cpu")
    assert loaded.fingerprint == encoder.fingerprint
    assert_same(loaded.encode_documents(TEXTS), encoded)


def test_lengths_survive_saving(tiny_base: Path, sentences: list[str], tmp_path: Path) -> None:
    fitted = Encoder.fit(str(tiny_base), sentences, dim=8, device="cpu")
    fitted.model[0].document_length = 7
    fitted.save(tmp_path / "light", base=str(tiny_base))
    fitted.save(tmp_path / "full")
    expected = fitted.encode_documents(sentences)
    for name in ("light", "full"):
        assert_same(Encoder.load(str(tmp_path / name), device="cpu").encode_documents(sentences), expected, 1e-6)


def test_saving_over_something_is_refused(tiny_encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="is not empty; choose another folder"):
        tiny_encoder.save(tmp_path)


def test_the_fingerprint_is_64_hexadecimal_digits(tiny_encoder: Encoder) -> None:
    assert len(bytes.fromhex(tiny_encoder.fingerprint)) == 32
    assert tiny_encoder.stamp.fingerprint == tiny_encoder.fingerprint
    assert tiny_encoder.stamp.name == tiny_encoder.name


def scale_a_weight(model: MultiVectorEncoder) -> None:
    with torch.no_grad():
        next(model.parameters())[3, 5] += 0.1


def shorten_documents(model: MultiVectorEncoder) -> None:
    model[0].document_length = 20


def shorten_texts(model: MultiVectorEncoder) -> None:
    model[0].max_seq_length = 30


def lengthen_expansion(model: MultiVectorEncoder) -> None:
    model[0].query_expansion = {"strategy": "fixed", "attend": False, "length": 20}


def change_prompt(model: MultiVectorEncoder) -> None:
    model.prompts["query"] = "question: "


def skip_commas(model: MultiVectorEncoder) -> None:
    model[2].skiplist_words = [","]


@pytest.mark.parametrize(
    "change", [scale_a_weight, shorten_documents, shorten_texts, lengthen_expansion, change_prompt, skip_commas]
)
def test_the_fingerprint_tells_models_apart(
    make_foreign: Callable[..., MultiVectorEncoder], change: Callable[[MultiVectorEncoder], None]
) -> None:
    model = make_foreign()
    before = Encoder(model).fingerprint
    assert Encoder(make_foreign()).fingerprint == before
    change(model)
    assert Encoder(model).fingerprint != before


@pytest.mark.parametrize(("option", "value"), [("stem", "porter"), ("summary_weight", 0.3), ("dim", 9)])
def test_the_fingerprint_covers_what_was_fitted(
    tiny_base: Path, sentences: list[str], option: str, value: str | float
) -> None:
    options: dict[str, Any] = {"dim": 8, "stem": None, "summary_weight": 0.8, "device": "cpu"}
    plain = Encoder.fit(str(tiny_base), sentences, **options)
    assert Encoder.fit(str(tiny_base), sentences, **options).fingerprint == plain.fingerprint
    assert Encoder.fit(str(tiny_base), sentences, **{**options, option: value}).fingerprint != plain.fingerprint


def test_the_fingerprint_does_not_depend_on_precision(foreign: MultiVectorEncoder) -> None:
    assert len({Encoder(foreign, precision=p).fingerprint for p in ("auto", "float32", "bfloat16")}) == 1  # type: ignore[arg-type]
