"""The `wordhive` command."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from importlib import import_module
from typing import Annotated, Any

import typer

from wordhive import __version__

from . import terminal
from .extras import missing_package

_STOPPED = 130
_usual_warning = warnings.showwarning

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
    terminal.debug = debug


# Commands import torch and FAISS inside their functions, so that --help answers at once.
_COMMANDS = (
    "demo index search explain info maintain tune interchange encode "
    "evaluation.evaluate evaluation.compare evaluation.fuse bench.group models.fit models.compile train.group"
)
for _name in _COMMANDS.split():
    import_module(f".{_name}", __package__).register(app)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; every expected error is one line on stderr and an exit code.

    arguments: instead of the process's own.
    """
    # Idle OpenMP threads that spin slow down everything else on few cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.showwarning = _show_warning
    for stream in (sys.stdout, sys.stderr):
        # Programs read UTF-8, whatever the locale; a terminal shows what it can.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    if arguments is None:
        signal.signal(signal.SIGINT, terminal.interrupt)
    try:
        code = app(arguments, standalone_mode=False)
        if code == _STOPPED:
            terminal.fail("stopped")
    except Exception as error:
        code = _failed(error)
    if arguments is None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and told; what is left is the interpreter's end
    sys.exit(code if isinstance(code, int) else 0)


def _show_warning(message: Warning | str, category: type[Warning], *place: Any, **others: Any) -> None:
    from wordhive.index.errors import WordhiveWarning

    if issubclass(category, WordhiveWarning):
        terminal.note(f"warning: {message}")
    else:
        _usual_warning(message, category, *place, **others)


def _failed(error: Exception) -> int:
    from wordhive.index.errors import WordhiveError

    if terminal.debug:
        raise error
    if isinstance(error, terminal.Stopped):
        terminal.fail(str(error))
        return _STOPPED
    if terminal.is_stop(error):
        terminal.fail("stopped")
        return _STOPPED
    if isinstance(error, WordhiveError):
        terminal.fail(str(error))
        return error.exit_code
    if isinstance(error, OSError):
        terminal.fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 1
    if isinstance(error, MemoryError):
        terminal.fail(f"the memory is full: {error}")
        return 1
    if (missing := missing_package(error)) is not None:
        terminal.fail(missing)
        return 1
    if hasattr(error, "format_message"):  # what typer says of arguments; it keeps the class to itself
        command = getattr(getattr(error, "ctx", None), "command_path", "wordhive")
        message = error.format_message() or "A command is missing."  # click says nothing where it shows the help
        terminal.fail(f"{message} See: {command} --help")
        return 2
    raise error
