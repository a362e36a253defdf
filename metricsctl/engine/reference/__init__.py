"""The oracle: every metric computed straight from its rows, in plain Python, slow and obviously right.

It shares no code with the other engines: it has its own windows, its own reading of values and its own small SQL evaluator over the parsed
tree. Tests hold the others against it.
"""

from metricsctl.engine.reference.metrics import Reference, evaluate
from metricsctl.engine.reference.relations import Accepted, accept

__all__ = ["Accepted", "Reference", "accept", "evaluate"]
