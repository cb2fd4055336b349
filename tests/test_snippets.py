"""Every Python and shell snippet of README and docs runs: page by page, in a folder of its own, offline.

Comments in a page, which its readers don't see, say how:

    <!-- given: docs.jsonl, my.hive -->     files that the page's reader has
    <!-- file: mine.yaml -->                the block below is that file
    <!-- not run: REASON -->                of the block below, only names, commands and options are checked
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import shlex
import shutil
import statistics
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from wordhive.cli.main import app, main
from wordhive.cli.train.group import DEFAULT_COMMAND

from .markdown_pages import PAGES, ROOT, Block, blocks, given, name
from .retrieval.formats.made_files import pdf

RUN = ("python", "sh")
DOCUMENTS = [
    ("dance", "Waggle dance", "Honey bees dance to tell others where flowers are.", 1973),
    ("trail", "Ant trails", "Ants lay a scent trail between their nest and food.", 2004),
    ("hive", "The hive", "A hive holds thousands of workers and a single queen.", 1965),
    ("silk", "Silk", "Spiders spin webs of silk to catch flies.", 1990),
    ("song", "Bird song", "Male birds sing in spring to hold a territory.", 1995),
    ("swarm", "Swarming", "In spring half of a colony of bees leaves with the old queen.", 2010),
]
QUERIES = [("q1", "how do bees communicate?"), ("q2", "what do spiders eat?")]
RUNS = {
    "a.trec": "q1 Q0 dance 1 0.9 a\nq1 Q0 hive 2 0.4 a\nq2 Q0 silk 1 0.8 a\n",
    "b.trec": "q1 Q0 hive 1 0.7 b\nq1 Q0 dance 2 0.6 b\nq2 Q0 song 1 0.5 b\n",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a page may be given: `my.hive`, `docs.jsonl`, a collection, …"""
    folder = tmp_path_factory.mktemp("given")
    rows = [
        {"id": id, "title": title, "text": text, "year": year, "lang": "en", "tags": []}
        for id, title, text, year in DOCUMENTS
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    queries = "".join(json.dumps({"_id": id, "text": text}) + "\n" for id, text in QUERIES)
    judgements = "query-id\tcorpus-id\tscore\nq1\tdance\t1\nq2\tsilk\t1\n"
    collection = folder / "collections" / "scifact"
    (collection / "qrels").mkdir(parents=True)
    docstrings = [inspect.getdoc(each) for each in vars(statistics).values() if callable(each)][:20]
    for path, text in {
        "texts.jsonl": "".join(json.dumps({"text": text}) + "\n" for text in docstrings if text),
        "docs.jsonl": lines,
        "changed.jsonl": json.dumps({"id": "dance", "text": "Bees dance in the dark."}) + "\n",
        "queries.jsonl": queries,
        "docs.tsv": "".join(f"{id}\t{text}\n" for id, _, text, _ in DOCUMENTS),
        "queries.tsv": "".join(f"{id}\t{text}\n" for id, text in QUERIES),
        "judgements.qrels": "q1 0 dance 1\nq2 0 silk 1\n",
        "collections/scifact/corpus.jsonl": lines,
        "collections/scifact/queries.jsonl": queries,
        "collections/scifact/qrels/test.tsv": judgements,
        "bm25.trec": RUNS["a.trec"],
        "exact.trec": RUNS["b.trec"],
        **RUNS,
    }.items():
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "papers").mkdir()
    (folder / "papers" / "notes.md").write_text("# Bees\n\nThey dance.\n", encoding="utf-8")
    (folder / "papers" / "species.csv").write_text("key,text,name,habits\na,Apis,Bee,dances\n", encoding="utf-8")
    pages = ["Moths find each other by scent.", "Some moths hear bats."]
    (folder / "papers" / "moths.pdf").write_bytes(pdf(pages, "Moths", [("Scent", 0), ("Hearing", 1)]))
    _command(["wordhive", "index", str(folder / "docs.jsonl"), "--to", str(folder / "my.hive")])
    shutil.copytree(folder / "my.hive", folder / "their.hive")
    return folder


@pytest.fixture(autouse=True, scope="module")
def loaded_once() -> Iterator[None]:
    """Each model is loaded once."""
    from wordhive import Encoder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Encoder, "load", staticmethod(cache(Encoder.load)))
        yield


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language in RUN for b in blocks(page))], ids=name)
def test_snippets_of_a_page_run(page: Path, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in given(page):
        copy: Callable[..., Any] = shutil.copytree if (files / file).is_dir() else shutil.copy
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        copy(files / file, tmp_path / file)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.note == "file":
            Path(block.value).write_text(block.text, encoding="utf-8")
        elif block.language == "python" and block.note == "not run":
            _check_names(block)
        elif block.language == "python":
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)
        elif block.language == "sh":
            for words in _commands(block):
                (_check_command if block.note == "not run" else _command)(words)


def test_no_fence_has_an_unknown_language() -> None:
    languages = {block.language for page in PAGES for block in blocks(page)}
    assert languages <= {*RUN, "yaml", "json", "text"}


def test_a_wrong_option_is_found() -> None:
    _check_command(shlex.split("wordhive bench speed COLLECTION --report out"))
    for wrong in (
        "wordhive bench speed COLLECTION --reports out",
        "wordhive serve",
        "make cake",
        "pip install '.[offline,gp]'",
    ):
        with pytest.raises(AssertionError):
            _check_command(shlex.split(wrong))


def _commands(block: Block) -> Iterator[list[str]]:
    """The commands of a shell block, each as its words."""
    for line in re.sub(r"\\\n", " ", block.text).splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            del words[0]
        if words:
            yield [word for word in words if word not in ("&", "wait")]


def _command(words: list[str]) -> None:
    """Run a command of wordhive's in this process."""
    assert words[0] == "wordhive", f"only wordhive's commands are run here: {shlex.join(words)}"
    with pytest.raises(SystemExit) as stop:
        main(words[1:])
    assert not stop.value.code, shlex.join(words)


def _check_command(words: list[str]) -> None:
    """That a command has such arguments and options; a target of make, an extra of pip."""
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), words
    elif words[:2] == ["pip", "install"]:
        extras = [extra for word in words for extra in re.findall(r"[a-z0-9]+(?=[,\]])", word)]
        toml = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert [extra for extra in extras if not re.search(rf"^{extra} = \[", toml, re.MULTILINE)] == []
    else:
        assert words[0] == "wordhive", words
        _parse(typer.main.get_command(app), words[1:])


def _parse(command: Any, words: list[str]) -> None:
    """Follow the words to their command, and look up its options; files need not be there."""
    if hasattr(command, "commands"):
        inner = command.commands.get(words[0]) or command.commands.get(DEFAULT_COMMAND)
        assert inner or words == ["--help"], f"no command {words[0]}"
        if inner:
            _parse(inner, words[1:] if words[0] in command.commands else words)
        return
    known = {option for parameter in command.params for option in parameter.opts if option.startswith("-")}
    assert [word for word in words if re.match("--?[a-z]", word) and word not in known] == [], command.name


def _check_names(block: Block) -> None:
    """That the modules which a block imports from wordhive have these names."""
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wordhive"):
            module = importlib.import_module(node.module or "")
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []
