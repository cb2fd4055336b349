"""The same program run twice: an index that is made, or opened, and never one of something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.index import IndexConfig, InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever

EXACT = IndexConfig(encoding=None)


def test_a_program_runs_twice(tmp_path: Path, tiny_encoder: Encoder) -> None:
    for _ in range(2):
        given: dict[str, Any] = {"config": EXACT, "text_fields": ["head", "body"], "queries": None, "cache_queries": 3}
        with Retriever.open_or_create(tmp_path / "x", tiny_encoder, **given) as retriever:
            retriever.upsert([{"id": "a", "head": "Bees", "body": "They dance."}])
            assert len(retriever) == 1
            assert retriever.search("bees", k=1)[0].text == "Bees\nThey dance."


def test_an_index_of_another_kind_is_refused(
    tmp_path: Path, tiny_encoder: Encoder, foreign: MultiVectorEncoder
) -> None:
    Retriever.create(tmp_path / "x", tiny_encoder, config=EXACT)
    assert len(Retriever.open_or_create(tmp_path / "x", tiny_encoder)) == 0
    for given, problem in (
        ({"config": "small"}, "was made with another configuration than 'small'"),
        ({"text_fields": ["body"]}, "makes its texts of title, text, not of body; leave text_fields out"),
        ({"model": foreign}, "was made by the model"),
        ({"backend": "fast"}, "backend is 'fast'; choose"),
        ({"text_fields": "body"}, "text_fields is 'body'; expected a list of strings"),
    ):
        with pytest.raises(InputError, match=problem):
            Retriever.open_or_create(tmp_path / "x", **{"model": tiny_encoder, **given})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    with pytest.raises(InputError):
        Retriever.open_or_create(tmp_path / "other", tiny_encoder)


@pytest.mark.parametrize("names", [[], [""], ["a", "a"], [1], "ab", {"a": 1}])
def test_fields_that_are_none_are_refused(tmp_path: Path, tiny_encoder: Encoder, names: Any) -> None:
    with pytest.raises(InputError, match="text_fields"):
        Retriever.create(tmp_path / "x", tiny_encoder, text_fields=names)
    assert not (tmp_path / "x").exists()


def test_a_new_index_has_backend_and_cache(tmp_path: Path, tiny_folder: Path) -> None:
    with pytest.raises(InputError, match="backend is 'x'"):
        Retriever.create(tmp_path / "x", tiny_folder, backend="x")  # type: ignore[arg-type]
    retriever = Retriever.create(tmp_path / "x", tiny_folder, config=EXACT, cache_queries=2)
    retriever.search("bees")
    assert list(retriever.searcher._queries._kept) == ["bees"]  # type: ignore[union-attr]
