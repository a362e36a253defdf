"""From files to findings: what was worked out before is taken from the cache, what can be mended is mended."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from metricsctl.core.diagnostics import Fix
from metricsctl.definition.discover import read_text
from metricsctl.lint import fixes
from metricsctl.lint.cache import Cache, Entry, key_of
from metricsctl.lint.outside import Outside
from metricsctl.lint.report import LintReport
from metricsctl.lint.settings import Settings

__all__ = ["Fixed", "Session"]

if TYPE_CHECKING:
    from metricsctl.definition.project import Project

Filter = Callable[[LintReport], LintReport]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is left to say after mending, how many fixes were made, and the files that changed: before and after.

    Texts have the byte order mark and the line ends that the file has.
    """

    report: LintReport
    made: int
    before: Mapping[Path, str]
    after: Mapping[Path, str]


@dataclass(slots=True)
class Session:
    """One run over the files of a project.

    Attributes
    ----------
    files
        The texts of the definition files by absolute path.
    others
        How many other YAML files were left alone.
    rules
        Prefixes of the rules to run, and of those to leave out; nothing selected means all. What no rule begins with is an UsageError once
        rules are run.
    root
        What paths in findings are relative to (absolute).
    base, base_key
        An earlier state, and what changes when that does.
    cache
        Where results are kept; None keeps none.
    drafts
        Texts that stand for files and are not in them (stdin), with their line ends as they came.
    keep
        What is left of a report: findings that are known, or stand in nothing that changed, need not be said (or mended).
    folder
        That of the definitions, in which tables about them lie (absolute); by default the root.
    """

    files: dict[Path, str]
    others: int
    rules: tuple[tuple[str, ...], tuple[str, ...]]
    root: Path
    settings: Settings = field(default_factory=Settings)
    base: Project | None = None
    base_key: str = ""
    cache: Cache | None = None
    drafts: Mapping[Path, str] = field(default_factory=dict)
    keep: Sequence[Filter] = ()
    folder: Path | None = None
    _changed: dict[Path, str] = field(default_factory=dict)  # files that are not definitions, as they are mended

    def run(self) -> LintReport:
        """The findings of the files as they are."""
        outside = Outside.around(self.root)
        key = key_of(self.files, self.rules, self.settings, self.root, f"{self.base_key} {self.folder}", self.others) if self.cache else ""
        kept = self.cache.get(key) if self.cache else None
        if kept is not None and outside.still(kept.asked):
            return self._kept(kept.report)
        report = self._work(outside)
        if self.cache and not self._changed:
            self.cache.put(key, Entry(report, outside.asked))
        return self._kept(report)

    def _kept(self, report: LintReport) -> LintReport:
        for keep in self.keep:
            report = keep(report)
        return report

    def _work(self, outside: Outside) -> LintReport:
        from metricsctl.definition.load import load_tree
        from metricsctl.lint.engine import run_facts
        from metricsctl.lint.facts import Facts
        from metricsctl.lint.registry import chosen

        codes = chosen(*self.rules)

        def read(path: Path) -> str:
            if path in self._changed:
                return self._changed[path]
            outside.text(str(path))  # so that a kept result knows what it stands on
            return read_text(path)

        project = load_tree(self.files, read, self.root)
        project = dataclasses.replace(project, other_files=self.others, folder=self.folder or project.folder)
        return run_facts(Facts(project, self.settings, self.base, outside), codes)

    def fix(self, *, unsafe: bool) -> Fixed:
        """Mend what can be mended, again and again until nothing is left; nothing is written.

        A round after which a file has more broken YAML than before is taken back, and mending ends.
        """
        before: dict[Path, str] = {}
        after: dict[Path, str] = {}
        made = 0
        report = self.run()
        for _ in range(fixes.ROUNDS):
            found = fixes.fixable(report.findings, unsafe=unsafe)
            if not found:
                break
            texts = {shown: self._text(self.root / shown, after) for shown in _paths(found)}
            mended, count = fixes.apply(texts, found)
            saved = (dict(self.files), dict(self._changed), report)
            for shown, text in mended.items():
                self._take(self.root / shown, text)
            report = self.run()
            if not count or _broken(report) > _broken(saved[2]):
                self.files, self._changed, report = saved
                break
            made += count
            for shown, text in mended.items():
                before.setdefault(self.root / shown, texts[shown])
                after[self.root / shown] = text
        return Fixed(report, made, before, after)

    def _text(self, path: Path, after: Mapping[Path, str]) -> str:
        if path in after:
            return after[path]
        if path in self.drafts:
            return self.drafts[path]
        try:
            raw = fixes.read_raw(path)
        except (OSError, ValueError):
            return self.files[path]
        return raw if path not in self.files or _plain(raw) == self.files[path] else self.files[path]

    def _take(self, path: Path, text: str) -> None:
        if path in self.files:
            self.files = self.files | {path: _plain(text)}
        else:
            self._changed[path] = _plain(text)


def _plain(text: str) -> str:
    """A text as `read_text` gives it."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _paths(found: Sequence[Fix]) -> set[str]:
    return {edit.span.path for fix in found for edit in fix.edits}


def _broken(report: LintReport) -> int:
    return sum(item.code == "M001" for item in report.findings)
