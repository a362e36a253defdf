import itertools
import os
import shutil
import sys
import time
import types
import xml.etree.ElementTree as ET

import pytest

from metricsctl.core.errors import UsageError
from metricsctl.definition.load import load_text
from metricsctl.definition.project import Project
from metricsctl.lineage.graph import LineageGraph, build
from metricsctl.lineage.kinds import EdgeKind
from metricsctl.lineage.nodes import Edge, Node, NodeKind
from metricsctl.lineage.report import LineageReport, trace
from metricsctl.render import dot, mermaid, svg, tree
from metricsctl.render.style import Style

ODD = 'a "b" <c> & \\ | [d] ü'


def drawable() -> bool:
    if shutil.which("dot"):
        return True
    try:
        import pygraphviz  # noqa: F401
    except ImportError:
        return False
    return True


needs_graphviz = pytest.mark.skipif(not drawable(), reason="no Graphviz here")


@pytest.fixture(scope="module")
def graph(shop: Project) -> LineageGraph:
    return build(shop)


def odd_report() -> LineageReport:
    nodes = {kind: Node(f"{kind.value}:{ODD}", kind, ODD, ODD, ODD) for kind in NodeKind if kind is not NodeKind.COLUMN}
    edge = Edge(nodes[NodeKind.SOURCE].id, nodes[NodeKind.METRIC].id, EdgeKind.FILTER, 0.5)
    return trace(LineageGraph({node.id: node for node in nodes.values()}, (edge,)), columns=True)


