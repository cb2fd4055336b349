"""Hard negatives: which may be drawn, from where, and that BM25 is BM25."""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from wordhive.index import InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.texts.bm25 import Bm25
from wordhive.retrieval.training.examples import Example, SourceConfig, read_examples
from wordhive.retrieval.training.mining import Draw, Search, mine, mine_file, retriever_search

RANKING = [(f"text {rank}", 10.0 - rank) for rank in range(10)]


def _fixed(ranking: list[tuple[str, float]] = RANKING) -> Search:
    return lambda queries, k: [ranking[:k] for _ in queries]


def _mined(example: Example, draw: Draw, search: Search | None = None, known: tuple[str, ...] = ()) -> set[str]:
    (found,) = mine([example], search or _fixed(), {"q": known}, draw)
    assert (found.query, found.positive) == (example.query, example.positive)
    assert len(set(found.negatives)) == len(found.negatives)
    return set(found.negatives)


def _ranks(*ranks: int) -> set[str]:
    return {RANKING[rank][0] for rank in ranks}


def test_negatives_come_from_the_ranks_between_skip_and_depth() -> None:
    found = _mined(Example("q", "elsewhere"), Draw(negatives=50, skip=2, depth=7))
    assert found == _ranks(2, 3, 4, 5, 6)
    assert len(_mined(Example("q", "elsewhere"), Draw(negatives=3, skip=2, depth=7))) == 3


def test_no_positive_of_the_query_is_a_negative() -> None:
    everything = Draw(negatives=50, skip=0, depth=10)
    assert _mined(Example("q", "text 3"), everything, known=("text 5",)) == _ranks(0, 1, 2, 4, 6, 7, 8, 9)
    assert _mined(Example(" Q ", "TEXT  3"), everything, known=("text 5",)) == _ranks(0, 1, 2, 4, 6, 7, 8, 9)


def test_a_text_is_a_negative_once() -> None:
    twice = [("same", 3.0), ("Same", 2.0), ("other", 1.0)]
    found = _mined(Example("q", "p"), Draw(negatives=9, skip=0), _fixed(twice))
    assert {text.lower() for text in found} == {"same", "other"}
    assert len(found) == 2


def test_what_is_nearly_as_good_as_the_positive_is_no_negative() -> None:
    draw = Draw(negatives=50, skip=0, depth=10, max_ratio=0.5)
    # The positive has rank 2 and the score 8: what scores more than 4 is left out.
    assert _mined(Example("q", "text 2"), draw) == _ranks(6, 7, 8, 9)
    assert _mined(Example("q", "not found"), draw) == set()
    below_zero = [("p", -1.0), ("near", -1.5), ("far", -2.5)]
    assert _mined(Example("q", "p"), draw, _fixed(below_zero)) == {"far"}


def test_a_teachers_scores_do_not_outlive_their_negatives() -> None:
    (found,) = mine([Example("q", "p", ("old",), (1.0, 0.0))], _fixed(), {}, Draw(negatives=2))
    assert found.scores is None
    assert "old" not in found.negatives


def test_the_seed_decides() -> None:
    examples = [Example(f"q{i}", "p") for i in range(40)]
    first = list(mine(examples, _fixed(), {}, Draw(seed=1)))
    assert first == list(mine(examples, _fixed(), {}, Draw(seed=1)))
    assert first != list(mine(examples, _fixed(), {}, Draw(seed=2)))
    # Every rank is drawn at some time.
    assert {text for one in first for text in one.negatives} == _ranks(*range(2, 10))


@pytest.mark.parametrize(
    "options", [{"negatives": 0}, {"skip": 100}, {"skip": -1}, {"max_ratio": 0.0}, {"max_ratio": 1.5}]
)
def test_draws_that_can_not_be_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Draw(**options)  # type: ignore[arg-type]


def test_bm25_scores_as_the_formula_does() -> None:
    draw = random.Random(0)
    texts = [" ".join(f"word{draw.randrange(30)}" for _ in range(draw.randrange(3, 20))) for _ in range(40)]
    query = "word1 word2, Word7 unheard"
    words = [re.findall(r"\w\w+", text) for text in texts]
    mean = sum(map(len, words)) / len(words)

    def score(own: list[str]) -> float:
        total = 0.0
        for word in ("word1", "word2", "word7"):
            n = sum(word in other for other in words)
            idf = math.log(1 + (len(texts) - n + 0.5) / (n + 0.5))
            times = Counter(own)[word]
            total += idf * times / (times + 1.5 * (1 - 0.75 + 0.75 * len(own) / mean))
        return total

    expected = dict(enumerate(map(score, words)))
    found, nothing = Bm25(iter(texts)).search([query, "unheard"], k=12)
    assert nothing == []
    assert [score for _, score in found] == pytest.approx(sorted(expected.values(), reverse=True)[:12], abs=1e-5)
    assert all(score == pytest.approx(expected[row], abs=1e-5) for row, score in found)
    assert len(Bm25(texts).search([query], k=1000)[0]) == sum(score > 0 for score in expected.values())


