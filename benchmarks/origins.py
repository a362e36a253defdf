"""How often `explain.upstream` finds the node that a step began at, and what a wrong start time does to it.

    python benchmarks/origins.py [--cases N]

Random graphs of 6 to 15 nodes, 240 points each: noise whose neighbours are alike, slow waves, and from a random time on a step at one node
and at all that depend on it, up to two points later; sizes in standard deviations of the noise. In the same run: the node that is furthest
out (z of the mean), and the deepest node that is out by three standard errors, both of which are told the exact time.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from metricsctl import explain

POINTS = 240
WRONG = (0.0, -0.05, 0.05)  # of the window


@dataclass
class Case:
    """A graph (cause to effect), its series, the node with the symptom, the one that it came from, and when."""

    graph: nx.DiGraph
    series: pd.DataFrame
    target: int
    origin: int
    onset: int


def case(seed: int, size: float, waves: float) -> Case:
    """One case: steps of 0.9 to 1.4 times `size` standard deviations, waves of up to `waves`."""
    chance = np.random.default_rng(seed)
    count = int(chance.integers(6, 16))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(count))
    for node in range(1, count):
        graph.add_edges_from((int(cause), node) for cause in chance.choice(node, size=min(node, int(chance.integers(1, 3))), replace=False))
    target = count - 1
    origin = int(chance.choice(sorted(nx.ancestors(graph, target))))
    onset = int(POINTS * chance.uniform(0.5, 0.8))
    values = chance.standard_normal((POINTS, count))
    alike = chance.choice([0, 0.3, 0.7] if waves else [0, 0.3], count)
    for place in range(1, POINTS):
        values[place] = alike * values[place - 1] + np.sqrt(1 - alike**2) * values[place]
    time = np.arange(POINTS)[:, None]
    values += chance.normal(0, 3, count)
    values += chance.uniform(0, waves, count) * np.sin(2 * np.pi * time / chance.uniform(40, 400, count) + chance.uniform(0, 6, count))
    for node in sorted({origin} | nx.descendants(graph, origin)):
        lag = 0 if node == origin else int(chance.integers(0, 3))
        values[onset + lag :, node] += size * chance.uniform(0.9, 1.4)
    return Case(graph, pd.DataFrame(values), target, origin, onset)


def z_of(found: Case) -> pd.Series:
    """How far the mean after the onset lies out, in standard errors of the time before."""
    before, after = found.series.iloc[: found.onset], found.series.iloc[found.onset :]
    return (after.mean() - before.mean()).abs() / before.std() * np.sqrt(len(after))


def deepest(found: Case) -> int:
    """The node without causes that are out, furthest from the target."""
    out = {node for node, z in z_of(found).items() if z > 3}
    steps = nx.single_source_shortest_path_length(found.graph.reverse(), found.target)
    return max(steps, key=lambda node: (node in out, steps[node], -node))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=150)
    count = parser.parse_args().cases
    print(f"{'waves':>5} {'step':>5}  right, start exact  early  late   same answer   largest z   deepest   ({count} cases each)")
    for waves, size in [(0.0, 1.0), (0.0, 1.5), (0.0, 2.0), (1.2, 1.0), (1.2, 2.0), (1.2, 3.0), (1.2, 5.0)]:
        right, same, largest, deep = [0, 0, 0], 0, 0, 0
        for seed in range(count):
            made = case(seed, size, waves)
            firsts = [
                explain.upstream(made.graph, made.series, made.target, made.onset + round(wrong * POINTS)).ranked[0].node for wrong in WRONG
            ]
            right = [number + (first == made.origin) for number, first in zip(right, firsts, strict=True)]
            same += len(set(firsts)) == 1
            largest += int(z_of(made).idxmax()) == made.origin
            deep += deepest(made) == made.origin
        shares = [number / count for number in (*right, same, largest, deep)]
        print("{:>5} {:>5}  {:>18.2f} {:>6.2f} {:>5.2f} {:>13.2f} {:>11.2f} {:>9.2f}".format(waves, size, *shares))


if __name__ == "__main__":
    main()
