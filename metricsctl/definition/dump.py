"""A project back to YAML: one file that says the same. Comments, layout and the order of files are not in a project, and so not in it."""

from __future__ import annotations

from typing import Any

import yaml

from metricsctl.core.errors import UsageError
from metricsctl.definition.project import Project
from metricsctl.definition.records import written
from metricsctl.definition.schema import SECTIONS, Defaults
from metricsctl.definition.source import plain_value

__all__ = ["dump"]


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.2 would not read as the text that it is, and names nothing by anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base's signature
        return True


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    plain = isinstance(plain_value(value), str) and plain_value(value) == value and value.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def dump(project: Project) -> str:
    """The definitions as the text of one file; what was made for the compact form's events is left out, since it was never written.

    Raises
    ------
    UsageError
        Files with different `defaults:` cannot be one file.
    """
    heads = {str(written(file.defaults)) for file in project.files}
    if len(heads) > 1:
        raise UsageError("files with different `defaults:` cannot be written as one", hint="dump one file at a time")
    defaults = project.files[0].defaults if project.files else None
    namespace = next((file.namespace for file in project.files if file.namespace is not None), None)
    tree: dict[str, Any] = {"version": 1}
    if namespace is not None:
        tree["namespace"] = namespace
    if isinstance(defaults, Defaults) and defaults.places:
        tree["defaults"] = written(defaults)
    for section in SECTIONS:
        records = [written(record) for record in getattr(project, section).values() if not getattr(record, "implied", False)]
        if records:
            tree[section] = records
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6))
