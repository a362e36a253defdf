"""The pages of the rules as Markdown files: `python -m metricsctl.lint.docs docs/rules`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from metricsctl.lint.registry import Rule, all_rules

__all__ = ["pages", "write"]

_CODE = re.compile(r"(?:^ {4}.*\n?(?:\n(?= {4}))?)+", re.MULTILINE)


def _fenced(text: str) -> str:
    """Indented examples as fenced YAML."""

    def fence(match: re.Match[str]) -> str:
        body = "\n".join(line[4:] for line in match[0].rstrip().splitlines())
        return f"\n```yaml\n{body}\n```\n"

    return _CODE.sub(fence, text + "\n").strip()


def page(rule: Rule) -> str:
    """One rule as Markdown."""
    fix = {"none": "none", "safe": "safe (`--fix`)", "unsafe": "unsafe (`--unsafe-fixes`)"}[rule.fix]
    needs = " Needs `--base`." if rule.needs_base else ""
    return f"# {rule.code} {rule.name}\n\nSeverity: {rule.severity}. Fix: {fix}.{needs}\n\n{_fenced(rule.page)}\n"


def _index(rules: Mapping[str, Rule]) -> str:
    rows = [
        f"| [{code}]({code}.md) | {rule.name} | {rule.severity} | {rule.fix.replace('none', '')} | {rule.summary} |"
        for code, rule in rules.items()
    ]
    return "\n".join(["# Rules", "", "| code | name | severity | fix | catches |", "|---|---|---|---|---|", *rows, ""])


def pages() -> dict[str, str]:
    """File names and their texts."""
    rules = all_rules()
    return {"README.md": _index(rules), **{f"{code}.md": page(rule) for code, rule in rules.items()}}


def write(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
