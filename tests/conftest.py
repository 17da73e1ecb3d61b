"""What all tests share: a deterministic Hypothesis profile."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("clearprop", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("clearprop")