def _pairs(folder: Path, sentences: list[str]) -> SourceConfig:
    path = folder / "pairs.jsonl"
    rows = [{"title": f"t{i}", "query": text.split(",")[0], "positive": text} for i, text in enumerate(sentences)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return SourceConfig(path=path)


@pytest.mark.parametrize("query", ["the of and", "", "a", "unheard"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_bm25_finds_nothing_for_a_query_without_words(query: str, place: int) -> None:
    index, queries = Bm25(["bees dance", "ants follow", "wasps chew"]), ["bees", "ants"]
    expected = index.search(queries, 2)
    queries.insert(place, query)
    expected.insert(place, [])
    assert index.search(queries, 2) == expected
    assert index.search([query], 2) == [[]]
    assert index.search([], 2) == []


def test_a_first_query_of_stop_words_gets_no_negatives(tmp_path: Path) -> None:
    source, to = tmp_path / "pairs.jsonl", tmp_path / "mined.jsonl"
    rows = [{"query": "to be or not", "positive": "Bees sing."}, {"query": "bees", "positive": "Bees dance."}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    mine_file(SourceConfig(path=source), to, Draw(skip=0))
    assert [one.negatives for one in read_examples(SourceConfig(path=to))] == [(), ("Bees sing.",)]


def test_bm25_mines_a_file_from_its_own_positives(tmp_path: Path, sentences: list[str]) -> None:
    source, to = _pairs(tmp_path, sentences), tmp_path / "mined.jsonl.gz"
    mined = mine_file(source, to, Draw(skip=0))
    found = list(read_examples(SourceConfig(path=to)))
    assert [(one.query, one.positive) for one in found] == [(e.query, e.positive) for e in read_examples(source)]
    assert mined.examples == len(sentences)
    assert mined.negatives == sum(len(one.negatives) for one in found) > 0
    for one in found:
        shared = set(re.findall(r"\w\w+", one.query.lower()))
        assert set(one.negatives) <= {*sentences} - {one.positive}
        assert all(shared & set(re.findall(r"\w\w+", text.lower())) for text in one.negatives)
    mine_file(source, tmp_path / "again.jsonl.gz", Draw(skip=0))
    assert (tmp_path / "again.jsonl.gz").read_bytes() == to.read_bytes()


def test_other_fields_stay_and_old_negatives_go(tmp_path: Path) -> None:
    pairs, to = tmp_path / "pairs.jsonl", tmp_path / "mined.jsonl"
    rows = [
        {"question": f"bees {i}", "answer": [f"bees dance {i}", "bees sing"], "title": "T", "negatives": ["x"]}
        for i in range(4)
    ]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    mine_file(SourceConfig(path=pairs, query="question", positive="answer"), to, Draw(skip=0))
    first = json.loads(to.read_text(encoding="utf-8").splitlines()[0])
    assert sorted(first.pop("negatives")) == ["bees dance 1", "bees dance 2", "bees dance 3"]
    assert first == {"title": "T", "query": "bees 0", "positive": "bees dance 0"}


def test_documents_of_a_corpus_become_negatives_too(tmp_path: Path, sentences: list[str]) -> None:
    documents, to = tmp_path / "docs.jsonl", tmp_path / "mined.jsonl"
    texts = ["Bees dance alone.", *sentences[:2]]
    documents.write_text("".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(texts)), "utf-8")
    mine_file(_pairs(tmp_path, sentences[:6]), to, Draw(skip=0, negatives=50), corpus=documents)
    found = list(read_examples(SourceConfig(path=to)))
    assert "Bees dance alone." in found[0].negatives
    assert all(one.positive not in one.negatives for one in found)


def test_a_model_mines_in_a_temporary_index(tmp_path: Path, tiny_folder: Path, sentences: list[str]) -> None:
    source, to = _pairs(tmp_path, sentences), tmp_path / "mined.jsonl"
    mine_file(source, to, Draw(skip=0, depth=3, negatives=50), method=str(tiny_folder))
    with Retriever.create(tmp_path / "same.hive", str(tiny_folder)) as retriever:
        retriever.add(sentences)
        for one in read_examples(SourceConfig(path=to)):
            expected = {hit.text for hit in retriever.search(one.query, k=3)} - {one.positive}
            assert set(one.negatives) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mined.jsonl", "pairs.jsonl", "same.hive"]


def test_an_index_that_is_there_is_the_corpus(
    tmp_path: Path, tiny_folder: Path, tiny_encoder: Encoder, sentences: list[str]
) -> None:
    source, to, hive = _pairs(tmp_path, sentences[:4]), tmp_path / "mined.jsonl", tmp_path / "my.hive"
    with Retriever.create(hive, str(tiny_folder)) as retriever:
        retriever.add(sentences[6:])
    mine_file(source, to, Draw(skip=0, negatives=50), method=str(hive))
    assert all(set(one.negatives) == set(sentences[6:]) for one in read_examples(SourceConfig(path=to)))
    with pytest.raises(InputError, match="leave out"):
        mine_file(source, to, Draw(), method=str(hive), corpus=tmp_path / "pairs.jsonl")
    with Retriever.create(tmp_path / "bare.hive", tiny_encoder) as bare:
        bare.index.add(["a"], tiny_encoder.encode_documents(["bees"]))
        with pytest.raises(InputError, match="without texts"):
            retriever_search(bare)(["bees"], 1)


def test_nothing_to_mine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        mine_file(SourceConfig(dataset="some/train"), tmp_path / "out.jsonl", Draw())
    (tmp_path / "empty.jsonl").write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds no examples"):
        mine_file(SourceConfig(path=tmp_path / "empty.jsonl"), tmp_path / "out.jsonl", Draw())
