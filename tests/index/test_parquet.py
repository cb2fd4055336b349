from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordhiveError, WordVectors
from wordhive.index.parquet import export_index, import_index, n_documents
from wordhive.index.storage.settings import EncoderStamp
from wordhive.index.storage.word_id_lists import by_word_id

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

Draw = Callable[..., WordVectors]
COUNTS = [3, 0, 5, 4, 2, 1] * 5
STAMP = EncoderStamp("a model", "f" * 64)


def config(codec: str) -> IndexConfig:
    encoding = MuveraConfig(repetitions=4, bits=2, projection_dim=4)
    return IndexConfig(codec=codec, encoding=encoding, candidates="SQ8", ef_search=99)


def make(path: Path, documents: WordVectors, codec: str = "Flat", **others: Any) -> Index:
    settings: dict[str, Any] = {"encoder": STAMP, "summary_weight": 0.5 * (documents.summary is not None), **others}
    index = Index.create(path, config(codec), **settings)
    n = len(documents)
    texts = [None if row % 7 == 3 else "" if row % 7 == 5 else f"größe 日本 \x00 {row}" for row in range(n)]
    attributes = [{"jahr": row, "tags": ["ü", None]} if row % 2 else None for row in range(n)]
    for part in np.array_split(np.arange(n), 3):
        index.add(
            [f"d{row}" for row in part],
            documents.take(part),
            [texts[row] for row in part],
            [attributes[row] for row in part],
        )
    return index


def scores(index: Index, queries: WordVectors) -> dict[str, list[float]]:
    names, found = index.snapshot().ids(), {}
    for block in index.snapshot().score_all(queries):
        for row, *values in zip(block[0].rows.tolist(), *(one.total for one in block), strict=True):
            found[names[row]] = [float(value) for value in values]
    return found


def content(index: Index) -> dict[str, tuple[str | None, dict[str, Any]]]:
    return {
        one.id: (one.text, one.attributes) for one in index.snapshot().documents(list(index.snapshot().ids())).values()
    }


def exported(tmp_path: Path, documents: WordVectors, **others: Any) -> Path:
    index = make(tmp_path / "made", documents, **others)
    export_index(index, tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def rewritten(path: Path, change: Callable[[Any], Any]) -> Path:
    pq.write_table(change(pq.read_table(path)), path)
    return path


@pytest.mark.parametrize(("codec", "loss"), [("Flat", 0), ("SQ8", 0.05)])
@pytest.mark.parametrize("summary_dim", [0, 4])
def test_an_imported_index_answers_as_the_exported_one(
    draw: Draw, tmp_path: Path, codec: str, loss: float, summary_dim: int
) -> None:
    documents, queries = draw(1, COUNTS, summary_dim=summary_dim), draw(2, [3, 2], summary_dim=summary_dim)
    index = make(tmp_path / "made", documents, codec)
    index.delete(["d0", "d7", "d29"])
    assert export_index(index, tmp_path / "x.parquet") == n_documents(tmp_path / "x.parquet") == 27
    new = import_index(tmp_path / "x.parquet", tmp_path / "new")
    before, after = scores(index, queries), scores(new, queries)
    assert sorted(before) == sorted(after)
    assert all(np.allclose(before[id], after[id], atol=loss) for id in before)
    assert content(new) == content(index)
    assert new.settings == index.settings
    assert (new.dim, new.summary_dim) == (index.dim, index.summary_dim)
    held, given = new.snapshot().vectors(np.arange(27)), index.snapshot().vectors(np.arange(30))
    assert np.array_equal(held.word_ids, given.word_ids)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "new", "x.parquet"]


def test_a_summary_that_documents_do_not_have_is_not_missed(draw: Draw, tmp_path: Path) -> None:
    path = exported(tmp_path, draw(1, COUNTS), summary_weight=0.5)
    assert import_index(path, tmp_path / "new").settings.summary_weight == 0.5


def test_an_empty_index_comes_back(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "made", config("SQ8"), summary_weight=0.25, exact_match=False)
    assert export_index(index, tmp_path / "x.parquet") == 0
    new = import_index(tmp_path / "x.parquet", tmp_path / "new")
    assert (len(new), new.settings) == (0, index.settings)


def test_other_programs_read_the_columns(draw: Draw, tmp_path: Path) -> None:
    documents = by_word_id(draw(1, COUNTS, summary_dim=4))
    table = pq.read_table(exported(tmp_path, documents))
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string",
        "text": "large_string",
        "attributes": "string",
        "vectors": "list<element: fixed_size_list<element: float>[8]>",
        "word_ids": "list<element: uint32>",
        "summary": "fixed_size_list<element: float>[4]",
    }
    rows = table.to_pylist()
    for row, one in enumerate(rows):
        first, last = documents.offsets[row : row + 2]
        np.testing.assert_allclose(np.array(one["vectors"]).reshape(-1, 8), documents.vectors[first:last], atol=1e-6)
        assert one["word_ids"] == documents.word_ids[first:last].tolist()
    assert json.loads(rows[1]["attributes"]) == {"jahr": 1, "tags": ["ü", None]}
    assert rows[3]["text"] is None


