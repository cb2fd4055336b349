"""`wordhive compile`: make a model ready to run without torch."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import terminal


def register(app: typer.Typer) -> None:
    app.command(name="compile", rich_help_panel="Models")(compile_model)


def compile_model(
    model: Annotated[
        str | None, typer.Argument(help="Shipped model or model folder \\[default: wordhive-minilm-32].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Make a model ready to run without torch, and say where that is kept.

    The first search or indexing with a model does it too. Files are kept in a cache, or where WORDHIVE_CACHE says.

    \b
    wordhive compile
    wordhive compile out/my-model
    """
    from wordhive.index import WordhiveError
    from wordhive.retrieval.compiled.compiled_model import CompiledModel
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    encoder = Encoder.load(model or DEFAULT_MODEL, backend="compiled")
    compiled = encoder.encoding_model
    assert isinstance(compiled, CompiledModel)
    folder = compiled.folder
    if folder is None:
        raise WordhiveError("the compiled model could not be kept; name a folder by WORDHIVE_CACHE")
    size = sum(file.stat().st_size for file in folder.glob("*"))
    if as_json:
        facts = {"model": encoder.name, "fingerprint": encoder.fingerprint, "folder": str(folder), "bytes": size}
        terminal.print_json(facts)
        return
    terminal.say(encoder.name, bold=True)
    terminal.say(f"fingerprint  {encoder.fingerprint}")
    terminal.say(f"compiled     {folder}, {size / 1e6:.0f} MB")
