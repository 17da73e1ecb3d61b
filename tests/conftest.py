"""What all tests share: a deterministic Hypothesis profile, and Ctrl-C."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("clearprop", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("clearprop")

# A shell may start what runs in the background with Ctrl-C ignored; some tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