def texts(picture: str) -> list[str]:
    return ["".join(element.itertext()).strip() for element in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


@needs_graphviz
@pytest.mark.parametrize("columns", [False, True])
def test_svg_is_well_formed_and_shows_every_label(graph: LineageGraph, columns: bool) -> None:
    report = trace(graph, ["revenue"], columns=columns)
    shown = texts(svg.render(report))
    for node in report.nodes:
        assert (node.name.partition(".")[2] or node.name) in shown
        assert node.detail is None or node.detail in shown
    assert {"  source  ", "  metric  ", "  asked for  "} <= set(shown) or {"source", "metric", "asked for"} <= {
        text.strip() for text in shown
    }


@needs_graphviz
def test_layers_run_from_left_to_right(graph: LineageGraph) -> None:
    root = ET.fromstring(svg.render(trace(graph)))
    place = {}
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        title, text = group.find("{http://www.w3.org/2000/svg}title"), group.find(".//{http://www.w3.org/2000/svg}text")
        if group.get("class") == "node" and title is not None and text is not None:
            place[title.text] = float(text.get("x", "nan"))
    for edge in trace(graph).edges:
        assert place[edge.source] < place[edge.target]


@needs_graphviz
def test_odd_names_are_drawn_as_they_are() -> None:
    assert texts(svg.render(odd_report())).count(ODD) >= 5


@needs_graphviz
def test_a_thousand_nodes_are_drawn_in_seconds() -> None:
    sources = [f"  - {{name: s{number}, time: {{column: ts}}}}" for number in range(50)]
    metrics = [f"  - {{name: m{number}, type: simple, source: s{number % 50}, agg: count}}" for number in range(350)]
    metrics += [f"  - {{name: r{number}, type: derived, expr: m{number % 350} / m{(number * 7 + 1) % 350}}}" for number in range(350)]
    exposures = [
        f"  - {{name: d{number}, kind: dashboard, uses: [{', '.join(f'r{(number * each) % 350}' for each in (1, 3, 5, 11))}]}}"
        for number in range(250)
    ]
    report = trace(build(load_text("\n".join(["version: 1", "sources:", *sources, "metrics:", *metrics, "exposures:", *exposures, ""]))))
    assert len(report.nodes) == 1000
    assert len(report.edges) > 1900
    before = time.process_time()
    picture = svg.render(report)
    assert time.process_time() - before < 3
    assert ET.fromstring(picture).tag.endswith("svg")


@needs_graphviz
def test_boxes_of_a_large_picture_do_not_cover_each_other() -> None:
    names = [f"m{number}_{'long_' * (number % 17)}name" for number in range(310)]
    nodes = {f"metric:{name}": Node(f"metric:{name}", NodeKind.METRIC, name, "count") for name in names}
    edges = tuple(Edge(f"metric:{one}", f"metric:{other}", EdgeKind.DERIVED) for one, other in zip(names, names[100:], strict=False))
    plain = svg.draw(dot.render(trace(LineageGraph(nodes, edges))), "plain", "").decode()
    boxes = [tuple(map(float, line.split()[2:6])) for line in plain.splitlines() if line.startswith("node ")]
    assert len(boxes) == 310
    for (x, y, width, height), (left, low, wide, high) in itertools.combinations(boxes, 2):
        assert abs(x - left) >= (width + wide) / 2 or abs(y - low) >= (height + high) / 2


def test_without_graphviz_there_is_a_way_out(graph: LineageGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(UsageError, match="needs Graphviz") as caught:
        svg.render(trace(graph))
    assert "metricsctl[svg]" in str(caught.value.hint)
    assert "--format dot" in str(caught.value.hint)


def test_dot_quotes_what_it_must() -> None:
    text = dot.render(odd_report())
    assert '"metric:a \\"b\\" <c> & \\\\ | [d] ü"' in text
    assert "a &quot;b&quot; &lt;c&gt; &amp;" in text


def test_mermaid_escapes_what_it_must() -> None:
    lines = mermaid.render(odd_report()).splitlines()
    assert lines[0] == "flowchart LR"
    label = "a #34;b#34; #60;c#62; #38; #92; #124; #91;d#93; ü"
    assert f'  n0[("{label}<br/><small>{label}</small>")]:::source' in lines
    assert "  n0 -.->|filter| n3" in lines


def test_asked_nodes_stand_out(graph: LineageGraph) -> None:
    report = trace(graph, ["revenue"])
    assert next(line for line in dot.render(report).splitlines() if "penwidth=2.6" in line).strip().startswith('"metric:revenue"')
    assert mermaid.render(report).rstrip().endswith("asked")


def test_every_node_and_edge_is_in_the_text_formats(graph: LineageGraph) -> None:
    report = trace(graph, columns=True)
    drawn, flow, lines = dot.render(report), mermaid.render(report), tree.render(report, Style())
    within = {(node.parent, node.id) for node in report.nodes}
    for edge in report.edges:
        assert (f'"{edge.source}" -> "{edge.target}"' in drawn) == ((edge.source, edge.target) not in within)
    for node in report.nodes:
        assert f'"{node.id}" [' in drawn
        assert f'"{node.name}<br/>' in flow or f'"{node.name}"' in flow
        assert f"{node.name}  {node.kind.value}" in lines


def test_a_subtree_is_unfolded_once(graph: LineageGraph) -> None:
    lines = tree.render(trace(graph, ["log"], direction="downstream", columns=True), Style()).splitlines()
    revenue = [line for line in lines if " revenue  metric" in line]
    assert len(revenue) > 1
    assert ["(see above)" in line for line in revenue] == [False] + [True] * (len(revenue) - 1)
    assert sum("turnover" in line for line in lines) == 1


def test_tree_in_ascii_and_in_colour(graph: LineageGraph) -> None:
    report = trace(graph, ["revenue"])
    assert tree.render(report, Style(ascii=True)).isascii()
    assert "\x1b[" not in tree.render(report, Style())
    assert "\x1b[1;32mrevenue\x1b[0m" in tree.render(report, Style(color=True))


def test_tree_says_how_sure_it_is(project) -> None:
    text = "version: 1\nsources: [{name: raw, time: {column: ts}}]\nmodels: [{name: m, sql: SELECT * FROM raw, time: {column: ts}}]\n"
    graph = build(project(text + "metrics: [{name: a, type: simple, source: m, agg: sum, expr: x}]\n"))
    assert "<table-only, 50 % sure>" in tree.render(trace(graph, ["a"], columns=True), Style())


def test_a_circle_and_a_long_chain_end() -> None:
    circle = "version: 1\nmetrics:\n  - {name: a, type: derived, expr: b + 1}\n  - {name: b, type: derived, expr: a + 1}\n"
    assert tree.render(trace(build(load_text(circle))), Style()).count("(see above)") == 1
    nodes = {f"metric:m{number}": Node(f"metric:m{number}", NodeKind.METRIC, f"m{number}") for number in range(3000)}
    edges = tuple(Edge(f"metric:m{number}", f"metric:m{number + 1}", EdgeKind.DERIVED) for number in range(2999))
    assert tree.render(trace(LineageGraph(nodes, edges), ["m0"], direction="downstream"), Style()).count("\n") == 3000


def test_the_grumbling_of_a_native_library_is_not_shown(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    class Grumbling:
        def __init__(self, string: str) -> None: ...

        def draw(self, format: str, prog: str) -> bytes:  # noqa: A002
            os.write(2, b"Fontconfig warning: unknown element\n")
            return f"{prog} {format}".encode()

    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(svg, "_pygraphviz", lambda *_: types.SimpleNamespace(AGraph=Grumbling))
    assert svg.draw("digraph {}", "svg", "") == b"dot svg"
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
