"""How much CPU does `metricsctl lint` take, cold, warm, and after an edit: `python benchmarks/lint.py [METRICS ...]`.

A project is generated: 60 % simple metrics, 20 % ratios, 15 % derived, 5 % cumulative, over models in three layers (one for 20 metrics) and
sources; it lints clean. Measured is the user and system time of whole processes, the least of several runs; Python's start is in it. Beside
it stands the floor: PyYAML's C parser composing the same files with positions, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMITS = {5000: (4.0, 1.2), 1000: (1.0, 0.4)}  # metrics -> CPU-seconds cold, warm
FLOOR = """
import pathlib, sys, yaml
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.yml")):
    yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
"""
THINGS = ("order", "visit", "click", "cart", "refund", "shipment", "ticket", "invoice", "signup", "search")
WHERE = ("web", "app", "store", "partner", "phone")


def source(number: int) -> str:
    """A source with eight columns."""
    return f"""\
  - name: {THINGS[number % 10]}_log_{number}
    description: Raw events of stream {number}, one row an event.
    owner: team-{number % 7}
    time: {{column: ts, lateness: 15m}}
    dimensions: [country, channel]
    columns:
      - {{name: ts, type: timestamp}}
      - {{name: id, type: string}}
      - {{name: user_id, type: string, pii: true}}
      - {{name: amount, type: double, unit: usd}}
      - {{name: latency, type: double, unit: ms}}
      - {{name: status, type: string, accepted: [ok, failed, pending]}}
      - {{name: country, type: string}}
      - {{name: channel, type: string}}
"""


def model(number: int, name: str, below: str, layer: int) -> str:
    """A row-wise model over what lies below it."""
    amount = "amount" if layer else "amount * 1.0 AS amount"
    where = ("status <> 'failed'", "amount > 0", "country IS NOT NULL")[layer]
    return f"""\
  - name: {name}
    description: Layer {layer} over {below}, one row an event that counts.
    owner: team-{number % 7}
    sql: |
      SELECT ts, id, user_id, {amount}, latency, status, country, channel
      FROM {below}
      WHERE {where} AND channel <> 'test_{number}'
    time: {{column: ts}}
    grain: [id]
    dimensions: [country, channel]
    columns: [{{name: amount, unit: usd}}, {{name: latency, unit: ms}}]
"""


def simple(name: str, number: int, relation: str, rng: random.Random) -> str:
    """A simple metric: a count, a sum, a distinct count or an average, with a filter of three conditions."""
    kind = number % 4
    agg = ("agg: count", "agg: sum\n    expr: amount", "agg: count_distinct\n    expr: user_id", "agg: avg\n    expr: latency")[kind]
    unit = ("count", "usd", "count", "ms")[kind]
    return f"""\
  - name: {name}
    description: Number {number} of what the {rng.choice(WHERE)} does, as stream {number} has it.
    type: simple
    source: {relation}
    {agg}
    filter: status = 'ok' AND amount > {number} AND channel IN ('{rng.choice(WHERE)}', 'c{number}')
    unit: {unit}
    direction: {rng.choice(("up", "down"))}
    owner: team-{number % 7}
"""


def ratio(name: str, number: int, above: str, below: str) -> str:
    """A ratio of two metrics."""
    return f"""\
  - name: {name}
    description: Share number {number} of one stream in another.
    type: ratio
    numerator: {above}
    denominator: {below}
    on_zero: absent
    direction: up
    unit: "1"
    owner: team-{number % 7}
"""


def derived(name: str, number: int, one: str, other: str) -> str:
    """A growth over the week before, or a weighted sum."""
    if number % 2:
        return f"""\
  - name: {name}
    description: Growth number {number} against the week before.
    type: derived
    expr: (cur - prev) / prev
    inputs: {{cur: {one}, prev: {{metric: {one}, offset: 7d}}}}
    on_zero: absent
    unit: "1"
    owner: team-{number % 7}
"""
    return f"""\
  - name: {name}
    description: Sum number {number} of two streams, per mille.
    type: derived
    expr: ({one} + {other}) * {number} / 1000
    owner: team-{number % 7}
    unit: count
"""


def cumulative(name: str, number: int, of: str) -> str:
    """A running total of the month."""
    return f"""\
  - name: {name}
    description: Running total number {number} of the month.
    type: cumulative
    metric: {of}
    to_date: month
    owner: team-{number % 7}
    unit: count
