"""`metricsctl` and `python -m metricsctl`: `--version` at once, all else by the command line."""

from __future__ import annotations

import gc
import os
import sys

from metricsctl._version import __version__

__all__ = ["main"]


def main() -> None:
    """Run the command line on `sys.argv` and exit with its code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"metricsctl {__version__}\n")
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # our matrices are small: more threads only spin, for 50 ms already at the import
    gc.set_threshold(100_000, 50, 50)  # imports make many objects and no garbage: the usual 700 costs a tenth of a short run
    try:
        from metricsctl.cli.app import run
    except KeyboardInterrupt:  # ^C while the first modules are imported
        sys.exit(130)
    code = run(arguments)
    gc.freeze()  # a last look for garbage goes over all that was imported: a sixth of a short run
    sys.exit(code)


if __name__ == "__main__":
    main()
