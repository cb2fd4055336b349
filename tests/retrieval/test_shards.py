from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.index import IndexConfig, InputError, WordhiveError, WordVectors
from wordhive.index.config import MuveraConfig
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.files.inputs import read_documents
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.shards import (
    Part,
    index_shards,
    is_shard_folder,
    read_model,
    read_shard_documents,
    read_shards,
    whole_shards,
    write_shards,
)
from wordhive.retrieval.texts.documents import Document

SMALL = IndexConfig(encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=8))


@pytest.fixture(autouse=True)
def _five_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.retrieval.shards.DOCUMENTS_A_SHARD", 5)


@pytest.fixture
def documents(sentences: list[str]) -> list[Document]:
    return [Document(f"d{number}", text, {"number": number}) for number, text in enumerate(sentences)]


@pytest.fixture
def shards(tmp_path: Path, documents: list[Document], tiny_encoder: Encoder) -> Path:
    folder = tmp_path / "shards"
    assert write_shards(documents, folder, tiny_encoder) == 12
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("shard-*.safetensors"))


def read_all(folder: Path) -> tuple[list[Document], WordVectors]:
    parts = list(read_shards(folder))
    return [document for held, _ in parts for document in held], WordVectors.concat([vectors for _, vectors in parts])


def retriever_for(path: Path, encoder: Encoder) -> Retriever:
    return Retriever.create(path, encoder, config=SMALL)


