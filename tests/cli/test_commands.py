"""Every command does its work, and prints it for people and for programs."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import BEES, Run


def test_search_finds_the_document_and_prints_its_parts(run: Run, hive: Path) -> None:
    found = run("search", hive, "how do bees tell each other about flowers?", "-k", "2")
    assert found.code == 0
    first = found.out.splitlines()[0]
    assert "dance" in first
    assert "words" in first
    assert "summary" in first


def test_search_prints_hits_as_json(run: Run, hive: Path) -> None:
    hits = run("search", hive, "who spins webs?", "--json", "-k", "3").json()["hits"]
    assert hits[0]["id"] == "silk"
    assert len(hits) == 3
    parts = sum(hits[0][f"{part}_score"] for part in ("words", "summary", "lexical"))
    assert hits[0]["score"] == pytest.approx(parts, abs=1e-5)


def test_attributes_come_back_with_hits(run: Run, hive: Path) -> None:
    hits = run("search", hive, "honey bees dance", "--json", "-k", "1").json()["hits"]
    assert hits[0]["attributes"] == {"title": "Waggle dance", "year": 1973}


def test_all_candidates_and_many_candidates_agree(run: Run, hive: Path) -> None:
    exact = run("search", hive, "queen", "--json", "--candidates", "all").json()
    two_stage = run("search", hive, "queen", "--json", "--candidates", "6").json()
    assert [hit["id"] for hit in exact["hits"]] == [hit["id"] for hit in two_stage["hits"]]


def test_a_file_of_queries_becomes_a_trec_run(run: Run, hive: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.tsv"
    queries.write_text("q1\tbees dance\nq2\tspider webs\n", encoding="utf-8")
    target = tmp_path / "out.trec"
    assert run("search", hive, "--queries", queries, "--run", target, "-k", "2").code == 0
    lines = [line.split() for line in target.read_text(encoding="utf-8").splitlines()]
    assert [(line[0], line[2], line[3]) for line in lines if line[3] == "1"] == [
        ("q1", "dance", "1"),
        ("q2", "silk", "1"),
    ]
    assert len(lines) == 4


def test_a_run_goes_to_standard_output_without_a_file(run: Run, hive: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"_id": "q", "text": "webs"}\n', encoding="utf-8")
    assert run("search", hive, "--queries", queries, "-k", "1").out.startswith("q Q0 silk 1 ")


def test_info_counts_documents_and_bytes(run: Run, hive: Path) -> None:
    found = run("info", hive, "--json").json()
    assert found["n_documents"] == len(BEES)
    assert found["dim"] == 32
    assert found["bytes"]["words"] > found["n_words"] * 32
    assert found["intrinsic_dimension"] is None  # six documents tell nothing
    assert "wordhive-minilm-32" in run("info", hive).out


def test_info_compares_bytes_with_the_plain_text(run: Run, hive: Path) -> None:
    found = run("info", hive, "--json").json()
    sizes, plain = found["bytes"], found["text_bytes"]
    assert plain > sum(len(bee["text"].encode()) for bee in BEES)
    assert found["bytes_without_texts"] == sum(sizes.values()) - sizes["texts"]
    assert found["times_plain_text"] == pytest.approx(found["bytes_without_texts"] / plain)
    assert found["times_plain_text_without_parameters"] == pytest.approx(found["bytes_of_documents"] / plain)
    shown = next(line for line in run("info", hive).out.splitlines() if "all but texts" in line)
    assert shown.split()[-2:] == [f"{found['times_plain_text']:.2f}", "×"]


def test_an_index_without_texts_finds_ids(run: Run, bees: Path, tmp_path: Path) -> None:
    target = tmp_path / "ids.hive"
    run("index", bees, "--to", target, "--no-texts")
    hits = run("search", target, "how do bees communicate?", "-k", "2", "--json").json()["hits"]
    assert [(hit["id"], hit["text"]) for hit in hits] == [("dance", None), ("hive", None)]
    assert "flowers" not in run("search", target, "how do bees communicate?").out
    assert run("info", target, "--json").json()["text_bytes"] > 0
    assert "--no-texts" in run("index", bees, "--to", target, "--upsert", "--no-texts").err


def test_index_takes_queries_to_fit_to(run: Run, bees: Path, hive: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"_id": "q1", "text": "who dances?"}\n', encoding="utf-8")
    target = tmp_path / "my.hive"
    assert run("index", bees, "--to", target, "--queries", queries).code == 0
    assert (target / "params" / "queries.safetensors").is_file()
    refused = run("index", bees, "--to", target, "--queries", queries, "--append")
    assert (refused.code, "leave out --queries" in refused.err) == (2, True)
    assert run("index", bees, "--to", target, "--queries", queries, "--resume").code == 0
    assert run("index", bees, "--to", tmp_path / "b.hive", "--queries", tmp_path / "none.jsonl").code == 2
    assert not (tmp_path / "b.hive").exists()


@pytest.mark.parametrize("form", ["gz", "tsv", "folder", "beir"])
def test_every_input_form_gives_the_same_hits(run: Run, tmp_path: Path, form: str) -> None:
    rows = [(document["_id"], f"{document['title']} {document['text']}") for document in BEES]
    if form == "tsv":
        source = tmp_path / "bees.tsv"
        source.write_text("".join(f"{id}\t{text}\n" for id, text in rows), encoding="utf-8")
    elif form == "folder":
        source = tmp_path / "texts"
        source.mkdir()
        for id, text in rows:
            (source / f"{id}.txt").write_text(text, encoding="utf-8")
    else:
        lines = "".join(json.dumps(document) + "\n" for document in BEES)
        source = tmp_path / "bees.jsonl.gz" if form == "gz" else tmp_path / "beir"
        if form == "beir":
            source.mkdir()
        packed = source / "corpus.jsonl.gz" if form == "beir" else source
        packed.write_bytes(gzip.compress(lines.encode()))
    target = tmp_path / "my.hive"
    assert run("index", source, "--to", target).code == 0
    best = run("search", target, "Waggle dance", "--json", "-k", "1").json()["hits"][0]
    assert best["id"].removesuffix(".txt") == "dance"
    assert best["text"] == "Waggle dance Honey bees dance to tell others where flowers are."


def test_append_adds_and_resume_passes_over(run: Run, bees: Path, tmp_path: Path) -> None:
    target = tmp_path / "my.hive"
    run("index", bees, "--to", target, "--limit", "4")
    more = tmp_path / "more.tsv"
    more.write_text("moth\tMoths fly at night.\n", encoding="utf-8")
    assert run("index", more, "--to", target, "--append", "--json").json()["documents"] == 5
    assert run("index", bees, "--to", target, "--resume", "--json").json() == {
        "index": str(target),
        "added": 2,
        "documents": 7,
    }


def test_parts_of_shards_are_encoded_by_processes_of_their_own(run: Run, bees: Path, tmp_path: Path) -> None:
    shards = tmp_path / "bees.shards"
    for wrong in ("2", "3/2", "first"):
        refused = run("encode", bees, "--to", shards, "--part", wrong)
        assert (refused.code, shards.exists()) == (2, False)
        assert "expected one such as 1/4, the first of four" in refused.err
    second = run("encode", bees, "--to", shards, "--part", "2/2")
    assert f"{shards}: 0 documents encoded, 6 in all" in second.out.replace("\n", "")
    assert f"other parts of {shards} are still to come" in second.err.replace("\n", "")
    assert run("index", shards, "--to", tmp_path / "x.hive").code == 2
    first = run("encode", bees, "--to", shards, "--part", "1/2", "--json").json()
    assert (first["encoded"], first["whole"]) == (6, True)
    assert run("index", shards, "--to", tmp_path / "x.hive").code == 0


def test_encoded_shards_search_like_text(run: Run, bees: Path, hive: Path, tmp_path: Path) -> None:
    shards, target = tmp_path / "bees.shards", tmp_path / "my.hive"
    assert run("encode", bees, "--to", shards, "--json").json()["encoded"] == len(BEES)
    assert run("encode", bees, "--to", shards, "--json").json()["encoded"] == 0
    assert run("index", shards, "--to", target, "--json").json()["added"] == len(BEES)
    expected = run("search", hive, "old queen leaves", "--json").json()["hits"]
    found = run("search", target, "old queen leaves", "--json").json()["hits"]
    assert [hit["id"] for hit in found] == [hit["id"] for hit in expected]
    assert [hit["score"] for hit in found] == pytest.approx([hit["score"] for hit in expected], abs=0.02)


def test_eval_writes_report_and_runs(run: Run, beir: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    printed = run("eval", beir, "--report", report)
    assert printed.code == 0
    assert "ndcg@10" in printed.out
    saved = json.loads((report / "report.json").read_text(encoding="utf-8"))
    systems = saved["collections"][0]["systems"]
    assert [system["measures"]["ndcg@10"] for system in systems] == [1.0] * 4
    assert systems[-1]["candidate_recall"]["1000"] == 1.0
    assert (report / "runs/tiny/exact.trec").read_text(encoding="utf-8").startswith("q1 Q0 dance 1 ")
    assert saved["setting"]["command"] == f"wordhive eval {beir} --report {report}"
    assert "exact, words alone" in (report / "report.html").read_text(encoding="utf-8")
    again = run("eval", beir, "--report", report, "--json")
    assert again.json()["collections"] == saved["collections"]
    assert "done" not in again.err


def test_eval_of_three_files_equals_that_of_their_folder(run: Run, beir: Path) -> None:
    qrels = next((beir / "qrels").iterdir())
    files = [beir / "corpus.jsonl", "--queries-file", beir / "queries.jsonl", "--qrels", qrels]
    found = run("eval", *files, "--config", "exact", "--json").json()["collections"][0]
    expected = run("eval", beir, "--config", "exact", "--json").json()["collections"][0]
    assert (found["name"], found["split"]) == ("corpus", "test")
    assert found["query_ids"] == expected["query_ids"]
    assert [s["measures"] for s in found["systems"]] == [s["measures"] for s in expected["systems"]]
    for arguments, said in [
        (files[:3], "give --queries-file and --qrels together"),
        ([*files, "--split", "dev"], "--split belongs to a BEIR folder"),
        ([beir / "gone.jsonl", *files[1:]], "gone.jsonl"),
    ]:
        refused = run("eval", *arguments)
        assert (refused.code, said in refused.err) == (2, True)
        assert len(refused.err.strip().splitlines()) == 1


def test_eval_measures_bm25_and_says_what_words_cost(run: Run, beir: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    printed = run("eval", beir, "--report", report, "--bm25").out
    saved = json.loads((report / "report.json").read_text(encoding="utf-8"))
    systems = saved["collections"][0]["systems"]
    assert systems[-1]["name"] == "bm25"
    assert (report / "runs/tiny/bm25.trec").read_text(encoding="utf-8").startswith("q1 Q0 dance 1 ")
    index = systems[0]["index"]
    words, removed, codes = index["words_per_document"], index["words_removed"], index["bytes_per_document"]["words"]
    assert f"{words:.1f} word vectors ({removed:.1%} of its whole words removed) in {codes:,.0f} bytes" in printed


def test_bench_compares_first_stages_and_keeps_what_it_found(run: Run, beir: Path, tmp_path: Path) -> None:
    command = ("bench", "candidates", beir, "--report", tmp_path / "report", "--config", "muvera-1280")
    printed = run(*command)
    assert printed.code == 0
    assert "exact top 10" in printed.out
    assert "muvera-1280" in printed.out
    assert (tmp_path / "report" / "candidates.svg").stat().st_size > 5000
    found = run(*command, "--json").json()
    assert found == json.loads((tmp_path / "report" / "candidates.json").read_text(encoding="utf-8"))
    [stage] = found["stages"]
    assert stage["shares"]["10"]["20"] == 1.0
    assert stage["ndcg"]["20"] == found["ndcg_exact"] == 1.0
    assert (found["n_documents"], found["n_queries"]) == (6, 2)


def test_bench_refuses_what_has_no_first_stage(run: Run, beir: Path, tmp_path: Path) -> None:
    refused = run("bench", "candidates", beir, "--report", tmp_path, "--config", "exact")
    assert (refused.code, refused.out) == (2, "")
    assert "exact has no first stage" in refused.err
    both = run("bench", "candidates", beir, "--grid", tmp_path / "a.yaml", "--config", "default")
    assert (both.code, "give one of them" in both.err) == (2, True)
    assert "no configuration file at" in run("bench", "candidates", beir, "--grid", tmp_path / "a.yaml").err


def test_fit_makes_a_model_that_indexes_and_searches(run: Run, bees: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    words = [f"Text {i} tells of {a} and {b} in the {c}." for i, (a, b, c) in enumerate(_triples())]
    texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in words), encoding="utf-8")
    model, target = tmp_path / "model", tmp_path / "my.hive"
    assert run("fit", "all-MiniLM-L6-v2", "--texts", texts, "--to", model, "--dim", "32", "--light").code == 0
    assert run("index", bees, "--to", target, "--model", model).code == 0
    assert run("info", target, "--json").json()["dim"] == 32
    assert run("search", target, "webs of silk", "--json", "-k", "1").json()["hits"][0]["id"] == "silk"


def _triples() -> list[tuple[str, str, str]]:
    first, second, third = (
        ("bees", "ants", "wasps", "moths"),
        ("honey", "nests", "wings", "eggs"),
        ("wood", "sky", "soil"),
    )
    return [(a, b, c) for a in first for b in second for c in third]


@pytest.mark.parametrize("command", ["index", "search", "encode", "eval", "compare", "info", "demo", "fit", "bench"])
def test_help_teaches_by_example(run: Run, command: str) -> None:
    found = run(command, "--help")
    assert found.code == 0
    assert f"wordhive {command}" in found.out.split("Options")[0].split("\n", 3)[-1]


def test_help_answers_without_torch() -> None:
    code = "import sys; from wordhive.cli.main import app; print('torch' in sys.modules or 'faiss' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_ctrl_c_keeps_what_was_committed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wordhive.retrieval.encoder import Encoder
    from wordhive.retrieval.operations import document_writer

    monkeypatch.setattr(document_writer, "DOCUMENTS_A_COMMIT", 2)
    encode, calls = Encoder.encode_documents, []

    def interrupted(self: Encoder, texts: list[str], **options: object) -> object:
        calls.append(time.time())
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode(self, texts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "encode_documents", interrupted)
    source = tmp_path / "docs.tsv"
    source.write_text("".join(f"d{i}\ttext number {i}\n" for i in range(7)), encoding="utf-8")
    target = tmp_path / "my.hive"
    stopped = run("index", source, "--to", target)
    assert stopped.code == 130
    assert "4 documents" in stopped.err.partition("safe in ")[2]
    assert run("index", source, "--to", target, "--resume", "--json").json() == {
        "index": str(target),
        "added": 3,
        "documents": 7,
    }


def test_carved_queries_score_less_and_what_is_no_number_is_refused(run: Run, hive: Path, tmp_path: Path) -> None:
    query = "who spins webs of silk?"
    exact = run("search", hive, query, "--json").json()["hits"]
    carved = run("search", hive, query, "--json", "--carve", "-2").json()["hits"]
    scores = {hit["id"]: hit["score"] for hit in exact}
    assert all(hit["score"] < scores[hit["id"]] for hit in carved)
    assert run("search", hive, query, "--json", "--carve", "2").json()["hits"] == exact
    queries = tmp_path / "queries.tsv"
    queries.write_text(f"q1\t{query}\n", encoding="utf-8")
    many = run("search", hive, "--queries", queries, "--json", "--carve", "-2").json()["hits"]
    assert [hit["score"] for hit in many] == pytest.approx([hit["score"] for hit in carved], abs=1e-5)
    for value in ("nan", "near"):
        refused = run("search", hive, query, "--carve", value)
        assert refused.code == 2
        assert refused.err.startswith(f"error: --carve is '{value}'; expected the least inner product")


def test_a_model_of_identical_words_is_indexed_searched_and_measured(
    run: Run, bees: Path, beir: Path, uni: Path, tmp_path: Path
) -> None:
    target = tmp_path / "uni.hive"
    assert run("index", bees, "--to", target, "--model", uni).code == 0
    first = run("search", target, "spiders", "--json", "-k", "1").json()["hits"][0]
    assert (first["id"], first["words_score"] > 0) == ("silk", True)
    shown = run("info", target).out
    assert "matching   identical words only" in shown
    assert "stages     the summary, SQ8" in shown
    assert run("info", target, "--json").json()["exact_match"] is True
    measured = run("eval", beir, "--model", uni, "--json").json()
    first = measured["collections"][0]["systems"][0]
    assert first["index"]["config"]["encoding"] == {"family": "summary"}
    assert first["measures"]["ndcg@10"] == 1


def test_info_says_nothing_of_matching_where_all_words_match(run: Run, hive: Path) -> None:
    assert "matching" not in run("info", hive).out
    assert run("info", hive, "--json").json()["exact_match"] is False


def test_an_index_goes_to_parquet_and_back(run: Run, hive: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    file, target = tmp_path / "bees.parquet", tmp_path / "again.hive"
    assert run("export", hive, file, "--json").json()["documents"] == len(BEES)
    assert run("import", file, "--to", target).out.strip() == f"{target}: {len(BEES)} documents"
    asked = ["how do bees communicate?", "--json", "-k", "3"]
    before, after = (run("search", folder, *asked).json()["hits"] for folder in (hive, target))
    assert [(hit["id"], hit["text"], hit["attributes"]) for hit in after] == [
        (hit["id"], hit["text"], hit["attributes"]) for hit in before
    ]
    assert [hit["score"] for hit in after] == pytest.approx([hit["score"] for hit in before], abs=0.02)


def test_what_is_no_parquet_is_refused_in_one_line(run: Run, bees: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for file, message in {bees: "no Parquet file", tmp_path / "none": "no file at"}.items():
        refused = run("import", file, "--to", tmp_path / "x.hive")
        assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1)
        assert message in refused.err
    assert not (tmp_path / "x.hive").exists()
