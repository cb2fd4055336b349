"""The `wordhive` command."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer

from wordhive import __version__

from . import output

app = typer.Typer(
    name="wordhive",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"wordhive {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Late-interaction search with one small vector per whole word.

    \b
    wordhive demo                                        see it work
    wordhive index docs.jsonl --to my.hive               make an index
    wordhive search my.hive "how do bees communicate?"   search it
    wordhive eval ../collections/scifact                 measure it

    Every command explains itself: wordhive COMMAND --help
    """
    output.debug = debug


# Commands import torch and FAISS inside their functions, so that --help answers at once.
for _name in ("demo", "index", "search", "info", "encode", "evaluate", "fit"):
    import_module(f".{_name}", __package__).register(app)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; every expected error is one line on stderr and an exit code.

    arguments: instead of the process's own.
    """
    # Idle OpenMP threads that spin slow down everything else on few cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return app(arguments)
    except KeyboardInterrupt:
        output.fail("stopped")
        sys.exit(130)
    except BrokenPipeError:
        # The reader went away (… | head): nothing to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        from wordhive.index.errors import WordhiveError

        if output.debug or not isinstance(error, (WordhiveError, OSError, MemoryError)):
            raise
        output.fail(str(error) if isinstance(error, WordhiveError) else f"{type(error).__name__}: {error}")
        sys.exit(error.exit_code if isinstance(error, WordhiveError) else 1)
