"""`wordhive explain`: why a document has its score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from . import terminal

if TYPE_CHECKING:
    from rich.text import Text

    from wordhive.retrieval.explanation import Explanation

# A black word on amber is legible on light and dark terminals alike; more of it adds more.
_SHADES = ("black on #ffe9b8", "black on #ffd57a", "black on #ffbf3d", "bold black on #f5a623")
_REMOVED = "dim strike"
_BAR, _WIDEST = 24, 28


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Search")(explain)


def explain(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    query: Annotated[str, typer.Argument(help="What was searched for.")],
    document: Annotated[str, typer.Argument(metavar="DOC_ID", help="The id of a document, as search prints it.")],
    html: Annotated[Path | None, typer.Option(help="Write a web page into this file.")] = None,
    model: Annotated[str | None, typer.Option(help="The model, if the index does not name it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Explain a document's score: which query word met which of its words, and for how much.

    \b
    wordhive explain my.hive "how do bees communicate?" doc-1
    wordhive explain my.hive "how do bees communicate?" doc-1 --html doc-1.html
    """
    from wordhive.retrieval.retriever import Retriever

    found = Retriever.open(index, model).explain(query, document)
    if html is not None:
        with terminal.whole_file(html) as file:
            file.write(found.html())
        terminal.note(f"{html}: written")
    if as_json:
        terminal.print_json(found)
    elif html is None:
        _print(found)


def _print(found: Explanation) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    head = Text(terminal.plain(found.id), style="bold cyan")
    head.append(f"  {found.score:.3f}", style="bold")
    parts = [("words", found.words_score, True), ("summary", found.summary_score, found.summary_weight > 0)]
    parts.append(("exact words", found.lexical_score, found.has_lexical))
    if sum(shown for *_, shown in parts) > 1:
        head.append("  " + " + ".join(f"{name} {score:.3f}" for name, score, shown in parts if shown), style="dim")
    console.print(head, soft_wrap=True)
    console.print()
    for row in _table(found):
        console.print(row, soft_wrap=True)
    if found.text:
        console.print()
        console.print(_text(found))
    for line in _remarks(found):
        console.print()
        console.print(Text(line, style="dim"))


def _table(found: Explanation) -> list[Text]:
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    rows: list[tuple[str, str, float]]
    rows = [(terminal.plain(match.word), _met(match.match, match.weight), match.share) for match in found.matches]
    if found.summary_weight:
        rows.append(("summary", "the text as a whole", found.summary_share))
    if found.has_lexical:
        exact = terminal.plain(" ".join(found.exact))
        rows.append(("exact words", exact or "none of the query's", found.lexical_share))
    first = min(max((cell_len(word) for word, _, _ in rows), default=0), _WIDEST)
    second = min(max((cell_len(met) for _, met, _ in rows), default=0), _WIDEST)
    largest = max((share for *_, share in rows), default=0.0)
    lines = []
    for place, (word, met, share) in enumerate(rows):
        is_word = place < len(found.matches)
        line = Text(set_cell_size(word, first), style="bold" if is_word else "")
        line.append(f"  {set_cell_size(met, second)}  {share:5.1f} %  ", style="not bold")
        full = round(_BAR * max(share, 0) / largest) if largest > 0 else 0
        line.append("█" * full, style="#f5a623" if is_word else "cyan" if word == "summary" else "magenta")
        lines.append(line)
    return lines


def _met(match: str | None, weight: float) -> str:
    if match is not None:
        return f"→ {terminal.plain(match)}"
    return "met no word" if weight else "left out by the model"


def _text(found: Explanation) -> Text:
    from rich.text import Text

    met = {match.place for match in found.matches}
    largest = max((word.score for word in found.words), default=0.0)
    text = Text()
    for piece, place in found.pieces():
        if place is None:
            style = ""
        elif not found.words[place].stored:
            style = _REMOVED
        elif place in met and largest > 0:
            heat = max(found.words[place].score / largest, 0.0)
            style = _SHADES[min(int(heat * len(_SHADES)), len(_SHADES) - 1)]
        else:
            style = ""
        text.append(terminal.plain_piece(piece), style=style)
    if found.unread.strip():
        text.append(" …", style="dim")
    return text


def _remarks(found: Explanation) -> list[str]:
    lines = []
    if found.removed:
        removed = terminal.plain(" ".join(dict.fromkeys(found.removed)))
        lines.append(f"removed by the model, {len(found.removed)} of {quantity(len(found.words), 'word')}: {removed}")
    if found.unread.strip():
        lines.append(f"the model read {found.read_to:,} of {quantity(len(found.text or ''), 'character')}")
    if found.window:
        first, last = found.window
        lines.append(f"scored by its best window, the characters {first:,} to {last:,} of {len(found.text or ''):,}")
    if found.note:
        lines.append(found.note)
    return lines
