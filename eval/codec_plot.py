"""A picture of codecs: what they lose against bytes a document."""

from __future__ import annotations

from pathlib import Path

from .codec_bench import CodecBench


def draw(found: CodecBench, title: str, path: Path) -> None:
    """Draw into a file; its ending says which format (.png, .svg, .pdf)."""
    # Not pyplot, which keeps figures and looks for a screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure = Figure(figsize=(14, 6), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    front = found.front
    for axes, values, label in zip(
        figure.subplots(1, 2),
        ({id(codec): codec.overlap for codec in found.codecs}, {id(codec): codec.ndcg for codec in found.codecs}),
        ("top 10 in common with the uncompressed", "nDCG@10"),
        strict=True,
    ):
        axes.plot([c.bytes_per_document for c in front], [values[id(c)] for c in front], color="0.7", zorder=1)
        for on_front, colour in ((True, "tab:blue"), (False, "0.6")):
            codecs = [codec for codec in found.codecs if (codec in front) == on_front]
            axes.scatter(
                [c.bytes_per_document for c in codecs], [values[id(c)] for c in codecs], color=colour, zorder=2
            )
        for codec in found.codecs:
            place = (codec.bytes_per_document, values[id(codec)])
            name = codec.words if len({c.summaries for c in found.codecs}) == 1 else f"{codec.words}, {codec.summaries}"
            axes.annotate(name, place, xytext=(4, -9), textcoords="offset points", fontsize=7.5)
        axes.set(xscale="log", xlabel="bytes a document, words and summary (log)", ylabel=label)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    axes.axhline(found.ndcg_exact, color="tab:green", linewidth=1, linestyle="--")
    figure.savefig(path)