def test_without_vectors_there_are_documents_only(draw: Draw, tmp_path: Path) -> None:
    index = make(tmp_path / "made", draw(1, COUNTS, summary_dim=4))
    export_index(index, tmp_path / "x.parquet", vectors=False)
    assert pq.read_table(tmp_path / "x.parquet").column_names == ["id", "text", "attributes"]
    with pytest.raises(InputError, match="no column 'vectors'"):
        import_index(tmp_path / "x.parquet", tmp_path / "new")


def test_a_file_of_another_program_needs_ids_and_vectors_only(draw: Draw, tmp_path: Path) -> None:
    documents = draw(1, COUNTS)
    vectors = [documents.vectors[a:b].tolist() for a, b in zip(documents.offsets, documents.offsets[1:], strict=False)]
    pq.write_table(
        pa.table({"id": [f"d{row}" for row in range(30)], "vectors": vectors, "other": [1] * 30}), tmp_path / "x"
    )
    index = import_index(tmp_path / "x", tmp_path / "new")
    assert (len(index), index.dim, index.settings.encoder, index.settings.config) == (
        30,
        8,
        None,
        IndexConfig.load("default"),
    )
    np.testing.assert_allclose(index.snapshot().vectors(np.arange(30)).vectors, documents.vectors, atol=0.02)


@pytest.mark.parametrize(
    "kind",
    [
        pa.int64(),
        pa.uint16(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.int64()),
        pa.large_string(),
        pa.string_view(),
    ],
    ids=str,
)
def test_ids_may_be_numbers_and_categories(draw: Draw, tmp_path: Path, kind: Any) -> None:
    path = exported(tmp_path, draw(1, COUNTS))
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    ids = pa.array([n if pa.types.is_integer(plain) else str(n) for n in range(30)], plain)
    rewritten(path, lambda t: t.set_column(0, "id", ids.dictionary_encode() if plain is not kind else ids))
    assert sorted(content(import_index(path, tmp_path / "new")), key=int) == [str(n) for n in range(30)]


def test_texts_and_attributes_may_be_categories(draw: Draw, tmp_path: Path) -> None:
    path = exported(tmp_path, draw(1, COUNTS))
    expected = content(Index.open(tmp_path / "made"))
    for place, name in enumerate(["id", "text", "attributes"]):
        rewritten(path, lambda t, place=place, name=name: t.set_column(place, name, t[name].dictionary_encode()))
    assert content(import_index(path, tmp_path / "new")) == expected


