"""Shards from somebody else: what can't be is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import WordhiveError
from wordhive.index.tensors import read_tensors, write_tensors
from wordhive.retrieval.shards import read_shards


@pytest.fixture
def folder_of_shards(tmp_path: Path) -> Path:
    manifest = {"model": "m", "fingerprint": "f", "summary_weight": 0.0, "shards": 1}
    (tmp_path / "shards.json").write_text(json.dumps(manifest))
    (tmp_path / "shard-000000.jsonl").write_text('{"id": "a", "text": "one"}\n')
    tensors = {"vectors": np.zeros((2, 4), np.float16), "offsets": np.array([0, 2]), "word_ids": np.zeros(2, np.uint32)}
    write_tensors(tmp_path / "shard-000000.safetensors", tensors)
    return tmp_path


def test_what_is_whole_is_read(folder_of_shards: Path) -> None:
    [(documents, vectors)] = read_shards(folder_of_shards)
    assert (len(documents), len(vectors)) == (1, 1)


@pytest.mark.parametrize("n", [10**12, -1, "3", None, 0.5])
def test_a_manifest_with_a_number_of_shards_that_cannot_be_is_damaged(folder_of_shards: Path, n: object) -> None:
    manifest = json.loads((folder_of_shards / "shards.json").read_text())
    (folder_of_shards / "shards.json").write_text(json.dumps({**manifest, "shards": n}))
    with pytest.raises(WordhiveError, match="is damaged"):
        list(read_shards(folder_of_shards))


@pytest.mark.parametrize("name", ["vectors", "offsets", "word_ids"])
def test_a_shard_without_a_tensor_is_damaged(folder_of_shards: Path, name: str) -> None:
    file = folder_of_shards / "shard-000000.safetensors"
    tensors = {key: it for key, it in read_tensors(file).items() if key != name}
    write_tensors(file, tensors)
    with pytest.raises(WordhiveError, match=r"is damaged .*delete it and encode again"):
        list(read_shards(folder_of_shards))
