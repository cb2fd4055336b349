"""Codecs side by side: figures that can be worked out, results that are kept, grids that are refused."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from wordhive.eval.bench import codecs as codec_bench
from wordhive.eval.bench.codec_plot import draw
from wordhive.eval.bench.codecs import CodecPair, bench, default_codecs, load_codecs
from wordhive.eval.bench.encoded_collection import EncodedCollection
from wordhive.eval.collections.collection import Collection
from wordhive.index import InputError
from wordhive.index.codecs import train_codec
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.shards import read_shards

FLAT = CodecPair("Flat", "Flat")


def test_what_loses_nothing_ranks_as_before(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    found = bench([FLAT], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    [flat] = found.codecs
    assert (flat.ndcg, flat.overlap, flat.error) == (found.ndcg_exact, 1.0, 0.0)


def test_figures_are_those_of_the_codec(shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    [coarse] = bench(
        [CodecPair("Residual1x1", "SQ4")], EncodedCollection(collection, encoder, tmp_path, shards=shards)
    ).codecs
    [(_, documents)] = read_shards(shards)
    codec = train_codec("Residual1x1", documents.vectors)
    lost = np.square(codec.decode(codec.encode(documents.vectors)) - documents.vectors).sum()
    assert coarse.error == pytest.approx(lost / np.square(documents.vectors).sum(), rel=1e-3)
    assert coarse.bytes_per_vector == codec.code_size
    expected = codec.code_size * len(documents.vectors) / 60 + documents.summary_dim / 2
    assert coarse.bytes_per_document == pytest.approx(expected, abs=0.1)
    assert coarse.overlap < 1
    assert min(coarse.words_per_second, coarse.documents_per_second, coarse.words_per_second_encoded) > 0


def test_documents_of_several_shards_are_ranked_as_of_one(
    collection: Collection, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wordhive.retrieval.shards.DOCUMENTS_A_SHARD", 16)
    found = bench([FLAT], EncodedCollection(collection, encoder, tmp_path))
    assert len(list(read_shards(tmp_path / "shards"))) == 4
    assert (found.codecs[0].ndcg, found.codecs[0].overlap) == (found.ndcg_exact, 1.0)


def test_a_second_run_takes_what_the_first_one_found(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench([FLAT], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    monkeypatch.setattr(codec_bench, "_Measurement", None)
    assert bench([FLAT], EncodedCollection(collection, encoder, tmp_path, shards=shards)) == first
    with pytest.raises(TypeError):
        bench([FLAT], EncodedCollection(collection, encoder, tmp_path, shards=shards, fitted_to=30))


def test_the_front_holds_what_no_smaller_one_equals(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    pairs = [FLAT, CodecPair("SQfp16", "SQfp16"), CodecPair("Residual1x1", "SQ4")]
    found = bench(pairs, EncodedCollection(collection, encoder, tmp_path, shards=shards))
    assert found.front[0].words == "Residual1x1"
    overlaps = [codec.overlap for codec in found.front]
    assert overlaps == sorted(set(overlaps))
    draw(found, "tiny", tmp_path / "codecs.svg")
    root = ElementTree.parse(tmp_path / "codecs.svg").getroot()
    told = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert told[0] == "tiny"
    for codec in found.codecs:  # each in both charts
        assert sum(f"{codec.words}, {codec.summaries}: " in str(text) for text in told) == 2


def test_the_grid_that_comes_along_names_codecs_that_can_be_trained() -> None:
    sample = np.random.default_rng(0).standard_normal((2000, 32)).astype(np.float32)
    for pair in load_codecs(default_codecs()):
        if not pair.words.startswith(("OPQ", "RQ")):  # these take seconds
            assert train_codec(pair.words, sample).dim == 32


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "words: field required"),
        ("words: [SQ8]", "summaries: field required"),
        ("words: SQ8\nsummaries: [SQ8]", "words is .SQ8.; input should be a valid list"),
        ("words: [SQ8]\nsummaries: []", r"summaries is \[\]; list should have at least 1 item"),
        ("words: [", "is not YAML"),
    ],
)
def test_a_grid_of_anything_else_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "grid.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        load_codecs(tmp_path / "grid.yaml")


def test_a_grid_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no configuration file at"):
        load_codecs(tmp_path / "none.yaml")
