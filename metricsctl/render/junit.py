"""JUnit XML, as test dashboards read it: a report gives its suites, this file writes them.

https://github.com/testmoapp/junitxml describes what the readers have in common.

A report has `suites()`: `Suite`s of `Case`s, see `metricsctl.core.suites`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from metricsctl.core.suites import Suite
from metricsctl.render.style import Style

__all__ = ["render"]

# XML 1.0 has no way to write these at all
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def render(report: Any, style: Style) -> str:
    """The suites of a report."""
    suites = report.suites()
    counts = {
        "tests": sum(len(suite.cases) for suite in suites),
        "failures": sum(suite.failures for suite in suites),
        "errors": sum(suite.errors for suite in suites),
    }
    root = ET.Element("testsuites", {"name": f"metricsctl {report.name}", **{name: str(number) for name, number in counts.items()}})
    for suite in suites:
        _add(root, suite)
    ET.indent(root)
    encoding = "us-ascii" if style.ascii else "unicode"
    body = ET.tostring(root, encoding=encoding)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + (body if isinstance(body, str) else body.decode("ascii").split("\n", 1)[-1]) + "\n"


def _add(root: ET.Element, suite: Suite) -> None:
    counts = {"tests": len(suite.cases), "failures": suite.failures, "errors": suite.errors}
    node = ET.SubElement(root, "testsuite", {"name": _clean(suite.name), **{name: str(number) for name, number in counts.items()}})
    for case in suite.cases:
        place = {"file": _clean(case.file), "line": str(case.line)} if case.file else {}
        child = ET.SubElement(node, "testcase", {"classname": _clean(suite.name), "name": _clean(case.name), **place})
        if case.outcome in {"failure", "error"}:
            said = ET.SubElement(child, case.outcome, {"message": _clean(case.message), "type": _clean(case.kind)})
            said.text = _clean(case.details) or None
        elif case.outcome == "skipped":
            ET.SubElement(child, "skipped", {"message": _clean(case.message)})
        elif case.details or case.message:
            ET.SubElement(child, "system-out").text = _clean(case.details or case.message)
