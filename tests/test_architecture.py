"""The rules of the package's structure: that they hold, and that a broken one is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .architecture import PARTS, faults, modules

ROOT = Path(__file__).parents[1]


def tree(root: Path, **files: str) -> Path:
    """A package with these modules, their folders' names divided by two underscores."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        for folder in path.relative_to(root).parents:
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / "__init__.py").touch()
        path.write_text(text)
    return root


def test_the_package_keeps_its_rules() -> None:
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"index__errors": "from wordhive.eval.runs import Run", "eval__runs": ""}, "eval.runs, which is above it"),
        (
            {"index__config": "from .word_vectors import a", "index__word_vectors": ""},
            "index.word_vectors, which is not on a lower floor",
        ),
        ({"index__config": "from .storage.catalog import A", "index__storage__catalog": ""}, "index.storage, which is"),
        ({"index__novelty": ""}, "index.novelty has no floor"),
        ({"eval__a": "from . import b", "eval__b": "from .a import c"}, "circle of modules: eval.a, eval.b"),
        (
            {"eval__a": "if TYPE_CHECKING:\n    from .b import B", "eval__b": "from .a import A"},
            "circle of modules: eval.a, eval.b",
        ),
        (
            {"eval__x__a": "from ..y import a", "eval__y__a": "", "eval__y__b": "from ..x import b", "eval__x__b": ""},
            "circle of folders: eval.x, eval.y",
        ),
        ({f"cli__m{i}": "" for i in range(16)}, "cli holds 16 modules"),
        ({"retrieval__a__words": "", "retrieval__words": ""}, "have the same file name"),
        ({"retrieval__a": "def f():\n    import sqlite3"}, "retrieval.a imports sqlite3"),
        ({"index__codecs__codec": "import faiss"}, "index.codecs.codec imports faiss"),
        ({"index__scoring__maxsim": "from llvmlite import ir"}, "index.scoring.maxsim imports llvmlite"),
        ({"index__scoring__maxsim": "import torch"}, "index.scoring.maxsim imports torch"),
        ({"eval__report__page": "import matplotlib.pyplot"}, "eval.report.page imports matplotlib"),
        ({"eval__report__page": "page = f'<div>{1}</div>'"}, "eval.report.page holds HTML"),
        ({"eval__report__charts": "mark = f'<path d={1}/>'"}, "eval.report.charts holds HTML or SVG"),
        ({"eval__svg__shapes": "row = '<tr>' + '</tr>'"}, "eval.svg.shapes holds HTML"),
        ({"index__writing__commits": "query = 'DELETE FROM setting'"}, "index.writing.commits holds SQL"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_told(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    assert any(fault in told for told in faults(tree(tmp_path, **files))), faults(tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        {"index__storage__catalog__catalog": "import sqlite3\nQUERY = 'SELECT 1'"},
        {"eval__runs": "from wordhive.index import errors", "index__errors": ""},
        {"index__scoring__torch_codes": "import torch", "retrieval__encoder": "import torch"},
        {"index__codecs__codec": "from ..errors import A\nfrom .layout import B", "index__errors": ""},
        {"eval__svg__shapes": "mark = f'<path d={1}/>'", "eval__report__markdown": "letter = '<sub>a</sub>'"},
        {"retrieval__a": "told = 'wordhive <path> <a|b>: give <id>, 3 < 4'"},
    ],
)  # fmt: skip
def test_what_the_rules_allow_is_not_told(tmp_path: Path, files: dict[str, str]) -> None:
    assert faults(tree(tmp_path, **files)) == []


def test_every_folder_is_described() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {path.parent.relative_to(ROOT).as_posix() for path in modules(ROOT).values()}
    assert folders >= set(PARTS)
    assert sorted(folder for folder in folders if f"`{folder}/`" not in text) == []
    named = re.findall(r"`((?:index|retrieval|eval|cli)/[\w/]*)`", text)
    assert sorted(folder for folder in named if not (ROOT / folder).is_dir()) == []


def test_every_folder_is_installed() -> None:
    toml = pytest.importorskip("tomllib")  # of Python 3.11
    settings = toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {
        f"wordhive.{path.parent.relative_to(ROOT).as_posix().replace('/', '.')}" for path in modules(ROOT).values()
    }
    assert {"wordhive", "wordhive.configs", *folders} == set(settings["packages"]) == set(settings["package-dir"])
