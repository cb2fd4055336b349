"""Options that name the model, and the configuration of an index."""

from __future__ import annotations

from typing import Annotated

import typer

ModelName = Annotated[
    str | None, typer.Option(help="Shipped model, model folder, or name on the hub \\[default: wordhive-minilm-32].")
]
ConfigName = Annotated[
    str | None,
    typer.Option(help="Index preset or YAML file \\[default: default, or summary where only identical words match]."),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(help="Read so many tokens of a document at most \\[default: 262144, a thick book].", min=1),
]
