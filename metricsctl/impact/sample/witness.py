"""The fewest rows on which two versions of a metric differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from metricsctl.core.errors import MetricsctlError
from metricsctl.core.timegrid import to_iso
from metricsctl.definition.project import Project
from metricsctl.impact.sample.moves import Comparison, Place, differing
from metricsctl.impact.sample.near import Labelled, Near
from metricsctl.impact.sample.report import Expected, Witness
from metricsctl.impact.sample.rows import Row, row_line
from metricsctl.impact.sample.shrink import Shrunk, shrink
from metricsctl.impact.sample.side import Points

__all__ = ["Trials"]

_QUESTIONS = 80  # sets of rows that are tried for one witness
_PLACES = 3  # points under which it is looked for
_FIRST = 2_000  # rows of a source, where no point tells
HIDDEN = "***"


@dataclass
class Trials:
    """Tries sets of rows on both sides.

    `project` knows the sources, `secret` are the columns of each that hold personal data; `folder` is for files of events.
    """

    comparison: Comparison
    project: Project
    secret: Mapping[str, Collection[str]]
    folder: Path

    def differing(self, rows: Iterable[Labelled], metrics: Sequence[str]) -> set[str]:
        """The metrics that are not the same on both sides for these rows; none where the rows cannot be computed."""
        try:
            self.read(rows)
            return {name for name, (where, _) in self.comparison.places(metrics).items() if where}
        except MetricsctlError:
            return set()

    def read(self, rows: Iterable[Labelled]) -> None:
        """Let both sides read rows in the place of what they had."""
        lines: dict[str, list[bytes]] = {}
        for source, row in rows:
            lines.setdefault(source, []).append(row_line(row))
        files: dict[str, list[str]] = {}
        for source, found in lines.items():
            path = self.folder / f"{len(files)}.ndjson"
            path.write_bytes(b"".join(found))
            files[source] = [str(path)]
        for side in (self.comparison.base, self.comparison.head):
            side.read(files, few=True)

    def search(self, metric: str, rows: Sequence[Labelled], places: Sequence[Place]) -> Shrunk[Labelled] | None:
        """The fewest rows found on which a metric differs; None where none are found.

        It is looked for under the points that differ (`places`), then in the first rows of each source.
        """
        near = Near(self.comparison, self.project, metric, rows)
        for candidate in (*near.candidates(places, _PLACES), _first(rows)):
            if metric in self.differing(candidate, [metric]):
                return shrink(candidate, lambda part: metric in self.differing(part, [metric]), _QUESTIONS)
        return None

    def witness(self, metric: str, few: Shrunk[Labelled], metrics: Sequence[str], origin: Literal["sample", "generated"]) -> Witness | None:
        """The witness that rows are, and which of `metrics` they show."""
        disguised = self.disguised(few.items) if origin == "sample" else few.items
        masked = metric not in self.differing(disguised, [metric])
        shown = replace(few, items=few.items if masked else disguised)
        shows = self.differing(shown.items, metrics)
        return self._told(metric, shown, tuple(name for name in metrics if name in shows), origin, masked=masked)

    def disguised(self, rows: Iterable[Labelled]) -> list[Labelled]:
        """The rows with each value of a column of personal data replaced by another: the same by the same."""
        names: dict[tuple[str, Any], Any] = {}

        def other(column: str, value: Any) -> Any:
            if value is None:
                return None
            number = 1 + sum(known == column for known, _ in names)
            return names.setdefault((column, str(value)), number if isinstance(value, int | float) else f"{column}-{number}")

        return [
            (source, {name: other(name, value) if name in self.secret.get(source, ()) else value for name, value in row.items()})
            for source, row in rows
        ]

    def _told(
        self,
        metric: str,
        few: Shrunk[Labelled],
        shows: tuple[str, ...],
        origin: Literal["sample", "generated"],
        *,
        masked: bool,
    ) -> Witness | None:
        """The witness in full: both sides have just read its rows."""
        base, head, by = self._pair(metric)
        where = differing(base, head)
        if not where:
            return None
        time, key = where[0]
        zone = self.comparison.head.zone(metric)
        shown: dict[str, list[Row]] = {}
        for source, row in few.items:
            hidden = self.secret.get(source, ()) if masked else ()
            shown.setdefault(source, []).append({name: HIDDEN if name in hidden else value for name, value in row.items()})
        return Witness(
            metric=metric,
            shows=shows,
            rows={source: tuple(some) for source, some in shown.items()},
            time=to_iso(time, zone),
            key=dict(zip(by, key, strict=True)),
            base=base.get((time, key)),
            head=head.get((time, key)),
            expect=tuple(
                Expected(to_iso(when, zone), dict(zip(by, of, strict=True)), value) for (when, of), value in sorted(head.items(), key=str)
            ),
            grain=str(self.comparison.grain(metric)),
            origin=origin,
            minimal=few.minimal,
            masked=masked,
            smallest=few.smallest,
        )

    def _pair(self, metric: str) -> tuple[Points, Points, tuple[str, ...]]:
        """What both sides give for the rows that they have just read: in total by window where that differs, else by all dimensions."""
        found: tuple[Points, Points, tuple[str, ...]] = {}, {}, ()
        for by in ((), self.comparison.common(metric)):
            pair = self.comparison.pairs([metric], by, self.comparison.grain(metric)).get(metric)
            if pair is not None:
                found = (*pair, by)
                if differing(*pair):
                    break
        return found


def _first(rows: Sequence[Labelled]) -> list[Labelled]:
    counts: dict[str, int] = {}
    found = []
    for source, row in rows:
        counts[source] = counts.get(source, 0) + 1
        if counts[source] <= _FIRST:
            found.append((source, row))
    return found
