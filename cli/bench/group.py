"""`wordhive bench`: what the parts of an index cost, and what they find."""

from __future__ import annotations

import typer

from . import candidates, codecs, filters, maxsim, scale, speed, updates

bench = typer.Typer(
    no_args_is_help=True,
    help="""Compare parts of an index on a collection.

\b
wordhive bench candidates ../collections/scifact
wordhive bench codecs ../collections/scifact
wordhive bench filters ../collections/scifact
""",
)
for command in (
    candidates.candidates, filters.filters, codecs.codecs, updates.updates, scale.scale, speed.speed, maxsim.maxsim
):  # fmt: skip
    bench.command()(command)


def register(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench", rich_help_panel="Measure")
