"""What the tests of a project gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypedDict

from metricsctl.core.diagnostics import Diagnostic, Span
from metricsctl.core.suites import Case, Suite

__all__ = ["PointCheck", "TestReport", "TestResult", "Verdict"]

Verdict = Literal["same", "differs", "missing", "unexpected"]
SIGNS: Mapping[str, str] = {"same": " ", "differs": "~", "missing": "-", "unexpected": "+"}


@dataclass(frozen=True, slots=True)
class PointCheck:
    """A point that was expected, or came out, or both; a value of None is an absent one.

    `time` is the start of its window, ISO 8601 in the metric's zone; `key` its dimensions.
    """

    time: str
    key: Mapping[str, str | None]
    expected: float | None
    found: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test: `outcome` is `passed`, `failure` where points differ, `error` where it could not be run (`message` says why)."""

    __test__: ClassVar[bool] = False  # no test of ours, whatever pytest thinks of the name
    name: str
    metric: str
    outcome: Literal["passed", "failure", "error"]
    message: str
    span: Span
    points: tuple[PointCheck, ...] = ()
    hint: str | None = None

    def lines(self) -> list[str]:
        """The points under one another, as a diff shows them: `-` expected and not there, `+` there and not expected, `~` another value."""
        rows = [
            (SIGNS[point.verdict], point.time, *(_text(value) for value in point.key.values()), *_values(point)) for point in self.points
        ]
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _values(point: PointCheck) -> tuple[str, str]:
    expected, found = _number(point.expected), _number(point.found)
    if point.verdict == "same":
        return found, ""
    if point.verdict == "unexpected":
        return found, "not expected"
    return expected, "is absent" if point.found is None else f"is {found}"


def _text(value: str | None) -> str:
    return "NULL" if value is None else value


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.12g}"


class TestData(TypedDict):
    """`data` of the JSON."""

    results: list[TestResult]


@dataclass(frozen=True, slots=True)
class TestReport:
    """All tests that were run, in the order of files and lines."""

    __test__: ClassVar[bool] = False
    name: ClassVar[str] = "test"
    version: ClassVar[int] = 1
    results: tuple[TestResult, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None; what failed is in the results."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How many passed, failed, and could not be run."""
        outcomes = [result.outcome for result in self.results]
        return {
            "errors": outcomes.count("error"),
            "failures": outcomes.count("failure"),
            "passed": outcomes.count("passed"),
            "tests": len(outcomes),
        }

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(result.outcome == "passed" for result in self.results)

    def to_dict(self) -> TestData:
        """The results."""
        return {"results": list(self.results)}

    def summary(self) -> str:
        """One line for people.

        "3 passed, 1 failed"
        """
        stats = self.stats
        words = (("passed", "passed"), ("failures", "failed"), ("errors", "could not be run"))
        return ", ".join(f"{stats[key]} {word}" for key, word in words if stats[key]) or "there are no tests"

    def suites(self) -> list[Suite]:
        """One suite a file, one case a test."""
        by_file: dict[str, list[Case]] = {}
        for item in self.results:
            details = "\n".join(item.lines()) if item.outcome == "failure" else item.message
            shown = Case(item.name, item.outcome, item.message, item.metric, details, item.span.path, item.span.line)
            by_file.setdefault(item.span.path, []).append(shown)
        return [Suite(path, tuple(cases)) for path, cases in by_file.items()]
