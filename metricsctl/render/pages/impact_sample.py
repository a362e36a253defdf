"""By how much metrics move on sample events, and the rows that show it: as lines, and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metricsctl.render.markdown import code, escaped, row
from metricsctl.render.style import Style, paint

if TYPE_CHECKING:
    from metricsctl.impact.report import ImpactReport
    from metricsctl.impact.sample.report import SampleDiff, Witness

__all__ = ["sample_lines", "sample_sections"]

_ROWS, _METRICS = 20, 50  # that are shown


def sample_lines(report: ImpactReport, style: Style) -> Iterator[str]:
    """The lines of a page of text; none where no sample was asked for."""
    sample = report.sample
    if sample is None:
        return
    yield ""
    yield f"on {sample.words}:"
    width = max((len(item.name) for item in sample.moves), default=0)
    for item in sample.moves:
        name = item.name + " " * (width - len(item.name))
        yield f"  {paint(name, 'bold green', style)}  {paint(item.words, 'bold yellow' if item.outcome == 'moved' else 'dim', style)}"
    for witness in sample.witnesses:
        yield ""
        yield f"{paint(witness.title, 'bold', style)}: {witness.words}"
        for source, rows in witness.rows.items():
            cells = _cells(rows)
            widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
            yield f"  {paint(source, 'blue', style)}"
            for line in cells:
                padded = (cell + " " * (width - len(cell)) for cell, width in zip(line, widths, strict=True))
                yield f"    {'  '.join(padded)}".rstrip()
            if len(rows) > _ROWS:
                yield f"    and {len(rows) - _ROWS:,} more"
        for note in _notes(witness):
            yield f"  {note}"
    if sample.generated and _unshown(sample):
        yield ""
        yield f"no difference of {', '.join(_unshown(sample))} in {_tried(sample)}; that is no proof"


def sample_sections(report: ImpactReport) -> Iterator[str]:
    """The sections of a page in Markdown."""
    sample = report.sample
    if sample is None:
        return
    shown = [row(code(item.name), escaped(item.words)) for item in sample.moves[:_METRICS]]
    more = f"\n\nand {len(sample.moves) - _METRICS:,} more" if len(sample.moves) > _METRICS else ""
    if shown:
        yield f"### By how much\n\nOn {escaped(sample.words)}:\n\n" + "\n".join([row("metric", "moves"), "|---|---|", *shown]) + more
    for witness in sample.witnesses:
        parts = [f"**{escaped(witness.title.capitalize())}**: {escaped(witness.words)}"]
        for source, rows in witness.rows.items():
            heads, *cells = _cells(rows)
            table = [row(*map(code, heads)), "|" + "---|" * len(heads), *(row(*map(escaped, line)) for line in cells)]
            rest = f"\n\nand {len(rows) - _ROWS:,} more" if len(rows) > _ROWS else ""
            parts.append(f"{code(source)}\n\n" + "\n".join(table) + rest)
        yield "\n\n".join([*parts, *map(escaped, _notes(witness))])
    if sample.generated and _unshown(sample):
        names = ", ".join(code(name) for name in _unshown(sample))
        yield f"No difference of {names} in {_tried(sample)}; that is no proof."


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Names of columns, and what stands in them."""
    names = list(dict.fromkeys(name for one in rows for name in one))
    return [names, *([_text(one.get(name)) for name in names] for one in rows[:_ROWS])]


def _text(value: Any) -> str:
    return "NULL" if value is None else str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())


def _notes(witness: Witness) -> Iterator[str]:
    others = [name for name in witness.shows if name != witness.metric]
    if others:
        yield f"also shows {', '.join(others)}"
    if witness.masked:
        yield "personal data is hidden"


def _unshown(sample: SampleDiff) -> list[str]:
    """The metrics of which neither the sample nor generated rows show any difference."""
    shown = {name for witness in sample.witnesses for name in witness.shows}
    return [item.name for item in sample.moves if item.outcome in {"no-difference", "no-data"} and item.name not in shown]


def _tried(sample: SampleDiff) -> str:
    events = "" if not sample.rows else f"{sum(sample.rows.values()):,} events and "
    return f"{events}{sample.generated:,} generated rows"
