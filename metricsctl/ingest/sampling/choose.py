"""Which entities a sample keeps: a hash of the seed and the entity's key below a bound, so that every run and every cut of the files agree.

The hash is the lower half of MD5, the same in Python and in every version of the engine; the share of keys below `rate` of its range is
binomial around `rate` (Cormode and Duffield, 2014, Sampling for Big Data: coordinated, or bottom, sampling).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from metricsctl.core.errors import UsageError

__all__ = ["Chooser", "parse_rate"]

_RATE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)\Z")
_RANGE = 1 << 64
_BETWEEN = "\x1f"


def parse_rate(text: str) -> float:
    """A share of all entities, above 0 and at most 1, of `1%` or `0.01`; UsageError if it is none.

    >>> parse_rate("1%"), parse_rate("0.25")
    (0.01, 0.25)
    """
    match = _RATE.match(text.strip())
    rate = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0 < rate <= 1:
        raise UsageError(f"--rate: '{text}' is not a share", hint="write 1%, or 0.01; at most 100%")
    return rate


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses keys. `seed` is any text, `rate` the share of the keys that is kept."""

    seed: str
    rate: float

    @property
    def salt(self) -> str:
        """What is put before a key before it is hashed."""
        return self.seed + _BETWEEN

    @property
    def bound(self) -> int:
        """Hashes below it are kept; at most 2^64."""
        return round(self.rate * _RANGE)

    def keeps(self, key: str) -> bool:
        """Whether a key is in the sample.

        >>> [key for key in ("ann", "bob", "cyd", "dan") if Chooser("0", 0.5).keeps(key)]
        ['bob', 'cyd']
        """
        digest = hashlib.md5((self.salt + key).encode(), usedforsecurity=False).digest()
        return int.from_bytes(digest[8:], "little") < self.bound