"""


def generate(folder: Path, metrics: int) -> None:
    """Write a project of so many metrics."""
    rng = random.Random(metrics)
    streams = max(metrics // 100, 1)
    models = max(metrics // 20, 3)
    layers: list[list[str]] = [[], [], []]
    parts: dict[str, list[str]] = {"sources": [source(number) for number in range(streams)], "models": []}
    below = [f"{THINGS[number % 10]}_log_{number}" for number in range(streams)]
    for number in range(models):
        layer = min(number * 3 // models, 2)
        under = below if layer == 0 else layers[layer - 1]
        name = f"{('clean', 'valid', 'paid')[layer]}_{THINGS[number % 10]}_{number}"
        parts["models"].append(model(number, name, under[number % len(under)], layer))
        layers[layer].append(name)
    used = [*layers[2], *layers[1], *layers[0], *below]
    names, texts = metric_texts(metrics, used, rng)
    for section, items in parts.items():
        for start in range(0, len(items), 25):
            write(folder / f"{section}_{start // 25}.yml", section, items[start : start + 25])
    for start in range(0, len(texts), 100):
        write(folder / f"metrics_{start // 100}.yml", "metrics", texts[start : start + 100])
    shown = "".join(
        f"  - {{name: board-{number}, kind: dashboard, uses: [{', '.join(names[number::20][:30])}], owner: team-exec}}\n"
        for number in range(20)
    )
    (folder / "exposures.yml").write_text(f"version: 1\nexposures:\n{shown}", encoding="utf-8")


def metric_texts(metrics: int, relations: list[str], rng: random.Random) -> tuple[list[str], list[str]]:
    """The names and the texts of all metrics, in the shares that the benchmark promises."""
    simples = metrics * 60 // 100
    names = [f"{rng.choice(WHERE)}_{THINGS[number % 10]}_m{number}x" for number in range(metrics)]
    texts = [simple(names[number], number, relations[number % len(relations)], rng) for number in range(simples)]
    for number in range(simples, metrics):
        share = (number - simples) / (metrics - simples)
        turn, place = divmod(number - simples, simples // 4)  # no two of a kind over the same inputs
        one = 4 * place  # counts, so that units fit
        other = (one + 4 + 4 * turn) % simples  # of another relation
        if share < 0.5:
            texts.append(ratio(names[number], number, names[one], names[other]))
        elif share < 0.875:
            texts.append(derived(names[number], number, names[one], names[other]))
        else:
            texts.append(cumulative(names[number], number, names[one]))
    return names, texts


def write(path: Path, section: str, items: list[str]) -> None:
    """Write one file of the project."""
    path.write_text(f"version: 1\n{section}:\n{''.join(items)}", encoding="utf-8")


def cpu(command: list[str]) -> float:
    """User and system seconds of a process; it must end with 0."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONHASHSEED": "0"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[:2000]}{done.stderr[:2000]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(metrics: int, runs: int) -> None:
    """Measure a project of so many metrics, and print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, metrics)
        lint = [sys.executable, "-m", "metricsctl", "lint", str(folder), "-q", "--fail-on", "warning"]
        edited = folder / "metrics_0.yml"
        found: dict[str, list[float]] = {"floor": [], "cold": [], "warm": [], "after an edit": []}
        for number in range(runs):
            shutil.rmtree(folder / ".metricsctl", ignore_errors=True)
            found["floor"].append(cpu([sys.executable, "-c", FLOOR, str(folder)]))
            found["cold"].append(cpu(lint))
            found["warm"].append(cpu(lint))
            edited.write_text(edited.read_text(encoding="utf-8") + f"# edit {number}\n", encoding="utf-8")
            found["after an edit"].append(cpu(lint))
        floor = min(found["floor"])
        cold_limit, warm_limit = LIMITS.get(metrics, (None, None))
        print(f"\n{metrics:,} metrics, {sum(path.stat().st_size for path in folder.glob('*.yml')) / 1e6:.1f} MB")
        print(f"{'':16}{'CPU-s':>8}{'x floor':>9}{'limit':>8}{'of limit':>10}")
        for what, limit in (("floor", None), ("cold", cold_limit), ("warm", warm_limit), ("after an edit", cold_limit)):
            least = min(found[what])
            shown = f"{limit:>8}{least / limit:>10.2f}" if limit else ""
            print(f"{what:16}{least:>8.2f}{least / floor:>9.2f}{shown}")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("metrics", nargs="*", type=int, default=[1000, 5000])
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
    for metrics in asked.metrics:
        measure(metrics, asked.runs)


if __name__ == "__main__":
    main()
