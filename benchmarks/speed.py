"""The speed of clearprop beside its peers: `clearprop bench`, from a checkout.

Run: python benchmarks/speed.py --help. docs/benchmarks.md says what is measured and how.
"""

from __future__ import annotations

import sys

from clearprop.cli import main

sys.exit(main(["bench", *sys.argv[1:]]))
