"""`metricsctl schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from metricsctl.cli.io import Output
from metricsctl.cli.verb import verb

__all__ = ["schema"]

NameArgument = Annotated[
    str | None, typer.Argument(metavar="[REPORT|project]", help="Whose schema; without it, all names.", show_default=False)
]


@verb("table", "json")
def schema(out: Output, name: NameArgument = None) -> None:
    """Print the JSON Schema of a report, or of the definition files.

    Examples
    --------
    metricsctl schema
    metricsctl schema lint
    metricsctl schema project -o metricsctl.schema.json

    See Also
    --------
    rule, config
    """
    from metricsctl.render.json_schema import SchemaList, schema_of

    if name is None:
        out.write(SchemaList.of_all())
        return
    from metricsctl.definition.jsonschema import project_schema
    from metricsctl.render.json import dump
    from metricsctl.render.style import Style

    out.emit(dump(project_schema() if name == "project" else schema_of(name), Style()))
