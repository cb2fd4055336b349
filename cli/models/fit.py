"""`wordhive fit`: a whole-word model from any transformer and some text, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.reading import Reading, reading
from ..options.source import checked_input


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Models")(fit)


def fit(
    base: Annotated[str, typer.Argument(help="A transformer: a folder, all-MiniLM-L6-v2, or a name on the hub.")],
    texts: Annotated[
        list[Path],
        typer.Option(help="JSON lines, or another input of wordhive index, to fit on; repeat it for more."),
    ],
    to: Annotated[Path, typer.Option(help="The folder of the new model.")],
    dim: Annotated[int, typer.Option(help="Dimensions of a word.", min=1)] = 128,
    field: Annotated[str, typer.Option(help="The field of JSON lines that holds the text.")] = "text",
    sample: Annotated[int, typer.Option(help="Texts drawn from each file.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    stem: Annotated[
        str | None, typer.Option(help="Snowball stemmer under which words are the same, e.g. porter.")
    ] = None,
    summary_weight: Annotated[float, typer.Option(help="The summary's share of a score.", min=0, max=1)] = 0.8,
    light: Annotated[bool, typer.Option("--light", help="Name the base instead of copying its weights.")] = False,
) -> None:
    """Fit a whole-word model to your text: its words' principal directions, no labels needed.

    \b
    wordhive fit all-MiniLM-L6-v2 --texts docs.jsonl --to my-model
    wordhive index docs.jsonl --to my.hive --model my-model
    """
    from wordhive.retrieval.checkpoints.loading import check_new_folder
    from wordhive.retrieval.encoder import Encoder

    check_new_folder(to)
    how = reading(None, None, False, None, False)
    drawn = [text for path in texts for text in _sample(path, field, sample, seed, how)]
    terminal.note(f"Fitting {quantity(dim, 'dim')} on {quantity(len(drawn), 'text')} of {quantity(len(texts), 'file')}")
    encoder = Encoder.fit(base, drawn, dim=dim, stem=stem, summary_weight=summary_weight)
    encoder.save(to, base=base if light else None)
    terminal.say(f"{to}: {quantity(dim, 'dim')}, fingerprint {encoder.fingerprint[:12]}")
    how.finish()


def _sample(path: Path, field: str, n: int, seed: int, how: Reading) -> list[str]:
    from wordhive.retrieval.files.kinds import kind_of
    from wordhive.retrieval.texts.jsonl_sample import sample_field, sample_texts

    if not path.is_dir() and kind_of(path.name) in (None, "jsonl"):
        return sample_field(path, field, n, seed)
    documents, _ = checked_input(str(path), None, how)
    return sample_texts(documents, n, seed)
