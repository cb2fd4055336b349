"""A picture of first stages: recall against bytes, recall against candidates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .candidates import CANDIDATES, Measured

_TOP = 10
_AMONG = 50
# Shares close to 1 differ most in what they miss: a logit scale shows .98, .99 and .999 apart, and needs less than 1.
_LEAST, _MOST = 0.01, 0.9995
_TICKS = (0.02, 0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
_MARKERS = "osD^vP*Xdph<>"


def draw(found: Sequence[Measured], title: str, path: Path) -> None:
    """Draw into a file; its ending says which format (.png, .svg, .pdf)."""
    # Not pyplot, which keeps figures and looks for a screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(16, 6.6), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    by_bytes, by_number = figure.subplots(1, 2)
    names = list(dict.fromkeys(stage.encoding for stage in found))
    colours = _colours(len(names))
    for position, name in enumerate(names):
        stages = [stage for stage in found if stage.encoding == name]
        look = {"color": colours[position], "marker": _MARKERS[position % len(_MARKERS)]}
        by_bytes.scatter(
            [stage.bytes_per_document for stage in stages],
            [_shown(stage.shares[_TOP][_AMONG]) for stage in stages],
            s=45,
            alpha=0.85,
            label=name,
            **look,
        )
        first = stages[0]
        by_number.plot(
            CANDIDATES,
            [_shown(first.shares[_TOP][n]) for n in CANDIDATES],
            label=f"{name}, {first.candidates}",
            ms=5,
            **look,
        )
    for stage in _front(found):  # to their upper left there is nothing, by what a front is
        by_bytes.annotate(
            f"{stage.encoding}, {stage.candidates}",
            (stage.bytes_per_document, _shown(stage.shares[_TOP][_AMONG])),
            xytext=(-7, 3),
            ha="right",
            rotation=-30,
            rotation_mode="anchor",
            textcoords="offset points",
            fontsize=7.5,
        )
    by_bytes.set(xscale="log", xlabel="bytes a document (log)", ylabel=f"exact top {_TOP} among {_AMONG} candidates")
    by_number.set(xscale="log", xlabel="candidates (log)", ylabel=f"exact top {_TOP} among them")
    by_bytes.set_xlim(left=min(stage.bytes_per_document for stage in found) / 6)
    by_bytes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    by_number.set_xticks(CANDIDATES, map(str, CANDIDATES))
    by_number.minorticks_off()
    for axes in (by_bytes, by_number):
        axes.set_yscale("logit")
        axes.set_ylim(_LEAST / 1.2, 1 - (1 - _MOST) / 1.5)
        axes.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.set_yticks([], minor=True)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    by_number.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    figure.savefig(path)


def _shown(share: float) -> float:
    return min(max(share, _LEAST), _MOST)


def _colours(n: int) -> list[tuple[float, float, float, float]]:
    from matplotlib import colormaps

    return [colormaps["turbo"](0.06 + 0.88 * i / max(1, n - 1)) for i in range(n)]


def _front(found: Sequence[Measured]) -> list[Measured]:
    """Those that no smaller one equals."""
    front: list[Measured] = []
    for stage in sorted(found, key=lambda s: (s.bytes_per_document, -s.shares[_TOP][_AMONG])):
        if not front or stage.shares[_TOP][_AMONG] > front[-1].shares[_TOP][_AMONG]:
            front.append(stage)
    return front
