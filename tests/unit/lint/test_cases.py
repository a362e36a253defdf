"""Every rule by example: `cases/<code>.txt` holds texts in which it must fire, at the marked «places» and nowhere else, or must not.

=== fires: a title, with settings at will (max_depth=3)
metrics: ...                         a text that does not begin with `version:` comes after the usual source
--- says
the message (the hint)               one line a finding; may be left out
--- file: CODEOWNERS                 another file of the project
--- base                             the earlier state, for rules that compare
    --- fixed                            the text after all fixes, the unsafe ones too
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from metricsctl.definition.load import load_text
from metricsctl.lint.engine import run
from metricsctl.lint.facts import Settings
from metricsctl.lint.registry import all_rules
from metricsctl.lint.session import Session

from .conftest import SOURCES, marked_places

FOLDER = Path(__file__).parent / "cases"
_MARK = re.compile("[«»]")


@dataclass
class Case:
    code: str
    fires: bool
    title: str
    settings: dict[str, Any]
    text: str = ""
    says: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    base: str | None = None
    fixed: str | None = None

    @property
    def codes(self) -> frozenset[str]:
        """The rules to run; suppressions are judged only of rules that ran."""
        return frozenset(all_rules()) if self.code == "M901" else frozenset({self.code})


def read_settings(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in (text or "").split(",") if text else []:
        name, value = (part.strip() for part in item.split("="))
        found[name] = dt.date.fromisoformat(value) if name == "today" else int(value) if value.isdecimal() else value
    return found


def whole(text: str) -> str:
    return text if text.startswith("version:") else SOURCES + text


def cases_of(path: Path) -> list[Case]:
    found: list[Case] = []
    for part in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, rest = part.partition("\n")
        match = re.fullmatch(r"(fires|silent): (.*?)(?: \(((?:\w+=[^,)]+(?:, )?)+)\))?", head)
        assert match, f"{path.name}: {head}"
        text, *sections = re.split(r"^--- ", rest, flags=re.MULTILINE)
        case = Case(path.stem, match[1] == "fires", match[2], read_settings(match[3]), whole(text))
        for section in sections:
            name, _, body = section.partition("\n")
            if name == "says":
                case.says = body.strip().splitlines()
            elif name == "base":
                case.base = whole(body)
            elif name == "fixed":
                case.fixed = whole(body)
            else:
                case.files[name.removeprefix("file: ")] = body
        found.append(case)
    return found


CASES = [case for path in sorted(FOLDER.glob("*.txt")) for case in cases_of(path)]


def findings(case: Case, root: Path) -> list[Any]:
    for name, body in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(body, encoding="utf-8")
    project = load_text(_MARK.sub("", case.text), root=root)
    base = None if case.base is None else load_text(case.base, root=root)
    report = run(project, select=case.codes, settings=Settings(**case.settings), base=base)
    return [item for item in report.findings if item.code == case.code]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.title}")
def test_a_rule_fires_where_it_must_and_nowhere_else(case: Case, tmp_path: Path) -> None:
    found = findings(case, tmp_path)
    places = [(item.span.line, item.span.column, item.span.end_column) for item in found]
    assert places == marked_places(case.text)
    assert case.fires == bool(found)
    if case.says:
        assert [item.message + (f" ({item.hint})" if item.hint else "") for item in found] == case.says


FIRING = [case for case in CASES if case.fires]


@pytest.mark.parametrize("case", FIRING, ids=lambda case: f"{case.code}-{case.title}")
def test_the_message_quotes_the_text_at_its_place(case: Case, tmp_path: Path) -> None:
    lines = _MARK.sub("", case.text).splitlines()
    for item in findings(case, tmp_path):
        assert item.span.line == item.span.end_line
        text = lines[item.span.line - 1][item.span.column - 1 : item.span.end_column - 1]
        assert text
        assert f"'{text}'" in item.message or item.message.startswith("YAML does not parse"), "only what is no YAML has no words to quote"


@pytest.mark.parametrize("case", [case for case in CASES if case.fixed is not None], ids=lambda case: f"{case.code}-{case.title}")
def test_fixing_mends_it_and_fixing_twice_changes_nothing_more(case: Case, tmp_path: Path) -> None:
    assert case.fixed is not None
    path = tmp_path / "metrics.yml"
    for before in (_MARK.sub("", case.text), case.fixed):
        fixed = Session({path: before}, 0, (tuple(case.codes), ()), tmp_path, Settings(**case.settings)).fix(unsafe=True)
        assert fixed.after.get(path, before) == case.fixed
    for item in findings(case, tmp_path):
        assert item.fix is None or item.fix.safe == (all_rules()[case.code].fix == "safe")


@pytest.mark.parametrize("code", [code for code, rule in all_rules().items() if rule.fix != "none"])
def test_every_rule_that_mends_shows_how(code: str) -> None:
    assert any(case.fixed is not None for case in CASES if case.code == code)


@pytest.mark.parametrize("code", all_rules())
def test_every_rule_has_cases_of_both_kinds(code: str) -> None:
    assert {case.fires for case in CASES if case.code == code} == {True, False}, f"write tests/unit/lint/cases/{code}.txt"
