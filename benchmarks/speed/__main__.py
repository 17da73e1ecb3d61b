"""`python -m benchmarks.speed`, in the root of a checkout: the same as `clearprop bench` there."""

from __future__ import annotations

import sys

from clearprop.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
