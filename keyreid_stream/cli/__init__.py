"""The command. What it needs of the process is set here, before any library reads it."""

from __future__ import annotations

import os
import sys

THREADING = {
    # BoxMOT's trackers solve 4 x 4 systems: several BLAS threads only wait for each other.
    "OPENBLAS_NUM_THREADS": "1",
    # Threads that wait for work sleep instead of spinning; on a busy machine spinning costs half the speed and more.
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""Environment of the numeric libraries; what the user has set stays."""

INTERRUPTED = 130
"""Exit code of what Ctrl-C ended, as shells have it."""


def run() -> None:
    """Entry point of the installed command."""
    for name, value in THREADING.items():
        os.environ.setdefault(name, value)
    try:
        from keyreid_stream.cli.main import main

        code = main()
    except KeyboardInterrupt:  # while modules or models are loaded, or in a command that has nothing to finish
        code = INTERRUPTED
    sys.exit(code)
