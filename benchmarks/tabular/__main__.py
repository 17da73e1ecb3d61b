"""`python -m benchmarks.tabular`, from the root of a checkout."""

from __future__ import annotations

import sys

from benchmarks.tabular.run import main

if __name__ == "__main__":
    sys.exit(main())
