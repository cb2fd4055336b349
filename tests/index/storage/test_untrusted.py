"""Folders from somebody else, whose checksums and seal fit: what can't be is refused in one line, before it is used."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordhiveError, WordVectors
from wordhive.index.config_file import load_yaml
from wordhive.index.faiss import faiss_factory, faiss_library
from wordhive.index.files import checksum
from wordhive.index.maintenance.check import check
from wordhive.index.storage.catalog import seal
from wordhive.index.storage.catalog.text_compression import MOST_TEXT

Draw = Callable[..., WordVectors]
CONFIG = IndexConfig(codec="SQ8", encoding=MuveraConfig(repetitions=2, bits=2, projection_dim=4), candidates="SQ8")
# Ten lists, each of ten times the one before: harmless by its size here, and refused where it would be more.
LAUGHS = "\n".join(["a0: &a0 [0]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 7))])


@pytest.fixture
def path(draw: Draw, tmp_path: Path) -> Path:
    index = Index.create(tmp_path / "x", CONFIG)
    index.add([f"d{n}" for n in range(20)], draw(0, [2] * 20), ["word " * 40] * 20)
    index.delete(["d3"])
    index.compact()
    index.close()
    return tmp_path / "x"


def fit(path: Path, *statements: str) -> None:
    """Change the catalog, and make checksums and seal fit what is there."""
    connection = sqlite3.connect(path / "catalog.db")
    for statement in statements:
        connection.execute(statement)
    for (name,) in connection.execute("SELECT path FROM file").fetchall():
        if ".." not in name and (path / name).is_file():
            values = ((path / name).stat().st_size, checksum(path / name), name)
            connection.execute("UPDATE file SET size = ?, checksum = ? WHERE path = ?", values)
    seal.seal(connection)
    connection.commit()
    connection.close()


def refused(path: Path, match: str) -> None:
    """It is not searched, and `check` says why, both in one line."""
    with pytest.raises(WordhiveError, match=match) as caught:
        Index.open(path).snapshot().documents([0])
    assert "\n" not in str(caught.value)
    faults = check(path, untrusted=True)
    assert faults
    assert not any("\n" in fault for fault in faults)


def test_what_is_whole_is_taken(path: Path) -> None:
    fit(path)
    assert check(path, untrusted=True) == []
    assert len(Index.open(path).snapshot().documents([0, 1, 2])) == 3


def found(path: Path, name: str) -> Path:
    return next((path / "segments").rglob(name))


@pytest.mark.parametrize(
    "factory",
    ["Flat", "SQ4", "PQ4x4", "IVF2,SQ8", "HNSW4_SQ8", "PCA4,SQ8", "SQ8,RFlat", "IVF2,Flat"],
)
def test_a_first_stage_of_another_class_is_refused(path: Path, factory: str) -> None:
    vectors = np.random.default_rng(0).standard_normal((19, 32)).astype(np.float32)
    index = faiss_factory.from_factory(32, factory, vectors, "candidates", 0).index
    index.add(vectors)
    faiss_library.write(index, found(path, "candidates.faiss"))
    fit(path)
    refused(path, r"candidates\.faiss is damaged .*it is not what SQ8 makes")


@pytest.mark.parametrize(("dim", "n"), [(32, 18), (32, 20), (31, 19), (64, 19)])
def test_a_first_stage_of_other_numbers_is_refused(path: Path, dim: int, n: int) -> None:
    vectors = np.zeros((n, dim), np.float32)
    index = faiss_factory.from_factory(dim, "SQ8", vectors, "candidates", 0).index
    index.add(vectors)
    faiss_library.write(index, found(path, "candidates.faiss"))
    fit(path)
    refused(path, r"candidates\.faiss is damaged .*expected 19 vectors of 32 dims")


def test_lists_in_a_file_of_their_own_are_refused_before_it_is_opened(draw: Draw, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "x", CONFIG.model_copy(update={"candidates": "IVF2,SQ8"}))
    index.add([f"d{n}" for n in range(80)], draw(0, [2] * 80))
    index.close()
    file = found(tmp_path / "x", "candidates.faiss")
    library, lists = faiss_library.faiss(), tmp_path / "lists"
    held = faiss_library.read(file)
    outside = library.OnDiskInvertedLists(2, held.code_size, str(lists))
    outside.merge_from_1(held.invlists)
    held.replace_invlists(outside)
    library.write_index(held, str(file))
    before = lists.read_bytes()
    fit(tmp_path / "x")
    refused(
        tmp_path / "x",
        r"candidates\.faiss is damaged, or of a FAISS class that is not opened \(the class 'ilod' of lists",
    )
    assert lists.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("offsets", 0, 1), ("offsets", -1, 39), ("offsets", 5, 2**40), ("offsets", 5, -1), ("rows", 0, -1),
        ("rows", -1, 10**6), ("rows", 4, 0), ("word_id_sizes", 0, 60_000),
    ],
)  # fmt: skip
def test_numbers_beyond_other_files_are_refused(path: Path, name: str, place: int, value: int) -> None:
    array = np.load(found(path, f"{name}.npy"))
    array[place] = value
    np.save(found(path, f"{name}.npy"), array)
    fit(path)
    refused(path, rf"{name}\.npy is damaged")


@pytest.mark.parametrize("name", ["words", "offsets", "word_ids", "word_id_sizes", "vocabulary", "rows"])
@pytest.mark.parametrize("shape", ["(1000000000000, 8)", "(-1,)", "(2, 2, 2)", "()", "(9,)"])
def test_arrays_of_other_shapes_than_their_files_are_refused(path: Path, name: str, shape: str) -> None:
    file = found(path, f"{name}.npy")
    data = file.read_bytes()
    size = int.from_bytes(data[8:10], "little")
    text = data[10 : 10 + size].decode().rstrip()
    header = f"{text[: text.index('(')]}{shape}, }}".ljust(size - 1) + "\n"
    file.write_bytes(data[:8] + len(header).to_bytes(2, "little") + header.encode() + data[10 + size :])
    fit(path)
    refused(path, rf"{name}\.npy is damaged")


@pytest.mark.parametrize("name", ["hyperplanes", "projections", "mean", "mix"])
@pytest.mark.parametrize("form", ["cut", "flat", "gone", "infinite"])
def test_parameters_of_other_shapes_are_refused(path: Path, name: str, form: str) -> None:
    file = path / "params" / "1" / "encoding.safetensors"
    tensors = load(file.read_bytes())
    changed = {"cut": tensors[name][:-1], "flat": tensors[name][None], "infinite": tensors[name] + np.inf}
    tensors = {key: it for key, it in tensors.items() if key != name}
    file.write_bytes(save(tensors if form == "gone" else {**tensors, name: changed[form]}))
    fit(path)
    refused(path, r"encoding\.safetensors is damaged")


def test_centroids_that_there_are_not_are_refused(draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.index.storage.training._LEAST_FOR_CODEBOOKS", 1)
    index = Index.create(tmp_path / "x", IndexConfig(codec="Residual300x2", encoding=None))
    index.add([f"d{n}" for n in range(80)], draw(0, [2] * 80))
    index.close()
    file = found(tmp_path / "x", "words.npy")
    words = np.load(file)
    words[17, :2] = 255
    np.save(file, words)
    fit(tmp_path / "x")
    refused(tmp_path / "x", r"words\.npy is damaged \(a centroid has number 65535; expected numbers below 5\)")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE other (x)", "CREATE VIEW other AS SELECT 1", "CREATE INDEX other ON segment (n_words)",
        "CREATE TRIGGER other AFTER DELETE ON text BEGIN SELECT 1; END", "ALTER TABLE segment ADD COLUMN x",
    ],
)  # fmt: skip
def test_a_catalog_with_another_schema_is_refused(path: Path, statement: str) -> None:
    fit(path, statement)
    refused(path, "its schema has a")


@pytest.mark.parametrize("id", ["..", "../x", "a/b", ".", "", "000000000002/../x", "x"])
def test_segments_of_other_names_are_refused(path: Path, id: str) -> None:
    fit(path, f"UPDATE segment SET id = '{id}'")
    refused(path, "a segment is named")


@pytest.mark.parametrize("name", ["../x", "/etc/hostname", "segments/../x", "segments/000000000002", "lock", "x\ny"])
def test_files_of_other_names_are_refused(path: Path, name: str) -> None:
    fit(path, f"INSERT INTO file VALUES ('{name}', 1, 'x')")
    with pytest.raises(WordhiveError, match="a file is named"):
        Index.open(path).info()
    assert any("a file is named" in fault for fault in check(path, untrusted=True))


@pytest.mark.parametrize("name", ["words.npy", "candidates.faiss", "committed"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
def test_what_is_no_regular_file_is_refused(path: Path, name: str) -> None:
    file = path / name if name == "committed" else found(path, name)
    file.unlink()
    os.mkfifo(file)
    refused(path, f"{name} cannot be read|{name} is damaged")


@pytest.mark.parametrize(
    ("column", "value"),
    [("n_documents", "-1"), ("n_words", "1e30"), ("n_rows", "'x'"), ("first_row", str(2**62)), ("generation", "-5")],
)
def test_segments_of_numbers_that_cannot_be_are_refused(path: Path, column: str, value: str) -> None:
    fit(path, f"UPDATE segment SET {column} = {value}")
    refused(path, "has numbers that cannot be")


@pytest.mark.parametrize(("column", "value"), [("dim", "0"), ("dim", "70000"), ("summary_dim", "-1"), ("dim", "x''")])
def test_generations_of_dims_that_cannot_be_are_refused(path: Path, column: str, value: str) -> None:
    fit(path, f"UPDATE generation SET {column} = {value}")
    refused(path, "generation 1 has numbers that cannot be")


@pytest.mark.parametrize("size", [MOST_TEXT + 1, -1])
def test_a_text_that_claims_more_than_it_may_is_refused(path: Path, size: int) -> None:
    fit(path, f"UPDATE document SET text_size = {size}")
    refused(path, f"a text of {size} bytes; expected at most 67,108,864")


def test_a_text_that_could_not_be_read_again_is_not_written(path: Path, draw: Draw) -> None:
    index = Index.open(path)
    with pytest.raises(InputError, match="more than 67,108,864 bytes; cut it in parts"):
        index.add(["long"], draw(1, [1]), ["x" * (MOST_TEXT + 1)])
    index.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("summary_weight", 2), ("summary_weight", "x"), ("candidates", -1), ("exact_match", 3), ("query_length", "x"),
     ("encoder", {"name": 1, "fingerprint": []}), ("config", []), ("config", {"codec": {}}), ("probes", 0.5)],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(path: Path, name: str, value: Any) -> None:
    fit(path, f"INSERT OR REPLACE INTO setting VALUES ('{name}', '{json.dumps(value)}')")
    with pytest.raises(WordhiveError) as caught:
        Index.open(path)
    assert "\n" not in str(caught.value)
    assert check(path, untrusted=True)


def test_settings_nested_too_deep_are_refused(path: Path) -> None:
    fit(path, f"UPDATE setting SET value = '{'[' * 5_000}{']' * 5_000}' WHERE name = 'encoder'")
    with pytest.raises(WordhiveError):
        Index.open(path)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: &x [*x]", "within what it stands for"), (LAUGHS, "stands for more than 65,536 values"),
        ("[" * 30 + "]" * 30, "nested more than 20 levels"),
        ("a: " + "x" * 70_000, "letters; expected"), ("a: 2020-99-99", "is not YAML"),
    ],
)  # fmt: skip
def test_configurations_of_more_than_keys_and_values_are_refused(text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        load_yaml(text, "x.yaml")


@pytest.mark.parametrize("factory", ["SQ8" * 100, "IVF99999999,SQ8", "HNSW0", "IVF2000000,SQ8", "PQ0x4"])
def test_factory_strings_of_extreme_numbers_are_refused(factory: str) -> None:
    with pytest.raises(InputError, match="is no FAISS factory string"):
        faiss_factory.parsed(8, factory, "candidates", "")


def test_tombstones_of_no_row_are_refused(path: Path) -> None:
    fit(path, "INSERT INTO tombstone VALUES (3)")
    refused(path, "no row of a tombstone")
