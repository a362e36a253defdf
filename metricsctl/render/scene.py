"""A drawing of lines, areas and texts: as SVG by itself, as PNG by Graphviz.

Places count in points from the upper left corner.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from metricsctl.render.dot import quoted
from metricsctl.render.svg import draw

__all__ = ["Scene"]

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
_FONT = "Helvetica,Arial,sans-serif"
_DPI = 144
_LONGEST = 8_000  # characters of a string that Graphviz reads


@dataclass(frozen=True, slots=True)
class _Area:
    points: tuple[Point, ...]
    color: str


@dataclass(frozen=True, slots=True)
class _Line:
    points: tuple[Point, ...]
    color: str
    width: float
    dashed: bool


@dataclass(frozen=True, slots=True)
class _Dot:
    place: Point
    radius: float
    color: str


@dataclass(frozen=True, slots=True)
class _Text:
    place: Point
    text: str
    size: float
    color: str
    anchor: Anchor
    bold: bool


@dataclass(slots=True)
class Scene:
    """Shapes on a white ground, drawn in the order in which they are added; texts on top."""

    width: float
    height: float
    title: str
    shapes: list[_Area | _Line | _Dot] = field(default_factory=list)
    texts: list[_Text] = field(default_factory=list)

    def area(self, points: Sequence[Point], color: str) -> None:
        """A filled polygon."""
        self.shapes.append(_Area(tuple(points), color))

    def line(self, points: Sequence[Point], color: str, width: float = 1.0, *, dashed: bool = False) -> None:
        """A line through points."""
        self.shapes.append(_Line(tuple(points), color, width, dashed))

    def dot(self, place: Point, radius: float, color: str) -> None:
        """A filled circle."""
        self.shapes.append(_Dot(place, radius, color))

    def text(
        self, place: Point, text: str, *, size: float = 11, color: str = "#22303c", anchor: Anchor = "start", bold: bool = False
    ) -> None:
        """A line of text, its place on the base line, where `anchor` says."""
        self.texts.append(_Text(place, text, size, color, anchor, bold))

    def render(self, kind: str) -> str | bytes:
        """The drawing as "svg" or "png"; UsageError where Graphviz, which draws the latter, is missing."""
        if kind == "svg":
            return "\n".join(self._svg()) + "\n"
        return draw("\n".join(self._dot()) + "\n", kind, "name a file that ends in .svg, which needs neither")

    def _svg(self) -> Iterator[str]:
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{_FONT}" role="img">'
        yield f"<title>{_escaped(self.title)}</title>"
        yield f'<rect width="{self.width:g}" height="{self.height:g}" fill="white"/>'
        yield from (_svg_shape(shape) for shape in self.shapes)
        for text in self.texts:
            weight = ' font-weight="bold"' if text.bold else ""
            place = f'x="{text.place[0]:.1f}" y="{text.place[1]:.1f}" font-size="{text.size:g}"'
            yield f'<text {place} fill="{text.color}" text-anchor="{text.anchor}"{weight}>{_escaped(text.text)}</text>'
        yield "</svg>"

    def _dot(self) -> Iterator[str]:
        """Graphviz draws shapes as the background of a graph, and its nodes are the texts."""
        operations = " ".join(operation for shape in self.shapes for operation in _xdot(shape, self.height))
        shapes = " +\n    ".join(
            f'"{part} "' for part in textwrap.wrap(operations, _LONGEST, break_on_hyphens=False, break_long_words=False)
        )
        yield "digraph picture {"
        yield f'  graph [layout=neato, pad=0, margin=0, dpi={_DPI}, bgcolor="white", _background={shapes}]'
        yield f'  node [shape=plaintext, fixedsize=true, height=0.1, margin=0, fontname="{_FONT}"]'
        for name, (x, y) in (("left", (0.0, self.height)), ("right", (self.width, 0.0))):
            yield f'  {name} [shape=point, style=invis, width=0.001, height=0.001, pos="{_inches(x, y, self.height)}"]'
        for number, text in enumerate(self.texts):
            side = {"start": "\\l", "middle": "", "end": "\\r"}[text.anchor]
            x, y = text.place[0], text.place[1] - 0.35 * text.size
            room = {"start": self.width - x, "middle": 2 * min(x, self.width - x), "end": x}[text.anchor]  # a text's box stays inside
            x += {"start": room / 2, "middle": 0.0, "end": -room / 2}[text.anchor]
            label = quoted(text.text)[:-1] + side + '"'
            name = "Helvetica-Bold" if text.bold else "Helvetica"
            look = f'width={room / 72:.4f}, fontsize={text.size:g}, fontcolor="{text.color}", fontname="{name}"'
            yield f'  t{number} [label={label}, pos="{_inches(x, y, self.height)}", {look}]'
        yield "}"


def _escaped(text: str) -> str:
    return html.escape("".join(char if char.isprintable() else " " for char in text))


def _inches(x: float, y: float, height: float) -> str:
    return f"{x / 72:.4f},{(height - y) / 72:.4f}!"


def _svg_shape(shape: _Area | _Line | _Dot) -> str:
    if isinstance(shape, _Dot):
        return f'<circle cx="{shape.place[0]:.1f}" cy="{shape.place[1]:.1f}" r="{shape.radius:g}" fill="{shape.color}"/>'
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
    if isinstance(shape, _Area):
        return f'<polygon points="{points}" fill="{shape.color}"/>'
    dashes = ' stroke-dasharray="4 3"' if shape.dashed else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{shape.color}" stroke-width="{shape.width:g}" stroke-linejoin="round"{dashes}/>'
    )


def _xdot(shape: _Area | _Line | _Dot, height: float) -> Iterator[str]:
    """A shape in the language of Graphviz' own drawings."""
    dashed, width = isinstance(shape, _Line) and shape.dashed, shape.width if isinstance(shape, _Line) else 0.5
    styles = (f"setlinewidth({width:g})", "dashed" if dashed else "solid")
    yield f"c 7 -{shape.color} C 7 -{shape.color}"
    yield from (f"S {len(style)} -{style}" for style in styles)
    if isinstance(shape, _Dot):
        x, y = shape.place
        yield f"E {x:.2f} {height - y:.2f} {shape.radius:g} {shape.radius:g}"
        return
    points = f"{len(shape.points)} " + " ".join(f"{x:.2f} {height - y:.2f}" for x, y in shape.points)
    yield f"{'P' if isinstance(shape, _Area) else 'L'} {points}"