def test_shards_hold_documents_and_vectors_in_order(
    shards: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    assert names(shards) == [f"shard-00000{number}.safetensors" for number in range(3)]
    found, vectors = read_all(shards)
    expected = tiny_encoder.encode_documents([document.text for document in documents])
    assert found == documents
    assert vectors.offsets.tolist() == expected.offsets.tolist()
    assert vectors.word_ids.tolist() == expected.word_ids.tolist()
    assert vectors.vectors.dtype == np.float32
    np.testing.assert_allclose(vectors.vectors, expected.vectors, atol=2e-3)
    assert vectors.summary is not None
    assert expected.summary is not None
    np.testing.assert_allclose(vectors.summary, expected.summary, atol=2e-3)


def test_a_shard_folder_is_known_by_its_manifest(shards: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    assert is_shard_folder(shards)
    assert not is_shard_folder(tmp_path)
    assert read_model(shards) == tiny_encoder.stamp


def test_nothing_else_is_left_in_the_folder(shards: Path) -> None:
    stems = [f"shard-00000{number}" for number in range(3)]
    expected = {"shards.json", *(f"{stem}.{suffix}" for stem in stems for suffix in ("jsonl", "safetensors"))}
    assert {path.name for path in shards.iterdir()} == expected


def test_a_model_without_a_summary_writes_none(tmp_path: Path, foreign: MultiVectorEncoder) -> None:
    write_shards([Document("a", "bees dance")], tmp_path / "s", Encoder(foreign))
    assert read_all(tmp_path / "s")[1].summary is None


def test_texts_with_line_breaks_come_back_as_they_were(tmp_path: Path, tiny_encoder: Encoder) -> None:
    odd = [Document("a", "one\ntwo\r\nthree\u2028four\x85five"), Document("ü\t", "", {"x": ["\n", None, {"y": 1.5}]})]
    write_shards(odd, tmp_path / "s", tiny_encoder)
    assert read_all(tmp_path / "s")[0] == odd


def test_shards_that_were_stopped_are_not_indexed(
    documents: list[Document], tiny_encoder: Encoder, tmp_path: Path
) -> None:
    def source() -> Iterable[Document]:
        yield from documents[:7]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(source(), tmp_path / "s", tiny_encoder)
    retriever = retriever_for(tmp_path / "x", tiny_encoder)
    with pytest.raises(InputError, match="was not encoded to its end; run the same wordhive encode again"):
        index_shards(tmp_path / "s", retriever)
    assert write_shards(documents, tmp_path / "s", tiny_encoder) == 7
    assert index_shards(tmp_path / "s", retriever) == 12


def test_a_missing_shard_is_noticed(shards: Path, tiny_encoder: Encoder, tmp_path: Path) -> None:
    (shards / "shard-000001.safetensors").unlink()
    with pytest.raises(InputError, match="was not encoded to its end"):
        index_shards(shards, retriever_for(tmp_path / "x", tiny_encoder))


def test_ids_are_read_without_vectors(shards: Path) -> None:
    assert [len(ids) for ids in read_shard_documents(shards)] == [5, 5, 2]


def test_all_shards_done_encode_nothing(
    shards: Path, documents: list[Document], tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> WordVectors:
        raise AssertionError("something was encoded")

    monkeypatch.setattr(tiny_encoder, "encode_documents", fail)
    assert write_shards(documents, shards, tiny_encoder) == 0


def test_a_run_goes_on_behind_its_last_whole_shard(
    shards: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    before = {name: (shards / name).read_bytes() for name in names(shards)}
    (shards / "shard-000002.safetensors").unlink()
    (shards / "writing-shard-000002.safetensors").write_bytes(b"half")
    assert write_shards(iter(documents), shards, tiny_encoder) == 2
    assert {name: (shards / name).read_bytes() for name in names(shards)} == before


def test_a_source_that_fails_leaves_whole_shards(
    tmp_path: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    def source() -> Iterable[Document]:
        yield from documents[:7]
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError, match="the source went away"):
        write_shards(source(), tmp_path / "s", tiny_encoder)
    assert names(tmp_path / "s") == ["shard-000000.safetensors"]
    assert write_shards(documents, tmp_path / "s", tiny_encoder) == 7
    assert read_all(tmp_path / "s")[0] == documents


def test_a_first_shard_that_was_deleted_is_encoded_again(
    shards: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    (shards / "shard-000000.safetensors").unlink()
    write_shards(documents, shards, tiny_encoder)
    assert read_all(shards)[0] == documents


def test_indexed_shards_give_the_hits_of_the_text(
    shards: Path, documents: list[Document], tiny_encoder: Encoder, tmp_path: Path
) -> None:
    direct, indirect = (retriever_for(tmp_path / name, tiny_encoder) for name in ("direct", "indirect"))
    direct.add(documents)
    assert index_shards(shards, indirect) == len(indirect) == len(documents)
    for query in ("where do bees dance", "honey", "what lays eggs?"):
        expected = {hit.id: hit for hit in direct.search(query, k=12)}
        hits = indirect.search(query, k=12)
        assert {hit.id for hit in hits} == set(expected)
        for hit in hits:
            other = expected[hit.id]
            assert hit.score == pytest.approx(other.score, abs=0.01 * max(1, abs(other.score)))
            assert (hit.text, hit.attributes) == (other.text, other.attributes)


def test_indexing_twice_needs_skip_known(shards: Path, tiny_encoder: Encoder, tmp_path: Path) -> None:
    retriever = retriever_for(tmp_path / "x", tiny_encoder)
    index_shards(shards, retriever)
    with pytest.raises(InputError, match="is already in"):
        index_shards(shards, retriever)
    assert index_shards(shards, retriever, skip_known=True) == 0
    assert len(retriever) == 12


def test_skip_known_adds_the_rest_of_a_shard(
    shards: Path, documents: list[Document], tiny_encoder: Encoder, tmp_path: Path
) -> None:
    retriever = retriever_for(tmp_path / "x", tiny_encoder)
    retriever.add([documents[1], documents[6]])
    assert index_shards(shards, retriever, skip_known=True) == 10
    for document in (documents[0], documents[2], documents[11]):
        assert retriever.search(document.text, k=1, candidates="all")[0].id == document.id


def test_the_title_is_not_doubled(tmp_path: Path, tiny_encoder: Encoder) -> None:
    source = tmp_path / "docs.jsonl"
    source.write_text(json.dumps({"id": "a", "title": "Bees", "text": "They dance."}) + "\n", encoding="utf-8")
    write_shards(read_documents(source), tmp_path / "s", tiny_encoder)
    assert read_all(tmp_path / "s")[0] == [Document("a", "Bees They dance.", {"title": "Bees"})]
    retriever = retriever_for(tmp_path / "x", tiny_encoder)
    index_shards(tmp_path / "s", retriever)
    (hit,) = retriever.search("bees")
    assert (hit.text, hit.attributes) == ("Bees They dance.", {"title": "Bees"})


def test_shards_of_another_model_are_refused_for_writing(
    shards: Path, documents: list[Document], foreign: MultiVectorEncoder, tiny_encoder: Encoder
) -> None:
    other = Encoder(foreign, name="some/colbert")
    with pytest.raises(InputError, match="choose another folder") as raised:
        write_shards(documents, shards, other)
    assert f"{tiny_encoder.name} ({tiny_encoder.fingerprint[:12]})" in str(raised.value)
    assert f"some/colbert ({other.fingerprint[:12]})" in str(raised.value)


def test_shards_of_another_model_are_refused_for_indexing(
    shards: Path, foreign: MultiVectorEncoder, tiny_encoder: Encoder, tmp_path: Path
) -> None:
    other = Encoder(foreign, name="some/colbert")
    retriever = retriever_for(tmp_path / "x", other)
    with pytest.raises(InputError, match="encode the documents again") as raised:
        index_shards(shards, retriever)
    assert tiny_encoder.name in str(raised.value)
    assert str(other.stamp) in str(raised.value)
    assert len(retriever) == 0


def test_other_documents_are_refused(shards: Path, documents: list[Document], tiny_encoder: Encoder) -> None:
    with pytest.raises(InputError, match=r"was begun with other documents \(shard-000000 differs\)"):
        write_shards(documents[1:], shards, tiny_encoder)
    with pytest.raises(InputError, match=r"\(shard-000001 differs\)"):
        write_shards([*documents[:6], Document("new", "x"), *documents[7:]], shards, tiny_encoder)


def test_other_texts_under_the_same_ids_are_refused(
    shards: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    changed = [Document(document.id, document.text.upper() + " changed") for document in documents]
    with pytest.raises(InputError, match="was begun with other documents"):
        write_shards(changed, shards, tiny_encoder)


def test_shards_beyond_the_documents_are_refused(
    shards: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    with pytest.raises(InputError, match="was begun with other documents"):
        write_shards(documents[:5], shards, tiny_encoder)


def test_a_folder_with_other_things_is_refused(
    tmp_path: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="is there and holds no shards; choose another folder"):
        write_shards(documents, tmp_path, tiny_encoder)
    with pytest.raises(InputError, match="is there and holds no shards"):
        write_shards(documents, tmp_path / "mine.txt", tiny_encoder)


def test_an_empty_folder_is_taken(tmp_path: Path, documents: list[Document], tiny_encoder: Encoder) -> None:
    (tmp_path / "s").mkdir()
    assert write_shards(documents[:3], tmp_path / "s", tiny_encoder) == 3


@pytest.mark.parametrize("content", [b"", b"junk" * 10, None])
def test_a_damaged_shard_is_refused(shards: Path, content: bytes | None) -> None:
    path = shards / "shard-000001.safetensors"
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    with pytest.raises(WordhiveError, match=r"shard-000001\.safetensors is damaged .*delete it and encode again"):
        list(read_shards(shards))


def test_a_damaged_shard_leaves_the_index_with_whole_commits(
    shards: Path, tiny_encoder: Encoder, tmp_path: Path
) -> None:
    (shards / "shard-000001.safetensors").write_bytes(b"junk")
    retriever = retriever_for(tmp_path / "x", tiny_encoder)
    with pytest.raises(WordhiveError, match="is damaged"):
        index_shards(shards, retriever)
    assert len(retriever) == 5


def test_a_shard_with_too_few_documents_is_refused(shards: Path) -> None:
    path = shards / "shard-000001.jsonl"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(WordhiveError, match=r"shard-000001\.jsonl has 4 documents for 5 texts"):
        list(read_shards(shards))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("shard-000001.jsonl", "{half"),
        ("shard-000001.jsonl", None),
        ("shard-000001.jsonl", '{"id": 7, "text": "x", "attributes": {}}\n' * 5),
        ("shard-000001.jsonl", '{"id": "a", "text": null, "attributes": {}}\n' * 5),
        ("shard-000001.jsonl", '{"id": "a", "text": "x", "attributes": {"v": NaN}}\n' * 5),
        ("shard-000001.jsonl", "[" * 100_000),
        ("shards.json", "{half"),
        ("shards.json", "{}"),
        ("shards.json", "[" * 100_000),
        ("shards.json", '{"model": "m", "fingerprint": "f", "shards": "5"}'),
        ("shards.json", '{"model": "m", "fingerprint": "f", "shards": -1}'),
        ("shards.json", '{"model": "m", "fingerprint": "f", "shards": 1000000000000}'),
    ],
)
def test_other_damaged_files_are_refused(
    shards: Path, tiny_encoder: Encoder, tmp_path: Path, name: str, content: str | None
) -> None:
    (shards / name).unlink()
    if content is not None:
        (shards / name).write_text(content, encoding="utf-8")
    retriever = retriever_for(tmp_path / "x", tiny_encoder)
    with pytest.raises(WordhiveError):
        index_shards(shards, retriever)


def test_a_folder_without_a_whole_shard_is_refused(tmp_path: Path, tiny_encoder: Encoder) -> None:
    write_shards([], tmp_path / "s", tiny_encoder)
    with pytest.raises(InputError, match="was not encoded to its end"):
        list(read_shards(tmp_path / "s"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (1, 2, 1)])
def test_parts_together_are_what_one_process_writes(
    shards: Path, documents: list[Document], tiny_encoder: Encoder, tmp_path: Path, order: tuple[int, ...]
) -> None:
    folder, encoded = tmp_path / "parts", []
    for number in order:
        encoded.append(write_shards(documents, folder, tiny_encoder, part=Part(number, 2)))
        assert whole_shards(folder) == (len(encoded) >= 2)
        if len(encoded) == 1:
            with pytest.raises(InputError, match="was not encoded to its end"):
                list(read_shards(folder))
    assert encoded == [{1: 7, 2: 5}[number] for number in order[:2]] + [0] * (len(order) - 2)
    assert contents(folder) == contents(shards)


def test_a_part_that_died_is_made_up_for(
    shards: Path, documents: list[Document], tiny_encoder: Encoder, tmp_path: Path
) -> None:
    folder = tmp_path / "parts"
    assert write_shards(documents, folder, tiny_encoder, part=Part(2, 3)) == 5
    (folder / "writing-99-shard-000000.safetensors").write_bytes(b"half")
    assert write_shards(documents, folder, tiny_encoder) == 7
    assert read_all(folder)[0] == documents
    (folder / "writing-99-shard-000000.safetensors").unlink()
    assert contents(folder) == contents(shards)


def test_a_folder_that_is_being_begun_is_taken(
    tmp_path: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "writing-99-shards.json").touch()
    assert write_shards(documents[:3], tmp_path / "s", tiny_encoder, part=Part(1, 2)) == 3


def test_more_documents_make_a_whole_folder_partial(
    shards: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    more = [*documents[:10], *(Document(f"e{n}", "more") for n in range(7))]
    (shards / "shard-000002.safetensors").unlink()
    (shards / "shard-000002.jsonl").unlink()
    assert write_shards(more, shards, tiny_encoder, part=Part(1, 2)) == 5
    assert not whole_shards(shards)
    assert write_shards(more, shards, tiny_encoder, part=Part(2, 2)) == 2
    assert whole_shards(shards)


def test_a_part_that_has_none_of_the_new_shards_leaves_the_folder_partial(
    tmp_path: Path, documents: list[Document], tiny_encoder: Encoder
) -> None:
    write_shards(documents[:10], tmp_path, tiny_encoder)
    assert whole_shards(tmp_path)
    assert write_shards(documents, tmp_path, tiny_encoder, part=Part(2, 2)) == 0
    assert not whole_shards(tmp_path)
    assert write_shards(documents, tmp_path, tiny_encoder, part=Part(1, 2)) == 2
    assert whole_shards(tmp_path)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "one/2", "1 / 2"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"the part is '.*'; expected one such as 1/4, the first of four"):
        Part.parse(text)


def test_all_parts_are_all_shards() -> None:
    parts = [Part.parse(f"{number}/3") for number in (1, 2, 3)]
    assert [[part.holds(shard) for part in parts].count(True) for shard in range(9)] == [1] * 9


PROGRAM = """
import sys
from pathlib import Path

import torch

from wordhive.retrieval import shards
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.files.inputs import read_documents

torch.set_num_threads(1)
shards.DOCUMENTS_A_SHARD = 5
source, folder, model, part = sys.argv[1:]
encoder = Encoder.load(model, device="cpu", precision="float32")
shards.write_shards(read_documents(source), Path(folder), encoder, part=shards.Part.parse(part))
"""


@pytest.mark.slow
def test_two_processes_write_what_one_writes(
    shards: Path, documents: list[Document], tiny_folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "docs.jsonl"
    rows = [json.dumps({"id": each.id, "text": each.text, **each.attributes}) for each in documents]
    source.write_text("\n".join(rows), encoding="utf-8")
    arguments = [sys.executable, "-c", PROGRAM, str(source), str(tmp_path / "parts"), str(tiny_folder)]
    started = [subprocess.Popen([*arguments, part]) for part in ("1/2", "2/2")]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    assert whole_shards(tmp_path / "parts")
    (found, vectors), (_, expected) = read_all(tmp_path / "parts"), read_all(shards)
    assert found == documents
    np.testing.assert_array_equal(vectors.offsets, expected.offsets)
    np.testing.assert_allclose(vectors.vectors, expected.vectors, atol=1e-3)  # halves, and another number of threads
    np.testing.assert_array_equal(vectors.word_ids, expected.word_ids)
