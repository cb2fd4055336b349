from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.index import InputError, WordhiveError
from wordhive.retrieval.checkpoints import loading, model_places
from wordhive.retrieval.checkpoints.loading import load_base, load_model, save_model
from wordhive.retrieval.checkpoints.model_places import find_base, sha256, shipped_models
from wordhive.retrieval.encoder import Encoder

TRANSFORMER = "sentence_transformers.base.modules.transformer.Transformer"
SCORE_MIX = "wordhive.retrieval.modules.ScoreMix"


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that appears when the importable module `evil_module` or `evil.module` runs."""
    mark = tmp_path / "ran"
    code = f"open({str(mark)!r}, 'w').close()\nclass Thing: pass\n"
    (tmp_path / "evil_module.py").write_text(code, encoding="utf-8")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "__init__.py").write_text(code, encoding="utf-8")
    (tmp_path / "evil" / "module.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return mark


def model_folder(folder: Path, *types: str, model_type: str | None = None) -> str:
    folder.mkdir(parents=True)
    entries = []
    for number, type in enumerate(types):
        entries.append({"idx": number, "name": str(number), "path": f"{number}_Module", "type": type})
        (folder / f"{number}_Module").mkdir()
        (folder / f"{number}_Module" / "config.json").write_text('{"summary_weight": 0.5}', encoding="utf-8")
    write_json(folder / "modules.json", entries)
    if model_type is not None:
        write_json(folder / "config_sentence_transformers.json", {"model_type": model_type})
    return str(folder)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def one_line(raised: pytest.ExceptionInfo[WordhiveError]) -> str:
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("foreign", ["os.system", "evil_module.Thing", "evil.module.Thing", "builtins.eval"])
def test_a_foreign_class_beside_ours_is_refused_and_not_imported(tmp_path: Path, trap: Path, foreign: str) -> None:
    folder = model_folder(tmp_path / "model", foreign, SCORE_MIX)
    with pytest.raises(InputError) as raised:
        load_model(folder)
    assert f"asks for the class {foreign!r}" in one_line(raised)
    assert not trap.exists()
    assert not {"evil", "evil.module", "evil_module"} & set(sys.modules)


@pytest.mark.parametrize("foreign", ["os.system", "evil_module.Thing", "evil.module.Thing"])
def test_a_folder_of_only_foreign_classes_is_refused_and_not_imported(tmp_path: Path, trap: Path, foreign: str) -> None:
    with pytest.raises(InputError):
        load_model(model_folder(tmp_path / "model", foreign))
    assert not trap.exists()
    assert not {"evil", "evil.module", "evil_module"} & set(sys.modules)


def test_a_foreign_class_in_a_multi_vector_model_is_not_imported(tmp_path: Path, trap: Path) -> None:
    folder = model_folder(tmp_path / "model", "evil.module.Thing", model_type="MultiVectorEncoder")
    with pytest.raises(ValueError, match=r"evil\.module\.Thing"):
        load_model(folder)
    assert not trap.exists()
    assert not {"evil", "evil.module"} & set(sys.modules)


def test_a_foreign_class_in_a_multi_vector_model_is_an_input_error(tmp_path: Path, trap: Path) -> None:
    folder = model_folder(tmp_path / "model", "evil.module.Thing", model_type="MultiVectorEncoder")
    with pytest.raises(InputError) as raised:
        load_model(folder)
    assert "evil.module.Thing" in one_line(raised)


@pytest.mark.parametrize(
    "reference",
    [
        "wordhive.cli.main.main",
        "wordhive.retrieval.words.WordTable",
        "wordhive.retrieval.modules.np",
        "wordhive.retrieval.modules.InputError",
        "wordhive.retrieval.modules.NotYet",
        "wordhive.retrieval.modules.",
        "sentence_transformers.base.model.os.system",
        "sentence_transformersevil.Thing",
    ],
)
def test_a_reference_that_is_no_module_class_is_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(InputError) as raised:
        load_model(model_folder(tmp_path / "model", reference, SCORE_MIX))
    assert repr(reference) in one_line(raised)


@pytest.mark.parametrize("content", ["{broken", '[{"idx": 0, "name": "0", "path": ""}]', "[7]"])
def test_a_damaged_module_list_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "modules.json").write_text(content, encoding="utf-8")
    with pytest.raises(WordhiveError) as raised:
        load_model(str(tmp_path))
    assert "modules.json" in one_line(raised)


def folder_with_code(folder: Path, mark: Path) -> Path:
    folder.mkdir()
    auto_map = {"AutoConfig": "configuration.Config", "AutoModel": "configuration.Model"}
    write_json(
        folder / "config.json",
        {"model_type": "sneaky", "architectures": ["SneakyForRetrieval"], "auto_map": auto_map},
    )
    (folder / "configuration.py").write_text(
        f"open({str(mark)!r}, 'w').close()\n"
        "from transformers import PretrainedConfig, PreTrainedModel\n"
        "class Config(PretrainedConfig):\n    model_type = 'sneaky'\n"
        "class Model(PreTrainedModel):\n    config_class = Config\n",
        encoding="utf-8",
    )
    return folder


def test_code_that_comes_with_a_model_never_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    folder = folder_with_code(tmp_path / "plain", mark)
    own = folder_with_code(tmp_path / "own", mark)
    write_json(own / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": TRANSFORMER},
                                      {"idx": 1, "name": "1", "path": "", "type": SCORE_MIX}])  # fmt: skip
    for load in (lambda: load_model(str(folder)), lambda: load_base(str(folder)), lambda: load_model(str(own))):
        with pytest.raises((ValueError, WordhiveError), match=r"custom code|plain|own"):
            load()
    assert not mark.exists()


def test_a_model_that_needs_its_own_code_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = folder_with_code(tmp_path / "plain", tmp_path / "ran")
    with pytest.raises(WordhiveError) as raised:
        load_base(str(folder))
    assert str(folder) in one_line(raised)


def test_a_single_vector_model_says_wordhive_fit(packaged_folder: Path) -> None:
    with pytest.raises(InputError) as raised:
        load_model(str(packaged_folder))
    message = one_line(raised)
    assert "gives one vector a text, not one a word" in message
    assert f"wordhive fit {packaged_folder} --texts FILE --to FOLDER" in message


def test_a_bare_transformer_says_wordhive_fit(tiny_base: Path) -> None:
    with pytest.raises(InputError, match=f"wordhive fit {tiny_base} --texts FILE"):
        load_model(str(tiny_base))


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_a_packaged_single_vector_model_says_wordhive_fit(name: str) -> None:
    with pytest.raises(InputError, match=f"wordhive fit {name}"):
        load_model(name)


@pytest.mark.parametrize("name", ["./nothing", "~/nothing/at/all", "/no/such/folder"])
def test_a_missing_folder_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no model folder at") as raised:
        load_model(name)
    assert "wordhive-minilm-128" in one_line(raised)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        load_model(str(tmp_path))
    assert str(tmp_path) in one_line(raised)


@pytest.mark.parametrize("load", [load_model, load_base])
@pytest.mark.parametrize("name", ["nobody/never-was", "never-was", "a/b/c"])
def test_an_unknown_hub_name_fails_quickly_and_in_one_line_when_offline(load: Any, name: str) -> None:
    start = time.monotonic()
    with pytest.raises(WordhiveError, match=name) as raised:
        load(name)
    one_line(raised)
    assert time.monotonic() - start < 10


def test_a_hub_out_of_reach_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(loading, "load_file_path", unreachable)
    with pytest.raises(WordhiveError, match="cannot load the model 'some/model'") as raised:
        load_model("some/model")
    assert not isinstance(raised.value, InputError)
    one_line(raised)


def test_the_shipped_model_is_listed() -> None:
    assert "wordhive-minilm-128" in shipped_models()


def test_a_folder_may_be_named_with_a_tilde(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny_folder.parent))
    assert isinstance(load_model("~/model", "cpu"), MultiVectorEncoder)


def test_packaged_weights_are_found_under_both_names(packaged_folder: Path) -> None:
    assert find_base("all-MiniLM-L6-v2") == str(packaged_folder)
    assert find_base("sentence-transformers/all-MiniLM-L6-v2") == str(packaged_folder)


def test_other_base_names_stay_hub_names() -> None:
    assert find_base("nobody/never-was") == "nobody/never-was"
    assert find_base("some-model") == "some-model"


def test_a_local_folder_goes_before_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all-MiniLM-L6-v2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Path(find_base("all-MiniLM-L6-v2")).samefile(tmp_path / "all-MiniLM-L6-v2")


def test_tampered_packaged_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_places, "sha256", lambda path: "0" * 64)
    for load in (lambda: find_base("all-MiniLM-L6-v2"), lambda: load_model("wordhive-minilm-128")):
        with pytest.raises(WordhiveError, match="have SHA-256 000000000000…, expected 53aa51172d14…") as raised:
            load()
        assert "install that package again" in one_line(raised)


def test_the_packaged_weights_are_the_published_ones(packaged_folder: Path) -> None:
    found = sha256(packaged_folder / "model.safetensors")
    assert found == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_a_base_without_a_transformer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no transformer \(no config\.json\)"):
        load_base(str(tmp_path))


def test_a_light_model_whose_base_is_gone_is_refused(tiny_encoder: Encoder, tiny_base: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_base, tmp_path / "gone")
    tiny_encoder.save(tmp_path / "light", base=str(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(WordhiveError) as raised:
        load_model(str(tmp_path / "light"))
    assert str(tmp_path / "gone") in one_line(raised)


def test_a_light_model_needs_its_base_to_be_saved(tiny_encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(WordhiveError) as raised:
        tiny_encoder.save(tmp_path / "light", base="some/base")
    assert "some/base" in one_line(raised)
    assert not (tmp_path / "light").exists()


def test_a_saved_model_names_only_modules_that_can_be_loaded(
    tiny_encoder: Encoder, tiny_base: Path, tmp_path: Path
) -> None:
    for name, base in (("full", None), ("light", str(tiny_base))):
        save_model(tiny_encoder.model, tmp_path / name, base)
        entries = json.loads((tmp_path / name / "modules.json").read_text(encoding="utf-8"))
        assert [entry["type"].rpartition(".")[2] for entry in entries] == [
            "Transformer", "Pooling", "Normalize", "WholeWordPooling", "Dense", "Normalize", "ScoreMix"
        ]  # fmt: skip
        assert all(entry["type"].startswith(("sentence_transformers.", "wordhive.")) for entry in entries)


def test_transformers_bars_are_shown_again_after_loading(tiny_folder: Path) -> None:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    try:
        logging.enable_progress_bar()
        load_model(str(tiny_folder), "cpu")
        assert logging.is_progress_bar_enabled()
        with pytest.raises(InputError):
            load_model("/no/such/folder")
        assert logging.is_progress_bar_enabled()
    finally:
        if not shown:
            logging.disable_progress_bar()
