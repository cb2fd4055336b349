"""The structure of the package: its folders, who imports whom, and the rules that keep it so.

`python tests/architecture.py` prints each part's folders from the lowest floor to the highest.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PARTS = ("index", "retrieval", "eval", "cli")  # each may import those before it
MOST_MODULES = 15  # a folder

# What index/ consists of, from the lowest floor to the highest. A folder may import only what stands on lower floors.
FLOORS = (
    "simd",
    "errors quantity small_products threads",
    "arguments files",
    "plain_values",
    "arrays config_file faiss filters tensors torch_device vectors",
    "config word_vectors",
    "codecs lexical word_sample",
    "scoring",
    "candidates encodings",
    "storage",
    "reading",
    "maintenance writing",
    "index",
    "parquet",
)

# Who alone may import a library, as patterns of module names.
OWNERS = {
    "faiss": r"index\.faiss\.faiss_library",
    "llvmlite": r"index\.simd\.instructions|index\.simd\.tiles|retrieval\.bert\.layer_tiles",
    "matplotlib": r"(?!)",  # nobody: eval/svg draws every chart
    "sqlite3": r"index\.storage\.catalog\.\w+",
    "yaml": r"index\.config_file",
}
TORCH_IN_INDEX = r"index\.(\w+\.)*torch_\w+|index\.encodings\.max_products"
# The first words of a statement in SQL. A filter is one condition of a statement, so it has some too.
SQL = re.compile(r"^\s*(SELECT|INSERT|DELETE FROM|UPDATE|PRAGMA|CREATE TABLE)\b")
SQL_OWNERS = r"index\.(storage\.catalog|filters)\.\w+"
# A tag that is closed, has an attribute, or stands alone. So <id> and <path> in a message are none.
TAG = re.compile(r"</([a-z]+\d?)>|<([a-z]+\d?) [a-z-]+=|<(!doctype|br|hr)\b", re.IGNORECASE)
MARKDOWN_TAGS = {"sub", "sup"}  # Markdown has no signs for them
SVG_TAGS = {"circle", "desc", "g", "line", "path", "rect", "svg", "text", "title"}
SVG_OWNERS = r"eval\.svg\.\w+"

Graph = dict[str, set[str]]


def modules(root: Path) -> dict[str, Path]:
    """Every module of the package by its name without `wordhive.`; a package's `__init__` has the folder's name."""
    found = {}
    for part in PARTS:
        for path in sorted((root / part).rglob("*.py")):
            names = path.relative_to(root).with_suffix("").parts
            found[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    return found


def imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports anywhere in it, for its types too."""
    inside = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name[9:] for alias in node.names if alias.name.startswith("wordhive."))
        if not isinstance(node, ast.ImportFrom):
            continue
        source = node.module or ""
        if node.level:
            source = ".".join([*inside[: len(inside) - node.level + 1], *source.split(".")]).rstrip(".")
        elif source.split(".")[0] != "wordhive":
            continue
        source = source.removeprefix("wordhive").removeprefix(".")
        for alias in node.names:
            both = f"{source}.{alias.name}".lstrip(".")
            target = both if both in known else source
            if target in known and target != name:
                yield target


def graph(root: Path) -> Graph:
    """For every module, the modules that it imports."""
    known = modules(root)
    return {name: set(imports(name, path, known)) for name, path in known.items()}


def room(name: str) -> str:
    """What a module is drawn as: a folder below a part, or the module itself where it stands in the part's folder."""
    return ".".join(name.split(".")[:2])


def rooms(of_modules: Graph) -> Graph:
    """For every room, the rooms that its modules import; a part's own `__init__`, its public face, is left out."""
    found: Graph = {}
    for name, targets in of_modules.items():
        if name not in PARTS:
            others = {room(target) for target in targets if target not in PARTS} - {room(name)}
            found.setdefault(room(name), set()).update(others)
    return found


def circles(of: Graph) -> list[list[str]]:
    """Every group of names that reach each other, each in order."""
    reached = {name: _reached(name, of) for name in of}
    groups = {tuple(sorted(other for other in reached[name] if name in reached.get(other, ()))) for name in of}
    return [list(group) for group in sorted(groups) if group]


def _reached(name: str, of: Graph) -> set[str]:
    found: set[str] = set()
    waiting = list(of[name])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting.extend(of.get(other, ()))
    return found


