"""`wordhive encode`: documents into shards of vectors, to be indexed later or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordhive.index.quantity import quantity

from . import terminal
from .options.backend import BACKEND_HELP, checked_backend
from .options.model import MaxTokens
from .options.reading import Excludes, Globs, IdColumn, NoGitignore, Strict, TextFieldNames, field_names, reading
from .options.source import checked_input


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Search")(encode)


def encode(
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="A file, a folder, or - for JSON lines; as for wordhive index."),
    ],
    to: Annotated[Path, typer.Option(help="The folder of the shards.")],
    model: Annotated[str, typer.Option(help="Shipped model, model folder, or name on the hub.")] = "wordhive-minilm-32",
    backend: Annotated[str, typer.Option(help=BACKEND_HELP)] = "auto",
    part: Annotated[
        str, typer.Option(help="The shards that this process encodes: 1/4 is the first of four, each its own process.")
    ] = "1/1",
    limit: Annotated[int | None, typer.Option(help="Only the first so many documents.", min=1)] = None,
    max_tokens: MaxTokens = None,
    globs: Globs = None,
    excludes: Excludes = None,
    no_gitignore: NoGitignore = False,
    id_column: IdColumn = None,
    text_fields: TextFieldNames = None,
    strict: Strict = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Encode documents into shards, which `wordhive index` takes instead of text. Run it again to go on after a stop.

    \b
    wordhive encode docs.jsonl --to docs.shards
    wordhive encode docs.jsonl --to docs.shards --part 1/2 & wordhive encode docs.jsonl --to docs.shards --part 2/2
    wordhive index docs.shards --to my.hive
    """
    from wordhive.retrieval.encoder import Encoder
    from wordhive.retrieval.shards import Part, whole_shards, write_shards
    from wordhive.retrieval.windows.whole_texts import MOST_TOKENS

    chosen, how = Part.parse(part), reading(globs, excludes, no_gitignore, id_column, strict)
    how = how.with_fields(field_names(text_fields))
    most = MOST_TOKENS if max_tokens is None else max_tokens
    encoder = Encoder.load(model, backend=checked_backend(backend), max_tokens=most)
    documents, total = checked_input(source, limit, how)
    with terminal.stoppable(lambda: f"whole shards are safe in {to}; run the same command again to go on"):
        encoded = write_shards(documents, to, encoder, part=chosen, total=total)
    whole = whole_shards(to)
    if as_json:
        told = {"shards": str(to), "encoded": encoded, "documents": total, "whole": whole, **how.as_json()}
        terminal.print_json(told)
    else:
        terminal.say(f"{to}: {quantity(encoded, 'document')} encoded, {total:,} in all")
        terminal.note(
            f"index them: wordhive index {to} --to my.hive" if whole else f"other parts of {to} are still to come"
        )
    how.finish()
