"""Published ColBERTer checkpoints, against their rules written down slowly and from the text itself."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoTokenizer, DistilBertConfig, DistilBertModel, PreTrainedTokenizerBase

from wordhive.index import IndexConfig, InputError, WordhiveError
from wordhive.retrieval.checkpoints.colberter import is_colberter
from wordhive.retrieval.checkpoints.loading import load_model
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever

HIDDEN, SUMMARY, WORD = 24, 12, 8
TEXTS = [
    "Bees dance; the bee that dances tells where flowers are. Bees!",
    "Ants follow the scent of ants and of honey",
    "the the the",
    "dancing (dance) danced",
    "Queens, queen-bees: the hive's own.",
    "ho.",
]
QUERIES = ["Why do bees dance?", "the scent of HONEY", "flower dancing flower"]
# What Porter's rules make of the words above; of all others nothing else than lower case.
STEMS = {
    "bees": "bee", "dance": "danc", "dances": "danc", "dancing": "danc", "danced": "danc", "tells": "tell",
    "where": "where", "flowers": "flower", "are": "ar", "ants": "ant", "scent": "scent", "honey": "honei",
    "queens": "queen", "hive": "hive", "why": "why", "s": "s",
}  # fmt: skip

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Published:
    """A checkpoint in the published layout, and what is in it."""

    folder: Path
    base: Path
    config: dict[str, Any]
    weights: Weights


@pytest.fixture(scope="module")
def base(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DistilBERT of two layers, with a tokenizer."""
    folder: Path = tmp_path_factory.mktemp("tiny-distilbert")
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    config = DistilBertConfig(
        vocab_size=len(tokenizer), dim=HIDDEN, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=64,
        initializer_range=0.2,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(5)
        DistilBertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def publish(folder: Path, base: Path, *, gate_bias: float = 2.65, **changes: Any) -> Published:
    """A checkpoint of random weights, in the layout of the hub; its transformer is not the base's."""
    config = {
        "aggregate_unique_ids": True,
        "architectures": ["ColBERTer"],
        "bert_model": str(base),
        "compress_to_exact_mini_mode": False,
        "compression_dim": WORD,
        "dual_loss": True,
        "model_type": "ColBERT",
        "retrieval_compression_dim": SUMMARY,
        "return_vecs": False,
        "second_compress_dim": -1,
        "torch_dtype": "float32",
        "trainable": True,
        "transformers_version": "4.12.0",
        "use_contextualized_stopwords": True,
        **changes,
    }
    random = torch.Generator().manual_seed(11)

    def draw(*shape: int, scale: float = 0.3) -> Tensor:
        return torch.randn(*shape, generator=random) * scale

    names = DistilBertModel.from_pretrained(base).state_dict()
    weights = {f"bert_model.{name}": old + draw(*old.shape, scale=0.1) for name, old in names.items()}
    weights["score_merger"] = torch.tensor([0.4])
    weights["compressor.weight"], weights["compressor.bias"] = draw(WORD, HIDDEN), draw(WORD)
    weights["compressor_retrieval.weight"], weights["compressor_retrieval.bias"] = draw(SUMMARY, HIDDEN), draw(SUMMARY)
    if config["use_contextualized_stopwords"]:
        weights["stop_word_reducer.weight"], weights["stop_word_reducer.bias"] = (
            draw(1, WORD),
            torch.tensor([gate_bias]),
        )
    if config["second_compress_dim"] > 0:
        last = config["second_compress_dim"]
        weights["mini_compressor.weight"], weights["mini_compressor.bias"] = draw(last, WORD), draw(last)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save(weights, folder / "pytorch_model.bin")
    return Published(folder, base, config, weights)


# The rules, for one text at a time.


@dataclass(frozen=True)
class Encoded:
    """A text as the rules encode it: its words by their forms, those that were removed left out."""

    words: dict[str, Tensor]
    summary: Tensor
    removed: set[str]


class Rules:
    def __init__(self, published: Published, *, stems: bool) -> None:
        self.config, self.weights, self.stems = published.config, published.weights, stems
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(published.base)
        self.bert = DistilBertModel(DistilBertConfig.from_pretrained(published.base)).eval()
        own = {name: tensor for name, tensor in published.weights.items() if name.startswith("bert_model.")}
        self.bert.load_state_dict({name.removeprefix("bert_model."): tensor for name, tensor in own.items()})

    def linear(self, name: str, vector: Tensor) -> Tensor:
        return self.weights[f"{name}.weight"] @ vector + self.weights[f"{name}.bias"]

    def form(self, word: str) -> str:
        return STEMS.get(word.lower(), word.lower()) if self.stems else word.lower()

    @torch.inference_mode()
    def encode(self, text: str, *, document: bool) -> Encoded:
        tokens = self.tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        hidden = self.bert(tokens["input_ids"], attention_mask=tokens["attention_mask"])[0][0]
        summary = self.linear("compressor_retrieval", hidden[0])
        pieces: dict[str, list[Tensor]] = {}
        # A word of letters, or one mark; a piece belongs to the word whose characters it lies in.
        spans = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
        for vector, (start, end) in list(zip(hidden, tokens["offset_mapping"][0].tolist(), strict=True))[1:-1]:
            first, last = next((a, b) for a, b in spans if a <= start and end <= b)
            pieces.setdefault(self.form(text[first:last]), []).append(self.linear("compressor", vector))
        words, removed = {}, set()
        for form, vectors in pieces.items():
            vector = torch.stack(vectors).mean(dim=0)
            if document and self.config["use_contextualized_stopwords"]:
                gate = max(0.0, float(self.linear("stop_word_reducer", vector)))
                if gate == 0:
                    removed.add(form)
                    continue
                vector = gate * vector
            words[form] = vector if self.config["second_compress_dim"] < 0 else self.linear("mini_compressor", vector)
        return Encoded(words, summary, removed)

    def score(self, query: Encoded, document: Encoded) -> float:
        weight = 1 / (1 + np.exp(-float(self.weights["score_merger"])))
        words = 0.0
        for form, vector in query.words.items() if document.words else ():
            products = {other: float(vector @ own) for other, own in document.words.items()}
            if self.config["compress_to_exact_mini_mode"]:
                words += max(0.0, products.get(form, 0.0))
            else:
                words += max(products.values())
        return float(weight * float(query.summary @ document.summary) + (1 - weight) * words)


KINDS = {
    "colberter-128-32": {},
    "uni-colberter-128-1": {"second_compress_dim": 1, "compress_to_exact_mini_mode": True},
    "16 dims, all words": {"second_compress_dim": 4},
    "without a gate": {"use_contextualized_stopwords": False},
}


@pytest.fixture(scope="module", params=[*KINDS])
def published(request: pytest.FixtureRequest, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return publish(tmp_path_factory.mktemp("published") / "model", base, **KINDS[request.param])


@pytest.fixture(scope="module")
def encoder(published: Published) -> Encoder:
    return Encoder.load(published.folder, device="cpu")


def identity(form: str) -> int:
    return int.from_bytes(hashlib.sha256(form.encode()).digest()[:4], "little")


@pytest.mark.parametrize("document", [True, False])
def test_texts_are_encoded_by_the_published_rules(published: Published, encoder: Encoder, document: bool) -> None:
    rules = Rules(published, stems=True)
    texts = TEXTS if document else QUERIES
    found = encoder.encode_documents(texts) if document else encoder.encode_queries(texts)
    assert found.summary is not None
    for i, text in enumerate(texts):
        expected, own = rules.encode(text, document=document), found[i : i + 1]
        torch.testing.assert_close(torch.from_numpy(found.summary[i]), expected.summary, atol=1e-5, rtol=1e-4)
        held = dict(zip(own.word_ids.tolist(), own.vectors, strict=True))
        assert set(held) == {identity(form) for form in expected.words}
        for form, vector in expected.words.items():
            np.testing.assert_allclose(held[identity(form)], vector.numpy(), atol=1e-5)


def test_the_gate_removes_some_words_of_documents_and_none_of_queries(published: Published, encoder: Encoder) -> None:
    rules = Rules(published, stems=True)
    documents = [rules.encode(text, document=True) for text in TEXTS]
    removed = sum(len(document.removed) for document in documents)
    gated = published.config["use_contextualized_stopwords"]
    assert (removed > 5) == gated
    assert sum(len(document.words) for document in documents) > 5
    assert all(not rules.encode(text, document=False).removed for text in QUERIES)


@pytest.mark.parametrize("candidates", ["all", 6])
def test_documents_are_found_by_the_published_score(
    published: Published, encoder: Encoder, tmp_path: Path, candidates: Any
) -> None:
    config = IndexConfig.load("summary").model_copy(
        update={"codec": "Flat", "summary_codec": "Flat", "candidates": "Flat"}
    )
    retriever = Retriever.create(tmp_path / "x.hive", encoder, config=config)
    retriever.add([(str(number), text) for number, text in enumerate(TEXTS)])
    assert retriever.index.settings.exact_match == published.config["compress_to_exact_mini_mode"]
    rules = Rules(published, stems=True)
    documents = [rules.encode(text, document=True) for text in TEXTS]
    for text, hits in zip(QUERIES, retriever.search(QUERIES, k=len(TEXTS), candidates=candidates), strict=True):
        query = rules.encode(text, document=False)
        expected = {str(number): rules.score(query, document) for number, document in enumerate(documents)}
        assert len(hits) == len(TEXTS)
        for hit in hits:
            assert hit.score == pytest.approx(expected[hit.id], abs=1e-4)


def test_a_document_of_stop_words_has_no_words_and_its_summary(base: Path, tmp_path: Path) -> None:
    made = publish(tmp_path / "model", base, gate_bias=-100.0)
    retriever = Retriever.create(
        tmp_path / "x.hive", made.folder, config=IndexConfig(codec="Flat", summary_codec="Flat", encoding=None)
    )
    retriever.add(TEXTS)
    assert retriever.index.info().n_words == 0
    assert all(hit.words_score == 0 != hit.summary_score for hit in retriever.search("honey", k=6))


def test_words_are_lower_cased_where_the_checkpoint_says_so(base: Path, tmp_path: Path) -> None:
    lower = publish(tmp_path / "lower", base, aggregate_unique_ids_type="lower", use_contextualized_stopwords=False)
    rules = Rules(lower, stems=False)
    found = Encoder.load(lower.folder, device="cpu").encode_documents(TEXTS)
    for i, text in enumerate(TEXTS):
        expected = rules.encode(text, document=True).words
        held = dict(zip(found[i : i + 1].word_ids.tolist(), found[i : i + 1].vectors, strict=True))
        assert set(held) == {identity(form) for form in expected}
        for form, vector in expected.items():
            np.testing.assert_allclose(held[identity(form)], vector.numpy(), atol=1e-5)


def test_a_saved_one_is_an_ordinary_model(published: Published, encoder: Encoder, tmp_path: Path) -> None:
    encoder.save(tmp_path / "saved")
    again = Encoder.load(tmp_path / "saved", device="cpu")
    assert again.fingerprint == encoder.fingerprint
    assert again.exact_match == encoder.exact_match
    assert again.summary_weight == encoder.summary_weight == pytest.approx(1 / (1 + np.exp(-0.4)))
    for name in ("vectors", "offsets", "word_ids", "summary"):
        np.testing.assert_array_equal(
            getattr(again.encode_documents(TEXTS), name), getattr(encoder.encode_documents(TEXTS), name)
        )


def test_its_index_opens_by_name(base: Path, tmp_path: Path) -> None:
    uni = publish(tmp_path / "uni", base, **KINDS["uni-colberter-128-1"])
    with Retriever.create(tmp_path / "x.hive", str(uni.folder)) as retriever:
        assert retriever.index.settings.config == IndexConfig.load("summary")
        retriever.add(TEXTS)
    assert len(Retriever.open(tmp_path / "x.hive").search("honey", k=2)) == 2


def test_weights_in_safetensors_are_read_as_well(base: Path, tmp_path: Path) -> None:
    made = publish(tmp_path / "model", base)
    expected = Encoder.load(made.folder, device="cpu").encode_documents(TEXTS)
    save_file(made.weights, made.folder / "model.safetensors")
    (made.folder / "pytorch_model.bin").unlink()
    found = Encoder.load(made.folder, device="cpu").encode_documents(TEXTS)
    np.testing.assert_array_equal(found.vectors, expected.vectors)


def test_a_table_of_positions_among_the_weights_is_no_weight(base: Path, tmp_path: Path) -> None:
    made = publish(tmp_path / "model", base)
    positions = {"bert_model.embeddings.position_ids": torch.arange(64)[None]}
    torch.save({**made.weights, **positions}, made.folder / "pytorch_model.bin")
    load_model(str(made.folder), device="cpu")


class Trap:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return open, (str(self.mark), "w")


def test_pickled_code_is_not_run(base: Path, tmp_path: Path) -> None:
    made = publish(tmp_path / "model", base)
    torch.save({**made.weights, "evil": Trap(tmp_path / "ran")}, made.folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot load the model"):
        load_model(str(made.folder), device="cpu")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"second_compress_dim": 2}, "has no weights 'mini_compressor.bias', unlike a ColBERTer with this config.json"),
        ({"use_contextualized_stopwords": False}, "has weights 'stop_word_reducer.bias', unlike"),
        ({"compression_dim": -1}, "has no compression_dim"),
        ({"compression_dim": "32"}, "has compression_dim '32'; expected a number from 1"),
        ({"second_compress_dim": 0}, "has second_compress_dim 0; expected"),
        ({"aggregate_unique_ids": False}, "gives vectors of tokens, not of words"),
        ({"aggregate_unique_ids_type": "klingon"}, "aggregate_unique_ids_type 'klingon'; expected stemmed or lower"),
        ({"bert_model": 7}, "has bert_model 7; expected the name of a transformer"),
    ],
)
def test_a_damaged_checkpoint_is_named(base: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    made = publish(tmp_path / "model", base)
    (made.folder / "config.json").write_text(json.dumps({**made.config, **changes}), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_model(str(made.folder), device="cpu")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_dims_that_disagree_with_the_weights_are_one_line(base: Path, tmp_path: Path) -> None:
    made = publish(tmp_path / "model", base)
    (made.folder / "config.json").write_text(json.dumps({**made.config, "compression_dim": 9}), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_model(str(made.folder), device="cpu")
    assert "size mismatch" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("missing", ["pytorch_model.bin", "base"])
def test_what_is_missing_is_an_error_of_one_line(base: Path, tmp_path: Path, missing: str) -> None:
    made = publish(tmp_path / "model", base)
    if missing == "base":
        config = {**made.config, "bert_model": "nobody/has-this"}
        (made.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    else:
        (made.folder / missing).unlink()
    with pytest.raises(WordhiveError) as raised:
        load_model(str(made.folder), device="cpu")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "config",
    [
        None,
        [],
        {},
        {"architectures": ["BertModel"]},
        {"architectures": ["ColBERT"], "bert_model": "b", "compression_dim": 768},
    ],
)
def test_other_models_are_not_taken_for_one(config: Any) -> None:
    assert not is_colberter(config)
