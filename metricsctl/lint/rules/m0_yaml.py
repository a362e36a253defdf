"""M0: YAML and schema. These are found while the files are read; here are their pages."""

from __future__ import annotations

from metricsctl.core.diagnostics import Severity
from metricsctl.lint.registry import found_by_loader

found_by_loader(
    "M001",
    "yaml-syntax",
    """YAML that does not parse, or that says a thing twice.

    ## What it does
    Reports syntax errors (a tab in the indentation, an open quote), and a key that stands twice in one mapping. Nothing else
    of the file is read where YAML itself breaks.

    ## Why
    Most YAML readers let the last of two equal keys win in silence: the metric is then not the one that a reader of the file believes in.

    ## Example
        metrics:
          - name: revenue
            agg: sum
            agg: avg

    ## Use instead
        metrics:
          - name: revenue
            agg: sum

    ## References
    - [YAML 1.2.2, 3.2.1.3: the keys of a mapping are unique](https://yaml.org/spec/1.2.2/#3213-node-comparison)
    """,
)

found_by_loader(
    "M002",
    "unknown-key",
    """A key that the language does not have.

    ## What it does
    Reports every key that is not in the schema, with the nearest one that is. Free-form data goes under `meta:`. The fix writes the nearest
    key, where one is near and not there yet: the file cannot be used as it is, so nothing that works changes its meaning.

    ## Why
    A misspelt `filtr:` would otherwise leave a metric without its filter.

    ## Example
        - {name: clicks, type: simple, source: ad_log, agg: count, filtr: is_click}

    ## Use instead
        - {name: clicks, type: simple, source: ad_log, agg: count, filter: is_click}

    ## References
    - [The keys of the language](../spec.md)
    """,
    fix="safe",
)

found_by_loader(
    "M003",
    "missing-key",
    """A key that is needed and not there.

    ## What it does
    Reports required keys that are missing, also those that only some forms need: `expr` for every aggregate but `count`, `p` for
    `percentile`, `sql` or `sql_file` for a model.

    ## Why
    There is no good guess for what a metric aggregates.

    ## Example
        - {name: revenue, type: simple, source: orders, agg: sum}

    ## Use instead
        - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## References
    - [The keys of the language](../spec.md)
    """,
)

found_by_loader(
    "M004",
    "wrong-value",
    """A value of the wrong type, or none of the words that may stand there.

    ## What it does
    Reports values that do not have the form which their key asks for: numbers, durations, grains, zones, dates, lists, choices.

    ## Why
    A wrong value would be read as something else, or fail much later.

    ## Example
        - {name: revenue, type: simple, source: orders, agg: total, expr: amount}

    ## Use instead
        - {name: revenue, type: simple, source: orders, agg: sum, expr: amount}

    ## References
    - [The keys of the language and their forms](../spec.md)
    """,
)

found_by_loader(
    "M005",
    "yaml-trap",
    """A word that YAML 1.1 takes for true, false or a number, and YAML 1.2 for text.

    ## What it does
    Reports `yes`, `no`, `on`, `off` and their kin where `true` or `false` is expected, and warns where they stand as texts or names without
    quotes, together with octal numbers (`0123`) and base-60 ones (`1:30`). The fix writes `true` or `false`, or the quotes.

    ## Why
    Files are read by YAML 1.2, where `NO` is the text "NO" (and Norway's code), not false. Editors, formatters and other tools may read
    them by YAML 1.1, and write back what they understood.

    ## Example
        exact: yes

    ## Use instead
        exact: true

    ## References
    - [YAML 1.2.2, 10.3: the core schema](https://yaml.org/spec/1.2.2/#103-core-schema)
    - [YAML 1.1: booleans](https://yaml.org/type/bool.html)
    """,
    fix="safe",
)

found_by_loader(
    "M006",
    "not-supported-yet",
    """Something of the language that this version cannot do yet, or that an older form cannot say.

    ## What it does
    `lint` warns where a metric in the compact form counts an event whose source is declared nowhere: its event time is not known.
    `ingest`, `query`, `detect` and `explain` use the same code for metrics of the full language that cannot be computed yet, each with the
    construct that hinders it and its place. Such metrics are left out of the run, and so is what stands on them.

    ## Why
    A number that ignores half of its definition is worse than none, and leaving out in silence is worse than saying so.

    ## Example
        metrics:
          - {name: orders, type: counter, source_event: order_placed, aggregation_field: "1"}

    ## Use instead
        sources:
          - {name: order_placed, time: at, columns: [{name: at, type: timestamp}]}
        metrics:
          - {name: orders, type: counter, source_event: order_placed, aggregation_field: "1"}

    ## References
    - [What is read and not computed yet](../spec.md)
    """,
    severity=Severity.WARNING,
)
