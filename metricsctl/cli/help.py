"""Help texts from docstrings."""

from __future__ import annotations

import inspect
import re

__all__ = ["help_parts", "purpose_and_epilog"]

_SECTION = re.compile(r"^(Examples|See Also)\n-+\n", re.MULTILINE)


def help_parts(text: str) -> tuple[str, list[str], str]:
    """A docstring as (purpose, examples, related commands)."""
    parts = _SECTION.split(inspect.cleandoc(text))
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    examples = [line.strip() for line in sections.get("Examples", "").splitlines() if line.strip()]
    return parts[0].strip(), examples, sections.get("See Also", "").strip()


def purpose_and_epilog(text: str) -> tuple[str, str]:
    """What stands above and below the options in a command's help."""
    purpose, examples, related = help_parts(text)
    lines = [f"  {line.replace('[', chr(92) + '[')}" for line in examples]
    return purpose, "\n".join(["[bold]Examples[/bold]", *lines, "", f"[bold]Related[/bold]  {related}"])
