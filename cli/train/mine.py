"""`wordhive train mine`: hard negatives for pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import terminal


def register(group: typer.Typer) -> None:
    group.command()(mine)


def mine(
    pairs: Annotated[Path, typer.Argument(help="JSON lines (.gz too) with query and positive.")],
    to: Annotated[Path, typer.Option(help="The new file: the same rows with negatives (.gz too).")],
    corpus: Annotated[
        Path | None,
        typer.Option(help="Documents that negatives come from besides the file's positives, in any form of index."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="What ranks them: bm25, a model (shipped, folder, hub), or the folder of an index.")
    ] = "bm25",
    negatives: Annotated[int, typer.Option(help="For each query.", min=1)] = 4,
    depth: Annotated[int, typer.Option(help="The last rank that negatives come from.", min=1)] = 100,
    skip: Annotated[int, typer.Option(help="First ranks that none comes from.", min=0)] = 2,
    max_ratio: Annotated[
        float | None,
        typer.Option(help="No negative scores more than this share of the positive's score, e.g. 0.95."),
    ] = None,
    query: Annotated[str, typer.Option(help="The field that holds the query.")] = "query",
    positive: Annotated[str, typer.Option(help="The field that holds the positive.")] = "positive",
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Find hard negatives: texts that rank high for a query, and are none of its positives.

    \b
    wordhive train mine pairs.jsonl.gz --to mined.jsonl.gz
    wordhive train mine pairs.jsonl.gz --to mined.jsonl.gz --corpus docs.jsonl --method wordhive-minilm-32
    wordhive train mine pairs.jsonl.gz --to mined.jsonl.gz --method my.hive --max-ratio 0.95
    """
    from wordhive.index import InputError
    from wordhive.retrieval.training.examples import SourceConfig
    from wordhive.retrieval.training.mining import Draw, mine_file

    if not to.parent.is_dir():
        raise InputError(f"no folder at {to.parent}; make it, or choose another --to")
    draw = Draw(negatives, depth, skip, max_ratio, seed)
    source = SourceConfig(path=pairs, query=query, positive=positive)
    mined = mine_file(source, to, draw, corpus=corpus, method=method)
    if as_json:
        terminal.print_json({"file": str(to), "examples": mined.examples, "negatives": mined.negatives})
    else:
        each = mined.negatives / mined.examples
        terminal.say(f"{to}: {mined.examples:,} examples, {each:.2f} negatives each of {negatives} asked for")
