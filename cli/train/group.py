"""`wordhive train`: a group whose first argument is one of its commands, or that of its command `run`."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from . import mine, run

# The command whose name may be left out: `wordhive train CONFIG` is `wordhive train run CONFIG`.
DEFAULT_COMMAND = "run"


class DefaultCommandGroup(TyperGroup):
    """A group that takes an unknown first argument as the first of its command `run`, where it has one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        if args and args[0] not in known and DEFAULT_COMMAND in self.commands:
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


train = typer.Typer(
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    help="""Train a model, or prepare what it is trained on.

\b
wordhive train configs/train/minilm-32.yaml
wordhive train mine pairs.jsonl.gz --to mined.jsonl.gz
""",
)


def register(app: typer.Typer) -> None:
    app.add_typer(train, name="train", rich_help_panel="Models")


run.register(train)
mine.register(train)
