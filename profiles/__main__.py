"""Measure a network per depth and put its closed forms beside it: ``python -m profiles residual --depth 50``.

Exit status: 0 as theory says, or theory says nothing; 1 if something was refuted; 2 for bad usage or input; 130 after
an interrupt.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, program: str = "python -m profiles") -> int:
    """Run the command line and return its exit status."""
    try:
        from profiles.command import run  # the slow imports, so that an interrupt finds them guarded

        return run(arguments, program)
    except KeyboardInterrupt:
        print(f"{program}: interrupted; nothing was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
