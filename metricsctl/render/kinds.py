"""How the kinds of nodes and edges look in a picture, the same in DOT and Mermaid; told apart by shape as well as by colour."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EDGE_LINES", "NODE_LOOKS", "NodeLook"]


@dataclass(frozen=True, slots=True)
class NodeLook:
    """Fill, border, and the shape's name in DOT and its brackets in Mermaid."""

    fill: str
    border: str
    shape: str
    brackets: tuple[str, str]


NODE_LOOKS = {
    "source": NodeLook("#e3effb", "#1f6fb2", "cylinder", ("[(", ")]")),
    "model": NodeLook("#fdf0dc", "#b8690b", "box", ("[", "]")),
    "column": NodeLook("#ffffff", "#8a97a3", "box", ("[", "]")),
    "dimension": NodeLook("#eceff1", "#546e7a", "hexagon", ("{{", "}}")),
    "metric": NodeLook("#e4f4e7", "#2b7d3c", "rounded", ("(", ")")),
    "series": NodeLook("#dff3f1", "#12766c", "cylinder", ("[(", ")]")),
    "exposure": NodeLook("#f3e6f7", "#7a2f94", "note", ("[/", "/]")),
    "calendar": NodeLook("#fbf6d9", "#8a7a12", "note", ("[/", "/]")),
}

# kind of edge -> line: values solid, what decides rows dashed, what is known no closer than a table dotted
EDGE_LINES = {
    "identity": "solid",
    "derived": "solid",
    "window": "solid",
    "aggregate": "solid",
    "filter": "dashed",
    "join": "dashed",
    "group": "dashed",
    "table-only": "dotted",
}
