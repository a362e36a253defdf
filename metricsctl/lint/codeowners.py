"""CODEOWNERS: who is named there, and whether a name of ours is one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from metricsctl.lint.outside import Outside

__all__ = ["FILES", "is_named", "owners_named", "read_codeowners"]

FILES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where GitHub and GitLab look for it, in their order; the first one there is counts."""

_OWNER = re.compile(r"@@?[\w.-]+(?:/[\w.-]+)*|[\w.+-]+@[\w.-]+\w")


def read_codeowners(outside: Outside) -> tuple[str, frozenset[str]] | None:
    """The file that counts and the owners in it; None where there is no such file, or it names nobody."""
    for path in FILES:
        text = outside.text(path)
        if text is not None:
            found = owners_named(text)
            return (path, found) if found else None
    return None


def owners_named(text: str) -> frozenset[str]:
    r"""The users, teams and mail addresses of a CODEOWNERS file.

    >>> sorted(owners_named("# all\n*.yml @shop/team-ads jo@shop.example  # @nobody\n[Docs][2] @ann\ndocs/\n"))
    ['@ann', '@shop/team-ads', 'jo@shop.example']
    """
    found: set[str] = set()
    for line in text.splitlines():
        rule = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        words = rule.split()
        if words:
            found.update(word for word in words[0 if rule.startswith("[") else 1 :] if _OWNER.fullmatch(word))
    return frozenset(found)


def is_named(owner: str, named: Iterable[str]) -> bool:
    """Whether an owner is one of those, with or without `@`, the organisation, or the mail's domain.

    >>> is_named("team-ads", {"@shop/team-ads"}), is_named("jo", {"jo@shop.example"}), is_named("team-ad", {"@shop/team-ads"})
    (True, True, False)
    """
    return bool(_forms(owner) & {form for other in named for form in _forms(other)})


def _forms(name: str) -> frozenset[str]:
    """What somebody may be called: all of it, the team without its organisation, the mail without its domain."""
    whole = name.lower().lstrip("@")
    return frozenset({whole, whole.rpartition("/")[2], whole.partition("@")[0]})
