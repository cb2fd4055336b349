"""The kinds of files that are read, by their names."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "text", "markdown", "code", "notebook", "html", "pdf", "docx", "pptx", "epub", "jsonl", "csv", "tsv", "parquet"
]

# Every row of them is a document of its own.
TABLES: tuple[Kind, ...] = ("jsonl", "csv", "tsv", "parquet")

_SUFFIXES: dict[Kind, str] = {
    "text": "txt text rst log adoc asciidoc org tex",
    "markdown": "md markdown mdx qmd rmd",
    "code": (
        "py pyi pyx js mjs cjs jsx ts tsx vue svelte java kt kts scala groovy c h cc cpp cxx hpp hh cu cuh m mm cs fs "
        "go rs swift rb php pl pm lua r jl hs ml mli ex exs erl clj cljs lisp el dart zig nim d f90 f95 asm s sh bash "
        "zsh fish ps1 bat sql graphql proto css scss sass less cmake gradle tf nix toml yaml yml ini cfg conf"
    ),
    "notebook": "ipynb",
    "html": "html htm xhtml",
    "pdf": "pdf",
    "docx": "docx docm",
    "pptx": "pptx pptm",
    "epub": "epub",
    "jsonl": "jsonl ndjson",
    "csv": "csv",
    "tsv": "tsv",
    "parquet": "parquet",
}
_KINDS: dict[str, Kind] = {f".{suffix}": kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_NAMES: dict[str, Kind] = {
    **dict.fromkeys(("readme", "license", "licence", "copying", "changelog", "authors", "notice", "news"), "text"),
    **dict.fromkeys(("makefile", "dockerfile", "rakefile", "gemfile", "justfile"), "code"),
}


def kind_of(name: str) -> Kind | None:
    """The kind of the file of that name; None for one that is not read. Lines of a table may be packed: `.jsonl.gz`."""
    plain = name.casefold()
    stem, _, suffix = plain.removesuffix(".gz").rpartition(".")
    kind = _KINDS.get(f".{suffix}" if stem else "") or _NAMES.get(plain)
    return None if plain.endswith(".gz") and kind not in ("jsonl", "tsv") else kind
