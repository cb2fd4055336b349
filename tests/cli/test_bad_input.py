"""Bad input is one clear line and an exit code, and leaves nothing half-written."""

from __future__ import annotations

import errno
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import BEES, Outcome, Run


def _refused(outcome: Outcome, *said: str, code: int = 2) -> None:
    assert outcome.code == code
    lines = outcome.err.strip().splitlines()
    assert lines[-1].startswith("error: ")
    assert sum(line.startswith("error: ") for line in lines) == 1
    assert "Traceback" not in outcome.err
    for words in said:
        assert words in outcome.err


FAULTS = {
    "empty": (b"", "holds no document"),
    "only blank lines": (b"\n\n", "holds no document"),
    "no text": (b'{"_id": "a"}\n', ":1: 'a' has no text"),
    "no id": (b'{"text": "b"}\n', ":1: no id"),
    "twice": (b'{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n', "'a' is there twice"),
    "U+0000 in an attribute": (
        b'{"_id": "a", "text": "x"}\n{"_id": "b", "text": "x", "y": "\\u0000"}\n',
        ":2: an attribute",
    ),
    "no JSON": (b'{"_id": "a", "text": "x"}\nbees\n', ":2: not JSON"),
    "no object": (b"[1, 2]\n", ":1: a list"),
    "not UTF-8": (b'{"_id": "a", "text": "caf\xe9"}\n', ":1: not UTF-8"),
    "a book": (json.dumps({"_id": "big", "text": "bee " * 3_000_000}).encode(), "document 'big' has"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_documents_are_refused_with_their_line(run: Run, tmp_path: Path, fault: str) -> None:
    content, said = FAULTS[fault]
    source, target = tmp_path / "docs.jsonl", tmp_path / "my.hive"
    source.write_bytes(content)
    _refused(run("index", source, "--to", target), said)
    assert not target.exists()


def test_a_missing_file_is_named(run: Run, tmp_path: Path) -> None:
    _refused(run("index", tmp_path / "nowhere.jsonl", "--to", tmp_path / "my.hive"), "no file at", "nowhere.jsonl")


def test_ids_that_the_index_has_are_refused(run: Run, bees: Path, hive: Path) -> None:
    _refused(run("index", bees, "--to", hive, "--append"), "'dance'", "already in")
    assert run("info", hive, "--json").json()["n_documents"] == len(BEES)


def test_an_index_is_not_overwritten(run: Run, bees: Path, hive: Path) -> None:
    _refused(run("index", bees, "--to", hive), "already an index", "--append", "--resume")


def test_a_folder_of_something_else_is_not_overwritten(run: Run, bees: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    _refused(run("index", bees, "--to", tmp_path), "already something")
    assert (tmp_path / "thesis.txt").exists()


def test_a_path_without_index_is_refused(run: Run, tmp_path: Path) -> None:
    _refused(run("search", tmp_path / "nowhere", "bees"), "no index at")
    _refused(run("info", tmp_path), "is no wordhive index")


def test_an_unknown_preset_and_an_unknown_key_are_refused(run: Run, bees: Path, tmp_path: Path) -> None:
    _refused(run("index", bees, "--to", tmp_path / "a.hive", "--config", "fastest"), "'fastest'", "default")
    config = tmp_path / "my.yaml"
    config.write_text("codec: SQ8\nspeed: high\n", encoding="utf-8")
    _refused(run("index", bees, "--to", tmp_path / "b.hive", "--config", config), "unknown key 'speed'", "codec")
    assert not (tmp_path / "a.hive").exists()


def test_an_unknown_factory_string_leaves_no_index(run: Run, bees: Path, tmp_path: Path) -> None:
    config = tmp_path / "my.yaml"
    config.write_text("codec: ZIP7\n", encoding="utf-8")
    _refused(run("index", bees, "--to", tmp_path / "my.hive", "--config", config), "'ZIP7'")
    assert not (tmp_path / "my.hive").exists()


def test_the_model_of_another_index_is_refused_with_both_names(run: Run, hive: Path, tmp_path: Path) -> None:
    from wordhive.retrieval.encoder import Encoder

    encoder = Encoder.load(backend="torch", device="cpu")
    encoder.model[0].max_seq_length = 64
    encoder.save(tmp_path / "other", base="all-MiniLM-L6-v2")
    _refused(run("search", hive, "bees", "--model", tmp_path / "other"), "wordhive-minilm-32 (", "other (")


def test_a_hub_model_without_a_network_is_one_line(run: Run, bees: Path, tmp_path: Path) -> None:
    target = tmp_path / "my.hive"
    _refused(run("index", bees, "--to", target, "--model", "nobody/never-was"), "'nobody/never-was'", code=1)
    assert not target.exists()


def test_a_full_disk_keeps_what_was_there(
    run: Run, hive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, more = tmp_path / "my.hive", tmp_path / "more.tsv"
    shutil.copytree(hive, target)
    more.write_text("moth\tMoths fly at night.\n", encoding="utf-8")

    def full(path: Path, array: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("wordhive.index.writing.segment_writer.save_array", full)
        _refused(run("index", more, "--to", target, "--append"), "the disk is full", code=1)
    assert run("info", target, "--json").json()["n_documents"] == len(BEES)
    assert len(list((target / "segments").iterdir())) == 1
    assert run("index", more, "--to", target, "--append", "--json").json()["documents"] == len(BEES) + 1


def test_without_faiss_the_extra_is_named(
    run: Run, bees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wordhive.index.faiss import faiss_library

    monkeypatch.setitem(sys.modules, "faiss", None)
    faiss_library.faiss.cache_clear()
    try:
        _refused(run("index", bees, "--to", tmp_path / "my.hive"), "faiss-cpu", code=1)
    finally:
        faiss_library.faiss.cache_clear()
    assert not (tmp_path / "my.hive").exists()


@pytest.mark.parametrize("backend", ["compiled", "torch"])
def test_vectors_that_are_not_finite_are_refused(
    run: Run, bees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    from wordhive.retrieval.bert.fast_transformer import FastTransformer
    from wordhive.retrieval.bert.transformer import Transformer
    from wordhive.retrieval.runtimes import forward_pass

    def not_finite(self: object, ids: np.ndarray, *_: object) -> np.ndarray:  # type: ignore[type-arg]
        return np.full((len(ids), 384), np.nan, np.float32)

    monkeypatch.setattr(forward_pass, "_numpy", lambda tensor: np.full(tuple(tensor.shape), np.nan, np.float32))
    for kind in (Transformer, FastTransformer):
        monkeypatch.setattr(kind, "hidden_states", not_finite)
    _refused(run("index", bees, "--to", tmp_path / "my.hive", "--backend", backend), "NaN")
    assert not (tmp_path / "my.hive").exists()


def test_a_gpu_that_is_not_there_is_one_line(run: Run, hive: Path, beir: Path, tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        pytest.skip("this machine has a GPU")
    _refused(run("search", hive, "bees", "--device", "cuda"), "no GPU", code=1)
    command = ("bench", "speed", beir, "--report", tmp_path)
    _refused(run(*command, "--device", "cuda:99"), "'cuda:99' was asked for", code=1)
    _refused(run(*command, "--device", "banana"), "'banana'")


@pytest.mark.parametrize("arguments", [(), ("bees", "--queries", "q.tsv")])
def test_search_takes_one_query_or_a_file(run: Run, hive: Path, arguments: tuple[str, ...]) -> None:
    _refused(run("search", hive, *arguments), "one query in quotes")


def test_candidates_that_are_no_number_are_refused(run: Run, hive: Path) -> None:
    _refused(run("search", hive, "bees", "--candidates", "many"), "'many'")


def test_a_damaged_catalog_is_named(run: Run, hive: Path, tmp_path: Path) -> None:
    target = tmp_path / "my.hive"
    shutil.copytree(hive, target)
    for journal in target.glob("catalog.db-*"):
        journal.unlink()
    (target / "catalog.db").write_bytes(b"not a database, just bytes" * 100)
    _refused(run("search", target, "bees"), "catalog.db is damaged", code=1)


def test_eval_names_what_a_collection_lacks(run: Run, tmp_path: Path) -> None:
    _refused(run("eval", tmp_path), "no BEIR folder")
    _refused(run("eval", tmp_path / "nowhere"), "no folder at")
    _refused(run("eval", "no-such-collection"), "'no-such-collection'")


def test_a_command_that_is_missing_is_told(run: Run) -> None:
    _refused(run("bench"), "A command is missing. See: ", "bench --help")


def test_unknown_options_end_with_2(run: Run, hive: Path) -> None:
    assert run("search", hive, "bees", "--fast").code == 2
    assert run("bogus").code == 2


def test_append_checks_the_last_id_before_the_first_is_encoded(run: Run, bees: Path, tmp_path: Path) -> None:
    run("index", bees, "--to", tmp_path / "my.hive")
    more = tmp_path / "more.tsv"
    more.write_text("wasp\tWasps make paper.\nhive\tAgain.\n", encoding="utf-8")
    _refused(run("index", more, "--to", tmp_path / "my.hive", "--append"), "'hive' is already in", "--resume")
    assert run("info", tmp_path / "my.hive", "--json").json()["n_documents"] == len(BEES)


def test_append_refuses_another_model_and_another_configuration(run: Run, bees: Path, hive: Path) -> None:
    _refused(run("index", bees, "--to", hive, "--append", "--config", "exact"), "another configuration than 'exact'")
    _refused(run("index", bees, "--to", hive, "--append", "--model", "no/such"), code=1)


def test_options_that_can_not_do_anything_are_refused(run: Run, bees: Path, hive: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.tsv"
    queries.write_text("q\tbees\n", encoding="utf-8")
    _refused(run("search", hive, "bees", "--run", tmp_path / "r.trec"), "--run")
    _refused(run("search", hive, "--queries", queries, "--run", tmp_path / "r.trec", "--json"), "--run")
    _refused(run("index", bees, "--to", tmp_path / "my.hive", "--device", "banana"), "'banana'", "cuda")
    run("encode", bees, "--to", tmp_path / "shards")
    _refused(run("index", tmp_path / "shards", "--to", tmp_path / "my.hive", "--limit", "2"), "--limit")
    assert not (tmp_path / "my.hive").exists()


def test_a_run_that_can_not_be_written_is_named_before_searching(run: Run, hive: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.tsv"
    queries.write_text("q\tbees\n", encoding="utf-8")
    outcome = run("search", hive, "--queries", queries, "--run", tmp_path / "no" / "r.trec")
    _refused(outcome, "No such file or directory", code=1)


@pytest.mark.parametrize("arguments", [("index", "", "--to", "x.hive"), ("index", "docs", "--to", "x", "--model", " ")])
def test_an_unset_shell_variable_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    _refused(run(*arguments), "is empty")


@pytest.mark.parametrize("arguments", [("serach",), ("search",), ("index", "x"), ("search", "x", "y", "-k", "many")])
def test_usage_errors_are_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    _refused(run(*arguments), "--help")


def test_fit_does_not_begin_where_it_can_not_end(run: Run, bees: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    _refused(run("fit", "all-MiniLM-L6-v2", "--texts", bees, "--to", tmp_path), "is not empty")


def test_a_text_can_not_control_the_terminal(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text(json.dumps({"id": "a\nb", "text": "\x1b[2J bees \x07"}) + "\n", encoding="utf-8")
    run("index", path, "--to", tmp_path / "my.hive")
    printed = run("search", tmp_path / "my.hive", "bees").out
    assert not {"\x1b", "\x07"} & set(printed)
    assert "a b" in printed


def test_what_does_not_fit_identical_words_is_refused(run: Run, bees: Path, uni: Path, tmp_path: Path) -> None:
    target = tmp_path / "uni.hive"
    refused = run("index", bees, "--to", target, "--model", uni, "--config", "default")
    _refused(refused, "fitted first stage", "take preset summary")
    assert not target.exists()
    # Before a long input is read: a file that isn't there would be the error otherwise.
    gone = tmp_path / "gone.jsonl"
    _refused(run("index", gone, "--to", target, "--model", uni, "--config", "small"), "word_ids is false")
    assert run("index", bees, "--to", target, "--model", uni).code == 0
    _refused(run("search", target, "bees", "--carve", "0.7"), "identical words only", "leave carving out")
