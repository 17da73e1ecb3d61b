"""Python in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", dedent(code)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | env,
    )