def floors(of: Graph, part: str) -> dict[str, int]:
    """The floor of every room of a part: one above the highest that it imports there. Rooms in a circle have none."""
    within = {name: {other for other in targets if other.startswith(f"{part}.")} for name, targets in of.items()}
    found: dict[str, int] = {}
    names = [name for name in within if name.startswith(f"{part}.")]
    while ready := [name for name in names if name not in found and within[name] <= found.keys()]:
        found.update({name: 1 + max((found[other] for other in within[name]), default=0) for name in ready})
    return found


def faults(root: Path) -> list[str]:
    """Every place where a rule is broken, a line each."""
    of_modules = graph(root)
    return [
        *_upward_imports(of_modules),
        *(f"circle of modules: {', '.join(names)}" for names in circles(of_modules)),
        *(f"circle of folders: {', '.join(names)}" for names in circles(rooms(of_modules))),
        *_floors_of_index(of_modules),
        *_large_folders(root),
        *_names_used_twice(root),
        *_strangers(root),
    ]


def _upward_imports(of_modules: Graph) -> Iterator[str]:
    for name, targets in of_modules.items():
        for target in sorted(targets):
            if PARTS.index(target.split(".")[0]) > PARTS.index(name.split(".")[0]):
                yield f"{name} imports {target}, which is above it"


def _floors_of_index(of_modules: Graph) -> Iterator[str]:
    floor = {f"index.{name}": number for number, names in enumerate(FLOORS) for name in names.split()}
    for name, targets in rooms(of_modules).items():
        if not name.startswith("index."):
            continue
        if name not in floor:
            yield f"{name} has no floor in FLOORS"
            continue
        for target in sorted(targets):
            if floor.get(target, -1) >= floor[name]:
                yield f"{name} imports {target}, which is not on a lower floor"


def _large_folders(root: Path) -> Iterator[str]:
    counts: dict[Path, int] = {}
    for path in modules(root).values():
        if path.name != "__init__.py":
            counts[path.parent] = counts.get(path.parent, 0) + 1
    for folder, n in counts.items():
        if n > MOST_MODULES:
            yield f"{folder.relative_to(root)} holds {n} modules; expected at most {MOST_MODULES}"


def _names_used_twice(root: Path) -> Iterator[str]:
    for part in ("index", "retrieval"):
        seen: dict[str, str] = {}
        for name, path in modules(root).items():
            if name.startswith(f"{part}.") and path.name != "__init__.py":
                if path.name in seen:
                    yield f"{name} and {seen[path.name]} have the same file name"
                seen[path.name] = name


def _strangers(root: Path) -> Iterator[str]:
    """Libraries, SQL, HTML and SVG where they don't belong."""
    for name, path in modules(root).items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for library in sorted(_libraries(tree)):
            owners = TORCH_IN_INDEX if library == "torch" and name.startswith("index.") else OWNERS.get(library)
            if owners is not None and not re.fullmatch(owners, name):
                yield f"{name} imports {library}; only {owners} may"
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        if not re.fullmatch(SQL_OWNERS, name) and any(SQL.match(text) for text in texts):
            yield f"{name} holds SQL; only {SQL_OWNERS} may"
        tags = {tag for text in texts for names in TAG.findall(text) for tag in names if tag} - MARKDOWN_TAGS
        if tags - (SVG_TAGS if re.fullmatch(SVG_OWNERS, name) else set()):
            yield f"{name} holds HTML or SVG; only templates may, and {SVG_OWNERS} SVG"


def _libraries(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found


def summary(root: Path) -> str:
    """Modules, folders, floors, imports and circles of each part, as text."""
    of_modules, lines = graph(root), []
    of_rooms = rooms(of_modules)
    for part in PARTS:
        on = floors(of_rooms, part)
        names = [name for name in of_rooms if name.startswith(f"{part}.")]
        arrows = sum(len([other for other in of_rooms[name] if other.startswith(f"{part}.")]) for name in names)
        counts: dict[Path, int] = {}
        for name, path in modules(root).items():
            if name.startswith(f"{part}."):
                counts[path.parent] = counts.get(path.parent, 0) + (path.name != "__init__.py")
        largest = max(counts, key=lambda folder: counts[folder])
        lines.append(
            f"\n{part}: {sum(counts.values())} modules, {len(counts)} folders, the largest {largest.relative_to(root)} "
            f"with {counts[largest]}; {len(names)} rooms, {max(on.values(), default=0)} floors, {arrows} imports"
        )
        for floor in sorted(set(on.values())):
            lines.append(
                f"  {floor:2}  {'  '.join(sorted(n.split('.')[1] for n, number in on.items() if number == floor))}"
            )
    lines.append(f"\ncircles: {len(circles(of_modules))} of modules, {len(circles(of_rooms))} of rooms")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(summary(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]) + "\n")