def test_documents_come_in_several_batches(draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.index.parquet._AT_ONCE", 7)
    monkeypatch.setattr("wordhive.index.storage.segment._BLOCK_WORDS", 10)
    documents, queries = draw(1, COUNTS, summary_dim=4), draw(2, [3, 2], summary_dim=4)
    index, told = make(tmp_path / "made", documents), list[int]()
    export_index(index, tmp_path / "x", on_documents=told.append)
    assert len(told) > 5
    assert sum(told) == 30
    told.clear()
    new = import_index(tmp_path / "x", tmp_path / "new", on_documents=told.append)
    assert told == [7, 7, 7, 7, 2]
    before, after = scores(index, queries), scores(new, queries)
    assert all(np.allclose(before[id], after[id], atol=1e-6) for id in before)


def _with_word_id(table: Any, number: int | None) -> Any:
    ids = [row and [number, *row[1:]] for row in table["word_ids"].to_pylist()]
    return table.set_column(4, "word_ids", pa.array(ids, pa.list_(pa.int64())))


VECTORS = pa.list_(pa.list_(pa.float32()))
OTHER = '{"settings": {"config": {"a": 1}, "encoder": null}, "dim": 8, "summary_dim": 4}'
WRONG = {
    "no id": (lambda t: t.drop_columns("id"), "no column 'id'"),
    "no summary": (lambda t: t.drop_columns("summary"), "no column 'summary'"),
    "fractions as ids": (lambda t: t.set_column(0, "id", pa.array([0.5] * 30)), "'id' holds double; expected strings"),
    "booleans as ids": (lambda t: t.set_column(0, "id", pa.array([True] * 30)), "'id' holds bool; expected strings"),
    "numbers as texts": (lambda t: t.set_column(1, "text", pa.array(range(30))), "'text' holds int64; expected strin"),
    "a word id below 0": (lambda t: _with_word_id(t, -1), "none of 32 bits"),
    "a word id beyond 32 bits": (lambda t: _with_word_id(t, 2**32), "none of 32 bits"),
    "a word id that is null": (lambda t: _with_word_id(t, None), "hold null"),
    "a vector beyond float32": (
        lambda t: t.set_column(3, "vectors", pa.array([[[1e300] * 8]] * 30)).set_column(
            4, "word_ids", pa.array([[1]] * 30)
        ),
        "NaN or infinity",
    ),
    "deep attributes": (lambda t: t.set_column(2, "attributes", pa.array(["[" * 100_000] * 30)), "are no JSON"),
    "flat vectors": (lambda t: t.set_column(3, "vectors", t["summary"]), "expected lists of vectors"),
    "integer vectors": (
        lambda t: t.set_column(3, "vectors", pa.array([[[1, 2]]] * 30)),
        "expected lists of vectors",
    ),
    "ragged vectors": (
        lambda t: t.set_column(3, "vectors", pa.array([[[1.0, 2.0], [1.0]]] * 30)),
        "vectors of 1 and of 2 dims",
    ),
    "no vectors for one": (lambda t: t.set_column(3, "vectors", pa.array([None] * 30, VECTORS)), "is null for a"),
    "too few word ids": (lambda t: t.set_column(4, "word_ids", pa.array([[1]] * 30)), "another number of word_ids"),
    "not a number": (
        lambda t: t.set_column(3, "vectors", pa.array([[[float("nan")] * 8]] * 30)).set_column(
            4, "word_ids", pa.array([[1]] * 30)
        ),
        "NaN or infinity",
    ),
    "attributes": (lambda t: t.set_column(2, "attributes", pa.array(["{"] * 30)), "are no JSON"),
    "attributes as a list": (lambda t: t.set_column(2, "attributes", pa.array(["[1]"] * 30)), "no JSON object"),
    "an id twice": (lambda t: pa.concat_tables([t, t]), "twice"),
    "an id that is null": (lambda t: t.set_column(0, "id", pa.array([None] * 30, pa.string())), "is not a string"),
    "settings": (lambda t: t.replace_schema_metadata({"wordhive": "{"}), "export it again"),
    "other settings": (
        lambda t: t.replace_schema_metadata({"wordhive": OTHER}),
        "unknown key 'a'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_and_leaves_nothing(
    draw: Draw, tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    path = rewritten(exported(tmp_path, draw(1, COUNTS, summary_dim=4)), change)
    with pytest.raises(InputError, match=message):
        import_index(path, tmp_path / "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["made", "x.parquet"]


@pytest.mark.parametrize("damage", [lambda d: b"", lambda d: b"text", lambda d: d[: len(d) // 2], lambda d: d[4:]])
def test_what_is_no_parquet_is_refused(draw: Draw, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = exported(tmp_path, draw(1, COUNTS))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"no Parquet file|is damaged"):
        import_index(path, tmp_path / "new")


def test_flipped_bytes_never_give_a_traceback_or_other_documents(draw: Draw, tmp_path: Path) -> None:
    path = exported(tmp_path, draw(1, COUNTS))
    good, made = path.read_bytes(), Index.open(tmp_path / "made")
    expected = content(made), made.snapshot().vectors(np.arange(30)).vectors
    for place in range(4, len(good), max(1, len(good) // 60)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            found = import_index(path, tmp_path / f"new-{place}")
        except WordhiveError:
            continue
        assert content(found) == expected[0]
        assert np.array_equal(found.snapshot().vectors(np.arange(30)).vectors, expected[1])


@pytest.mark.parametrize("column", ["id", "text", "attributes", "vectors", "word_ids", "summary"])
def test_a_column_that_an_export_wrote_is_missed(draw: Draw, tmp_path: Path, column: str) -> None:
    path = exported(tmp_path, draw(1, COUNTS, summary_dim=4), summary_weight=0.5)
    rewritten(path, lambda table: table.drop_columns([column]))
    with pytest.raises(InputError, match=f"no column '{column}'"):
        import_index(path, tmp_path / "new")


def test_a_path_that_is_taken_is_refused(draw: Draw, tmp_path: Path) -> None:
    path = exported(tmp_path, draw(1, COUNTS))
    with pytest.raises(InputError, match="already"):
        import_index(path, tmp_path / "made")
    (tmp_path / "empty").mkdir()
    assert len(import_index(path, tmp_path / "empty")) == 30


def test_an_export_that_fails_leaves_what_was_there(draw: Draw, tmp_path: Path) -> None:
    path = exported(tmp_path, draw(1, COUNTS))
    before = path.read_bytes()

    def stop(n: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_index(Index.open(tmp_path / "made"), path, on_documents=stop)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["made", "x.parquet"]


def test_without_pyarrow_it_says_what_to_install(draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = make(tmp_path / "made", draw(1, COUNTS))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(WordhiveError, match=r"pip install 'wordhive\[parquet\]'"):
        export_index(index, tmp_path / "x.parquet")
