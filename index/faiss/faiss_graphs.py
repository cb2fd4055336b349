"""A check of FAISS's graphs: no walk may leave the arrays.

A document has some levels, and room for links on each. Its links lie one level after the other, from its offset on. A
walk begins at the entry and goes down level by level; on a level it goes from document to document by their links.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Graph:
    """The arrays of a graph.

    Attributes:
        n: Number of documents.
        n_chances: Most levels of a document.
        room: Where the links of each level begin, counted from a document's offset.
        levels: Number of levels of each document.
        offsets: Where the links of each document begin.
        links: Numbers of documents; −1 for no link.
        entry: The document where walks begin; −1 in an empty graph.
        top: The level where walks begin.
    """

    n: int
    n_chances: int
    room: NDArray[np.int32]
    levels: NDArray[np.int32]
    offsets: NDArray[np.uint64]
    links: NDArray[np.int32]
    entry: int
    top: int


def graph_fault(graph: Graph) -> str | None:
    """The damaged part of a graph; None for a sound one."""
    room, levels, links = graph.room.astype(np.int64), graph.levels, graph.links
    if len(room) != graph.n_chances + 1 or room[0] != 0 or (np.diff(room) < 0).any() or room[-1] > 1 << 30:
        return "room for links"
    if len(levels) != graph.n or len(graph.offsets) != graph.n + 1:
        return "size"
    if graph.n == 0:
        return None if graph.entry == -1 and not len(links) and graph.offsets[0] == 0 else "entry"
    if levels.min() < 1 or levels.max() >= len(room):
        return "levels"
    ends = np.cumsum(room[levels])
    if graph.offsets[0] != 0 or not np.array_equal(graph.offsets[1:], ends.astype(np.uint64)):
        return "offsets"
    if len(links) != ends[-1] or links.min() < -1 or links.max() >= graph.n:
        return "links"
    if not 0 <= graph.entry < graph.n or not 0 <= graph.top < levels[graph.entry]:
        return "entry"
    return _upper_fault(room, levels, ends - room[levels], links)


def _upper_fault(
    room: NDArray[np.int64], levels: NDArray[np.int32], starts: NDArray[np.int64], links: NDArray[Any]
) -> str | None:
    """Whether links of upper levels lead to documents that have these levels too."""
    for level in range(1, int(levels.max())):
        begins = starts[levels > level] + room[level]
        linked = links[begins[:, None] + np.arange(room[level + 1] - room[level])]
        if (levels[linked[linked >= 0]] <= level).any():
            return f"links of level {level}"
    return None
