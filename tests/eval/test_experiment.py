"""An experiment is read from YAML, and its faults are told in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wordhive.eval.experiment import Bm25Spec, Experiment, FusionSpec, WordhiveSpec, slug, suite_names
from wordhive.eval.published_results import published
from wordhive.index import InputError

GOOD = """
title: Mine
collections:
  - source: ${TINY}
    queries: 3
systems:
  - {name: BM25, kind: bm25, stemmer: english}
  - {name: default, kind: wordhive, candidates: all}
  - {name: both, kind: fusion, of: [BM25, default], method: wsum, tune_on: train}
baseline: default
"""


def load(tmp_path: Path, text: str) -> Experiment:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return Experiment.load(path)


def test_systems_are_told_apart_by_kind_and_variables_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    monkeypatch.setenv("TINY", str(tiny))
    found = load(tmp_path, GOOD)
    assert [type(system) for system in found.systems] == [Bm25Spec, WordhiveSpec, FusionSpec]
    assert found.reference == "default"
    assert found.collections[0].source == str(tiny)
    assert found.collections[0].title == "tiny"
    assert found.with_queries(2).collections[0].queries == 2
    assert found.with_queries(9).collections[0].queries == 3


def test_the_first_system_is_the_baseline_where_none_is_named(tmp_path: Path) -> None:
    assert load(tmp_path, "{collections: [{source: a}], systems: [{name: x, kind: bm25}]}").reference == "x"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title", "titel"), "unknown key 'titel'; known are title, collections, systems"),
        (("stemmer", "stem"), r"systems.0: unknown key 'stem'; known are name, kind, stemmer, k1, b"),
        (("queries: 3", "queries: 0"), "collections.0.queries is 0; input should be greater than or equal to 1"),
        (("kind: wordhive", "kind: elastic"), "systems.1: .*'elastic'.*'wordhive', 'bm25', 'dense'"),
        (("of: [BM25, default]", "of: [BM25, other]"), "system 'both' fuses 'other', which is no system above it"),
        (("of: [BM25, default]", "of: [BM25, both]"), "fuses 'both', which is no system above it; choose from 'BM25'"),
        (("of: [BM25, default]", "of: [BM25, BM25]"), "system 'both' fuses 'BM25', 'BM25'; name each of them once"),
        (("baseline: default", "baseline: it"), "baseline 'it' is none of the systems 'BM25', 'default', 'both'"),
        (("name: default", "name: bm25"), "systems 'BM25' and 'bm25' have the same name in paths"),
        (("${TINY}", "${NO_SUCH_VARIABLE}"), "asks for the environment variable NO_SUCH_VARIABLE"),
        (("systems:", "systems: ["), "is not YAML"),
    ],
)
def test_faults_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], message: str
) -> None:
    monkeypatch.setenv("TINY", "somewhere")
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    with pytest.raises(InputError, match=message) as refused:
        load(tmp_path, GOOD.replace(*change))
    assert "mine.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_mapping_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds list; expected keys and values"):
        load(tmp_path, "[1]")
    with pytest.raises(InputError, match="no configuration file at"):
        Experiment.load(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", suite_names())
def test_suites_that_come_with_the_package_are_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORDHIVE_DATA", "/data")
    assert len(Experiment.suite(name).systems) >= 3
    with pytest.raises(InputError, match="choose beir, local, long, msmarco"):
        Experiment.suite("trec")


def test_published_results_have_sources_and_belong_to_a_measure() -> None:
    found = published("beir/scifact/test", "ndcg@10")
    assert found["ColBERTv2"][0] == 0.693
    assert all(0 < value < 1 and len(source) > 10 for value, source in found.values())
    assert published("beir/scifact/test", "map") == published("cranfield", "ndcg@10") == {}
    for collection in Experiment.suite("beir").collections:
        assert published(collection.source, "ndcg@10")
    for collection in Experiment.suite("msmarco").collections:
        assert collection.measures is not None
        assert published(collection.source, collection.measures[0])


def test_names_become_parts_of_paths() -> None:
    assert slug("a/b c: ü.d") == "a-b-c-.d"
    assert slug("..") == "-"
