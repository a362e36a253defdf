"""What a lint run found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

from metricsctl.core.diagnostics import Diagnostic, Severity, Span
from metricsctl.core.suites import Case, Outcome, Suite
from metricsctl.lint.fingerprint import fingerprints

if TYPE_CHECKING:
    import pandas as pd

    from metricsctl.definition.project import Project
    from metricsctl.lint.registry import Rule

__all__ = ["FixKind", "LintReport", "RuleReport"]

FixKind = Literal["none", "safe", "unsafe"]
"""Whether a rule mends what it finds, and whether that leaves what works with the meaning that it has."""


class LintData(TypedDict):
    """`data` of the JSON: the files, and how many findings each rule and severity has."""

    files: list[str]
    other_files: int
    by_rule: dict[str, int]
    by_severity: dict[str, int]


@dataclass(frozen=True, slots=True)
class LintReport:
    """Findings in the order of files and lines; `lines` holds the text of each line that a finding stands on."""

    name: ClassVar[str] = "lint"
    version: ClassVar[int] = 1
    findings: tuple[Diagnostic, ...]
    files: tuple[str, ...]
    other_files: int
    lines: Mapping[tuple[str, int], str]
    counts: Mapping[str, int]  # metrics, sources, ...
    suppressed: int = 0  # by comments in the files
    known: int = 0  # of a report of yesterday, or of the base of a change

    @classmethod
    def of(cls, project: Project, findings: Iterable[Diagnostic], texts: Mapping[str, str], *, suppressed: int = 0) -> LintReport:
        """The report of a project's findings; `texts` are the files that they stand in."""
        found = tuple(findings)
        split = {path: texts[path].split("\n") for path in {item.span.path for item in found if item.span} if path in texts}
        lines = {}
        for item in found:
            text = split.get(item.span.path) if item.span else None
            if item.span and text and item.span.line <= len(text):
                lines[item.span.path, item.span.line] = text[item.span.line - 1]
        kinds = ("metrics", "sources", "models", "dimensions", "exposures")
        counts = {kind: len(getattr(project, kind)) for kind in kinds}
        return cls(found, tuple(file.path for file in project.files), project.other_files, lines, counts, suppressed)

    @property
    def worst(self) -> Severity | None:
        """The worst severity among the findings."""
        return max((item.severity for item in self.findings), key=lambda severity: severity.rank, default=None)

    def fails(self, fail_on: Severity) -> bool:
        """Whether there is a finding at or over a severity."""
        return self.worst is not None and self.worst.rank >= fail_on.rank

    def line(self, span: Span | None) -> str | None:
        """The text of the line that a finding stands on."""
        return self.lines.get((span.path, span.line)) if span else None

    def items(self) -> tuple[Diagnostic, ...]:
        """The findings, one line each in JSON lines."""
        return self.findings

    def fingerprints(self) -> list[str]:
        """What makes each finding the same finding tomorrow, whatever line it stands on."""
        return fingerprints(self.findings)

    def rule_pages(self) -> tuple[RulePage, ...]:
        """The pages of the rules that found something."""
        from metricsctl.lint.registry import all_rules

        rules = all_rules()
        return tuple(RulePage.of(rules[code]) for code in sorted({item.code for item in self.findings} & rules.keys()))

    def suites(self) -> list[Suite]:
        """One suite a file, one case a finding; errors fail, what is less is said. A file without findings is one case that passes."""
        by_file: dict[str, list[Case]] = {path: [] for path in self.files}
        for item in self.findings:
            path = item.span.path if item.span else ""
            by_file.setdefault(path, []).append(self._case(item, path))
        return [Suite(path, tuple(cases or [Case("no findings", "passed", file=path)])) for path, cases in by_file.items()]

    def _case(self, item: Diagnostic, path: str) -> Case:
        outcome: Outcome = "failure" if item.severity is Severity.ERROR else "passed"
        details = "\n".join(part for part in (f"{item.span}: {item.code} {item.message}", self.line(item.span), item.hint) if part)
        line = item.span.line if item.span else 0
        return Case(f"{item.code} {item.message}", outcome, item.message, f"{item.code} {item.severity}", details, path, line)

    @property
    def fixable(self) -> int:
        """How many findings have a safe fix."""
        return sum(item.fix is not None and item.fix.safe for item in self.findings)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The findings."""
        return self.findings

    @property
    def stats(self) -> Mapping[str, Any]:
        """How much was looked at."""
        return {
            **self.counts,
            "files": len(self.files),
            "findings": len(self.findings),
            "fixable": self.fixable,
            "known": self.known,
            "other_files": self.other_files,
            "suppressed": self.suppressed,
        }

    def to_dict(self) -> LintData:
        """Files and counts; the findings themselves are the `diagnostics` of the envelope."""
        by_severity = Counter(str(item.severity) for item in self.findings)
        return {
            "files": list(self.files),
            "other_files": self.other_files,
            "by_rule": dict(Counter(item.code for item in self.findings)),
            "by_severity": {str(severity): by_severity[severity] for severity in Severity},
        }

    def summary(self) -> str:
        """One line for people.

        "3 errors, 1 warning in 4 files (1 can be mended by --fix); 2 other YAML files left alone"
        """
        severities = Counter(item.severity for item in self.findings)
        said = [_count(severities[severity], severity) for severity in Severity if severities[severity]]
        others = f"; {_count(self.other_files, 'other YAML file')} left alone" if self.other_files else ""
        others += f"; {self.suppressed} suppressed" if self.suppressed else ""
        others += f"; {self.known} known" if self.known else ""
        files = _count(len(self.files), "file")
        if said:
            mendable = f" ({self.fixable} can be mended by --fix)" if self.fixable else ""
            return f"{', '.join(said)} in {files}{mendable}{others}"
        what = ", ".join(_count(number, kind.rstrip("s")) for kind, number in self.counts.items() if number)
        return f"All checks passed: {what or 'no definitions'} in {files}{others}"

    def to_pandas(self) -> pd.DataFrame:
        """A row for each finding: code, severity, path, line, column, message, hint."""
        import pandas as pd

        places = [(item.span.path, item.span.line, item.span.column) if item.span else (None, None, None) for item in self.findings]
        rows = [(one.code, str(one.severity), *place, one.message, one.hint) for one, place in zip(self.findings, places, strict=True)]
        return pd.DataFrame(rows, columns=["code", "severity", "path", "line", "column", "message", "hint"])

    def _repr_html_(self) -> str:
        from metricsctl.core.html import paragraph, table

        def cells(item: Diagnostic) -> tuple[Any, ...]:
            return item.severity, item.code, item.span, item.message, item.hint

        return paragraph(self.summary()) + table(("severity", "rule", "place", "finding", "hint"), self.findings, cells)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 or word == "info" else "s")


@dataclass(frozen=True, slots=True)
class RulePage:
    """A rule as `metricsctl rule` shows it; the page is Markdown, `needs` names options without which it is silent."""

    code: str
    name: str
    severity: Severity
    summary: str
    page: str
    fix: FixKind = "none"
    needs: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: Rule) -> RulePage:
        """The page of a rule."""
        return cls(rule.code, rule.name, rule.severity, rule.summary, rule.page, rule.fix, ("--base",) if rule.needs_base else ())


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One rule or all of them."""

    name: ClassVar[str] = "rule"
    version: ClassVar[int] = 1
    rules: tuple[RulePage, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleReport:
        """The pages of rules."""
        return cls(tuple(RulePage.of(rule) for rule in rules))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """None."""
        return ()

    @property
    def stats(self) -> Mapping[str, Any]:
        """How many rules."""
        return {"rules": len(self.rules)}

    def to_dict(self) -> dict[str, Any]:
        """The pages."""
        return {"rules": self.rules}
