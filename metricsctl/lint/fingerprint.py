"""What makes a finding the same finding tomorrow: its rule, its file and its words, not the line that it stands on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from metricsctl.core.diagnostics import Diagnostic

__all__ = ["Words", "fingerprints", "words_of"]

Words = tuple[str, str, str]


def words_of(item: Diagnostic) -> Words:
    """Rule, file and message."""
    return item.code, item.span.path if item.span else "", item.message


def fingerprints(findings: Iterable[Diagnostic]) -> list[str]:
    """16 hexadecimal digits for each finding; equal ones are told apart by their order."""
    seen: Counter[Words] = Counter()
    found = []
    for item in findings:
        words = words_of(item)
        seen[words] += 1
        found.append(hashlib.sha256("\0".join((*words, str(seen[words]))).encode("utf-8", "surrogatepass")).hexdigest()[:16])
    return found
